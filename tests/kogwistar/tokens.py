"""Tokens for a real kogwistar server whose signing key is known."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time

SPACES = ["docs", "conversation", "workflow", "wisdom"]


def signed(secret: str, user_id: str, *, seconds: float = 6 * 3600) -> str:
    """Return a token (HS256) of a user who may chat."""
    now = int(time.time())
    who = {"sub": f"{user_id}@example.com", "user_id": user_id, "role": "rw", "ns": SPACES, "iss": "local"}
    body = f"{_coded({'alg': 'HS256', 'typ': 'JWT'})}.{_coded({**who, 'iat': now, 'exp': now + int(seconds)})}"
    return f"{body}.{_text(hmac.new(secret.encode(), body.encode(), hashlib.sha256).digest())}"


def _coded(values: dict[str, object]) -> str:
    return _text(json.dumps(values).encode())


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
