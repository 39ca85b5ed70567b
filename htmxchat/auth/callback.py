"""What a sign-in comes back with: tied to the browser that began it, and kept out of sight."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

_CAME_BACK = "htmxchat.came_back"


def state_of(secret: str) -> str:
    """Return the state of the sign-in that a browser began with `secret`. It is in URLs, so it tells nothing."""
    return hashlib.sha256(f"state of {secret}".encode()).hexdigest()


class HideCallback:
    """ASGI middleware that takes secrets which a sign-in came back with out of the URL.

    After it the query is empty: for the app, for its pages, and for the access log of a server that writes it when
    the response begins, as uvicorn does.

    Args:
        fields: The names of the secrets in the query.
    """

    def __init__(self, app: ASGIApp, fields: Collection[str]) -> None:
        self._app = app
        self._fields = frozenset(fields)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope.get("query_string"):
            # Servers exist that append "?token=" to an address that has a query already.
            query = scope["query_string"].decode("latin-1").replace("?", "&")
            values = dict(parse_qsl(query, keep_blank_values=True, separator="&"))
            if self._fields & values.keys():
                scope["query_string"] = b""
                scope[_CAME_BACK] = values
        await self._app(scope, receive, send)


def came_back(request: Request) -> dict[str, str] | None:
    """Return the query of a request that `HideCallback` has emptied; `None` for any other."""
    values: dict[str, str] | None = request.scope.get(_CAME_BACK)
    return values
