"""The runs of the latest submissions, for backends that are not `CanStartOnce`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio

from ..latest import Latest
from ..models import Run

_MAX_STARTED = 1_000


class Submissions:
    """Starts one run for each submission, in this process. Across processes, only a `CanStartOnce` backend does."""

    def __init__(self) -> None:
        self._starting: dict[object, anyio.Event] = {}
        self._started: Latest[object, Run] = Latest(_MAX_STARTED)

    async def once(self, submission: object, start: Callable[[], Awaitable[Run]]) -> Run:
        """Call `start` and return its run, or return the run of an earlier call with the same submission."""
        while (first := self._starting.get(submission)) is not None:
            await first.wait()
        if (run := self._started.get(submission)) is not None:
            return run
        done = self._starting[submission] = anyio.Event()
        try:
            run = await start()
            self._started.put(submission, run)
        finally:
            del self._starting[submission]
            done.set()
        return run
