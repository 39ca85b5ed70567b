"""Numbers, durations and long texts, formatted for people. Standard library only."""

from __future__ import annotations

from datetime import datetime


def count(number: int, thing: str) -> str:
    """Return "1 row", "2 rows"."""
    return f"{number:,} {thing}" + "s" * (number != 1)


def byte_size(number: int) -> str:
    """Return how large something is: "812 bytes", "4.2 KB", "25 MB"; 1 KB is 1,024 bytes."""
    if number < 1024:
        return count(number, "byte")
    size, units = number / 1024, ["KB", "MB", "GB", "TB"]
    while size >= 1023.5 and units[1:]:
        size /= 1024
        del units[0]
    unit = units[0]
    return f"{size:.1f} {unit}".replace(".0 ", " ") if size < 9.95 else f"{size:,.0f} {unit}"


def duration(seconds: float) -> str:
    """Return how long something took: "0.41 s", "2.6 s", "2 min 5 s", "3 h 12 min", "1 day 4 h"."""
    seconds = max(0.0, seconds)
    if seconds < 0.995:
        return f"{seconds:.2f} s"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    if hours < 24:
        return f"{hours} h {minutes} min"
    days, hours = divmod(round(seconds / 3_600), 24)
    return f"{count(days, 'day')} {hours} h"


def between(start: datetime, end: datetime) -> str:
    """Return the duration from one time to another, formatted by `duration`."""
    return duration((end - start).total_seconds())


def cut(text: str, limit: int) -> str:
    """Return `text`, or its beginning with an ellipsis: at most `limit` characters."""
    return text if len(text) <= limit else text[: max(limit - 1, 0)].rstrip() + "…"
