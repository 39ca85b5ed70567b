"""One reader's page of a run, updated by events."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from copy import copy
from typing import TypeAlias

import anyio

from ..events import RunEnded, RunEvent, ScriptFinished, ScriptProposed
from ..fragments.turns.context import TurnContext
from ..scripts.excerpt import Excerpt
from ..view import RunView
from .follower import Follower
from .patches import Patch
from .rows import LiveRows, RowsWanted
from .turn import LiveTurn

# Events upon which a script may stand otherwise.
_ABOUT_SCRIPTS = ScriptProposed | ScriptFinished | RunEnded

Look: TypeAlias = Callable[[], Awaitable[Mapping[str, Excerpt]]]


class LivePage:
    """What one reader's page shows of a run: the turn and, if it asks for them, the inspector's rows.

    Attributes:
        look: Says how the scripts stand that the run proposed: the log does not have all of it.
        cost: How many seconds the last `advance` took of this process; waiting for the host's functions costs nothing.
    """

    def __init__(
        self, run_id: str, context: TurnContext, rows: RowsWanted | None = None, look: Look | None = None
    ) -> None:
        self.run_id = run_id
        self.look = look
        self.cost = 0.0
        self._turn = LiveTurn(run_id, context)
        self._rows = None if rows is None else LiveRows(run_id, rows, context.urls)

    def copy(self) -> LivePage:
        """Return another that continues from here."""
        twin = copy(self)
        twin._turn, twin.look = self._turn.copy(), None
        twin._rows = self._rows and self._rows.copy()
        return twin

    def can_show(self, rows: RowsWanted | None) -> bool:
        """Return whether a page with these rows can continue from here."""
        return rows is None if self._rows is None else rows is not None and self._rows.can_show(rows)

    def show(self, rows: RowsWanted | None) -> None:
        """Go on for a page with these rows; only if it `can_show` them."""
        if self._rows is not None and rows is not None:
            self._rows.show(rows)

    @property
    def has_rows(self) -> bool:
        """Whether it shows the inspector's rows too."""
        return self._rows is not None

    @property
    def size(self) -> int:
        """Return its approximate size in bytes. Rows hold at most as much again as the turn."""
        return self._turn.size * (1 if self._rows is None else 2)

    @property
    def view(self) -> RunView:
        return self._turn.view

    @property
    def held(self) -> bool:
        """Whether text is held back until more has come."""
        return self._turn.held

    def fold(self, events: list[RunEvent]) -> None:
        """Take in what the page shows of the turn already; the host draws nothing of it."""
        self._add(events)
        self._turn.patches(pause=True)

    async def advance(self, events: list[RunEvent], *, pause: bool = False) -> list[Patch]:
        """Return what changes with `events`; `pause` says that nothing more is waiting.

        One that is cancelled has taken the events in: the next one returns what changed with them too.
        """
        began = time.perf_counter()
        self._add(events)
        added = time.perf_counter() - began
        await self._turn.draw_ahead()
        began = time.perf_counter()
        patches = self._patches(pause=pause)
        self.cost = added + time.perf_counter() - began
        return patches

    def _add(self, events: list[RunEvent]) -> None:
        self._turn.add(events)
        if self._rows is not None:
            self._rows.add(events)

    def _patches(self, *, pause: bool) -> list[Patch]:
        patches = self._turn.patches(pause=pause)
        if self._rows is None:
            return patches
        if self.held and not patches:
            if not self._rows.pressing:
                return []
            patches = self._turn.patches(pause=True)
        return [*patches, *self._row_patches()]

    async def redraw(self) -> list[Patch]:
        """Return the whole turn, and the rows that are missing."""
        await self._turn.draw_ahead(whole=True)
        return [*self._turn.redraw(), *self._row_patches()]

    async def look_at_queue(self, events: Sequence[RunEvent] = (), *, again: bool = False) -> None:
        """Learn how scripts stand: while the run waits for one, when `events` may change it, and for a page `again`."""
        has = self._turn.has_scripts
        told = any(isinstance(event.body, _ABOUT_SCRIPTS) for event in events)
        new = told and any(isinstance(event.body, ScriptProposed) for event in events)
        if self.look is not None and (new or (has and (again or told)) or self.view.awaited_script is not None):
            self._turn.see(await self.look())

    def lost(self, sentence: str, *, gone: bool = False) -> list[Patch]:
        """Return the notice that the run cannot be followed any more; `gone` says that there is nothing to stop."""
        return self._turn.lost(sentence, gone=gone)

    def _row_patches(self) -> list[Patch]:
        return [] if self._rows is None else self._rows.patches(self.view, time.monotonic())


async def catch_up(page: LivePage, follower: Follower, after: int | None) -> list[Patch]:
    """Fold what the reader has seen, and return what it has not: all of it, when `after` is not an event of the run."""
    if after is None:
        page.fold(await follower.take())
        await page.look_at_queue(again=True)
        return await page.redraw()
    backlog = follower.timing.backlog
    patient_until, heard = anyio.current_time() + 4 * backlog, False
    while True:
        events = await follower.take(backlog)
        heard = heard or bool(events)
        seen = [event for event in events if event.seq <= after]
        page.fold(seen)
        fresh: list[RunEvent] = events[len(seen) :]
        # One that was kept may have folded in more, of which nothing shows.
        if page.view.last_seq is not None and page.view.last_seq >= after and page.view.state.live:
            await page.look_at_queue(fresh, again=True)
            return await page.advance(fresh)
        if follower.lost is not None and not heard:
            return []
        # A page that was kept may be behind its reader. As long as nothing has come, that does not say that `after` is
        # wrong: the backend may be slow, or away.
        waited = heard and (not events or anyio.current_time() > patient_until)
        if fresh or follower.done or (waited and not follower.troubled):
            page.fold(fresh)
            await page.look_at_queue(again=True)
            return await page.redraw()
