"""Notices that the server is about to stop, so that a stream with nothing to say does not hold it up.

ASGI tells an application that the server stops when every response has ended, which an open stream never does. uvicorn
(also under gunicorn, and with `--reload`) can be asked before: its signal handler belongs to an object that says
whether it is to exit. That is looked up, and nothing is changed. Other servers bound the wait themselves, or have an
option that does.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Coroutine
from typing import Any

_INTERVAL = 0.25


class ServerStop:
    """Calls those who watch, again and again, while the server waits for open responses.

    One timer for all of them: thousands of streams are idle at a time. It runs only while someone watches.

    Args:
        prepare: Called once, when the server begins to stop while someone watches.
    """

    def __init__(self, prepare: Callable[[], Coroutine[Any, Any, None]] | None = None) -> None:
        self._prepare = prepare
        self._preparing: asyncio.Task[None] | None = None
        self._watching: set[Callable[[float], None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None

    def watch(self, on_stop: Callable[[float], None]) -> None:
        """Have `on_stop` called with the time from now on. Only on asyncio: uvicorn runs on nothing else."""
        self._watching.add(on_stop)
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return
        if self._loop is not loop:
            self._loop = loop
            loop.call_later(_INTERVAL, self._look, loop)

    def leave(self, on_stop: Callable[[float], None]) -> None:
        """Call it no more."""
        self._watching.discard(on_stop)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._loop is not loop:
            return
        if not self._watching:
            self._loop = None
            return
        if is_stopping():
            if self._prepare is not None and (self._preparing is None or self._preparing.get_loop() is not loop):
                self._preparing = loop.create_task(self._prepare())
            for on_stop in tuple(self._watching):
                on_stop(loop.time())
        loop.call_later(_INTERVAL, self._look, loop)


def is_stopping() -> bool:
    """Return whether the uvicorn that runs in this process has begun to stop."""
    for number in (signal.SIGTERM, signal.SIGINT):
        server = getattr(signal.getsignal(number), "__self__", None)
        if getattr(server, "should_exit", False) is True:
            return True
        # With --limit-max-requests it stops by itself: it then takes no more connections.
        listening = getattr(server, "servers", None)
        if isinstance(listening, list) and listening and not any(each.is_serving() for each in listening):
            return True
    return False
