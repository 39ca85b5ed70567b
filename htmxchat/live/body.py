"""The parts of an active answer as one reader's page shows them, and the patches that bring them up to date."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import dataclass, replace
from html import escape

from ..events import Source
from ..fragments.turns.citations import Citations, linked, unlinked
from ..fragments.turns.context import TurnContext
from ..fragments.turns.fences import can_grow, with_diagrams
from ..fragments.turns.parts import is_step, part_html, part_id, section_html, sections, stretches, text_html
from ..fragments.turns.tools import FEW, StepsTotal, is_over, steps_fold, steps_gist, steps_group, thought_summary
from ..html import raw, render
from ..parts import ProposedScript, Reasoning, Step, Text, is_blank
from ..scripts.excerpt import Excerpt
from ..text.markdown import Budget
from ..view import RunView
from .patches import Patch
from .text import LiveText

_EACH_PART = 64
_EACH_SCRIPT = 4_096


@dataclass(frozen=True, slots=True)
class _Group:
    """Steps that follow each other, as they are drawn.

    Attributes:
        last: The place of the last step.
    """

    last: int
    total: StepsTotal
    over: bool
    gist: str = ""


@dataclass(frozen=True, slots=True)
class _Written:
    """A text that is drawn.

    Attributes:
        budget: What was left for code before it.
        citations: How many stand before it.
    """

    place: int
    budget: int
    citations: int


class LiveBody:
    """What an answer is made of. A part that is closed is sent once; of an open one, what changes.

    Attributes:
        context: What it is drawn with; its drawings are those of what is drawn next.
        citations: Those in the texts that are closed.
    """

    def __init__(self, run_id: str, context: TurnContext) -> None:
        self._id = run_id
        self._target = f"#body-{run_id}"
        self.context = context
        self._start()

    def _start(self) -> None:
        self._budget = Budget()
        self.citations = Citations(self._id)
        self._next = 0  # the place of the first part that is not drawn
        self._sections = 0  # how many are drawn
        self._text: tuple[int, LiveText] | None = None  # the text that grows, and where it is
        self._written: list[_Written] = []  # the texts that are drawn and not blank
        self._groups: dict[int, _Group] = {}  # by the places of their first steps
        self._firsts: list[int] = []  # these places, in order
        self._last_group: int | None = None  # the first step of the group to which more can be added
        self._scripts: dict[int, Excerpt] = {}  # as they were drawn, by their places

    def copy(self) -> LiveBody:
        """Return another that continues from here."""
        twin = copy(self)
        twin._budget, twin.citations = Budget(self._budget.left), self.citations.copy()
        twin._firsts, twin._scripts, twin._written = list(self._firsts), dict(self._scripts), list(self._written)
        twin._groups = dict(self._groups)
        if self._text is not None:
            twin._text = self._text[0], self._text[1].copy(twin._budget, twin.citations)
        return twin

    @property
    def size(self) -> int:
        """Return its approximate size in bytes, without the view."""
        return (
            _EACH_PART * (self._next + len(self.citations))
            + _EACH_SCRIPT * len(self._scripts)
            + (self._text[1].size if self._text else 0)
        )

    def texts_to_draw(self, view: RunView, changed: Iterable[int]) -> Iterable[int]:
        """Return the places of texts that `advance` draws as complete: one that does not grow any more, and all that
        stand after one that was replaced.
        """
        if self._text is not None and not can_grow(view, self._text[0]):
            yield self._text[0]
        texts = [place for place in changed if isinstance(view.parts[place], Text) and not can_grow(view, place)]
        yield from range(min(texts, default=len(view.parts)), len(view.parts))

    @property
    def has_scripts(self) -> bool:
        """Whether the answer proposed a script."""
        return bool(self._scripts)

    def holds(self, view: RunView) -> bool:
        """Return whether some text of `view` is held back until more has come."""
        return self._text is not None and self._text[1].holds(_text(view, self._text[0]))

    def advance(self, before: RunView, view: RunView, changed: Iterable[int], *, draw: bool) -> list[Patch]:
        """Return what changes when `before` becomes `view`; with `draw`, no text is held back.

        Args:
            changed: The places of the parts that are not as they were.
        """
        changed = sorted(place for place in changed if place < self._next)
        cited = self._citation_patches(len(before.sources), view.sources)
        rewritten = self._rewrite(view, [place for place in changed if self._is_rewritten(before, view, place)])
        patches: list[Patch] = []
        for place in changed:
            if not isinstance(view.parts[place], Text | ProposedScript):
                patches += self._part_patches(before, view, place)
        patches += self._script_patches(before, view, changed)
        grown = self._text_patches(view, draw=draw or bool(patches) or self._more(view))
        touched = {self._update_group(before, view, p) for p in changed if is_step(view.parts[p], self.context)}
        if self._last_group is not None:
            touched.add(self._last_group)
        return [
            *(*cited, *rewritten, *grown, *patches),
            *self._new_patches(view),
            *self._group_patches(view, touched),
        ]

    def redraw(self, view: RunView) -> list[Patch]:
        """Return the whole body, for a page that shows an unknown part of it."""
        self._start()
        return [Patch(self._target, "innerHTML", "".join(self._draw(view, list(sections(view.parts, self.context)))))]

    def _is_rewritten(self, before: RunView, view: RunView, place: int) -> bool:
        """Return whether a text was replaced, and not only the end of one that grows."""
        if not isinstance(view.parts[place], Text):
            return False
        if self._text is None or place != self._text[0]:
            return True
        shown, text = _text(before, place), _text(view, place)
        return not (text.startswith(shown) or self._text[1].go_back(shown, text))

    def _rewrite(self, view: RunView, places: Sequence[int]) -> list[Patch]:
        """Draw texts again, in their places, and those after them: their citations have other numbers now.

        There are hardly any such: when text is replaced, those after what changed are taken back.
        """
        if not places:
            return []
        again = set(places)
        while self._written and self._written[-1].place >= places[0]:
            written = self._written.pop()
            again.add(written.place)
            self._budget.left = written.budget
            self.citations.cut(written.citations, written.place)
        if self._text is not None and self._text[0] in again:
            self._text = None
        return [
            Patch(f"#{part_id(self._id, place)}", "outerHTML", self._draw_text(view, place)) for place in sorted(again)
        ]

    def _draw_text(self, view: RunView, place: int) -> str:
        if not _is_blank(view, place):
            self._written.append(_Written(place, self._budget.left, len(self.citations)))
        if not can_grow(view, place):
            return section_html(self._id, view, [place], self.context, self._budget, self.citations)
        live = LiveText(f"#{part_id(self._id, place)}", place, self.context.markdown, self._budget, self.citations)
        self._text = place, live
        return linked(text_html(self._id, place, live.begin(_text(view, place))), self._id, view.sources)

    def _more(self, view: RunView) -> bool:
        return any(not is_blank(part) for part in view.parts[self._next :])

    def _citation_patches(self, known: int, sources: Sequence[Source]) -> list[Patch]:
        """Return what makes links of the citations that are drawn, of the sources after those that were known."""
        patches = []
        for number in range(known + 1, len(sources) + 1):
            ids = self.citations.ids(number)
            for id in [*ids, *self._text[1].citation_ids(number)] if self._text else ids:
                patches.append(Patch(f"#{id}", "attributes", linked(unlinked(id, number), self._id, sources)))
        return patches

    def _text_patches(self, view: RunView, *, draw: bool) -> list[Patch]:
        if self._text is None:
            return []
        place, live = self._text
        if can_grow(view, place):
            patches = live.grow(_text(view, place), draw=draw)
        else:
            self._text = None
            id, context = part_id(self._id, place), self.context
            patches = live.close(
                _text(view, place), lambda blocks, shown: with_diagrams(id, self._id, blocks, shown, context)
            )
        return [replace(patch, html=linked(patch.html, self._id, view.sources)) for patch in patches]

    def _part_patches(self, before: RunView, view: RunView, place: int) -> list[Patch]:
        part, id = view.parts[place], part_id(self._id, place)
        if not isinstance(part, Reasoning):
            return [Patch(f"#{id}", "outerMorph", part_html(self._id, view, place, self.context))]
        shown = before.parts[place]
        assert isinstance(shown, Reasoning)
        more = part.text[len(shown.text) :]
        patches = [Patch(f"#{id}", "beforeend", escape(more, quote=False), (1,))] if more else []
        if part.ended_at != shown.ended_at:
            patches.append(Patch(f"#{id} > :first-child", "outerMorph", render(thought_summary(part))))
        return patches

    def _script_patches(self, before: RunView, view: RunView, changed: Sequence[int]) -> list[Patch]:
        """Scripts follow their queue as well, so each that stands otherwise than it was drawn is sent."""
        if before.queue is view.queue and before.state.live == view.state.live:
            places = [place for place in changed if place in self._scripts]
        else:
            places = list(self._scripts)
        patches = []
        for place in places:
            now = _script(view, place)
            if now != self._scripts[place]:
                self._scripts[place] = now
                if html := part_html(self._id, view, place, self.context):
                    patches.append(Patch(f"#{part_id(self._id, place)}", "outerMorph", html))
        return patches

    def _new_patches(self, view: RunView) -> list[Patch]:
        """Return what adds the parts that are not drawn yet."""
        fresh = list(sections(view.parts, self.context, self._next))
        patches: list[Patch] = []
        if fresh and self._last_group is not None and is_step(view.parts[fresh[0][0]], self.context):
            group = self._groups[self._last_group]
            rows = fresh.pop(0)
            added = "".join(part_html(self._id, view, place, self.context) for place in rows)
            patches.append(Patch(f"#steps-{self._id}-{self._last_group}", "beforeend", added))
            total = group.total.plus(*(_step(view, place) for place in rows))
            self._groups[self._last_group] = replace(group, last=rows[-1], total=total)
        more, stretch = self._draw(view, fresh)
        if more:
            patches.append(Patch(self._target, "beforeend", more, (1,)))
        if stretch:
            patches.append(Patch(self._target, "beforeend", stretch))
        return patches

    def _draw(self, view: RunView, fresh: Sequence[list[int]]) -> tuple[str, str]:
        """Return the sections: what is added to the last stretch, and those that follow it."""
        drawn: list[str] = []
        for section in fresh:
            place = section[0]
            part = view.parts[place]
            self._last_group = None
            if isinstance(part, Text):
                drawn.append(self._draw_text(view, place))
                continue
            drawn.append(section_html(self._id, view, section, self.context, self._budget, self.citations))
            if isinstance(part, ProposedScript):
                self._scripts[place] = _script(view, place)
            elif is_step(part, self.context):
                self._last_group = place
                over = is_over(view, section[-1])
                total = StepsTotal().plus(*(_step(view, place) for place in section))
                self._groups[place] = _Group(section[-1], total, over, _gist(total, over=over))
                self._firsts.append(place)
        self._next = len(view.parts) - (bool(view.parts) and is_blank(view.parts[-1]))
        before, self._sections = self._sections, self._sections + len(drawn)
        return stretches(drawn, before)

    def _update_group(self, before: RunView, view: RunView, place: int) -> int:
        """Take in that a step has changed, and return the first step of its group."""
        first = self._firsts[bisect_right(self._firsts, place) - 1]
        group = self._groups[first]
        total = group.total.changed(_step(before, place), _step(view, place), first=place == first)
        self._groups[first] = replace(group, total=total)
        return first

    def _group_patches(self, view: RunView, groups: Iterable[int]) -> list[Patch]:
        """Return what changes of the lines that many steps fold to."""
        patches: list[Patch] = []
        for first in sorted(groups):
            group = self._groups[first]
            over = is_over(view, group.last)
            gist = _gist(group.total, over=over)
            self._groups[first] = replace(group, over=over, gist=gist)
            place = f"#steps-{self._id}-{first}"
            if over != group.over:
                patches.append(Patch(place, "attributes", render(steps_group(self._id, first, over=over))))
            if gist and not group.gist:
                patches.append(Patch(place, "afterbegin", render(steps_fold(self._id, first, raw(gist)))))
            elif gist != group.gist:
                patches.append(Patch(f"#fold-{self._id}-{first}", "innerHTML", gist, (1,)))
        return patches


def _text(view: RunView, place: int) -> str:
    part = view.parts[place]
    assert isinstance(part, Text)
    return part.text


def _script(view: RunView, place: int) -> Excerpt:
    part = view.parts[place]
    assert isinstance(part, ProposedScript)
    return view.script(part)


def _step(view: RunView, place: int) -> Step:
    step = view.parts[place]
    assert isinstance(step, Step)
    return step


def _is_blank(view: RunView, place: int) -> bool:
    part = view.parts[place]
    return isinstance(part, Text) and part.blank


def _gist(total: StepsTotal, *, over: bool) -> str:
    return "" if total.steps <= FEW else render(steps_gist(total, over=over))
