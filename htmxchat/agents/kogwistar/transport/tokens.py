"""Reads the claims of tokens. Nothing is verified here: the server does that."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

from ....text.cleaning import read_json
from ..translation.replies import mapping, moment

_LEEWAY = timedelta(seconds=5)  # a request that starts now must still arrive in time


def claims(token: str) -> dict[str, Any]:
    """Return the claims of a JSON Web Token, unverified; empty if the text is no such token."""
    parts = token.split(".")
    try:
        body = parts[1] + "=" * (-len(parts[1]) % 4)
        return mapping(read_json(base64.urlsafe_b64decode(body.encode("ascii"))))
    except (IndexError, ValueError):
        return {}


def expires_at(token: str) -> datetime | None:
    """Return when a token expires, if it says so."""
    return moment(claims(token).get("exp"), per_second=1)


def expired(token: str) -> bool:
    """Return whether a token has expired. The server would answer 403, as for a user who is not allowed."""
    end = expires_at(token)
    return end is not None and end <= datetime.now(UTC) + _LEEWAY
