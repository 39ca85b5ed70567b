"""The lease of a process: renews its heartbeat, receives stop requests, and finds dead processes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
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
        """Stop it, as the user requested."""

    def lose(self) -> None:
        """Drop it: another process owns it now."""


class Lease:
    """Renewed once a second while the process has active runs.

    An old heartbeat does not prove that another process is dead: perhaps the database was unreachable for everyone. So
    such a process is watched first. It counts as dead only if it sends no heartbeat while the database is reachable.

    Args:
        owner: The id of this process in the store.
        agents: The names of the agents whose runs it can resume.
        runs: The active runs of this process, by id.
        on_dead: Called with a dead process and its last heartbeat.
        on_abandoned: Called with runs that no process owns, and a time: other agents' runs released before it may be
            ended.
    """

    def __init__(
        self,
        store: Store,
        owner: str,
        agents: Collection[str],
        outage: Outage,
        timing: Timing,
        runs: Mapping[str, OwnRun],
        on_dead: Callable[[str, datetime | None], Awaitable[None]],
        on_abandoned: Callable[[Sequence[str], datetime], Awaitable[None]],
    ) -> None:
        self._store = store
        self._owner = owner
        self._agents = agents
        self._outage = outage
        self._timing = timing
        self._runs = runs
        self._on_dead = on_dead
        self._on_abandoned = on_abandoned
        self._unknown: set[str] = set()
        self._watched: dict[str, tuple[datetime | None, int]] = {}
        self._leased = False
        self._soon = asyncio.Event()

    async def keep(self) -> None:
        """Renew the lease and check the other processes, until cancelled."""
        while True:
            try:
                if self._runs or self._leased:
                    await self._watch_for_outage(self._renew())
                await self._watch_for_outage(self._check_others())
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
        """Begin the lease, before the first run is stored."""
        if not self._leased:
            await self._renew()
            self._leased = True

    def check_now(self) -> None:
        """Check at once, for example because a run without an owner was answered."""
        self._soon.set()

    async def end(self) -> None:
        """End the lease."""
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
        """Release runs that this process owns in the store but does not know: it never received the commit's
        confirmation.

        A run whose confirmation is on its way is unknown only once, so the second time counts.
        """
        if lost := unknown & self._unknown:
            log.warning("Released %d runs of this process whose start the database did not confirm.", len(lost))
            await self._store.takeover.give_up_runs(sorted(lost), self._owner)
            self.check_now()
        self._unknown = unknown - lost

    async def _check_others(self) -> None:
        now = datetime.now(UTC)
        silent_since = now - timedelta(seconds=self._timing.expire)
        orphans_since = now - timedelta(seconds=self._timing.orphan)
        left = await self._store.takeover.find_abandoned(self._owner, self._agents, silent_since, orphans_since)
        checks = ceil(self._timing.watch / self._timing.renew)
        before, self._watched = self._watched, {}
        for process, alive_at in left.silent.items():
            last, count = before.get(process, (alive_at, 0))
            count = count + 1 if last == alive_at else 1
            if count > checks:
                await self._on_dead(process, alive_at)
                self.check_now()
            else:
                self._watched[process] = alive_at, count
        if left.runs:
            await self._on_abandoned(left.runs, orphans_since)

    async def _watch_for_outage(self, work: Awaitable[None]) -> None:
        """Await `work`; a database that does not answer counts as an outage."""
        task = asyncio.ensure_future(work)
        try:
            while not task.done():
                await asyncio.wait({task}, timeout=_PATIENCE)
                if not task.done():
                    self._outage.failed()
            await task
        finally:
            task.cancel()
