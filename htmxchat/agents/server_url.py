"""The address of a server, as a host writes it."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from .. import checks


def server_url(name: str, value: Any, example: str) -> str:
    """Return the URL of a server without a slash at its end.

    Raises:
        TypeError, ValueError: It is none, or has a password, a query or a fragment.
    """
    checks.text(name, value, empty=False)
    try:
        parts = urlsplit(value)
        whole = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        whole = False
    if not whole or not value.isprintable() or " " in value:
        raise ValueError(f'{name} must be a URL like "{example}".')
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError(f'{name} must be a URL like "{example}", without a password, a query or a fragment.')
    return str(value).rstrip("/")
