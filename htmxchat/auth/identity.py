"""The user of a request: from the host's function, an id that the chat issued to a browser, or a session."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .. import checks
from ..errors import NotSignedIn
from ..http.htmx import Htmx
from ..models import User
from .cookies import SESSION, Cookie, new_secret
from .login import SessionStore

Identify: TypeAlias = Callable[[Request], Awaitable[User | None]]
"""Returns the user of a request; `None` if no one is signed in. It is called on every request, including reconnects."""

KeepKey: TypeAlias = Callable[[], Awaitable[bytes | None]]

MAX_AGE = 400 * 24 * 60 * 60  # seconds; browsers keep no cookie longer

_BROWSER = "browser"
_SIGNED = re.compile(r"([A-Za-z0-9_-]{43})\.([A-Za-z0-9_-]{43})", re.ASCII)
_SHORTEST_SECRET = 32
_ISSUED = "htmxchat.issued"
_NO_COOKIE = "This browser has no cookie of this chat. Allow cookies for this site, reload the page, then try again."
_NOT_OURS = "The chat does not know this browser's cookie any more. Reload the page, then try again."


class HostIdentity:
    """The host's `Identify`, with a check that it returns a `User` or `None`."""

    def __init__(self, identify: Identify) -> None:
        self._identify = identify

    async def __call__(self, request: Request) -> User | None:
        user = await self._identify(request)
        if user is not None and not isinstance(user, User):
            raise TypeError(f"identify returned {checks.kind(user)}. It must return a User, User(id), or None.")
        return user


class BrowserIdentity:
    """The `Identify` for a chat without sign-in: each browser is a user.

    A browser's cookie holds 256 random bits and the chat's signature over them, so only cookies that the chat issued
    are valid. `User.id` is a SHA-256 of the bits, so neither the database nor a log contains the secret. Every mount
    has its own cookie.

    A first GET is issued an id; `BrowserCookie` sends the cookie. Any other request without a cookie has no user. A
    chat in a frame of *another site* gets no cookie (SameSite=Lax): such a host must pass its own `Identify`.

    Args:
        keep_key: Returns the signing key, the same in every process, permanently; `None` if none is stored.
        secret: The signing key instead, at least 32 characters.

    Without a key from either, this object makes one, and its cookies are valid for its lifetime.

    Raises:
        ValueError: The secret is too short.
    """

    def __init__(self, keep_key: KeepKey | None = None, *, secret: str | None = None) -> None:
        if secret is not None and len(checks.text("secret", secret)) < _SHORTEST_SECRET:
            hint = "python -c 'import secrets; print(secrets.token_urlsafe())' makes one"
            raise ValueError(f"secret must have at least {_SHORTEST_SECRET} random characters: {hint}.")
        if keep_key is not None:
            checks.asynchronous("keep_key", keep_key, "async def keep_key() -> bytes | None")
        self._keep_key = keep_key
        self._kept = secret.encode() if secret else None
        self._own = secrets.token_bytes(32)

    async def __call__(self, request: Request) -> User | None:
        """Return the browser's user.

        Raises:
            NotSignedIn: The browser has no cookie of this chat, an invalid one, or two.
        """
        scope = request.scope
        if self._kept is None and self._keep_key is not None:
            self._kept = await self._keep_key()
        key = self._kept or self._own
        # Two chats on two ports of a host must not overwrite each other's cookie. A temporary key is not part of the
        # name: each restart would leave another cookie behind.
        owner = hashlib.sha256(key).hexdigest() if self._kept else ""
        cookie = Cookie.of(scope, _BROWSER, owner=owner)
        sent = cookie.sent(scope)
        secret = _issued(key, cookie.name, sent or "")
        if request.method == "GET" and (secret is None or not Htmx.of(request.headers).asks):
            # Browsers delete a cookie after 400 days, so whole pages renew it.
            secret, _ = scope.get(_ISSUED) or (secret or new_secret(), "")
            value = f"{secret}.{_signature(key, cookie.name, secret)}"
            scope[_ISSUED] = secret, cookie.header(value, max_age=MAX_AGE)
        if secret is None:
            raise NotSignedIn(_NO_COOKIE if sent is None else _NOT_OURS)
        return User(f"browser-{hashlib.sha256(secret.encode()).hexdigest()[:32]}")


class BrowserCookie:
    """ASGI middleware that adds the cookie issued by `BrowserIdentity` to HTML responses."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start" and _ISSUED in scope:
                message.setdefault("headers", [])
                headers = MutableHeaders(scope=message)
                public = "public" in headers.get("cache-control", "")  # a shared cache would share the cookie
                if headers.get("content-type", "").startswith("text/html") and not public:
                    headers.append("set-cookie", scope[_ISSUED][1])
            await send(message)

        await self._app(scope, receive, send_with_cookie)


class SessionIdentity:
    """The `Identify` for a chat with `login`: the user of the session in the cookie.

    Args:
        secure: Whether browsers use https even if this server's requests do not show it.
    """

    def __init__(self, sessions: SessionStore, *, secure: bool = False) -> None:
        self._sessions = sessions
        self._secure = secure

    async def __call__(self, request: Request) -> User | None:
        cookie = Cookie.of(request.scope, SESSION, secure=self._secure)
        secret = cookie.sent_secret(request.scope)
        return await self._sessions.get_session(cookie.key(secret)) if secret else None


def _issued(key: bytes, name: str, value: str) -> str | None:
    """Return the secret in a cookie's value, if its signature with `key` and this name is valid."""
    parts = _SIGNED.fullmatch(value)
    if parts is None or not hmac.compare_digest(parts[2], _signature(key, name, parts[1])):
        return None
    return parts[1]


def _signature(key: bytes, name: str, secret: str) -> str:
    signature = hmac.digest(key, f"{name}={secret}".encode(), "sha256")
    return base64.urlsafe_b64encode(signature).decode().rstrip("=")
