"""The reader's zone, as the page's script tells it in a cookie. It is no secret and no identity, and may be missing."""

from __future__ import annotations

import re
from datetime import UTC, datetime, tzinfo
from urllib.parse import unquote
from zoneinfo import ZoneInfo

COOKIE = "htmxchat_zone"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+){0,3}")


def zone_of(sent: str | None) -> tzinfo | None:
    """Return the zone that a browser names; `None` when it names none, or one that is not known here."""
    name = unquote(sent or "")
    if len(name) > 64 or not _NAME.fullmatch(name):
        return None
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None


def exact(at: datetime, zone: tzinfo | None) -> str:
    """Return a time to the second, with what it is to be compared with: "2026-03-01 09:30:00 +01:00"."""
    local = at.astimezone(zone or UTC)
    return f"{local:%Y-%m-%d %H:%M:%S} {local.isoformat()[-6:] if zone else 'UTC'}"
