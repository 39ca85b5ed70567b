"""The chat's cookies: each is for one mount and one host, and is rejected if the browser sends two of its name."""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.types import Scope

from ..errors import NotSignedIn

SESSION = "session"
PENDING = "signin"
PROBLEM = "problem"

_SECRET = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)


def new_secret() -> str:
    """Return 256 random bits as 43 characters that a cookie can hold."""
    return secrets.token_urlsafe(32)


@dataclass(frozen=True, slots=True)
class Cookie:
    """A cookie of one mount.

    Over https its name begins with `__Host-`: browsers accept such a cookie only over https, from this exact host and
    for all its paths, so another subdomain cannot plant one. Because it cannot have a path, its name identifies the
    mount.

    Attributes:
        name: Its name.
        secure: Whether browsers send it over https only.
    """

    name: str
    secure: bool

    @classmethod
    def of(cls, scope: Scope, kind: str, *, owner: str = "", secure: bool = False) -> Cookie:
        """Return the cookie for the mount of a request.

        Args:
            owner: Distinguishes chats with the same path: browsers share cookies between the ports of a host.
            secure: Whether browsers use https even if this server's requests do not show it.
        """
        secure = secure or scope.get("scheme") == "https"
        root = str(scope.get("root_path", "")).rstrip("/")
        mount = hashlib.sha256(f"{owner}{root}".encode()).hexdigest()[:8]
        return cls(f"{'__Host-' if secure else ''}htmxchat_{kind}_{mount}", secure)

    def sent(self, scope: Scope) -> str | None:
        """Return what the browser sent, unchecked.

        Raises:
            NotSignedIn: It sent two cookies of this name; another site may have planted one of them.
        """
        values = self.all_sent(scope)
        if len(values) > 1:
            raise NotSignedIn(
                f"Your browser sends two cookies named {self.name}, and another site may have planted one of them."
                " Nothing was changed. Delete the one of the wider domain in the browser's settings, then reload."
            )
        return values[0] if values else None

    def all_sent(self, scope: Scope) -> list[str]:
        """Return every value sent under this name."""
        found = []
        for header in Headers(scope=scope).getlist("cookie"):
            for pair in header.split(";"):
                # Do not strip other white space: for a browser, such a name does not begin with `__Host-`.
                name, _, value = pair.strip(" \t").partition("=")
                if name == self.name:
                    found.append(value)
        return found

    def sent_secret(self, scope: Scope) -> str | None:
        """Return the secret that the browser sent, if it has the right format. Raises the same errors as `sent`."""
        secret = self.sent(scope) or ""
        return secret if _SECRET.fullmatch(secret) else None

    def key(self, secret: str) -> str:
        """Return the store's key for a secret, which is valid for this mount and kind only."""
        return f"{self.name}={secret}"

    def header(self, value: str, *, max_age: int) -> str:
        """Return the value of `Set-Cookie`, with HttpOnly and SameSite=Lax.

        Args:
            max_age: How many seconds the browser keeps it; 0 removes it.
        """
        ending = "; Secure" if self.secure else ""
        return f"{self.name}={value}; Max-Age={max_age}; Path=/; HttpOnly; SameSite=Lax{ending}"
