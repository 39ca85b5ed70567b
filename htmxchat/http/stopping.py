"""Calls open streams at an interval, and detects that the server is shutting down: idle streams must not delay it.

ASGI notifies an application of the shutdown only after every response has ended, and an open stream does not end. With
uvicorn (also under gunicorn, and with `--reload`), it can be detected before: its signal handler is a method of an
object with the flag `should_exit`. It is only read. Other servers limit the wait themselves or have an option for it.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Coroutine
from typing import Any, TypeAlias

import anyio
from anyio.abc import TaskGroup

OnTick: TypeAlias = Callable[[float, bool], None]
"""Is called with the time of the loop, and whether the server is shutting down."""


class Ticker:
    """Calls every open stream at an interval, for its heartbeat and for its end when the server shuts down.

    One task serves all of them, because there may be thousands of idle streams. It runs only while there are some.

    Args:
        prepare: Called once, when the shutdown begins while there are streams.
        interval: Seconds.
    """

    def __init__(
        self, prepare: Callable[[], Coroutine[Any, Any, None]] | None = None, *, interval: float = 0.25
    ) -> None:
        self._prepare = prepare
        self._interval = interval
        self._preparing: asyncio.Task[None] | None = None
        self._watching: set[OnTick] = set()
        self._task: asyncio.Task[None] | None = None

    def watch(self, on_tick: OnTick, tasks: TaskGroup) -> None:
        """Call `on_tick` until it leaves.

        Args:
            tasks: Where it has a task of its own if the loop is not asyncio's. No shutdown is detected then: uvicorn,
                by which it is detected, uses nothing else.
        """
        self._watching.add(on_tick)
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            tasks.start_soon(self._call, on_tick)
            return
        if self._task is None or self._task.done() or self._task.get_loop() is not loop:
            self._task = loop.create_task(self._call_all())

    def leave(self, on_tick: OnTick) -> None:
        """Call it no more."""
        self._watching.discard(on_tick)

    async def _call(self, on_tick: OnTick) -> None:
        while on_tick in self._watching:
            await anyio.sleep(self._interval)
            on_tick(anyio.current_time(), False)

    async def _call_all(self) -> None:
        loop = asyncio.get_running_loop()
        while self._watching:
            await asyncio.sleep(self._interval)
            stopping = is_stopping()
            prepared = self._preparing is not None and self._preparing.get_loop() is loop
            if stopping and self._prepare is not None and not prepared:
                self._preparing = loop.create_task(self._prepare())
            for on_tick in tuple(self._watching):
                on_tick(loop.time(), stopping)


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
