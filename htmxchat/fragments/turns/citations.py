"""Citations: `[1]` in an answer, which leads to its source, and back.

Markdown writes each as `<a class="cite">[1]</a>`, which is no link yet. Here it gets a number, so that it can be found
when its source comes after it, and its address once there is that source.

Footnotes, `[^1]`, are apart from these: they are links from the first, and get the ids of their text. The first mark of
a footnote has an id as well, and the number of the footnote leads back to it.

Hooks: `a.cite`, with `id="cite-…"` and, when its number is that of a source, an `href`; `a.note`, the first of each
footnote with `id="mark-…"`; `div.note`, with `id="note-…"` and, when there is a mark before it, `a.back`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from html import escape

from ...events import Source
from ...text.cleaning import one_line

MAX_CITATIONS = 2_000
"""So many citations of an answer can be links; those after them are text. A link is 50 times what was written."""

_MAX_TITLE = 80
_READ = 500
_WRITTEN = re.compile(r'<a class="cite">(\[([0-9]+)\])</a>')
_NUMBERED = re.compile(r'<a class="cite" id="[^"]+"(?=>\[([0-9]+)\]</a>)')

_MARK = r'<a class="note" href="#note-(?P<to>[0-9]+)"'
_FOOTNOTE = r'<div class="note" id="note-(?P<of>[0-9]+)"(?P<more>[^>]*)><span>[0-9]+</span>'
_NOTE = re.compile(f"{_MARK}|{_FOOTNOTE}")


class Citations:
    """The citations of an answer, or of a part of one, numbered in the order in which they stand.

    Args:
        before: How many stand before them.
    """

    def __init__(self, run_id: str, before: int = 0) -> None:
        self._run_id = run_id
        self._before = before
        self._cited: list[int] = []  # the sources' numbers, in order
        self._numbers: dict[int, list[int]] = {}  # by the sources' numbers
        self._notes: set[tuple[int, str]] = (
            set()
        )  # the ids that marks and footnotes have, with the places of their texts

    def copy(self) -> Citations:
        twin = Citations(self._run_id, self._before)
        twin._cited = list(self._cited)
        twin._numbers = {source: list(numbers) for source, numbers in self._numbers.items()}
        twin._notes = set(self._notes)
        return twin

    def after(self) -> Citations:
        """Return those that follow: none yet."""
        twin = Citations(self._run_id, self._before + len(self))
        twin._notes = set(self._notes)
        return twin

    def cut(self, count: int, place: int) -> None:
        """Forget all but the first `count`, and the footnotes of the text at `place`."""
        self._notes = {(text, id) for text, id in self._notes if text != place}
        for source in reversed(self._cited[count:]):
            self._numbers[source].pop()
        del self._cited[count:]

    def __len__(self) -> int:
        return len(self._cited)

    def __iter__(self) -> Iterator[int]:
        """Yield the numbers of the sources that are cited, in order."""
        return iter(sorted(source for source, numbers in self._numbers.items() if numbers))

    def ids(self, source: int) -> list[str]:
        """Return the ids of the citations of a source."""
        return [self._id(number) for number in self._numbers.get(source, ())]

    def number(self, block: str, place: int) -> str:
        """Return a block of Markdown with its citations numbered. They follow those that were numbered before.

        Its footnotes get ids that are those of this answer and of the text at `place`, each once.
        """
        if 'class="note"' in block:
            block = _NOTE.sub(lambda found: self._noted(found, place), block)
        return _WRITTEN.sub(self._numbered, block) if 'class="cite"' in block else block

    def _noted(self, found: re.Match[str], place: int) -> str:
        number = found["to"] or found["of"]
        id = escape(f"{self._run_id}-{place}-{number}")
        mark, note = (place, f"mark-{number}"), (place, f"note-{number}")
        own = note if found["of"] else mark
        first, marked = own not in self._notes, mark in self._notes
        self._notes.add(own)
        if own is mark:
            named = f' id="mark-{id}"' if first else ""
            return f'<a class="note"{named} href="#note-{id}"'
        back = f'<a class="back" href="#mark-{id}" aria-label="Footnote {number}, back to the text">{number}</a>'
        words = back if marked and first else f"<span>{number}</span>"
        named = f' id="note-{id}"' if first else ""
        return f'<div class="note"{named}{found["more"]}>{words}'

    def _numbered(self, found: re.Match[str]) -> str:
        number, source = self._before + len(self), int(found[2])
        if number >= MAX_CITATIONS:
            return found[1]
        self._cited.append(source)
        self._numbers.setdefault(source, []).append(number)
        return unlinked(self._id(number), source)

    def _id(self, number: int) -> str:
        return f"cite-{self._run_id}-{number}"


def unlinked(id: str, source: int) -> str:
    """Return a citation whose source is not known."""
    return f'<a class="cite" id="{escape(id)}">[{source}]</a>'


def linked(html: str, run_id: str, sources: Sequence[Source]) -> str:
    """Return HTML in which the citations of `sources` are links to them."""

    def link(found: re.Match[str]) -> str:
        number = int(found[1])
        if number > len(sources):
            return found[0]
        title = escape(one_line(sources[number - 1].title[:_READ], _MAX_TITLE))
        return f'{found[0]} href="#source-{escape(run_id)}-{number}" title="{title}"'

    return _NUMBERED.sub(link, html) if sources and 'class="cite"' in html else html
