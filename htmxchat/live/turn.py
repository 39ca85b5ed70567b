"""A live turn as one reader's page shows it, and the patches that bring it up to date."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import copy
from dataclasses import replace

from ..events import RunEvent
from ..fragments.composer import composer_actions, hold
from ..fragments.turns.context import TurnContext
from ..fragments.turns.custom import orders
from ..fragments.turns.sources import source_list
from ..fragments.turns.tail import turn_lost, turn_tail
from ..fragments.turns.transcript import status_text, turn_article
from ..html import render
from ..scripts.excerpt import Excerpt
from ..view import Folding, RunView
from .body import LiveBody
from .patches import Patch, say, swap
from .size import size_of
from .sources import source_patches

_OVERHEAD = 4_096
_NONE = frozenset[int]()


class LiveTurn:
    """Folds a run's events and says what changes on the page.

    What it returns adds up: after each list of patches the page shows exactly `view`, as a reload would.
    """

    def __init__(self, run_id: str, context: TurnContext) -> None:
        self.view = self._before = RunView()
        self._changed: frozenset[int] = _NONE
        self._pending = False
        self._folding = Folding()
        self._sizes: list[int] = []  # of the parts
        self._all_sizes = 0
        self._id = run_id
        self._context = context
        self._body = LiveBody(run_id, context)
        self._tail = self._render_tail()
        self._queue: Mapping[str, Excerpt] | None = None

    def copy(self) -> LiveTurn:
        """Return another that continues from here. All but these is replaced as it changes, never changed."""
        twin = copy(self)
        twin._sizes = list(self._sizes)
        twin._folding, twin._body = self._folding.copy(), self._body.copy()
        return twin

    @property
    def size(self) -> int:
        """Return its approximate size in bytes."""
        return _OVERHEAD + self._all_sizes + self._body.size + len(self._tail)

    @property
    def held(self) -> bool:
        """Whether something is not shown yet: text that is held back until more has come."""
        return self._pending or self._body.holds(self.view)

    def advance(self, events: Iterable[RunEvent], *, pause: bool = False) -> list[Patch]:
        """Fold `events` and return the changes; `pause` says that nothing more is waiting."""
        self.add(events)
        return self.patches(pause=pause)

    def add(self, events: Iterable[RunEvent]) -> None:
        """Fold `events`; `patches` then returns the changes."""
        self._fold(events)
        self._changed |= self._folding.changed
        self._pending = True

    async def draw_ahead(self, *, whole: bool = False) -> None:
        """Have the host draw what `patches` shows of its parts, or what `redraw` does: all of them."""
        if (drawings := self._context.drawings) is None:
            return
        places: Iterable[int] = range(len(self.view.parts))
        if not whole:
            places = self._changed.union(self._body.texts_to_draw(self.view, self._changed))
        if wanted := list(orders(self._id, self.view, places, self._context)):
            self._body.context = replace(self._context, drawings=await drawings.draw(wanted))

    def patches(self, *, pause: bool = False) -> list[Patch]:
        """Return the changes since they were asked for last; `pause` says that nothing more is waiting."""
        before, self._before = self._before, self.view
        changed, self._changed, self._pending = self._changed, _NONE, False
        tail = self._tail_patches() if _below(self.view) != _below(before) else []
        if _standing(self.view) != _standing(before):
            tail += self._state_patches()
        if hold(self.view) != hold(before):
            tail += self._composer_patches()
        # A message acknowledges all that came before its id, so nothing is held back when one is sent anyway.
        draw = pause or bool(tail) or len(self.view.sources) > len(before.sources)
        body = self._body.advance(before, self.view, changed, draw=draw)
        self._body.context = self._context
        return [*body, *source_patches(self._id, before, self.view, self._body.citations), *tail]

    def see(self, queue: Mapping[str, Excerpt]) -> None:
        """Take in what the queue says of the scripts, not before all that the log said until then: it is drawn next."""
        self._queue = queue

    @property
    def has_scripts(self) -> bool:
        """Whether the answer proposed a script."""
        return self._body.has_scripts

    def redraw(self) -> list[Patch]:
        """Return the whole turn, for a page that shows an unknown part of it."""
        self._fold(())
        self._before, self._changed, self._pending = self.view, _NONE, False
        self._tail = self._render_tail()
        body = self._body.redraw(self.view)
        self._body.context = self._context
        return [
            *body,
            swap(source_list(self._id, self.view, self._body.citations), "outerMorph"),
            Patch(f"#tail-{self._id}", "outerMorph", self._tail),
            *self._state_patches(),
            *self._composer_patches(),
        ]

    def _fold(self, events: Iterable[RunEvent]) -> None:
        self.view = self._folding.add(events)
        for place in sorted(self._folding.changed):
            size = size_of(self.view.parts[place])
            if place == len(self._sizes):
                self._sizes.append(0)
            self._all_sizes += size - self._sizes[place]
            self._sizes[place] = size
        if self._queue is not None:
            self._folding.queue, self._queue = self._queue, None
            self.view = self._folding.view()

    def lost(self, sentence: str, *, gone: bool = False) -> list[Patch]:
        """Return the notice that the run cannot be followed any more; `gone` says that there is nothing to stop."""
        return [
            swap(turn_lost(self._id, sentence, self._context), "outerMorph"),
            say(sentence),
            *([Patch(self._composer, "outerHTML", render(composer_actions(urls=self._context.urls)))] if gone else []),
        ]

    def _render_tail(self) -> str:
        return render(turn_tail(self._id, self.view, self._context))

    def _tail_patches(self) -> list[Patch]:
        shown, self._tail = self._tail, self._render_tail()
        return [] if shown == self._tail else [Patch(f"#tail-{self._id}", "outerMorph", self._tail)]

    def _state_patches(self) -> list[Patch]:
        return [
            swap(turn_article(self._id, self.view), "attributes"),
            say(status_text(self.view)),
        ]

    @property
    def _composer(self) -> str:
        # A page can be ahead of this stream, and its composer about a later run.
        return f'#composer-actions[data-run="{self._id}"]'

    def _composer_patches(self) -> list[Patch]:
        live_run_id = self._id if self.view.state.live else None
        row = composer_actions(urls=self._context.urls, live_run_id=live_run_id, hold=hold(self.view))
        # What has the focus keeps it while the run continues.
        return [Patch(self._composer, "outerMorph" if live_run_id else "outerHTML", render(row))]


def _standing(view: RunView) -> tuple[object, ...]:
    return view.state, view.waiting, view.request


def _below(view: RunView) -> tuple[object, ...]:
    return (
        view.state, view.written, view.writing, view.stage, view.waiting, view.usage, view.error,
        view.started_at, view.ended_at,
    )  # fmt: skip
