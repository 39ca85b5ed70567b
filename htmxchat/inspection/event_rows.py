"""Run events -> the rows of the inspector: one pure fold.

Live rows, rows of a page loaded later, and exports come from this fold, so they are equal. Consecutive deltas are one
row that grows. A row does not depend on the number of deltas: a compacted log (`htmxchat.compaction.compact`) has the
same rows.
"""

from __future__ import annotations

import json
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from copy import copy
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..events import JSON, EventBody, ReasoningDelta, RunEvent, TextDelta, Unknown, encode_body
from ..text.phrases import count
from ..text.redaction import redact
from .meanings import Meanings, excerpt, failed, one_line

_HEAD = 400


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the inspector.

    Attributes:
        ordinal: Its position among all rows of the run, from 1. It never changes.
        seq: The number of its last event. It rises from row to row, and while a row grows.
        at: When its first event happened.
        since: Seconds since the run's first event.
        type: The name of the body, or the type of an event that this version does not know.
        known: Whether this version knows the type.
        meaning: A description of one line.
        failed: Whether it reports a failure.
        data: The event's fields, with all deltas joined; secrets are redacted.
        raw: What the backend received; `None` if `data` has all of it.
        source: The event's type in `raw`, if there is one.
    """

    ordinal: int
    seq: int
    at: datetime
    since: float
    type: str
    known: bool
    meaning: str
    failed: bool
    data: dict[str, Any]
    raw: JSON = None
    source: str = ""

    @property
    def json(self) -> dict[str, Any]:
        """The row as an export writes it."""
        value: dict[str, Any] = {
            "seq": self.seq,
            "at": self.at.isoformat(),
            "since": round(self.since, 3),
            "type": self.type,
            "meaning": self.meaning,
            "failed": self.failed,
            "data": self.data,
        }
        return value if self.raw is None else {**value, "raw": self.raw}


@dataclass(frozen=True, slots=True)
class RowFilter:
    """Which rows are shown.

    Attributes:
        type: A type; `problems` for failures, `steps` for all but deltas; empty for all rows.
        text: Words that must occur, in any letter case.
    """

    type: str = ""
    text: str = ""

    def __bool__(self) -> bool:
        return bool(self.type or self.text)

    def __call__(self, row: Row) -> bool:
        if self.type == "problems":
            shown = row.failed
        elif self.type == "steps":
            shown = row.type not in ("TextDelta", "ReasoningDelta")
        else:
            shown = self.type in ("", row.type)
        if not shown or not self.text:
            return shown
        searched = f"{row.type} {row.meaning} {json.dumps([row.data, row.raw], ensure_ascii=False)}".casefold()
        return all(word in searched for word in self.text.casefold().split())


class Ordinals:
    """Numbers the rows of a run: consecutive deltas of one kind are one row.

    Attributes:
        last: The number of rows.
    """

    def __init__(self) -> None:
        self.last = 0
        self._seq: int | None = None
        self._kind: type[EventBody] | None = None

    def add(self, event: RunEvent) -> int:
        """Return the ordinal of an event's row. An event that was added before changes nothing."""
        if self._seq is None or event.seq > self._seq:
            kind = type(event.body)
            self.last += kind is not self._kind or not issubclass(kind, TextDelta | ReasoningDelta)
            self._seq, self._kind = event.seq, kind
        return self.last


class RowFold:
    """Folds events into rows. Its cost is linear in the events.

    Attributes:
        details: Whether rows have `data` and `raw`. Without, a list of lines is cheaper.
        started_at: The time of the first event.
        last_seq: The number of the last event folded in.
    """

    def __init__(self, *, details: bool = True) -> None:
        self.details = details
        self.started_at: datetime | None = None
        self.last_seq: int | None = None
        self._ordinals = Ordinals()
        self._growing: _Growing | None = None
        self._meanings = Meanings()

    def copy(self) -> RowFold:
        """Return an independent copy."""
        twin = copy(self)
        twin._growing, twin._meanings = self._growing and self._growing.copy(), self._meanings.copy()
        twin._ordinals = copy(self._ordinals)
        return twin

    @property
    def total(self) -> int:
        """The number of rows, including the growing one."""
        return self._ordinals.last

    @property
    def growing(self) -> bool:
        """Whether the last row may still grow."""
        return self._growing is not None

    @property
    def open(self) -> Row | None:
        """The growing row; it follows the rows that `add` has returned."""
        growing = self._growing
        if growing is None:
            return None
        event = RunEvent(growing.seq, growing.at, growing.kind("".join(growing.parts)), growing.raws or None)
        return self._row(self.total, event, f"{count(growing.size, 'character')}: {excerpt(growing.head)}")

    def add(self, event: RunEvent) -> list[Row]:
        """Add an event and return the rows that are now complete: none while a row grows, two when one has ended."""
        if self.last_seq is not None and event.seq <= self.last_seq:
            return []
        self.last_seq = event.seq
        self.started_at = self.started_at or event.at
        done: list[Row] = []
        body = event.body
        if self._growing is not None and type(body) is not self._growing.kind:
            row = self.open
            assert row is not None
            done.append(row)
            self._growing = None
        self._ordinals.add(event)
        if isinstance(body, TextDelta | ReasoningDelta):
            if self._growing is None:
                self._growing = _Growing(type(body), event.at)
            self._growing.add(event, body.text, self.details)
        else:
            meaning = self._meanings.add(body, event.at, self._since(event.at))
            done.append(self._row(self.total, event, meaning))
        return done

    def _row(self, ordinal: int, event: RunEvent, meaning: str) -> Row:
        body, since = event.body, self._since(event.at)
        name, known, data, raw = type(body).__name__, True, dict[str, Any](), None
        if isinstance(body, Unknown):
            name, known = body.type, False
        if self.details:
            safe, raw = redact(encode_body(body)[1]), redact(event.raw)
            assert isinstance(safe, dict)
            data = safe
        line, wrong = one_line(meaning), failed(body)
        return Row(ordinal, event.seq, event.at, since, name, known, line, wrong, data, raw, _source(event.raw))

    def _since(self, at: datetime) -> float:
        return max(0.0, (at - (self.started_at or at)).total_seconds())


