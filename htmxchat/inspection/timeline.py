"""Run events -> the lanes of a timeline: one pure fold."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from ..events import (
    InputAnswered,
    InputRequested,
    ReasoningDelta,
    RunEnded,
    RunEvent,
    ScriptFinished,
    ScriptProposed,
    StageChanged,
    TextDelta,
    ToolFinished,
    ToolStarted,
)
from ..models import RunState
from .axis import Stretch, only_waiting
from .event_rows import Ordinals

_MAX_LANES = 24

Kind: TypeAlias = Literal["stage", "reasoning", "tool", "waiting", "streaming"]


@dataclass(frozen=True, slots=True)
class Bar:
    """An interval.

    Attributes:
        row: The ordinal of the row where it begins.
        start, end: Seconds since the run's first event; while it continues, `end` is the time of the last event.
        state: running, completed, failed or cancelled; suspended while the run waits.
        count: The number of intervals merged into it.
    """

    row: int
    start: float
    end: float
    state: RunState
    count: int = 1


@dataclass(frozen=True, slots=True)
class Lane:
    """All bars of one tool, stage or kind."""

    kind: Kind
    label: str
    bars: tuple[Bar, ...]

    @property
    def seconds(self) -> float:
        return sum(bar.end - bar.start for bar in self.bars)


@dataclass(frozen=True, slots=True)
class Timeline:
    """How a run spent its time.

    Attributes:
        seconds: The duration of the run so far.
        waits: The intervals in which it only waited: begin and end in seconds.
    """

    lanes: tuple[Lane, ...]
    seconds: float
    waits: tuple[Stretch, ...] = ()

    @property
    def waited(self) -> float:
        """Seconds in which it only waited."""
        return sum(end - start for start, end in self.waits)


@dataclass(frozen=True, slots=True)
class _Open:
    lane: tuple[Kind, str]
    at: datetime
    row: int


class TimelineFold:
    """Folds events into bars. Its cost is linear in the events."""

    def __init__(self) -> None:
        self._lanes: dict[tuple[Kind, str], list[Bar]] = {}
        self._open: dict[str, _Open] = {}
        self._unnamed: deque[str] = deque()  # the keys of open calls without an id
        self._first: datetime | None = None
        self._last: datetime | None = None
        self._ended = False
        self._ordinals = Ordinals()

    def copy(self) -> TimelineFold:
        """Return an independent copy."""
        twin = copy(self)
        twin._lanes = {key: [*bars] for key, bars in self._lanes.items()}
        twin._open, twin._unnamed = {**self._open}, deque(self._unnamed)
        twin._ordinals = copy(self._ordinals)
        return twin

    def add(self, event: RunEvent) -> None:
        """Add an event. Events after the run's end are ignored."""
        if self._ended:
            return
        self._first = self._first or event.at
        self._last = max(self._last or event.at, event.at)
        at, row, body = event.at, self._ordinals.add(event), event.body
        if not isinstance(body, ReasoningDelta):
            self._close("reasoning", at)
        if not isinstance(body, TextDelta):
            self._close("streaming", at)
        match body:
            case StageChanged(name=name):
                self._close("stage", at)
                self._begin("stage", ("stage", name), at, row)
            case ReasoningDelta():
                self._grow("reasoning", ("reasoning", "Thinking"), at, row)
            case TextDelta():
                self._grow("streaming", ("streaming", "Writing"), at, row)
            case ToolStarted(call_id=call, name=name):
                self._begin_tool(call, name, at, row)
            case ToolFinished(call_id=call, failed=failed):
                key = f"tool {call}" if call else self._unnamed.popleft() if self._unnamed else ""
                self._close(key, at, RunState.FAILED if failed else RunState.COMPLETED)
            case InputRequested(request_id=request):
                self._begin(f"waiting {request}", ("waiting", "Waiting for you"), at, row)
            case InputAnswered(request_id=request):
                self._close(f"waiting {request}", at)
            case ScriptProposed(script_id=script, awaited=True):
                self._begin(f"script {script}", ("waiting", "Waiting for a script"), at, row)
            case ScriptFinished(script_id=script):
                self._close(f"script {script}", at)
            case RunEnded(outcome=outcome):
                self._end(at, RunState.after(outcome))

    def timeline(self) -> Timeline:
        """Return the timeline so far; open bars last until the last event."""
        lanes = {key: list(bars) for key, bars in self._lanes.items()}
        for each in self._open.values():
            state = RunState.SUSPENDED if each.lane[0] == "waiting" else RunState.RUNNING
            lanes.setdefault(each.lane, []).append(self._bar(each, self._last or each.at, state))
        total = self._seconds(self._last) if self._last else 0.0
        waits: list[Stretch] = []
        work: list[Stretch] = []
        for (kind, _), bars in lanes.items():
            if kind != "stage":
                (waits if kind == "waiting" else work).extend(
                    (bar.start, bar.end) for bar in bars if bar.end > bar.start
                )
        lanes = _few({key: bars for key, bars in lanes.items() if bars})
        return Timeline(
            tuple(
                Lane(kind, label, _merged(sorted(bars, key=lambda bar: bar.start), total))
                for (kind, label), bars in lanes.items()
            ),
            total,
            only_waiting(waits, work) if waits else (),
        )

    def _begin(self, name: str, lane: tuple[Kind, str], at: datetime, row: int) -> None:
        self._lanes.setdefault(lane, [])
        self._open[name] = _Open(lane, at, row)

    def _begin_tool(self, call: str, name: str, at: datetime, row: int) -> None:
        """Begin a call, unless a call with this id is open. A call without an id is always new."""
        key = f"tool {call}"
        if not call:
            key = f"tool without id {row}"
            self._unnamed.append(key)
        if key not in self._open:
            self._begin(key, ("tool", name), at, row)

    def _grow(self, name: str, lane: tuple[Kind, str], at: datetime, row: int) -> None:
        if name not in self._open:
            self._begin(name, lane, at, row)

    def _close(self, name: str, at: datetime, state: RunState = RunState.COMPLETED) -> None:
        found = self._open.pop(name, None)
        if found is not None:
            self._lanes[found.lane].append(self._bar(found, at, state))

    def _end(self, at: datetime, outcome: RunState) -> None:
        for name, each in list(self._open.items()):
            if outcome is RunState.SUSPENDED and each.lane[0] == "waiting":
                continue
            unfinished = RunState.CANCELLED if each.lane[0] in ("tool", "waiting") else RunState.COMPLETED
            self._close(name, at, outcome if outcome is RunState.FAILED and each.lane[0] == "stage" else unfinished)
        self._ended = True

    def _bar(self, each: _Open, end: datetime, state: RunState) -> Bar:
        start = self._seconds(each.at)
        return Bar(each.row, start, max(start, self._seconds(end)), state)

    def _seconds(self, at: datetime) -> float:
        return max(0.0, (at - (self._first or at)).total_seconds())


