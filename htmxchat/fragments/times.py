"""Times as elements. The page's script rewrites their text in the reader's zone and language."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal, TypeAlias

from ..html import FT, Child, tag
from ..models import is_dated
from ..text.phrases import between

Form: TypeAlias = Literal["short", "exact"]

UNDATED = "Date not known"
_time = tag("time")
LEAST = 0.1
"""The shortest duration that is shown, in seconds."""


def moment(at: datetime, form: Form | None = None) -> Child:
    """Return a time of day, as it stands in a sentence; `short` says the date too, `exact` the milliseconds."""
    if not is_dated(at):
        return UNDATED if form else "at a time that is not known"
    at = at.astimezone(UTC)
    words = {
        "short": f"{at:%d %b %H:%M} UTC",
        "exact": f"{at:%H:%M:%S}.{at.microsecond // 1000:03} UTC",
    }
    return time_element(at, words[form] if form else f"{at:%H:%M} UTC", form)


def time_element(at: datetime, text: str, form: Form | None = None, *, cls: str | None = None) -> FT:
    """Return a time with this text until the page's script has rewritten it."""
    precision = "milliseconds" if form == "exact" else "seconds"
    return _time(text, cls=cls, datetime=at.isoformat(timespec=precision), data_form=form)


def lasted(start: datetime, end: datetime) -> str:
    """Return how long something took, in words; nothing when it was too short to matter."""
    return between(start, end) if (end - start).total_seconds() >= LEAST else ""
