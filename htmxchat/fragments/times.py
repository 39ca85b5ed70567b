"""When something was, and how long it took."""

from __future__ import annotations

from datetime import UTC, datetime

from ..html import Child, tag
from ..models import is_dated

_time = tag("time")

LEAST = 0.1
"""Seconds that are worth saying."""


def moment(at: datetime) -> Child:
    """Return a time; the page's script rewrites its text in the reader's zone and language."""
    if not is_dated(at):
        return "at a time that is not known"
    at = at.astimezone(UTC)
    return _time(f"{at:%H:%M} UTC", datetime=at.isoformat(timespec="seconds"))


def seconds(start: datetime, end: datetime) -> str:
    """Return how long something took, in words."""
    return duration(max(0.0, (end - start).total_seconds()))


def duration(took: float) -> str:
    """Return a number of seconds, in words."""
    if took < 60:
        return f"{took:.1f} s" if took >= 1 else f"{took:.2f} s"
    minutes, rest = divmod(round(took), 60)
    return f"{minutes} min {rest} s"


def lasted(start: datetime, end: datetime) -> str:
    """Return how long something took, in words; nothing when it was too short to matter."""
    return seconds(start, end) if (end - start).total_seconds() >= LEAST else ""
