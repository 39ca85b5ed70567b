"""The rows of the inspector, as strings: hundreds of them can come in a second, and elements cost too much for that.

Hooks: `#row-…` with `[data-seq]` and `[data-type]`, a row; `[data-failed]`, one that went wrong.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC
from html import escape

from ...inspection import Row
from ...models import is_dated
from ...urls import Urls


def event_row(row: Row, run_id: str, urls: Urls) -> str:
    """Return one row. What it holds is fetched when it is opened."""
    url = escape(urls.event(run_id, row.ordinal))
    return f'{row_head(row)}<summary>{row_line(row)}</summary><p class="raw"><a href="{url}">JSON</a></p></details>'


def row_id(ordinal: int) -> str:
    """Return the id of a row's element: it stays the same while the row grows."""
    return f"row-{ordinal}"


def row_address(run_id: str, ordinal: int, urls: Urls) -> str:
    """Return where a row is shown, whatever the filter."""
    return f"{urls.run(run_id, at=ordinal)}#{row_id(ordinal)}"


def row_head(row: Row) -> str:
    """Return the tag that a row begins with."""
    failed = " data-failed" if row.failed else ""
    kind = escape(row.type if row.known else "Unknown")
    return f'<details class="event" id="{row_id(row.ordinal)}" data-seq="{row.seq}" data-type="{kind}"{failed}>'


def row_line(row: Row) -> str:
    """Return what a row shows while it is closed."""
    at = row.at.astimezone(UTC)
    clock = f"{at:%H:%M:%S}.{at.microsecond // 1000:03}" if is_dated(at) else ""
    when = f' datetime="{at.isoformat(timespec="milliseconds")}" data-form="exact"' if clock else ""
    source = f' <span class="source">{escape(row.source)}</span>' if row.source not in ("", row.type) else ""
    return (
        f'<span class="seq">{row.seq}</span><time class="clock"{when}>{clock}</time>'
        f'<span class="at">{seconds(row.since)}</span><span class="type">{escape(row.type)}</span>'
        f'<span class="meaning" dir="auto">{escape(row.meaning)}{source}</span>'
    )


def event_rows(rows: Iterable[Row], run_id: str, urls: Urls) -> str:
    """Return rows, one after the other."""
    return "".join(event_row(row, run_id, urls) for row in rows)


def seconds(value: float) -> str:
    """Return seconds since the start: "0.430", "1:02.4"."""
    if value < 60:
        return f"{value:.3f}"
    minutes, rest = divmod(value, 60)
    return f"{int(minutes)}:{rest:04.1f}"
