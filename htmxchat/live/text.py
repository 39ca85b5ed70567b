"""A text of an active answer as one reader's page shows it. Blocks that cannot change any more are never sent again."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from copy import copy

from ..fragments.turns.citations import Citations
from ..text.markdown import Budget, Markdown, MarkdownStream, Shown
from .patches import Patch, element_patches

_LARGE = 8_192
_SHARE = 8
_EACH_CITATION = 64


class LiveText:
    """A text that grows.

    Args:
        target: The selector of its element.
        place: Its place among the parts of the answer.
        budget: What is left for the code of the answer; when the text is closed, its code has been taken off.
        citations: Those of the answer before this text; when the text is closed, its own have been added.

    The citations in what it returns are numbered and not linked.
    """

    def __init__(self, target: str, place: int, markdown: Markdown, budget: Budget, citations: Citations) -> None:
        self._target = target
        self._place = place
        self._markdown = markdown
        self._budget = budget
        self._citations = citations
        self._settled_citations = citations.after()
        self._open_citations: Citations | None = None  # if there are some
        self._stream = MarkdownStream(markdown, Budget(budget.left))
        self._fed = 0
        self._settled = 0
        self._digest = b""  # of the settled blocks
        self._before_last = b"", 0  # the digest and the number of citations before the last of them
        self._noted = False  # whether some of them has footnotes
        self._open: list[str] = []

    def copy(self, budget: Budget, citations: Citations) -> LiveText:
        """Return another that continues from here, with a budget and citations of its own."""
        twin = copy(self)
        twin._stream = self._stream.copy()
        twin._budget, twin._citations = budget, citations
        twin._settled_citations = self._settled_citations.copy()
        return twin

    @property
    def size(self) -> int:
        """Return its approximate size in characters."""
        return sum(map(len, self._open)) + _EACH_CITATION * len(self._settled_citations)

    def holds(self, text: str) -> bool:
        """Return whether some of `text` is held back until more has come.

        An open block of more than 8,192 characters is drawn again when it has grown by an eighth, or in a pause.
        So even an answer that is one block costs what it is long, not its square.
        """
        return self._fed != len(text)

    def begin(self, text: str) -> list[str]:
        """Return the blocks of the first of the text."""
        settled = self._feed(text)
        self._draw_open()
        return [*settled, *self._open]

    def grow(self, text: str, *, draw: bool) -> list[Patch]:
        """Return what changes with more text; with `draw`, nothing is held back."""
        size, waiting = sum(map(len, self._open)), len(text) - self._fed
        if not waiting or (size > _LARGE and waiting < size // _SHARE and not draw):
            return []
        settled, shown = self._feed(text), self._open
        self._draw_open()
        return self._block_patches(shown, [*settled, *self._open])

    def go_back(self, before: str, text: str) -> bool:
        """Return whether `grow` can show `text` in place of `before`, which does not begin it: what differs comes after
        the last settled block. That block may change then.
        """
        shown = before[: self._fed]
        last, after = self._stream.last()
        start = len(shown) - len(last) - len(after)
        if (
            not last
            or self._noted
            or not shown.endswith(last + after)
            or not text.startswith(shown[: start + len(last)])
        ):
            return False
        self._fed = start
        if html := self._stream.take_back():
            self._settled -= 1
            self._digest, citations = self._before_last
            self._settled_citations.cut(citations, self._place)
            self._open = [self._settled_citations.copy().number(html, self._place), *self._open]
        return True

    def close(self, text: str, draw: Callable[[Sequence[str], Sequence[Shown]], list[str]]) -> list[Patch]:
        """Return what changes with the last of the text.

        Blocks that were settled stay, unless a definition at the end changed what they mean, or they are drawn.

        Args:
            draw: Puts what the host draws in the place of blocks.
        """
        found = self._markdown.shown(text, self._budget)
        self._fed = len(text)
        digest = b""
        for each in found[: self._settled]:
            digest = _chained(digest, each.html)
        blocks = [self._citations.number(each.html, self._place) for each in found]
        drawn = draw(blocks, found)
        if digest != self._digest:
            self._open = drawn
            return [Patch(self._target, "innerHTML", "".join(drawn))]
        shown, self._open = self._open, drawn[self._settled :]
        settled = zip(blocks[: self._settled], drawn, strict=False)
        return [
            *[
                Patch(f"{self._target} > :nth-child({place})", "outerHTML", html)
                for place, (block, html) in enumerate(settled, 1)
                if html != block
            ],
            *self._block_patches(shown, self._open),
        ]

    def citation_ids(self, source: int) -> list[str]:
        """Return the ids of the citations of a source, while the text is not closed."""
        cited = self._settled_citations, self._open_citations
        return [id for citations in cited if citations is not None for id in citations.ids(source)]

    def _draw_open(self) -> None:
        citations = self._settled_citations.after()
        self._open = [citations.number(block, self._place) for block in self._stream.open()]
        self._open_citations = citations if len(citations) else None

    def _feed(self, text: str) -> list[str]:
        self._stream.append(text[self._fed :])
        self._fed = len(text)
        settled = self._stream.settled()
        numbered = []
        for block in settled:
            self._before_last = self._digest, len(self._settled_citations)
            self._digest = _chained(self._digest, block)
            self._noted |= 'class="note"' in block
            numbered.append(self._settled_citations.number(block, self._place))
        self._settled += len(settled)
        return numbered

    def _block_patches(self, shown: list[str], wanted: list[str]) -> list[Patch]:
        """Turn the blocks `shown` at the end of the text into those `wanted`."""
        patches: list[Patch] = []
        for index, block in enumerate(shown):
            path = (len(shown) - index,)
            if index < len(wanted):
                patches += element_patches(self._target, block, wanted[index], path=path)
            else:
                patches.append(Patch(self._target, "delete", path=path))
        added = "".join(wanted[len(shown) :])
        return [*patches, Patch(self._target, "beforeend", added)] if added else patches


def _chained(digest: bytes, block: str) -> bytes:
    return hashlib.blake2b(digest + block.encode("utf-8", "surrogatepass")).digest()
