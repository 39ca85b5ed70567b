"""The rows of the inspector as one reader's page shows them, and the patches that bring them up to date."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from ..events import RunEvent
from ..fragments.inspector.controls import first_problem, live_controls, more_link, new_rows
from ..fragments.inspector.event_rows import event_row, event_rows, row_line
from ..fragments.inspector.run import run_facts
from ..fragments.inspector.timeline import timeline_chart
from ..html import render
from ..inspection import Row, RowFilter, RowFold
from ..inspection.timeline import TimelineFold
from ..urls import Urls
from ..view import RunView
from .patches import Patch

_ROWS = "#inspector-rows"
_MAX_ROWS = 200
_BETWEEN_SUMMARIES = 1.0


@dataclass(frozen=True, slots=True)
class RowsWanted:
    """Which rows a page wants with the turn.

    Attributes:
        after: The number of the last event that its rows show; `None` when it shows none.
        filter: Which of those that come.
        paused: Only how many there are; `after` stays where it is.
    """

    after: int | None = None
    filter: RowFilter = field(default_factory=RowFilter)
    paused: bool = False

    @property
    def query(self) -> dict[str, object]:
        """The fields of an address that asks for them."""
        return {
            "rows": self.after or 0,
            "type": self.filter.type or None,
            "q": self.filter.text or None,
            "paused": 1 if self.paused else None,
        }


class LiveRows:
    """Folds a run's events and says what changes in the inspector.

    The page shows the rows of all events up to `wanted.after`. What `patches` returns brings it to the last event that
    was added, and adds up to what the server would draw anew.
    """

    def __init__(self, run_id: str, wanted: RowsWanted, urls: Urls) -> None:
        self.wanted = wanted
        self._run_id = run_id
        self._urls = urls
        self._after = wanted.after or 0
        self._fold = RowFold(details=bool(wanted.filter.text))
        self._timeline = TimelineFold()
        self._total = 0
        self._problem: int | None = None
        # What is complete and not on the page; before it, what has become of the row that still grew there.
        self._complete: list[Row] = []
        self._closed: Row | None = None
        # The number that the growing row has on the page; `None` when none grows there.
        self._tail: int | None = None
        self._in_step = False
        self._new = 0
        self._news = True
        self._summed_up_at = float("-inf")

    @property
    def pressing(self) -> bool:
        """Whether there is more to say than that the last row has grown."""
        return bool(self._complete)

    def add(self, events: Iterable[RunEvent]) -> None:
        """Fold events in. Those that the page shows already change nothing."""
        for event in events:
            if event.seq > self._after and not self._in_step:
                growing = self._growing()
                self._tail, self._in_step = growing.seq if growing else None, True
            grew = self._fold.growing
            self._timeline.add(event)
            for index, row in enumerate(self._fold.add(event)):
                self._take(row, closed=grew and index == 0)
            self._news = self._news or (self._fold.growing and not grew)

    def patches(self, view: RunView, now: float) -> list[Patch]:
        """Return what changes on the page; `now` is any clock's seconds."""
        patches = self._count() if self.wanted.paused else self._rows()
        ended = not view.state.live
        if ended or (self._news and now >= self._summed_up_at + _BETWEEN_SUMMARIES):
            self._summed_up_at, self._news = now, False
            patches += self._summary(view)
        if ended:
            patches.append(Patch("#inspector-live", "outerHTML", render(live_controls(live=False))))
        return patches

    def _take(self, row: Row, *, closed: bool) -> None:
        self._total += 1
        self._news = True
        if row.failed and self._problem is None:
            self._problem = row.seq
        if closed and self._tail is not None and self._closed is None:
            self._closed = row
        elif row.seq > self._after and self.wanted.filter(row):
            self._complete.append(row)

    def _growing(self) -> Row | None:
        row = self._fold.open
        return row if row is not None and self.wanted.filter(row) else None

    def _rows(self) -> list[Patch]:
        patches, added = list[Patch](), self._complete
        if self._closed is not None:
            if not self.wanted.filter(self._closed):
                patches.append(Patch(f"{_ROWS} > :last-child", "delete"))
            elif self._closed.seq != self._tail:
                patches += self._grow(self._closed)
            self._tail = None
        growing = self._growing() if self._in_step else None
        if growing is not None and self._tail is None and growing.seq > self._after:
            added = [*added, growing]
        elif growing is not None and self._tail is not None and growing.seq != self._tail:
            patches += self._grow(growing)
        elif growing is None and self._tail is not None:
            patches.append(Patch(f"{_ROWS} > :last-child", "delete"))
        self._tail = growing.seq if growing else None
        self._complete, self._closed = [], None
        if len(added) > _MAX_ROWS:
            # Who reads slowly, or comes back late, gets the end; the rest is a page away.
            shown = added[-_MAX_ROWS:]
            html = event_rows(shown, self._run_id, self._urls)
            earlier = more_link("earlier", shown[0].seq, self._run_id, self.wanted.filter, self._urls)
            return [Patch(_ROWS, "innerHTML", html), Patch("#inspector-earlier", "outerHTML", render(earlier))]
        if added:
            patches.append(Patch(_ROWS, "beforeend", event_rows(added, self._run_id, self._urls)))
        return patches

    def _grow(self, row: Row) -> list[Patch]:
        last = f"{_ROWS} > :last-child"
        return [
            Patch(last, "attributes", event_row(row, self._run_id, self._urls)),
            Patch(f"{last} > :first-child", "innerHTML", row_line(row)),
        ]

    def _count(self) -> list[Patch]:
        growing = self._growing() if self._in_step and self._tail is None else None
        count = len(self._complete) + (growing is not None)
        if count == self._new:
            return []
        self._new = count
        return [Patch("#inspector-new", "innerHTML", new_rows(count))]

    def _summary(self, view: RunView) -> list[Patch]:
        timeline = self._timeline.timeline()
        total = self._total + self._fold.growing
        problem = first_problem(self._run_id, self._problem, self._urls)
        return [
            Patch("#inspector-facts", "outerMorph", render(run_facts(self._run_id, view, total, timeline))),
            Patch("#inspector-timeline", "outerMorph", render(timeline_chart(timeline, self._run_id, self._urls))),
            Patch("#inspector-problem", "outerMorph", render(problem)),
        ]
