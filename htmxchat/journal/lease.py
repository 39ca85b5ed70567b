"""One lease for a process: says that it is alive, hears of stops from elsewhere, and finds processes that are gone."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Protocol

from ..errors import BackendUnavailable
from ..store import Store
from .outage import Outage
from .timing import Timing

log = logging.getLogger("htmxchat")
_SOON = 0.3
_PATIENCE = 1.0


class OwnRun(Protocol):
    """An active run of this process."""

    def stop(self) -> None:
        """The user has asked it to stop."""

    def lose(self) -> None:
        """It is someone else's now."""


class Lease:
    """Renewed once a second while the process has active runs.

    An old sign of life proves nothing about another process: perhaps no one could reach the database, and it is about
    to continue. So such a process is watched first. Only one that says nothing while the database answers is gone.

    Args:
        owner: The process, as the store knows it.
        agent: Whose runs it can continue with; `None` when it can with none.
        runs: The active runs of this process, by id.
        on_gone: Called with a process that is gone, and its last sign of life.
        on_left: Called with runs that no process has, and since when those of other agents are anybody's.
    """

    def __init__(
        self,
        store: Store,
        owner: str,
        agent: str | None,
        outage: Outage,
        timing: Timing,
        runs: Mapping[str, OwnRun],
        on_gone: Callable[[str, datetime | None], Awaitable[None]],
        on_left: Callable[[Sequence[str], datetime], Awaitable[None]],
    ) -> None:
        self._store = store
        self._owner = owner
        self._agent = agent
        self._outage = outage
        self._timing = timing
        self._runs = runs
        self._on_gone = on_gone
        self._on_left = on_left
        self._unknown: set[str] = set()
        self._watched: dict[str, tuple[datetime | None, int]] = {}
        self._leased = False
        self._soon = asyncio.Event()

    async def keep(self) -> None:
        """Renew and look, until cancelled."""
        while True:
            try:
                if self._runs or self._leased:
                    await self._patient(self._renew())
                await self._patient(self._look())
                self._outage.over()
            except BackendUnavailable:
                self._outage.failed()
            except Exception:
                log.exception("The lease of this process could not be renewed.")
            renew = self._timing.renew
            with suppress(TimeoutError):
                async with asyncio.timeout(min(renew, _SOON) if self._outage.suspected else renew):
                    await self._soon.wait()
            self._soon.clear()

    async def renew(self) -> None:
        """Say that the process is alive, before its first run is stored."""
        if not self._leased:
            await self._renew()
            self._leased = True

    def look_now(self) -> None:
        """Do not wait: someone has answered a run that no process has."""
        self._soon.set()

    async def end(self) -> None:
        """Say that the process is gone."""
        if self._leased:
            self._leased = False
            await self._store.logs.end_lease(self._owner)

    async def _renew(self) -> None:
        own = set(self._runs)
        stored = await self._store.logs.renew_lease(self._owner)
        for run_id in own & self._runs.keys():
            run = self._runs[run_id]
            if run_id not in stored:
                run.lose()
            elif stored[run_id]:
                run.stop()
        await self._give_up_unknown({run_id for run_id in stored if run_id not in own | self._runs.keys()})

    async def _give_up_unknown(self, unknown: set[str]) -> None:
        """Leave runs that are this process's for the store only: it never heard that they were stored.

        One that is about to be told so is unknown just once.
        """
        if lost := unknown & self._unknown:
            log.warning("%d runs of this process were given up: the database did not say that it has them.", len(lost))
            await self._store.takeover.give_up_runs(sorted(lost), self._owner)
            self.look_now()
        self._unknown = unknown - lost

    async def _look(self) -> None:
        now = datetime.now(UTC)
        silent_since = now - timedelta(seconds=self._timing.expire)
        orphans_since = now - timedelta(seconds=self._timing.orphan)
        left = await self._store.takeover.look_for_left(self._owner, self._agent, silent_since, orphans_since)
        looks = ceil(self._timing.watch / self._timing.renew)
        before, self._watched = self._watched, {}
        for process, alive_at in left.silent.items():
            last, count = before.get(process, (alive_at, 0))
            count = count + 1 if last == alive_at else 1
            if count > looks:
                await self._on_gone(process, alive_at)
                self.look_now()
            else:
                self._watched[process] = alive_at, count
        if left.runs:
            await self._on_left(left.runs, orphans_since)

    async def _patient(self, work: Awaitable[None]) -> None:
        """Await `work`; a database may also just say nothing."""
        task = asyncio.ensure_future(work)
        try:
            while not task.done():
                await asyncio.wait({task}, timeout=_PATIENCE)
                if not task.done():
                    self._outage.failed()
            await task
        finally:
            task.cancel()
