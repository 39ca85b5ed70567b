"""Renders a whole text as HTML."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple

from ..highlight import code_block
from .blocks import Block, normalize, parse
from .renderer import Budget, Renderer, TooComplex

_PYTHON = frozenset({"python", "python3", "py"})


class Fence(NamedTuple):
    """Fenced code that is complete: the first word after the fence, and the text."""

    language: str
    code: str


class Shown(NamedTuple):
    """A top-level block that shows something, as HTML; `fence` if it is complete fenced code."""

    html: str
    fence: Fence | None = None


@dataclass(frozen=True)
class Markdown:
    """How to render Markdown.

    `image_hosts` are the hosts, in lower case and with the port if there is one (`"cdn.example:8080"`), whose images
    are shown. An image from anywhere else becomes a link. The page's Content-Security-Policy has to allow them too.
    """

    image_hosts: frozenset[str] = frozenset()

    def blocks(self, text: str, budget: Budget | None = None) -> list[str]:
        """Return `text` as safe HTML, one string for each top-level block.

        `budget` is that of an answer of which this is one of the texts.

        Each string is exactly one element, balanced, with no space around it. A block that shows nothing, such as a
        link reference definition, is left out. Any string is accepted: NUL, lone surrogates and
        some noncharacters become U+FFFD.
        """
        return [each.html for each in self.shown(text, budget)]

    def shown(self, text: str, budget: Budget | None = None) -> list[Shown]:
        """Return what `blocks` does, and of fenced code the text."""
        budget = budget or Budget()
        rendered = ((block, self.render_block(block, budget)) for block in parse(normalize(text)))
        return [Shown(html, self._fence(block)) for block, html in rendered if html]

    def fences(self, text: str) -> Iterator[Fence]:
        """Yield the complete fenced code among the top-level blocks of `text`."""
        return (found for block in parse(normalize(text)) if (found := self._fence(block)))

    def _fence(self, block: Block) -> Fence | None:
        if block.too_complex or not block.is_closed_fence():
            return None
        renderer = Renderer(self.image_hosts, Budget(0))
        try:
            renderer.render(block)
        except TooComplex:
            return None
        language, code = renderer.code[0]
        return Fence(language, code.removesuffix("\n"))

    def python_blocks(self, text: str) -> list[str]:
        """Return the code of the Python blocks of `text`, in the order in which `blocks` shows them."""
        found: list[tuple[str, str]] = []
        for block in parse(normalize(text)):
            renderer = Renderer(self.image_hosts, Budget(0))
            with suppress(TooComplex):
                if not block.too_complex:
                    renderer.render(block)
                    found += renderer.code
        return [code.removesuffix("\n") for language, code in found if language.lower() in _PYTHON]

    def render_block(self, block: Block, budget: Budget) -> str:
        """Return one top-level block as HTML: empty when it shows nothing, plain text when it would take long."""
        try:
            if block.too_complex:
                raise TooComplex
            html = Renderer(self.image_hosts, budget).render(block)
        except TooComplex:
            html = code_block(block.source, "")
        return html.replace("\r", "&#13;")  # from "&#13;" in the text; on the wire a bare CR would end the line
