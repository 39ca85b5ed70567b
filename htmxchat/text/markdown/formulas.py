"""Formulas in a block: finds them in the parser's events and renders them.

`stand_ins` has put stand-ins in place of the punctuation of all that may be a formula, so the parser has taken none of
it for Markdown. Here the delimiters are found again. A formula that is not closed is text: so one that is still being
written is shown as it was written so far.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator
from html import escape
from operator import itemgetter
from typing import Any, NamedTuple

from pyromark.event import Event

from ..mathml import NoFormula, mathml
from .blocks import variant
from .characters import restore, stood_in
from .small import small

_DELIMITERS = (("\\(", "\\)"), ("\\[", "\\]"), ("$$", "$$"), ("$", "$"))
_CLOSING = {stood_in(opening): stood_in(closing) for opening, closing in _DELIMITERS}
_BACKSLASH = stood_in("\\")
_OPENING = re.compile("|".join(_CLOSING))
_DISPLAYED = (stood_in("\\["), stood_in("$$"))
_RUN = ("Text", "InlineHtml", "SoftBreak", "HardBreak")


class Formula(NamedTuple):
    """A formula as it was written.

    Attributes:
        written: With its delimiters.
        latex: Without them.
        display: Whether it stands on a line of its own.
    """

    written: str
    latex: str
    display: bool

    def html(self, *, in_link: bool) -> str:
        """Return it as MathML; as it was written, with the reason as its title, if that cannot be."""
        kind = ' data-display tabindex="0" role="group" aria-label="Formula"' if self.display else ""
        try:
            return f'<span class="math"{kind}>{mathml(self.latex, display=self.display)}</span>'
        except NoFormula as reason:
            return (
                f'<span class="unset" title="This is shown as it was written. {reason}">{escape(self.written)}</span>'
            )


def with_spans(events: Iterable[Event]) -> Iterator[Any]:
    """Yield the events of a block that has stand-ins in its text, with `{"Span": …}` for what they stand for."""
    run: list[tuple[Event, str]] = []
    verbatim = False
    for event in events:
        name, data = variant(event)
        if verbatim and name == "Text":
            yield {name: restore(data)}
        elif name in _RUN:
            run.append((event, data or "\n"))
        else:
            yield from _in_run(run)
            run = []
            if name in ("Start", "End") and variant(data)[0] == "CodeBlock":
                verbatim = name == "Start"
            yield event
    yield from _in_run(run)


def _in_run(run: list[tuple[Event, str]]) -> Iterator[Any]:
    """Yield what becomes of events of text that follow each other."""
    whole = "".join(text for _, text in run)
    places = deque(sorted([*_formulas(whole), *small(whole)], key=itemgetter(0)))
    start = position = 0
    for event, text in run:
        end = start + len(text)
        position = max(start, position)
        while places and places[0][0] < end:
            begin, after, span = places.popleft()
            if begin < position:
                continue
            if begin > position:
                yield {"Text": restore(text[position - start : begin - start])}
            yield {"Span": span}
            position = after
        if position < end:
            yield {"Text": restore(text[position - start :])} if "Text" in event else event
        start = end


def _formulas(text: str) -> Iterator[tuple[int, int, Formula]]:
    """Yield where each formula begins and ends, and what it is."""
    position = 0
    unclosed: set[str] = set()
    while opening := _OPENING.search(text, position):
        position = opening.end()
        end = -1 if opening[0] in unclosed else _find(_CLOSING[opening[0]], text, position)
        if end < 0:
            unclosed.add(opening[0])
            continue
        latex, position = restore(text[position:end]).strip(), end + len(opening[0])
        written = restore(text[opening.start() : position])
        yield opening.start(), position, Formula(written, latex, opening[0] in _DISPLAYED)


def _find(closing: str, text: str, position: int) -> int:
    found = text.find(closing, position)
    while found > 0 and text[found - 1] == _BACKSLASH:
        found = text.find(closing, found + 1)
    return found
