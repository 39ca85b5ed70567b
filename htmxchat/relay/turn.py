"""A live turn as one reader's page shows it, and the patches that bring it up to date."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from copy import copy
from html import escape
from sys import getsizeof

from ..events import RunEvent
from ..fragments.composer import composer_actions, hold
from ..fragments.proposals import proposals
from ..fragments.steps import turn_step
from ..fragments.transcript import status_text, turn_article
from ..fragments.turn_context import TurnContext
from ..fragments.turn_tail import turn_lost, turn_tail
from ..html import render
from ..markdown import MarkdownStream
from ..patches import Patch, element_patches
from ..scripts.result import ScriptState
from ..view import RunView, Step, fold

_LARGE = 8_192
_SHARE = 8
_OVERHEAD = 4_096


class LiveTurn:
    """Folds a run's events and says what changes on the page.

    What it returns adds up: after each list of patches the page shows exactly `view`, as a reload would.
    """

    def __init__(self, run_id: str, context: TurnContext) -> None:
        self.view = RunView()
        self._id = run_id
        self._context = context
        self._start_body()
        self._steps: list[str] = []
        self._lines: list[str] = []
        self._line_states: list[ScriptState] = []
        self._tail = self._render_tail()

    def copy(self) -> LiveTurn:
        """Return another that goes on from here. All but these two is replaced as it changes, never changed."""
        twin = copy(self)
        twin._stream, twin._settled_hash = self._stream.copy(), self._settled_hash.copy()
        return twin

    @property
    def size(self) -> int:
        """How many bytes it takes, about."""
        drawn = sum(map(len, (*self._steps, *self._lines, *self._open, self._tail)))
        return _OVERHEAD + getsizeof(self.view.text) + drawn

    @property
    def held(self) -> bool:
        """Whether text is held back until more has come.

        An open block of more than 8,192 characters is drawn again when it has grown by an eighth, or in a pause.
        So even an answer that is one block costs what it is long, not its square.
        """
        return self._fed != len(self.view.text)

    def advance(self, events: Iterable[RunEvent], *, pause: bool = False) -> list[Patch]:
        """Fold `events` and return the changes; `pause` says that nothing more is waiting."""
        before, self.view = self.view, fold(events, self.view)
        steps = self._step_patches(before.steps) if self.view.steps != before.steps else []
        tail = self._tail_patches() if _below(self.view) != _below(before) else []
        tail = [*self._line_patches(), *tail]
        if _standing(self.view) != _standing(before):
            tail += self._state_patches()
        if hold(self.view) != hold(before):
            tail += self._composer_patches()
        # A message vouches for all that came before its id, so nothing is held back when one is sent anyway.
        body = self._body_patches(before.text, draw=pause or bool(steps or tail))
        return [*steps, *body, *tail]

    def redraw(self) -> list[Patch]:
        """Return the whole turn, for a page that shows an unknown part of it."""
        return [
            Patch(f"#steps-{self._id}", "innerHTML", "".join(self._steps)),
            *self._whole_body(),
            Patch(f"#proposals-{self._id}", "innerHTML", "".join(self._lines)),
            Patch(f"#tail-{self._id}", "outerMorph", self._tail),
            *self._state_patches(),
            *self._composer_patches(),
        ]

    def lost(self, sentence: str, *, gone: bool = False) -> list[Patch]:
        """Return the notice that the run cannot be followed any more; `gone` says that there is nothing to stop."""
        return [
            Patch(f"#tail-{self._id}", "outerMorph", render(turn_lost(self._id, sentence, self._context))),
            Patch("#status", "innerHTML", escape(sentence)),
            *([Patch(self._composer, "outerHTML", render(composer_actions(urls=self._context.urls)))] if gone else []),
        ]

    def _start_body(self) -> None:
        self._stream = MarkdownStream(self._context.markdown)
        self._fed = 0
        self._settled = 0
        self._settled_hash = hashlib.blake2b()
        self._open: list[str] = []

    def _body_patches(self, text_before: str, *, draw: bool) -> list[Patch]:
        text = self.view.text
        if not text.startswith(text_before):
            self._start_body()
            return self._whole_body()
        if not self.view.state.live:
            return self._final_patches()
        size = sum(map(len, self._open))
        waiting = len(text) - self._fed
        if not waiting or (size > _LARGE and waiting < size // _SHARE and not draw):
            return []
        settled, shown = self._feed(), self._open
        self._open = self._stream.open()
        return self._block_patches(shown, [*settled, *self._open])

    def _feed(self) -> list[str]:
        self._stream.append(self.view.text[self._fed :])
        self._fed = len(self.view.text)
        settled = self._stream.settled()
        for block in settled:
            self._settled_hash.update(_framed(block))
        self._settled += len(settled)
        return settled

    def _final_patches(self) -> list[Patch]:
        """Blocks that were settled stay, unless a definition at the end changed what they mean."""
        blocks = self._context.markdown.blocks(self.view.text)
        self._fed = len(self.view.text)
        final = hashlib.blake2b()
        for block in blocks[: self._settled]:
            final.update(_framed(block))
        if final.digest() != self._settled_hash.digest():
            self._open = blocks
            return [Patch(f"#body-{self._id}", "innerHTML", "".join(blocks))]
        shown, self._open = self._open, blocks[self._settled :]
        return self._block_patches(shown, self._open)

    def _block_patches(self, shown: list[str], wanted: list[str]) -> list[Patch]:
        """Turn the blocks `shown` at the end of the body into those `wanted`."""
        body = f"#body-{self._id}"
        patches: list[Patch] = []
        for index, block in enumerate(shown):
            from_end = len(shown) - index
            target = f"{body} > :last-child" if from_end == 1 else f"{body} > :nth-last-child({from_end})"
            if index < len(wanted):
                patches += element_patches(target, block, wanted[index])
            else:
                patches.append(Patch(target, "delete"))
        added = "".join(wanted[len(shown) :])
        return [*patches, Patch(body, "beforeend", added)] if added else patches

    def _whole_body(self) -> list[Patch]:
        self._start_body()
        if self.view.state.live:
            settled = self._feed()
            self._open = self._stream.open()
            blocks = [*settled, *self._open]
        else:
            self._fed = len(self.view.text)
            blocks = self._open = self._context.markdown.blocks(self.view.text)
        return [Patch(f"#body-{self._id}", "innerHTML", "".join(blocks))]

    def _step_patches(self, before: Sequence[Step]) -> list[Patch]:
        shown = self._steps
        # Steps that did not change are the same objects; a long list costs what is new in it.
        self._steps = [
            shown[index] if index < len(shown) and before[index] is step else self._render_step(index, step)
            for index, step in enumerate(self.view.steps)
        ]
        patches: list[Patch] = []
        for index, (old, new) in enumerate(zip(shown, self._steps, strict=False)):
            patches += element_patches(f"#step-{self._id}-{index}", old, new, otherwise="outerMorph")
        added = "".join(self._steps[len(shown) :])
        return [*patches, Patch(f"#steps-{self._id}", "beforeend", added)] if added else patches

    def _render_step(self, index: int, step: Step) -> str:
        return render(turn_step(self._id, index, step, arguments=self._context.inspector is not None))

    def _line_patches(self) -> list[Patch]:
        """The lines about scripts follow their queue as well, so only those that changed are sent."""
        states = list(self.view.script_states())
        if states == self._line_states:
            return []
        self._line_states = states
        shown, self._lines = self._lines, [render(line) for line in proposals(self._id, self.view, self._context)]
        place, patches = f"#proposals-{self._id}", list[Patch]()
        for from_end, (old, new) in zip(range(len(shown), 0, -1), zip(shown, self._lines, strict=False), strict=False):
            if old != new:
                patches.append(Patch(f"{place} > :nth-last-child({from_end})", "outerMorph", new))
        added = "".join(self._lines[len(shown) :])
        return [*patches, Patch(place, "beforeend", added)] if added else patches

    def _render_tail(self) -> str:
        return render(turn_tail(self._id, self.view, self._context))

    def _tail_patches(self) -> list[Patch]:
        shown, self._tail = self._tail, self._render_tail()
        return [] if shown == self._tail else [Patch(f"#tail-{self._id}", "outerMorph", self._tail)]

    def _state_patches(self) -> list[Patch]:
        return [
            Patch(f"#turn-{self._id}", "attributes", render(turn_article(self._id, self.view))),
            Patch("#status", "innerHTML", escape(status_text(self.view))),
        ]

    @property
    def _composer(self) -> str:
        # A page can be ahead of this stream, and its composer about a later run.
        return f'#composer-actions[data-run="{self._id}"]'

    def _composer_patches(self) -> list[Patch]:
        live_run_id = self._id if self.view.state.live else None
        row = composer_actions(urls=self._context.urls, live_run_id=live_run_id, hold=hold(self.view))
        # What has the focus keeps it while the run goes on.
        return [Patch(self._composer, "outerMorph" if live_run_id else "outerHTML", render(row))]


def _standing(view: RunView) -> tuple[object, ...]:
    return view.state, view.waiting, view.request


def _below(view: RunView) -> tuple[object, ...]:
    return (
        view.state, bool(view.text), view.stage, view.waiting, view.request, view.sources, view.usage, view.error,
        view.started_at, view.ended_at,
    )  # fmt: skip


def _framed(block: str) -> bytes:
    return f"{len(block)}:{block}".encode("utf-8", "surrogatepass")
