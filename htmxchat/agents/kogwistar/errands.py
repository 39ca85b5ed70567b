"""What is asked of the server on the side, seldom, while pages show what is remembered."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

from ...errors import ChatError

log = logging.getLogger("htmxchat")
_MOST = 10_000


class Errands:
    """Work in the background that nobody needs to wait for; its failures are noted, and it is due again."""

    def __init__(self) -> None:
        self.tasks: set[asyncio.Task[Any]] = set()
        self._done: dict[str, float] = {}
        self._failures: dict[str, ChatError] = {}

    def due(self, what: str, seconds: float) -> bool:
        """Return whether it is time to do something again; if so, it counts as done now."""
        now = asyncio.get_running_loop().time()
        if what in self._done and now - self._done[what] < seconds:
            return False
        if len(self._done) > _MOST:
            self._done.clear()
            self._failures.clear()
        self._done[what] = now
        return True

    def forget(self, what: str) -> None:
        """Make something due."""
        self._done.pop(what, None)

    def failure(self, name: str) -> ChatError | None:
        """Return why work of this name failed the last time, if it did."""
        return self._failures.get(name)

    def running(self, name: str) -> bool:
        """Return whether work of this name goes on."""
        return any(task.get_name() == name for task in self.tasks)

    async def run(self, work: Coroutine[Any, Any, Any], wait: float = 0.0, name: str | None = None) -> bool:
        """Begin `work`, and wait a little for its end. Returns whether it is done and what it returned is true."""
        task = asyncio.create_task(self._quietly(work, name or ""), name=name)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        if wait:
            await asyncio.wait({task}, timeout=wait)
        return task.done() and not task.cancelled() and bool(task.result())

    async def close(self, patience: float) -> None:
        """Wait a little for what is going on, then cancel it."""
        pending = set(self.tasks)
        if pending:
            await asyncio.wait(pending, timeout=patience)
        for task in pending:
            task.cancel()
        self._done.clear()
        self._failures.clear()

    async def _quietly(self, work: Coroutine[Any, Any, Any], name: str) -> Any:
        try:
            result = await work
        except ChatError as error:
            log.info("Something in the background failed: %s", error)
            self._failures[name] = error
            self.forget(name)
            return None
        self._failures.pop(name, None)
        return result
