"""The user's time zone, from a cookie that the page's script sets. It is optional and not secret."""

from __future__ import annotations

import re
from datetime import UTC, datetime, tzinfo
from urllib.parse import unquote
from zoneinfo import ZoneInfo

COOKIE = "htmxchat_zone"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+){0,3}")


def zone_of(sent: str | None) -> tzinfo | None:
    """Return the time zone in the cookie; `None` if it is missing or unknown."""
    name = unquote(sent or "")
    if len(name) > 64 or not _NAME.fullmatch(name):
        return None
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None


def exact(at: datetime, zone: tzinfo | None) -> str:
    """Return a time to the second, with its UTC offset: "2026-03-01 09:30:00 +01:00"."""
    local = at.astimezone(zone or UTC)
    return f"{local:%Y-%m-%d %H:%M:%S} {local.isoformat()[-6:] if zone else 'UTC'}"
