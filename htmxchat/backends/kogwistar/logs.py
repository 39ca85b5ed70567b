"""A run's events as they are kept: one JSON list an event."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from ...events import RunEvent, decode_body, encode_body


def write(events: Iterable[RunEvent], *, raw: bool = True) -> list[Any]:
    """Return the events as JSON; without `raw`, less what the server sent."""
    return [
        [event.seq, event.at.isoformat(), *encode_body(event.body), *([event.raw] if raw else [])] for event in events
    ]


def read(log: list[Any] | None) -> tuple[RunEvent, ...]:
    """Undo `write`."""
    return tuple(
        RunEvent(seq, datetime.fromisoformat(at), decode_body(name, data), *raw)
        for seq, at, name, data, *raw in log or ()
    )


def now() -> datetime:
    return datetime.now(UTC)
