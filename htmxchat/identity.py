"""Who asks: the host's own answer, a random id in a cookie, or a session."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from . import checks
from .cookies import SESSION, cookie_header, cookie_name, new_secret, sent_key, sent_secret
from .login import SessionStore
from .models import User

Identify: TypeAlias = Callable[[Request], Awaitable[User | None]]
"""Says who a request comes from; `None` when nobody is signed in. It is asked on every request, reconnects included."""

MAX_AGE = 400 * 24 * 60 * 60  # seconds; browsers keep no cookie longer


class HostIdentity:
    """The host's own `Identify`, whose answer is checked: what is no `User` would fail later, with another's words."""

    def __init__(self, identify: Identify) -> None:
        self._identify = identify

    async def __call__(self, request: Request) -> User | None:
        user = await self._identify(request)
        if user is not None and not isinstance(user, User):
            raise TypeError(f"identify returned {checks.kind(user)}. It returns a User, User(id), or None for nobody.")
        return user


class BrowserIdentity:
    """The `Identify` for a chat without sign-in: whoever uses this browser.

    The cookie holds 256 random bits and nothing else; the server stores nothing. `User.id` is derived from them by
    SHA-256, so neither the database nor a log holds what a thief would need. The cookie goes with the mount: its path
    is the mount's, and its name depends on it, so two chats on nested paths never mix.

    `BrowserCookie` sets the cookie. A browser that sends no cookies is nobody on every request but a first GET.
    A chat in a frame of *another site* gets no cookie (SameSite=Lax): such a host brings its own `Identify`.
    """

    async def __call__(self, request: Request) -> User | None:
        secret = request.scope.get(cookie_name(request.scope)) or sent_secret(request)
        return User(f"browser-{hashlib.sha256(secret.encode()).hexdigest()[:32]}") if secret else None


class BrowserCookie:
    """ASGI middleware for the whole chat: gives a browser that has none its cookie, with the first page.

    A GET without a usable cookie gets a new id, which `BrowserIdentity` already sees; it is sent when the answer is
    an HTML page. Whole pages (not the fragments that htmx asks for) also renew a cookie that is there, because
    browsers forget it after 400 days. `Secure` is set when the request came by https as the server knows it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        known = sent_secret(request)
        secret = known or new_secret()
        if known and "hx-request" in request.headers:
            await self._app(scope, receive, send)
            return
        scope[cookie_name(scope)] = secret
        cookie = cookie_header(scope, secret, max_age=MAX_AGE)  # now, because routing changes the scope

        async def send_with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start":
                message.setdefault("headers", [])
                headers = MutableHeaders(scope=message)
                public = "public" in headers.get("cache-control", "")  # a shared cache would hand one cookie to many
                if headers.get("content-type", "").startswith("text/html") and not public:
                    headers.append("set-cookie", cookie)
            await send(message)

        await self._app(scope, receive, send_with_cookie)


class SessionIdentity:
    """The `Identify` for a chat with a login of its own: whoever the session in the cookie belongs to."""

    def __init__(self, sessions: SessionStore) -> None:
        self._sessions = sessions

    async def __call__(self, request: Request) -> User | None:
        key = sent_key(request, SESSION)
        return await self._sessions.get_session(key) if key else None