def timeline(events: Iterable[RunEvent]) -> Timeline:
    """Return the timeline of a log."""
    fold = TimelineFold()
    for event in events:
        fold.add(event)
    return fold.timeline()


def _few(lanes: dict[tuple[Kind, str], list[Bar]]) -> dict[tuple[Kind, str], list[Bar]]:
    """Return the most important lanes (failed ones, then the longest), and one lane for the rest of each kind."""
    if len(lanes) <= _MAX_LANES:
        return lanes

    def weight(key: tuple[Kind, str]) -> tuple[bool, float]:
        bars = lanes[key]
        return any(bar.state is RunState.FAILED for bar in bars), sum(bar.end - bar.start for bar in bars)

    kept = set(sorted(lanes, key=weight, reverse=True)[:_MAX_LANES])
    few = {key: bars for key, bars in lanes.items() if key in kept}
    rest: dict[Kind, list[list[Bar]]] = {}
    for key, bars in lanes.items():
        if key not in kept:
            rest.setdefault(key[0], []).append(bars)
    for kind, groups in rest.items():
        few[kind, f"{len(groups):,} more"] = [bar for bars in groups for bar in bars]
    return few


def _merged(bars: list[Bar], total: float) -> tuple[Bar, ...]:
    """Merge bars that are too close to be distinguished; failed bars are not merged."""
    merged: list[Bar] = []
    for bar in bars:
        last = merged[-1] if merged else None
        close = last is not None and bar.start - last.end < total / 400
        if last and close and bar.state is last.state and bar.state is not RunState.FAILED:
            merged[-1] = Bar(last.row, last.start, max(last.end, bar.end), last.state, last.count + 1)
        else:
            merged.append(bar)
    return tuple(merged)
