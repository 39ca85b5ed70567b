"""The chat's cookies: each belongs to one mount and to this host alone, and none is believed when two have its name."""

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

    Over https its name begins with `__Host-`: browsers take such a cookie only over https, from this very host and for
    all its paths, so no neighbouring subdomain can plant one. The name says which mount it is for; a path must not.

    Attributes:
        name: Its name.
        secure: Whether it goes over https only.
    """

    name: str
    secure: bool

    @classmethod
    def of(cls, scope: Scope, kind: str, *, owner: str = "", secure: bool = False) -> Cookie:
        """Return a cookie of the mount that a request is for.

        Args:
            owner: Tells apart what a path does not: browsers share cookies between the ports of a host.
            secure: Whether browsers use https though this server does not know it. It is also so when it does.
        """
        secure = secure or scope.get("scheme") == "https"
        root = str(scope.get("root_path", "")).rstrip("/")
        mount = hashlib.sha256(f"{owner}{root}".encode()).hexdigest()[:8]
        return cls(f"{'__Host-' if secure else ''}htmxchat_{kind}_{mount}", secure)

    def sent(self, scope: Scope) -> str | None:
        """Return what the browser sent, unchecked.

        Raises:
            NotSignedIn: It sent two cookies of this name; no one can tell which one another site has planted.
        """
        values = self.all_sent(scope)
        if len(values) > 1:
            raise NotSignedIn(
                f"Your browser sends two cookies named {self.name}, and another site may have planted one of them."
                " Nothing was changed. Delete the one of the wider domain in the browser's settings, then reload."
            )
        return values[0] if values else None

    def all_sent(self, scope: Scope) -> list[str]:
        """Return every value that came under this name."""
        found = []
        for header in Headers(scope=scope).getlist("cookie"):
            for pair in header.split(";"):
                # Other white space would make a name of which a browser does not know that it begins with `__Host-`.
                name, _, value = pair.strip(" \t").partition("=")
                if name == self.name:
                    found.append(value)
        return found

    def sent_secret(self, scope: Scope) -> str | None:
        """Return the secret that the browser sent, if it is one that we could have set; raises what `sent` does."""
        secret = self.sent(scope) or ""
        return secret if _SECRET.fullmatch(secret) else None

    def key(self, secret: str) -> str:
        """Return what the store knows a secret by: it is good for its own mount and kind only."""
        return f"{self.name}={secret}"

    def header(self, value: str, *, max_age: int) -> str:
        """Return the value of `Set-Cookie`: out of reach of scripts, and not sent with other sites' forms.

        Args:
            max_age: For how many seconds the browser keeps it; 0 removes it.
        """
        ending = "; Secure" if self.secure else ""
        return f"{self.name}={value}; Max-Age={max_age}; Path=/; HttpOnly; SameSite=Lax{ending}"
