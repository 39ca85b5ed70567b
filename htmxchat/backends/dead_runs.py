"""Ends the runs of processes that are gone."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Container
from datetime import UTC, datetime, timedelta
from functools import partial

from ..errors import BackendUnavailable, ChatError
from ..store import Store
from .log_writer import Timing

SILENT = "The answer was interrupted: the server that wrote it stopped, or lost its database. What it wrote is kept."

log = logging.getLogger("htmxchat")
_LOOKS = 5


class DeadRuns:
    """Finds runs without a sign of life, and ends them.

    An old sign of life proves nothing: perhaps nobody could reach the database, and the owner is about to go on. So
    such a run is watched first. Only one whose owner says nothing while the database answers is ended.
    """

    def __init__(self, store: Store, timing: Timing) -> None:
        self._store = store
        self._timing = timing
        self._watches: dict[tuple[str, str], asyncio.Task[None]] = {}

    async def look(self, user_id: str, own: Container[str]) -> None:
        """Begin to watch what seems dead of a user's runs, but for those of this process."""
        silent_since = datetime.now(UTC) - timedelta(seconds=self._timing.expire)
        for run_id, alive_at in await self._store.silent_runs(user_id, silent_since):
            which = user_id, run_id
            if run_id in own or which in self._watches:
                continue
            if not self._timing.watch:
                await self._store.end_dead_run(run_id, alive_at, SILENT)
                continue
            self._watches[which] = watch = asyncio.create_task(self._watch(run_id, alive_at))
            watch.add_done_callback(partial(self._forget, which))

    async def settle(self, user_id: str) -> None:
        """Wait until it is known which of a user's runs are dead; not longer than that should take."""
        watches = [watch for (user, _), watch in self._watches.items() if user == user_id]
        if watches:
            await asyncio.wait(watches, timeout=2 * self._timing.watch)

    def close(self) -> None:
        for watch in self._watches.values():
            watch.cancel()

    def _forget(self, which: tuple[str, str], _watch: asyncio.Task[None]) -> None:
        self._watches.pop(which, None)

    async def _watch(self, run_id: str, alive_at: datetime) -> None:
        looks = 0
        try:
            while looks < _LOOKS:
                await asyncio.sleep(self._timing.watch / _LOOKS)
                try:
                    if await self._store.alive_at(run_id) != alive_at:
                        return
                    looks += 1
                except BackendUnavailable:
                    looks = 0
            await self._store.end_dead_run(run_id, alive_at, SILENT)
        except ChatError as error:
            log.warning("Run %s seems dead and could not be ended: %s", run_id, error)
        except Exception:
            log.exception("Run %s seems dead and could not be ended.", run_id)
