"""Renders a whole text as HTML."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from ..highlight import code_block
from .blocks import Block, normalize, parse
from .renderer import Budget, Renderer, TooComplex

_PYTHON = frozenset({"python", "python3", "py"})


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
        budget = budget or Budget()
        return [html for block in parse(normalize(text)) if (html := self.render_block(block, budget))]

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
