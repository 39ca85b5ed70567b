"""Renders a growing text as HTML."""

from __future__ import annotations

from copy import copy

from .blocks import Block, closes, normalize, parse
from .document import Markdown
from .renderer import Budget


class MarkdownStream:
    """Markdown that arrives in pieces. The blocks that can no longer change are rendered once and let go.

    At any moment the blocks returned by `settled` so far, followed by `open()`, depend only on the text appended so
    far and not on its pieces, and equal `Markdown.blocks` of it, with two exceptions. Link reference definitions
    (`[name]: https://…`) also reach blocks already settled: render the whole text once at the end. And code is
    highlighted once it is complete, because highlighting costs a hundred times what the rest does.

    Only the last top-level block can change, so the others settle when a line is complete. A block longer than 512
    characters is looked at again only when it has grown by an eighth or its fence closes; so parsing costs O(n) over
    the stream, and `open` may return a few blocks more than the last.
    """

    def __init__(self, markdown: Markdown, budget: Budget | None = None) -> None:
        self._markdown = markdown
        self._settled: list[str] = []
        self._budget = budget or Budget()
        self._lines: list[str] = []  # the complete lines of the open text
        self._tail: list[str] = []  # the pieces of the line after them
        self._size = 0  # characters in _lines
        self._look_at = 0  # the size at which to parse them again
        self._fence = ""  # that the open text is inside of
        self._fence_closed = False
        # The last block that settled: its source, its HTML, the budget before it.
        self._last: tuple[str, str, int] | None = None
        # A closed fence that is open still: its source and the budget before it, the budget after it, its HTML.
        self._closed: tuple[tuple[str, int], int, str] | None = None

    def copy(self) -> MarkdownStream:
        """Return another that continues from here. What has settled since the last call of `settled` stays here."""
        twin = copy(self)
        twin._settled, twin._lines, twin._tail = [], list(self._lines), list(self._tail)
        twin._budget = Budget(self._budget.left)
        return twin

    def append(self, text: str) -> None:
        """Add the next piece of the text. It may end anywhere, even inside a CR LF."""
        *ends, tail = text.split("\n")
        for end in ends:
            self._add_line(normalize("".join([*self._tail, end, "\n"])))
            self._tail = []
        self._tail.append(tail)

    def settled(self) -> list[str]:
        """Return the blocks that settled since the last call, as `Markdown.blocks` renders them."""
        settled, self._settled = self._settled, []
        return settled

    def last(self) -> tuple[str, str]:
        """Return the source of the block that settled last, and what follows it; empty if it cannot be taken back."""
        if self._last is None:
            return "", ""
        return self._last[0], "".join([*self._lines, *self._tail])

    def take_back(self) -> str:
        """Forget the block that settled last and all after it, to append other text in its place. Return its HTML.

        What was settled before it stays if that text begins as the block did: its first line ends what stands above.
        """
        assert self._last is not None and not self._settled
        _, html, self._budget.left = self._last
        self._last = self._closed = None
        self._lines, self._tail, self._size, self._look_at = [], [], 0, 0
        self._fence, self._fence_closed = "", False
        return html

    def open(self) -> list[str]:
        """Return the blocks that are not settled: usually one, sometimes none or a few. Costs O(their length)."""
        text = normalize("".join([*self._lines, *self._tail]))
        budget = Budget(self._budget.left)
        return [html for each in parse(text) if (html := self._open_block(each, budget))]

    def _open_block(self, block: Block, budget: Budget) -> str:
        if not block.is_closed_fence():
            return self._markdown.render_block(block, Budget(0))
        # Until it settles it is the same each time, and it costs a hundred times what the rest does.
        known = block.source, budget.left
        if self._closed is None or self._closed[0] != known:
            html = self._markdown.render_block(block, budget)
            self._closed = known, budget.left, html
        _, budget.left, html = self._closed
        return html

    def _add_line(self, line: str) -> None:
        self._lines.append(line)
        self._size += len(line)
        if self._fence:
            if closes(self._fence, line):
                self._fence, self._fence_closed = "", True
                self._look_at = self._size + self._size // 8
        elif self._size >= self._look_at or (self._fence_closed and line.strip()):
            self._fence_closed = False
            self._settle()

    def _settle(self) -> None:
        text = "".join(self._lines)
        *done, last = list(parse(text)) or [Block(0, text, [])]
        for block in done:
            budget = self._budget.left
            if html := self._markdown.render_block(block, self._budget):
                self._settled.append(html)
        if done:
            data = text.encode()
            text = data[last.start :].decode()
            self._last = data[done[-1].start : last.start].decode(), html, budget
        self._lines, self._size = [text], len(text)
        self._look_at = self._size + self._size // 8 if self._size > 512 else 0
        if self._size > 512 and not last.is_closed_fence():
            self._fence = last.fence()
