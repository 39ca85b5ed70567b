"""The callback of a sign-in: bound to the browser that began it, and kept out of logs."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

_CAME_BACK = "htmxchat.came_back"


def state_of(secret: str) -> str:
    """Return the `state` parameter of the sign-in with `secret`. It appears in URLs and does not reveal the secret."""
    return hashlib.sha256(f"state of {secret}".encode()).hexdigest()


class HideCallback:
    """ASGI middleware that removes a sign-in's secrets from the URL.

    The query is then empty for the app, for its pages, and for access logs that are written when the response begins,
    as uvicorn's are.

    Args:
        fields: The names of the secrets in the query.
    """

    def __init__(self, app: ASGIApp, fields: Collection[str]) -> None:
        self._app = app
        self._fields = frozenset(fields)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope.get("query_string"):
            # Some servers append "?token=" to a URL that already has a query.
            query = scope["query_string"].decode("latin-1").replace("?", "&")
            values = dict(parse_qsl(query, keep_blank_values=True, separator="&"))
            if self._fields & values.keys():
                scope["query_string"] = b""
                scope[_CAME_BACK] = values
        await self._app(scope, receive, send)


def came_back(request: Request) -> dict[str, str] | None:
    """Return the query that `HideCallback` removed from a request; `None` if it removed none."""
    values: dict[str, str] | None = request.scope.get(_CAME_BACK)
    return values
