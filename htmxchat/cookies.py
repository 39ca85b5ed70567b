"""The chat's cookies: each holds 256 random bits and nothing else, and belongs to one mount."""

from __future__ import annotations

import hashlib
import re
import secrets
from urllib.parse import quote

from starlette.requests import Request
from starlette.types import Scope

SESSION = "session_"
PENDING = "signin_"
PROBLEM = "problem_"

_SECRET = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
# What a browser leaves as it is in a path, less the semicolon, which would end the cookie's attribute.
_PATH = "/!$&'()*+,=:@-._~"


def new_secret() -> str:
    """Return 256 random bits as 43 characters that a cookie can hold."""
    return secrets.token_urlsafe(32)


def cookie_name(scope: Scope, kind: str = "") -> str:
    """Return the name of a cookie of this mount: two chats on nested paths never mix."""
    return f"htmxchat_{kind}{hashlib.sha256(_root(scope).encode()).hexdigest()[:8]}"


def sent_secret(request: Request, kind: str = "") -> str | None:
    """Return what the browser sent in a cookie of this mount, if it is something that we could have set."""
    secret = request.cookies.get(cookie_name(request.scope, kind), "")
    return secret if _SECRET.fullmatch(secret) else None


def key_of(scope: Scope, kind: str, secret: str) -> str:
    """Return what the store knows a cookie by: it is good for its own mount and kind only."""
    return f"{cookie_name(scope, kind)}={secret}"


def sent_key(request: Request, kind: str) -> str | None:
    """Return the key of the cookie that the browser sent."""
    secret = sent_secret(request, kind)
    return key_of(request.scope, kind, secret) if secret else None


def cookie_header(scope: Scope, secret: str, *, max_age: int, kind: str = "", secure: bool = False) -> str:
    """Return the value of `Set-Cookie`: for this mount only, out of reach of scripts, not sent with other sites' forms.

    Args:
        max_age: For how many seconds the browser keeps it; 0 removes it.
        secure: Only ever over https. It is also so when the request came by https as the server knows it.
    """
    path = quote(_root(scope), safe=_PATH) or "/"
    ending = "; Secure" if secure or scope.get("scheme") == "https" else ""
    return f"{cookie_name(scope, kind)}={secret}; Max-Age={max_age}; Path={path}; HttpOnly; SameSite=Lax{ending}"


def _root(scope: Scope) -> str:
    return str(scope.get("root_path", "")).rstrip("/")
