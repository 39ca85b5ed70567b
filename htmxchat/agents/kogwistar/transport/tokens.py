"""What a token says about itself. Nothing here is verified: the server does that, and the host says who asks."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import time
from typing import Any

_LEEWAY = 5.0  # seconds; a request that starts now must still arrive in time


def claims(token: str) -> dict[str, Any]:
    """Return the claims of a JSON Web Token, unverified; empty when it is none."""
    parts = token.split(".")
    if len(parts) != 3:
        return {}
    body = parts[1] + "=" * (-len(parts[1]) % 4)
    try:
        found = json.loads(base64.urlsafe_b64decode(body.encode("ascii")))
    except (ValueError, binascii.Error, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def expired(token: str, now: float | None = None) -> bool:
    """Return whether the token's own `exp` has passed. The server would answer 403, as to somebody not allowed."""
    exp = claims(token).get("exp")
    if isinstance(exp, bool) or not isinstance(exp, int | float):
        return False
    return exp <= (time.time() if now is None else now) + _LEEWAY


def fingerprint(token: str) -> str:
    """Return a key for what is known about a token, from which nobody can get it back."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
