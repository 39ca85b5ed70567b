"""Detects that the server is shutting down, so that idle streams do not delay it.

ASGI notifies an application of the shutdown only after every response has ended, and an open stream does not end. With
uvicorn (also under gunicorn, and with `--reload`), it can be detected before: its signal handler is a method of an
object with the flag `should_exit`. It is only read. Other servers limit the wait themselves or have an option for it.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Coroutine
from typing import Any

_INTERVAL = 0.25


class ServerStop:
    """Calls its watchers repeatedly while the server waits for open responses.

    One timer serves all of them, because there may be thousands of idle streams. It runs only while there are watchers.

    Args:
        prepare: Called once, when the shutdown begins while there are watchers.
    """

    def __init__(self, prepare: Callable[[], Coroutine[Any, Any, None]] | None = None) -> None:
        self._prepare = prepare
        self._preparing: asyncio.Task[None] | None = None
        self._watching: set[Callable[[float], None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None

    def watch(self, on_stop: Callable[[float], None]) -> None:
        """Call `on_stop` with the time while the server shuts down. Only on asyncio, as uvicorn uses nothing else."""
        self._watching.add(on_stop)
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return
        if self._loop is not loop:
            self._loop = loop
            loop.call_later(_INTERVAL, self._look, loop)

    def leave(self, on_stop: Callable[[float], None]) -> None:
        """Remove a watcher."""
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
    """Return whether uvicorn in this process has begun to shut down."""
    for number in (signal.SIGTERM, signal.SIGINT):
        server = getattr(signal.getsignal(number), "__self__", None)
        if getattr(server, "should_exit", False) is True:
            return True
        # With --limit-max-requests, uvicorn stops without a signal: it closes its listening sockets.
        listening = getattr(server, "servers", None)
        if isinstance(listening, list) and listening and not any(each.is_serving() for each in listening):
            return True
    return False
