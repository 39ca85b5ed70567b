"""Refuses forms that another site sends, without tokens.

The algorithm is Filippo Valsorda's ("Cross-Site Request Forgery", 2025, words.filippo.io/csrf); Go's
`net/http.CrossOriginProtection` and Datasette use it too:

1. GET, HEAD and OPTIONS pass: they change nothing.
2. `Sec-Fetch-Site`, which every browser since 2023 sends over https and to localhost, and which no script can set:
   `same-origin` and `none` (the person typed the address) pass; anything else needs a trusted `Origin`.
3. Without it, an `Origin` passes when its host and port are those of `Host`, or when it is trusted.
4. Without both the client is no browser, so there is no one's cookie to abuse: it passes.

Step 3 does not compare schemes, because behind a proxy the app may not know its own. It is for old browsers and for
plain http in a local network; there the proxy must hand the `Host` header on unchanged.
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
"""How a guard answers a request that it does not let through: it turns the error into the app's kind of response."""

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class CrossOriginGuard:
    """ASGI middleware that refuses unsafe requests from other sites with `CrossOrigin`.

    Args:
        refuse: Makes the response to a refused request.
        trusted_origins: Other origins that may post here, each as `https://host` or `https://host:port`.

    Raises:
        ValueError: A trusted origin is not written like that.
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
    """Return the host and port of an `Origin` header; `None` for `null` and whatever else has none."""
    try:
        return urlsplit(origin).netloc or None
    except ValueError:
        return None


def checked_origin(name: str, text: str) -> str:
    """Return an origin in the form in which origins are compared.

    Raises:
        ValueError: It is not written like one.
    """
    origin = checks.text(name, text).lower()
    parts = urlsplit(origin)
    if parts.scheme not in ("http", "https") or not parts.hostname or origin != f"{parts.scheme}://{parts.netloc}":
        raise ValueError(f'{name} is an origin, "https://host" or "https://host:8443", not {checks.shown(text)}.')
    return origin
