"""The rows of the inspector as one reader's page shows them, and the patches that bring them up to date."""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass, field

from ..events import RunEvent
from ..fragments.inspector.controls import first_problem, live_controls, more_link
from ..fragments.inspector.event_rows import event_row, row_head, row_id, row_line
from ..fragments.inspector.run import run_facts
from ..fragments.inspector.timeline import timeline_chart
from ..inspection import Row, RowFilter, RowFold
from ..inspection.timeline import TimelineFold
from ..urls import Urls
from ..view import RunView
from .lists import list_patches
from .patches import Patch, swap

_ROWS = "#inspector-rows"
_MAX_ROWS = 200
_BETWEEN_SUMMARIES = 1.0


@dataclass(frozen=True, slots=True)
class RowsWanted:
    """Which rows a page wants with the turn.

    Attributes:
        after: The number of the last event that its rows show; `None` when it shows none.
        filter: Which of those that come.
    """

    after: int | None = None
    filter: RowFilter = field(default_factory=RowFilter)

    @property
    def query(self) -> dict[str, object]:
        """The fields of an address that asks for them."""
        return {"rows": self.after or 0, "type": self.filter.type or None, "q": self.filter.text or None}


class LiveRows:
    """Folds a run's events and says what changes in the inspector.

    The page shows the rows of all events up to `wanted.after`. What `patches` returns brings it to the last event that
    was added, and adds up to what the server would draw again.
    """

    def __init__(self, run_id: str, wanted: RowsWanted, urls: Urls) -> None:
        self.wanted = wanted
        self._run_id = run_id
        self._urls = urls
        self._fold = RowFold(details=bool(wanted.filter.text))
        self._timeline = TimelineFold()
        self._problem: int | None = None
        # What is complete and not on the page as it is now; and the row that the page shows as it still grew.
        self._complete: dict[str, Row] = {}
        self._growing: dict[str, Row] = {}
        self._in_step = False
        self._summed_up = -1
        self._summed_up_at = float("-inf")

    def copy(self) -> LiveRows:
        """Return another that continues from here."""
        twin = copy(self)
        twin._fold, twin._timeline, twin._complete = self._fold.copy(), self._timeline.copy(), {**self._complete}
        return twin

    def can_show(self, wanted: RowsWanted) -> bool:
        """Return whether a page that has the rows up to `wanted.after` can continue from here."""
        if wanted.filter == self.wanted.filter:
            return True
        # What has come since may be hidden by the one filter and not by the other.
        level = self._fold.last_seq is None or self._fold.last_seq <= (wanted.after or 0)
        return level and (self._fold.details or not wanted.filter.text)

    def show(self, wanted: RowsWanted) -> None:
        """Go on for a page that has the rows up to `wanted.after`; only if it `can_show` them."""
        self.wanted = wanted
        self._summed_up, self._summed_up_at = -1, float("-inf")
        if self._fold.last_seq is None or self._fold.last_seq <= (wanted.after or 0):
            self._complete, self._growing, self._in_step = {}, {}, False

    @property
    def pressing(self) -> bool:
        """Whether there is more to say than that the last row has grown."""
        return bool(self._complete)

    def add(self, events: Iterable[RunEvent]) -> None:
        """Fold events in. Those that the page shows already change nothing."""
        for event in events:
            new = event.seq > (self.wanted.after or 0)
            if new and not self._in_step:
                self._growing, self._in_step = self._open_row(), True
            self._timeline.add(event)
            for row in self._fold.add(event):
                if row.failed and self._problem is None:
                    self._problem = row.ordinal
                if new:
                    self._complete[row_id(row.ordinal)] = row

    def patches(self, view: RunView, now: float) -> list[Patch]:
        """Return what changes on the page; `now` is any clock's seconds."""
        patches = self._row_patches()
        ended = not view.state.live
        if ended or (self._fold.total != self._summed_up and now >= self._summed_up_at + _BETWEEN_SUMMARIES):
            self._summed_up_at, self._summed_up = now, self._fold.total
            patches += self._summary(view)
        if ended:
            patches.append(swap(live_controls(live=False)))
        return patches

    def _open_row(self) -> dict[str, Row]:
        row = self._fold.open
        return {} if row is None else {row_id(row.ordinal): row}

    def _row_patches(self) -> list[Patch]:
        growing = self._open_row() if self._in_step else {}
        new = self._shown({**self._complete, **growing})
        old = self._shown(self._growing)
        self._complete, self._growing = {}, growing
        if len(new) <= _MAX_ROWS:
            return list_patches(_ROWS, old, new, draw=self._draw, change=_change)
        # Who reads slowly, or comes back late, gets the end; the rest is a page away.
        last = list(new.values())[-_MAX_ROWS:]
        earlier = more_link("earlier", last[0].ordinal, self._run_id, self.wanted.filter, self._urls)
        return [Patch(_ROWS, "innerHTML", "".join(map(self._draw, last))), swap(earlier)]

    def _shown(self, rows: dict[str, Row]) -> dict[str, Row]:
        return {id: row for id, row in rows.items() if self.wanted.filter(row)}

    def _draw(self, row: Row) -> str:
        return event_row(row, self._run_id, self._urls)

    def _summary(self, view: RunView) -> list[Patch]:
        timeline = self._timeline.timeline()
        return [
            swap(run_facts(self._run_id, view, self._fold.total, timeline), "outerMorph"),
            swap(timeline_chart(timeline, self._run_id, self._urls), "outerMorph"),
            swap(first_problem(self._run_id, self._problem, self._urls), "outerMorph"),
        ]


def _change(target: str, old: Row, new: Row) -> list[Patch]:
    """Return what makes a row grow; that it is open, and what it then shows, stays."""
    return [
        Patch(target, "attributes", f"{row_head(new)}</details>"),
        Patch(f"{target} > :first-child", "innerHTML", row_line(new)),
    ]
