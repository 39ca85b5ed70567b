"""Server-sent events, independent of the chat.

The format is defined by the HTML standard, section 9.2.5 ("Parsing an event stream"). Lines end in LF only: a client
that receives `CR LF` split across two chunks may parse an extra empty line.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeAlias

import anyio
import anyio.lowlevel
from anyio.abc import TaskGroup
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from .detaching import Detached
from .stopping import Ticker


@dataclass(frozen=True, slots=True)
class ServerSentEvent:
    """One message.

    Attributes:
        data: Any text; `CR LF` and `CR` become `LF`.
        event: Its name; `None` for an unnamed message.
        id: The client sends it as `Last-Event-ID` when it reconnects.
    """

    data: str = ""
    event: str | None = None
    id: str | None = None

    def encode(self) -> bytes:
        """Return the message as UTF-8, including the final empty line."""
        lines = []
        if self.id is not None:
            lines.append(f"id: {_single_line(self.id)}")
        if self.event is not None:
            lines.append(f"event: {_single_line(self.event)}")
        text = self.data.replace("\r\n", "\n").replace("\r", "\n")
        lines.extend(f"data: {line}" for line in text.split("\n"))
        return ("\n".join(lines) + "\n\n").encode("utf-8", "replace")


def _single_line(value: str) -> str:
    """Remove line ends and NUL: they would start another field or make the client ignore the id."""
    return value.translate({10: None, 13: None, 0: None})


Emit: TypeAlias = Callable[[ServerSentEvent], Awaitable[None]]
"""Sends one message; returns when the connection has accepted it."""


_SILENT = 2.0
_INTERVAL = 0.25
_HEADERS = (
    (b"cache-control", b"no-store, no-transform"),
    (b"x-accel-buffering", b"no"),
    (b"content-type", b"text/event-stream; charset=utf-8"),
)
_COMMENT: Message = {"type": "http.response.body", "body": b":\n\n", "more_body": True}
_END: Message = {"type": "http.response.body", "body": b"", "more_body": False}


class EventStreamResponse(Response):
    """A response that stays open while `produce` emits messages.

    It ends when `produce` returns, when the client disconnects, when the client accepts nothing for `send_timeout`
    seconds, after `lifetime` seconds, or when the server is shutting down and nothing was sent for two seconds. In all
    cases but the first, `produce` is cancelled. After `heartbeat` seconds without a message, a comment is sent, so that
    proxies keep the connection open and a dead connection is detected.

    Args:
        produce: Called once with `emit` and with the response's task group, for its background tasks: one group per
            stream saves memory. An exception from it is raised again after the stream has ended.
        heartbeat: Seconds.
        send_timeout: Seconds.
        lifetime: Seconds; `None` for no limit.
        ticker: Tells when a heartbeat is due, and that the server is shutting down.
    """

    media_type = "text/event-stream"
    status_code = 200
    background = None

    def __init__(
        self,
        produce: Callable[[Emit, TaskGroup], Awaitable[None]],
        *,
        heartbeat: float = 15.0,
        send_timeout: float = 30.0,
        lifetime: float | None = None,
        ticker: Ticker | None = None,
    ) -> None:
        self.raw_headers = [*_HEADERS]
        self._produce = produce
        self._heartbeat = heartbeat
        self._send_timeout = send_timeout
        self._lifetime = math.inf if lifetime is None else lifetime
        self._ticker = ticker or Ticker(interval=min(heartbeat, _INTERVAL))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        message = {"type": "http.response.start", "status": self.status_code, "headers": [*self.raw_headers]}
        if not await self._begin(send, message):
            return
        if scope["method"] == "HEAD":
            await send(_END)
        elif (detached := Detached.of(scope)) is not None:
            detached.send = self._continue
        else:
            await self._continue(receive, send)

    async def _begin(self, send: Send, message: Message) -> bool:
        """Return whether the client is still there."""
        with suppress(OSError), anyio.move_on_after(self._send_timeout):
            await send(message)
            return True
        return False

    async def _continue(self, receive: Receive, send: Send) -> None:
        async with anyio.create_task_group() as tasks:
            tasks.cancel_scope.deadline = anyio.current_time() + self._lifetime
            connection = _Connection(send, self._send_timeout, self._heartbeat, tasks)
            tasks.start_soon(connection.watch, receive, name="watch")
            try:
                self._ticker.watch(connection.tick, tasks)
                await self._produce(connection.emit, tasks)
            finally:
                self._ticker.leave(connection.tick)
                tasks.cancel_scope.cancel()
        if connection.open:
            with suppress(OSError), anyio.move_on_after(self._send_timeout):
                await send(_END)


class _Connection:
    """Sends to one client, one message at a time.

    Attributes:
        open: Whether the client still accepts data.
    """

    def __init__(self, send: Send, timeout: float, heartbeat: float, tasks: TaskGroup) -> None:
        self._send = send
        self._timeout = timeout
        self._heartbeat = heartbeat
        self._tasks = tasks
        self._sending: anyio.Event | None = None
        self._sent_at = anyio.current_time()
        self.open = True

    async def send(self, message: Message) -> None:
        await anyio.lowlevel.checkpoint_if_cancelled()  # `send` may not await, and so would not be cancelled
        # A lock that exists only while it is held, to save memory in thousands of idle streams.
        while self._sending is not None:
            await self._sending.wait()
        self._sending = anyio.Event()
        try:
            with anyio.fail_after(self._timeout):
                await self._send(message)
        except (OSError, TimeoutError):
            # The client has disconnected or accepts nothing. Cancel instead of raising: task groups in `produce` would
            # wrap an exception.
            self.open = False
            self._tasks.cancel_scope.cancel()
            await anyio.sleep_forever()
        finally:
            self._sending.set()
            self._sending = None
        self._sent_at = anyio.current_time()

    async def emit(self, event: ServerSentEvent) -> None:
        await self.send({"type": "http.response.body", "body": event.encode(), "more_body": True})

    async def watch(self, receive: Receive) -> None:
        """Cancel everything when the client disconnects."""
        while (await receive())["type"] != "http.disconnect":
            pass
        self.open = False
        self._tasks.cancel_scope.cancel()

    def tick(self, now: float, stopping: bool) -> None:
        silent = now - self._sent_at
        if stopping and silent >= _SILENT:
            # The client then reconnects to another process.
            self._tasks.cancel_scope.cancel()
        elif silent >= self._heartbeat and self._sending is None:
            self._tasks.start_soon(self.send, _COMMENT)
