"""The result of the latest submissions, for backends that do not know one from another."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio

from ..latest import Latest
from ..models import Run

_MAX_STARTED = 1_000


class Submissions:
    """Has each submission start one run, in this process.

    Two processes do not know of each other: a backend that is a `CanStartOnce` does.
    """

    def __init__(self) -> None:
        self._starting: dict[object, anyio.Event] = {}
        self._started: Latest[object, Run] = Latest(_MAX_STARTED)

    async def once(self, submission: object, start: Callable[[], Awaitable[Run]]) -> Run:
        """Return what `start` returns, or returned when this submission came before and did not fail."""
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
