"""Rejects cross-site requests, without tokens.

The algorithm is by Filippo Valsorda ("Cross-Site Request Forgery", 2025, words.filippo.io/csrf). Go's
`net/http.CrossOriginProtection` and Datasette use it too:

1. GET, HEAD and OPTIONS are allowed: they change nothing.
2. With `Sec-Fetch-Site`, which all browsers since 2023 send over https and to localhost and scripts cannot set:
   `same-origin` and `none` (the user typed the URL) are allowed; any other value needs a trusted `Origin`.
3. Without it, an `Origin` is allowed if its host and port equal those of `Host`, or if it is trusted.
4. Without both headers the client is not a browser, so there is no user's cookie to abuse: it is allowed.

Step 3 does not compare schemes, because behind a proxy the app may not know its own. It covers old browsers and plain
http in a local network; there, the proxy must forward the `Host` header unchanged.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import TypeAlias
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from .. import checks
from ..errors import ChatError, CrossOrigin

Refuse: TypeAlias = Callable[[Request, ChatError], Awaitable[Response]]
"""Makes a guard's response to a rejected request from the error."""

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class CrossOriginGuard:
    """ASGI middleware that rejects unsafe cross-site requests with `CrossOrigin`.

    Args:
        refuse: Makes the response to a rejected request.
        trusted_origins: Other origins that may post here, each as `https://host` or `https://host:port`.

    Raises:
        ValueError: A trusted origin does not have this form.
    """

    def __init__(self, app: ASGIApp, refuse: Refuse, trusted_origins: Iterable[str] = ()) -> None:
        self._app = app
        self._refuse = refuse
        self._trusted = frozenset(checked_origin("trusted_origins", each) for each in trusted_origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in SAFE_METHODS or self._allows(Headers(scope=scope)):
            await self._app(scope, receive, send)
            return
        response = await self._refuse(Request(scope, receive), CrossOrigin())
        await response(scope, receive, send)

    def _allows(self, headers: Headers) -> bool:
        site = headers.get("sec-fetch-site", "")
        origin = headers.get("origin", "").lower()
        if site in ("same-origin", "none") or origin in self._trusted:
            return True
        if site:
            return False
        return not origin or _host(origin) == headers.get("host", "").lower()


def _host(origin: str) -> str | None:
    """Return the host and port of an `Origin` header; `None` if it has none, like `null`."""
    try:
        return urlsplit(origin).netloc or None
    except ValueError:
        return None


def checked_origin(name: str, text: str) -> str:
    """Return an origin, normalized for comparison.

    Raises:
        ValueError: The text is not an origin.
    """
    origin = checks.text(name, text).lower()
    parts = urlsplit(origin)
    if parts.scheme not in ("http", "https") or not parts.hostname or origin != f"{parts.scheme}://{parts.netloc}":
        raise ValueError(f'{name} must be an origin, "https://host" or "https://host:8443", not {checks.shown(text)}.')
    return origin
