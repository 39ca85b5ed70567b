"""Streams without the layers that their request has passed.

An open stream is idle for minutes. In Starlette, all that a request passes on its way in (middleware, routers, handlers
of exceptions) stays on the stack until the response is sent, which is eight kilobytes for each stream. So a stream is
begun there and continued at the outermost layer of the chat, when the others have returned.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.types import ASGIApp, Receive, Scope, Send

_KEY = "htmxchat.detached"


class Detached:
    """The rest of a response.

    Attributes:
        send: Sends it.
        release: Is called when it is sent, or when it never will be.
    """

    __slots__ = "release", "send"

    def __init__(self) -> None:
        self.send: Callable[[Receive, Send], Awaitable[None]] | None = None
        self.release: Callable[[], None] | None = None

    @staticmethod
    def of(scope: Scope) -> Detached | None:
        """Return where the rest of a response can be put; `None` without `Detaching` around the app."""
        return scope.get(_KEY)


class Detaching:
    """ASGI middleware that sends the rest of a detached response after everything inside it has returned.

    What is inside sees the response begin, and not the rest of it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        detached = scope[_KEY] = Detached()
        try:
            await self._app(scope, receive, send)
            if detached.send is not None:
                rest, detached.send = detached.send(receive, send), None
                await rest
        finally:
            if detached.release is not None:
                detached.release()
