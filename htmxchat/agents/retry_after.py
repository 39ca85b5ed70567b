"""For how long a server asks to be left alone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Return the seconds that an answer's headers say; `None` when they do not."""
    try:
        if said := headers.get("retry-after-ms"):
            return max(0.0, float(said) / 1000)
        if said := headers.get("retry-after"):
            if said.strip()[:1].isdigit():
                return float(said)
            return max(0.0, (parsedate_to_datetime(said) - (now or datetime.now(UTC))).total_seconds())
    except (ValueError, TypeError, OverflowError):
        pass
    return None
