"""What the parts of the inspector share: links and times."""

from __future__ import annotations

from datetime import UTC, datetime

from ...html import Child, tag
from ...models import is_dated
from ..controls import swaps

time_ = tag("time")


def inspects(url: str) -> dict[str, str]:
    """Return the attributes of a link that changes what the inspector shows."""
    return {**swaps(url, "#inspector"), "hx_push_url": "true"}


def moment(at: datetime, form: str) -> Child:
    """Return a time, which the page's script rewrites in the reader's zone: `short` or, to the millisecond, `exact`."""
    if not is_dated(at):
        return "Date not known"
    at = at.astimezone(UTC)
    text = f"{at:%H:%M:%S}.{at.microsecond // 1000:03} UTC" if form == "exact" else f"{at:%d %b %H:%M} UTC"
    return time_(text, datetime=at.isoformat(timespec="milliseconds"), data_form=form)
