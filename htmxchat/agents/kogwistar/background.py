"""What is read from the server again now and then, in the background, while pages show what is remembered."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from ...errors import ChatError
from ...latest import Latest

log = logging.getLogger("htmxchat")
_MAX_READS = 10_000


@dataclass
class _Read:
    begun: float
    task: asyncio.Task[ChatError | None]

    @property
    def failure(self) -> ChatError | None:
        return self.task.result() if self.task.done() and not self.task.cancelled() else None


class Background:
    """Reads by name. One that has failed is due again at once."""

    def __init__(self) -> None:
        self._reads: Latest[str, _Read] = Latest(_MAX_READS)
        self._running: set[asyncio.Task[ChatError | None]] = set()

    async def read(
        self, name: str, every: float, wait: float, work: Callable[[], Awaitable[None]], *, needed: bool = False
    ) -> bool:
        """Begin to read, unless that was done in the last seconds or continues, and wait a little for its end.

        Args:
            needed: Whether there is nothing to be shown without it.

        Returns:
            Whether it was begun now and has ended well.

        Raises:
            ChatError: It is needed, and could not be read.
        """
        now = asyncio.get_running_loop().time()
        before = self._reads.get(name)
        if before and (not before.task.done() or (now - before.begun < every and before.failure is None)):
            return False
        task = asyncio.create_task(_quietly(work), name=f"kogwistar {name}")
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        read = _Read(now, task)
        self._reads.put(name, read)
        if wait:
            await asyncio.wait({task}, timeout=wait)
        if needed and read.failure is not None:
            raise read.failure
        return task.done() and read.failure is None

    def running(self, name: str) -> bool:
        """Return whether a read of this name continues."""
        read = self._reads.get(name)
        return read is not None and not read.task.done()

    def forget(self, name: str) -> None:
        """Make a read due."""
        if read := self._reads.get(name):
            read.begun = float("-inf")

    async def close(self, patience: float) -> None:
        """Wait some seconds for what continues, then cancel it."""
        if tasks := set(self._running):
            await asyncio.wait(tasks, timeout=patience)
        for task in tasks:
            task.cancel()


async def _quietly(work: Callable[[], Awaitable[None]]) -> ChatError | None:
    try:
        await work()
    except ChatError as error:
        log.info("A read in the background failed: %s", error)
        return error
    return None
