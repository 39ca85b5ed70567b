"""Stores the pending events of all runs of a process, one transaction per frame."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from contextvars import Context

from ..errors import BackendUnavailable
from ..store import Batch
from ..store.run_logs import RunLogs
from .outage import Outage
from .run_log import RunLog
from .timing import Timing

log = logging.getLogger("htmxchat")
_RETRY_DELAYS = (0.05, 0.1, 0.2, 0.4, 0.8)


class Writer:
    """Writes everything that was queued within a frame in one transaction, and never runs two transactions at a time.

    If the database is unreachable, it retries without limit; `RunLog.full` blocks fast agents meanwhile. If the
    database rejects a transaction of several runs, each run is retried alone, so that one run's failure does not affect
    others.

    Args:
        owner: The id of this process in the store.
    """

    def __init__(self, logs: RunLogs, owner: str, outage: Outage, timing: Timing) -> None:
        self._logs = logs
        self._owner = owner
        self._outage = outage
        self._timing = timing
        self._waiting: dict[str, RunLog] = {}
        self._task: asyncio.Task[None] | None = None
        self._hurry = asyncio.Event()

    def wake(self, run: RunLog, *, hurry: bool = False) -> None:
        """Queue a run that has something to write. With `hurry`, do not wait for the end of the frame."""
        self._waiting[run.run_id] = run
        if hurry:
            self._hurry.set()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._write(), name="htmxchat writer", context=Context())

    async def close(self) -> None:
        """Stop writing; pending events are lost."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def _write(self) -> None:
        """Write until nothing is pending, at most one transaction per frame."""
        loop = asyncio.get_running_loop()
        while self._waiting:
            began = loop.time()
            self._hurry.clear()
            runs, self._waiting = self._waiting, {}
            batches = [(run, batch) for run in runs.values() if not (batch := run.take()).empty]
            if batches:
                await self._save(batches)
            with suppress(TimeoutError):
                async with asyncio.timeout_at(began + self._timing.frame):
                    await self._hurry.wait()

    async def _save(self, batches: list[tuple[RunLog, Batch]], again: bool = False) -> None:
        outages = 0
        while True:
            try:
                refused = await self._logs.append([batch for _, batch in batches], self._owner, again=again)
            except BackendUnavailable:
                self._outage.failed()
                await asyncio.sleep(_RETRY_DELAYS[min(outages, len(_RETRY_DELAYS) - 1)])
                outages += 1
                again = True
            except Exception:
                return await self._save_each(batches)
            else:
                break
        self._outage.over()
        for run, batch in batches:
            if batch.run_id in refused:
                log.error("Run %s is no longer owned by this process. Its agent is stopped.", run.run_id)
                run.lose()
            else:
                run.saved(batch.events)

    async def _save_each(self, batches: list[tuple[RunLog, Batch]]) -> None:
        """Write each run in a transaction of its own, because the database rejected them together."""
        if len(batches) > 1:
            for each in batches:
                await self._save([each], again=True)
            return
        ((run, batch),) = batches
        now = asyncio.get_running_loop().time
        delay, until = 0.05, now() + self._timing.refused
        while now() < until:
            log.exception("%d events of run %s could not be stored.", len(batch.events), run.run_id)
            await asyncio.sleep(delay)
            delay = min(4 * delay, 1.0)
            try:
                refused = await self._logs.append([batch], self._owner, again=True)
            except BackendUnavailable:
                return await self._save(batches, again=True)
            except Exception:
                continue
            return run.lose() if refused else run.saved(batch.events)
        run.refuse(batch.events)
        if run.pending:
            self.wake(run)
