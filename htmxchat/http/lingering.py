"""Responses before the end of a request's body: the connection is closed once the client can have read them."""

from __future__ import annotations

import anyio
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_PAUSE = 5.0
"""Seconds without anything after which a client is taken to wait for the end of the connection."""


class LingeringClose:
    """ASGI middleware that closes the connection after a response before the end of the request's body.

    A client that still sends when the connection is closed loses the response: Firefox and Safari show an error of the
    network. So the rest of the body is read first, and dropped.

    Args:
        seconds: The time from the request's begin after which nothing more of it is read.
    """

    def __init__(self, app: ASGIApp, seconds: float) -> None:
        self._app = app
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not _announces_body(scope):
            await self._app(scope, receive, send)
            return
        end = anyio.current_time() + self._seconds
        whole = early = False

        async def receive_noted() -> Message:
            nonlocal whole
            message = await receive()
            whole = not message.get("more_body", False)
            return message

        async def send_noted(message: Message) -> None:
            nonlocal early
            if message["type"] == "http.response.start" and not whole:
                early = True
                MutableHeaders(scope=message)["connection"] = "close"
            elif early and not message.get("more_body", False):
                await send({**message, "more_body": True})
                idle = False
                while not (whole or idle) and (left := end - anyio.current_time()) > 0:
                    with anyio.move_on_after(min(_PAUSE, left)) as waiting:
                        await receive_noted()
                    idle = waiting.cancelled_caught
                message = {"type": "http.response.body"}
            await send(message)

        await self._app(scope, receive_noted, send_noted)


def _announces_body(scope: Scope) -> bool:
    """Return whether the request has a body and its own connection, as in HTTP/1."""
    headers = Headers(scope=scope)
    alone = str(scope.get("http_version", "1.1")).startswith("1")
    return alone and (headers.get("content-length", "0") != "0" or "transfer-encoding" in headers)
