"""Reads from the server in the background, while pages show what is in the journal."""

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
    """Reads, each with a name. One that has failed is due again at once."""

    def __init__(self) -> None:
        self._reads: Latest[str, _Read] = Latest(_MAX_READS)
        self._running: set[asyncio.Task[ChatError | None]] = set()

    async def read(
        self, name: str, every: float, wait: float, work: Callable[[], Awaitable[None]], *, needed: bool = False
    ) -> bool:
        """Begin to read, unless it runs or began less than `every` seconds ago, and wait up to `wait` seconds.

        Args:
            needed: Whether the page has nothing else to show.

        Returns:
            Whether it was begun now and has succeeded.

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
        """Return whether a read of this name is running."""
        read = self._reads.get(name)
        return read is not None and not read.task.done()

    def forget(self, name: str) -> None:
        """Make a read due."""
        if read := self._reads.get(name):
            read.begun = float("-inf")

    async def close(self, patience: float) -> None:
        """Wait up to `patience` seconds for reads that are running, then cancel them."""
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