def _source(raw: JSON) -> str:
    held = raw[0] if isinstance(raw, list) and raw else raw
    names = [held.get(key) for key in ("event_type", "type")] if isinstance(held, dict) else []
    return next((one_line(name) for name in names if isinstance(name, str)), "")


class _Growing:
    """Consecutive deltas of one kind."""

    def __init__(self, kind: type[TextDelta | ReasoningDelta], at: datetime) -> None:
        self.kind = kind
        self.at = at
        self.seq = 0
        self.size = 0
        self.head = ""
        self.parts: list[str] = []
        self.raws: list[Any] = []

    def copy(self) -> _Growing:
        twin = copy(self)
        twin.parts, twin.raws = [*self.parts], [*self.raws]
        return twin

    def add(self, event: RunEvent, text: str, details: bool) -> None:
        self.seq = event.seq
        self.size += len(text)
        if len(self.head) < _HEAD:
            self.head += text
        if details:
            self.parts.append(text)
            if event.raw is not None:
                self.raws.append(event.raw)


def rows(events: Iterable[RunEvent], *, details: bool = True) -> Iterator[Row]:
    """Yield the rows of a log."""
    fold = RowFold(details=details)
    for event in events:
        yield from fold.add(event)
    if fold.open is not None:
        yield fold.open


@dataclass(frozen=True, slots=True)
class Window:
    """A section of a run's rows.

    Attributes:
        rows: The rows, in order.
        earlier: The ordinal before which there are more rows; `None` at the beginning.
        later: The ordinal after which there are more; `None` at the end.
        matching: The number of the run's rows that match the filter.
        total: The number of the run's rows.
        problem: The ordinal of the first failed row, whether it matches or not.
        last_seq: The number of the run's last event.
        others: The types of its rows that are unknown to this version.
    """

    rows: tuple[Row, ...] = ()
    earlier: int | None = None
    later: int | None = None
    matching: int = 0
    total: int = 0
    problem: int | None = None
    last_seq: int | None = None
    others: tuple[str, ...] = ()


def window(
    rows: Iterable[Row],
    wanted: RowFilter | None = None,
    *,
    before: int | None = None,
    after: int | None = None,
    around: int | None = None,
    from_end: bool = False,
    limit: int = 200,
) -> Window:
    """Return the rows before or after an ordinal, around one, or at the end; else from the beginning."""
    total, problem, last, found, others = 0, None, None, list[Row](), set[str]()
    for row in rows:
        total += 1
        last = row.seq
        if not row.known:
            others.add(row.type)
        if row.failed and problem is None:
            problem = row.ordinal
        if not wanted or wanted(row):
            found.append(row)
    first = 0
    numbers = [row.ordinal for row in found]
    if before is not None:
        first = max(0, bisect_left(numbers, before) - limit)
        limit = bisect_left(numbers, before) - first
    elif after is not None:
        first = bisect_right(numbers, after)
    elif around is not None:
        first = max(0, bisect_left(numbers, around) - limit // 4)
    elif from_end:
        first = max(0, len(found) - limit)
    shown = tuple(found[first : first + limit])
    return Window(
        shown,
        shown[0].ordinal if shown and first > 0 else None,
        shown[-1].ordinal if shown and first + limit < len(found) else None,
        len(found),
        total,
        problem,
        last,
        tuple(sorted(others)),
    )
