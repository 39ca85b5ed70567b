"""The parts of a live answer as one reader's page shows them, and the patches that bring them up to date."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import dataclass, replace

from ..events import Source
from ..fragments.turns.citations import Citations, linked, unlinked
from ..fragments.turns.context import TurnContext
from ..fragments.turns.parts import is_step, part_html, part_id, section_html, sections, text_html
from ..fragments.turns.tools import FEW, is_over, steps_fold, steps_gist, steps_group
from ..html import raw, render
from ..parts import ProposedScript, Reasoning, Text, is_blank
from ..scripts.excerpt import Excerpt
from ..text.markdown import Budget
from ..view import RunView
from .patches import Patch, element_patches
from .text import LiveText

_EACH_PART = 64
_EACH_SCRIPT = 4_096


@dataclass(frozen=True, slots=True)
class _Group:
    """Steps that follow each other, as they are drawn.

    Attributes:
        places: Of the steps, in order; between them are at most blank texts.
    """

    places: list[int]
    over: bool
    gist: str = ""


class LiveBody:
    """What an answer is made of. A part that is closed is sent once; of an open one, what changes.

    Attributes:
        citations: Those in the texts that are closed.
    """

    def __init__(self, run_id: str, context: TurnContext) -> None:
        self._id = run_id
        self._target = f"#body-{run_id}"
        self._context = context
        self._start()

    def _start(self) -> None:
        self._budget = Budget()
        self.citations = Citations(self._id)
        self._next = 0  # the place of the first part that is not drawn
        self._text: tuple[int, LiveText] | None = None  # the text that grows, and where it is
        self._thought = ""  # the reasoning that grows, as it was drawn
        self._groups: dict[int, _Group] = {}  # by the places of their first steps
        self._firsts: list[int] = []  # these places, in order
        self._last_group: int | None = None  # the first step of the group to which more can be added
        self._scripts: dict[int, Excerpt] = {}  # as they were drawn, by their places

    def copy(self) -> LiveBody:
        """Return another that goes on from here."""
        twin = copy(self)
        twin._budget, twin.citations = Budget(self._budget.left), self.citations.copy()
        twin._firsts, twin._scripts = list(self._firsts), dict(self._scripts)
        twin._groups = {first: replace(group, places=list(group.places)) for first, group in self._groups.items()}
        if self._text is not None:
            twin._text = self._text[0], self._text[1].copy(twin._budget, twin.citations)
        return twin

    @property
    def size(self) -> int:
        """How many bytes it takes beside the view, about."""
        return (
            _EACH_PART * (self._next + len(self.citations))
            + _EACH_SCRIPT * len(self._scripts)
            + len(self._thought)
            + (self._text[1].size if self._text else 0)
        )

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
        if self._rewritten(before, view, changed):
            return self.redraw(view)
        cited = self._citation_patches(len(before.sources), view.sources)
        patches: list[Patch] = []
        for place in changed:
            if not isinstance(view.parts[place], Text | ProposedScript):
                patches += self._part_patches(view, place)
        patches += self._script_patches(before, view, changed)
        grown = self._text_patches(view, draw=draw or bool(patches) or self._more(view))
        touched = {self._group_of(place) for place in changed if is_step(view.parts[place], self._context)}
        if self._last_group is not None:
            touched.add(self._last_group)
        return [*cited, *grown, *patches, *self._new_patches(view), *self._group_patches(view, touched)]

    def redraw(self, view: RunView) -> list[Patch]:
        """Return the whole body, for a page that shows an unknown part of it."""
        self._start()
        return [Patch(self._target, "innerHTML", self._draw(view, list(sections(view.parts, self._context))))]

    def _rewritten(self, before: RunView, view: RunView, changed: Iterable[int]) -> bool:
        """Return whether text was replaced by what does not begin with it, or a call by one that stands elsewhere."""
        growing = -1 if self._text is None else self._text[0]
        return any(
            (place != growing or not _text(view, place).startswith(_text(before, place)))
            if isinstance(view.parts[place], Text)
            else is_step(view.parts[place], self._context) != is_step(before.parts[place], self._context)
            for place in changed
        )

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
        if view.state.live and place == len(view.parts) - 1:
            patches = live.grow(_text(view, place), draw=draw)
        else:
            self._text = None
            patches = live.close(_text(view, place))
        return [replace(patch, html=linked(patch.html, self._id, view.sources)) for patch in patches]

    def _part_patches(self, view: RunView, place: int) -> list[Patch]:
        html = part_html(self._id, view, place, self._context)
        target = f"#{part_id(self._id, place)}"
        part = view.parts[place]
        if not isinstance(part, Reasoning):
            return [Patch(target, "outerMorph", html)]
        shown, self._thought = self._thought, "" if part.ended_at else html
        return element_patches(target, shown, html, otherwise="outerMorph")

    def _script_patches(self, before: RunView, view: RunView, changed: Sequence[int]) -> list[Patch]:
        """Scripts follow their queue as well, so each that stands otherwise than it was drawn is sent."""
        if before.queue == view.queue and before.state.live == view.state.live:
            places = [place for place in changed if place in self._scripts]
        else:
            places = list(self._scripts)
        patches = []
        for place in places:
            now = _script(view, place)
            if now != self._scripts[place]:
                self._scripts[place] = now
                if html := part_html(self._id, view, place, self._context):
                    patches.append(Patch(f"#{part_id(self._id, place)}", "outerMorph", html))
        return patches

    def _new_patches(self, view: RunView) -> list[Patch]:
        """Return what adds the parts that are not drawn yet."""
        fresh = list(sections(view.parts, self._context, self._next))
        patches: list[Patch] = []
        if fresh and self._last_group is not None and is_step(view.parts[fresh[0][0]], self._context):
            group = self._groups[self._last_group]
            rows = fresh.pop(0)
            added = "".join(part_html(self._id, view, place, self._context) for place in rows)
            patches.append(Patch(f"#steps-{self._id}-{self._last_group}", "beforeend", added))
            group.places.extend(rows)
            self._remember_thought(view, rows[-1])
        drawn = self._draw(view, fresh)
        return [*patches, Patch(self._target, "beforeend", drawn)] if drawn else patches

    def _draw(self, view: RunView, fresh: Sequence[list[int]]) -> str:
        drawn: list[str] = []
        for section in fresh:
            place = section[0]
            part = view.parts[place]
            self._last_group = None
            if isinstance(part, Text) and view.state.live and place == len(view.parts) - 1:
                live = LiveText(f"#{part_id(self._id, place)}", self._context.markdown, self._budget, self.citations)
                self._text = place, live
                html = text_html(self._id, place, live.begin(part.text))
                drawn.append(linked(html, self._id, view.sources))
                continue
            drawn.append(section_html(self._id, view, section, self._context, self._budget, self.citations))
            if isinstance(part, ProposedScript):
                self._scripts[place] = _script(view, place)
            elif is_step(part, self._context):
                self._last_group = place
                over = is_over(view, section[-1])
                self._groups[place] = _Group(section, over, _gist(view, section, over=over))
                self._firsts.append(place)
                self._remember_thought(view, section[-1])
        self._next = len(view.parts) - (bool(view.parts) and is_blank(view.parts[-1]))
        return "".join(drawn)

    def _remember_thought(self, view: RunView, place: int) -> None:
        part = view.parts[place]
        if isinstance(part, Reasoning) and part.ended_at is None:
            self._thought = part_html(self._id, view, place, self._context)

    def _group_of(self, place: int) -> int:
        """Return the first step of the group that a step is in."""
        return self._firsts[bisect_right(self._firsts, place) - 1]

    def _group_patches(self, view: RunView, groups: Iterable[int]) -> list[Patch]:
        """Return what changes of the lines that many steps fold to."""
        patches: list[Patch] = []
        for first in sorted(groups):
            group = self._groups[first]
            over = is_over(view, group.places[-1])
            gist = _gist(view, group.places, over=over)
            self._groups[first] = replace(group, over=over, gist=gist)
            place = f"#steps-{self._id}-{first}"
            if over != group.over:
                patches.append(Patch(place, "attributes", render(steps_group(self._id, first, over=over))))
            if gist and not group.gist:
                patches.append(Patch(place, "afterbegin", render(steps_fold(self._id, first, raw(gist)))))
            elif gist != group.gist:
                patches.append(Patch(f"#fold-{self._id}-{first} > :last-child", "innerHTML", gist))
        return patches


def _text(view: RunView, place: int) -> str:
    part = view.parts[place]
    assert isinstance(part, Text)
    return part.text


def _script(view: RunView, place: int) -> Excerpt:
    part = view.parts[place]
    assert isinstance(part, ProposedScript)
    return view.script(part)


def _gist(view: RunView, places: Sequence[int], *, over: bool) -> str:
    return "" if len(places) <= FEW else render(steps_gist(view, places, over=over))
