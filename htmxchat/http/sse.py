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

from .stopping import ServerStop


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
_HEADERS = (
    (b"cache-control", b"no-store, no-transform"),
    (b"x-accel-buffering", b"no"),
    (b"content-type", b"text/event-stream; charset=utf-8"),
)
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
        stop: Detects that the server is shutting down.
    """

    media_type = "text/event-stream"

    def __init__(
        self,
        produce: Callable[[Emit, TaskGroup], Awaitable[None]],
        *,
        heartbeat: float = 15.0,
        send_timeout: float = 30.0,
        lifetime: float | None = None,
        stop: ServerStop | None = None,
    ) -> None:
        self.status_code = 200
        self.background = None
        self.raw_headers = [*_HEADERS]
        self._produce = produce
        self._heartbeat = heartbeat
        self._send_timeout = send_timeout
        self._lifetime = math.inf if lifetime is None else lifetime
        self._stop = stop or ServerStop()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with anyio.create_task_group() as tasks:
            tasks.cancel_scope.deadline = anyio.current_time() + self._lifetime
            connection = _Connection(send, self._send_timeout, tasks.cancel_scope)
            tasks.start_soon(self._watch, receive, connection, tasks.cancel_scope)
            try:
                await connection.begin(self.status_code, self.raw_headers)
                if scope["method"] != "HEAD":
                    self._stop.watch(connection.end_if_silent)
                    await self._produce(connection.emit, tasks)
            finally:
                self._stop.leave(connection.end_if_silent)
                tasks.cancel_scope.cancel()
        if connection.open:
            with suppress(OSError), anyio.move_on_after(self._send_timeout):
                await send(_END)

    async def _watch(self, receive: Receive, connection: _Connection, scope: anyio.CancelScope) -> None:
        while True:
            with anyio.move_on_after(self._heartbeat) as quiet:
                message = await receive()
                if message["type"] == "http.disconnect":
                    connection.open = False
                    scope.cancel()
                    return
            if quiet.cancelled_caught:
                await connection.heartbeat(self._heartbeat)


class _Connection:
    """Sends to one client, one message at a time.

    Attributes:
        open: Whether the response has begun and the client still accepts data.
    """

    def __init__(self, send: Send, timeout: float, response: anyio.CancelScope) -> None:
        self._send = send
        self._timeout = timeout
        self._response = response
        self._sending: anyio.Event | None = None
        self._sent_at = anyio.current_time()
        self.open = False

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
            self._response.cancel()
            await anyio.sleep_forever()
        finally:
            self._sending.set()
            self._sending = None
        self._sent_at = anyio.current_time()
        self.open = True

    async def begin(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        # A copy, because middleware adds to it.
        await self.send({"type": "http.response.start", "status": status, "headers": [*headers]})

    async def emit(self, event: ServerSentEvent) -> None:
        await self.send({"type": "http.response.body", "body": event.encode(), "more_body": True})

    def end_if_silent(self, now: float) -> None:
        """End the response if nothing was sent recently. The client then reconnects to another process."""
        if now - self._sent_at >= _SILENT:
            self._response.cancel()

    async def heartbeat(self, interval: float) -> None:
        if self.open and anyio.current_time() - self._sent_at >= interval / 2:
            await self.send({"type": "http.response.body", "body": b":\n\n", "more_body": True})
