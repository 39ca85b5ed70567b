"""One block -> HTML."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape, unescape
from itertools import takewhile
from typing import Any

from pyromark.event import Event

from ..highlight import code_block
from .blocks import Block, variant
from .formulas import with_spans
from .links import LINK, anchor, title_attribute, url_attribute, with_links

# Limits for one top-level block. Beyond them it is shown as plain text.
_MAX_DEPTH = 100  # browsers stop nesting at 512 elements
_MAX_EVENTS_PER_CHARACTER = 16  # ordinary text has up to 3; a wide table with short rows is padded to hundreds

# Characters of code in one answer that are highlighted, which costs a hundred times what the rest does; each block
# counts for some more, for its lexer's start.
_HIGHLIGHTED = 40_000
_EACH_CODE = 200

_TAGS = {
    "Paragraph": ("<p>", "</p>"),
    "BlockQuote": ("<blockquote>", "</blockquote>"),
    "Item": ("<li>", "</li>"),
    "Emphasis": ("<em>", "</em>"),
    "Strong": ("<strong>", "</strong>"),
    "Strikethrough": ("<del>", "</del>"),
    "Table": ('<div class="table" role="group" aria-label="Table" tabindex="0"><table>', "</tbody></table></div>"),
    "TableHead": ("<thead><tr>", "</tr></thead><tbody>"),
    "TableRow": ("<tr>", "</tr>"),
    "DefinitionList": ("<dl>", "</dl>"),
    "DefinitionListTitle": ("<dt>", "</dt>"),
    "DefinitionListDefinition": ("<dd>", "</dd>"),
}
_ALERTS = {"Note": "note", "Tip": "tip", "Important": "chat", "Warning": "warning", "Caution": "alert"}
# Blocks whose marks stand at a side: each finds it by its own first letter. Of the others the style sheet does.
_DIRECTED = ("<blockquote", "<ul", "<ol", "<dl", "<div")
_INLINE_HTML = frozenset("b br code del em i ins kbd mark q s samp small strong sub sup u var wbr".split())
_BLOCK_HTML = _INLINE_HTML | {"details", "summary"}
_VOID = frozenset({"br", "wbr"})
_HTML_TAG = re.compile(r"<(/?)([A-Za-z]+)(?:[\s/][^<>]*)?>")
_HTML_START = re.compile(r"<[A-Za-z/!?]")
_IMAGE = re.compile(r"https?://([a-z0-9.-]+(?::[0-9]+)?)(?:[/?#]|\Z)", re.IGNORECASE)
_IMAGE_DATA = re.compile(r"data:image/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/]+={0,2}\Z", re.IGNORECASE)


@dataclass
class Budget:
    """How much code of an answer is still highlighted."""

    left: int = _HIGHLIGHTED

    def takes(self, code: str) -> bool:
        cost = len(code) + _EACH_CODE
        if cost > self.left:
            return False
        self.left -= cost
        return True


class TooComplex(Exception):
    pass


class Renderer:
    """Writes one block. `_out` is well-formed once every closing tag on `_open` has been added to it."""

    def __init__(self, image_hosts: frozenset[str], budget: Budget) -> None:
        self._image_hosts = image_hosts
        self._budget = budget
        self._out: list[str] = []
        self._open: list[tuple[str, str]] = []  # a closing tag, and its name if the author wrote the tag
        self._text: list[str] | None = None  # collects code, raw HTML or the alt of an image, instead of _out
        self._images: list[dict[str, Any]] = []
        self._in_link = False
        self._language = ""
        self.code: list[tuple[str, str]] = []  # language and text of the code blocks
        self._aligns: tuple[str, ...] = ()
        self._cells: Iterator[str] = iter(())

    def render(self, block: Block) -> str:
        if len(block.events) > 1000 + _MAX_EVENTS_PER_CHARACTER * len(block.source):
            raise TooComplex
        events = list(with_spans(block.events)) if block.stand_ins else block.events
        for i, event in enumerate(events):
            match variant(event):
                case "Start", tag:
                    self._start(*variant(tag), events[i + 1 : i + 3])
                case "End", tag:
                    self._end(variant(tag)[0])
                case "Text" | "Html", text if self._text is not None:
                    self._text.append(text)
                case "Text", text:
                    self._out.append(escape(text) if self._in_link else with_links(text))
                case "Span", span:
                    self._write(span.html(in_link=self._in_link) if self._text is None else "", span.written)
                case "FootnoteReference", label:
                    self._write(escape(f"[^{label}]"), f"[^{label}]")
                case "Code", text:
                    self._write(f"<code>{escape(text)}</code>", text)
                case "InlineHtml", tag:
                    if self._text is None:
                        self._author_tag(tag, _INLINE_HTML)
                case "TaskListMarker", done:
                    state = ' checked aria-label="Done"' if done else ' aria-label="To do"'
                    self._out.append(f'<input type="checkbox" disabled{state}> ')
                case name, _:
                    self._write({"SoftBreak": "\n", "HardBreak": "<br>\n", "Rule": "<hr>"}[name], " ")
        return "".join(self._out)

    def _write(self, html: str, text: str = "") -> None:
        if self._text is None:
            self._out.append(html)
        else:
            self._text.append(text)

    def _push(self, opening: str, closing: str, author: str = "") -> None:
        if len(self._open) >= _MAX_DEPTH:
            raise TooComplex
        if not self._open and opening.startswith(_DIRECTED):
            opening = opening.replace(">", ' dir="auto">', 1)
        self._write(opening)
        self._open.append((closing, author))

    def _pop_author(self, upto: str = "") -> None:
        while self._open and self._open[-1][1]:
            closing, author = self._open.pop()
            self._write(closing)
            if author == upto:
                break

    def _start(self, name: str, data: Any, ahead: list[Event]) -> None:
        opening, closing = _TAGS.get(name, ("", ""))
        if name == "Heading":
            level = min(int(data["level"][1]) + 2, 6)
            opening, closing = f"<h{level}>", f"</h{level}>"
        elif name == "List":
            number = "" if data in (None, 1) else f' start="{data}"'
            opening, closing = ("<ul>", "</ul>") if data is None else (f"<ol{number}>", "</ol>")
        elif name == "BlockQuote" and data:
            icon = f'<svg class="icon" aria-hidden="true"><use href="#i-{_ALERTS[data]}"/></svg>'
            opening, closing = (
                f'<div class="alert" data-kind="{data.lower()}" role="note"><p>{icon}{data}</p>',
                "</div>",
            )
        elif name == "Paragraph" and self._out and self._out[-1] == "<dd>":
            # The parser sets paragraphs apart in all of the definitions that follow each other, or in none.
            opening = closing = ""
        elif name == "FootnoteDefinition":
            opening, closing = f'<div class="note" id="note-{data}"><span>{data}</span>', "</div>"
        elif name == "Item" and any(variant(event)[0] == "TaskListMarker" for event in ahead):
            opening = '<li class="task">'
        elif name == "Table":
            self._aligns = data
        elif name in ("TableHead", "TableRow"):
            cell = "th" if name == "TableHead" else "td"
            self._cells = iter([cell if a == "None" else f'{cell} align="{a.lower()}"' for a in self._aligns])
        elif name == "TableCell":
            cell = next(self._cells)
            opening, closing = f"<{cell}>", f"</{cell[:2]}>"
        elif name == "Link" and not self._in_link and LINK.match(data["dest_url"]):
            self._in_link = True
            opening, closing = anchor(data["dest_url"], data["title"]), "</a>"
        elif name == "Image":
            self._images.append(data)
        self._push(opening, closing)
        if name == "CodeBlock":
            self._language = ((variant(data)[1] or "").split() or [""])[0]
        if name in ("CodeBlock", "HtmlBlock") or (name == "Image" and self._text is None):
            self._text = []

    def _end(self, name: str) -> None:
        self._pop_author()
        closing, _ = self._open.pop()
        self._write(closing)
        if closing == "</a>":
            self._in_link = False
        image = self._images.pop() if name == "Image" else None
        if name in ("CodeBlock", "HtmlBlock") or (image and not self._images):
            text, self._text = "".join(self._text or ()), None
            if image:
                self._image(image["dest_url"], image["title"], text)
            elif name == "CodeBlock":
                self.code.append((self._language, text))
                self._write(code_block(text, self._language, highlighted=self._budget.takes(text)))
            else:
                self._html_block(text)

    def _image(self, url: str, title: str, alt: str) -> None:
        host = _IMAGE.match(url)
        if (host and host[1].lower() in self._image_hosts) or _IMAGE_DATA.match(url):
            where = f'src="{url_attribute(url)}" alt="{escape(alt)}"{title_attribute(title)}'
            self._out.append(f'<img {where} loading="lazy" referrerpolicy="no-referrer">')
        elif LINK.match(url) and not self._in_link:
            self._out.append(f"{anchor(url, title)}{escape(alt or url)}</a>")
        else:
            self._out.append(escape(alt))

    def _html_block(self, text: str) -> None:
        """Keep a block that has only harmless tags, and show any other as the code it is."""
        parts = _HTML_TAG.split(text)  # text, slash, name, text, slash, name, …, text
        if _HTML_START.search("".join(parts[::3])) or not _BLOCK_HTML.issuperset(map(str.lower, parts[2::3])):
            self._out.append(code_block(text, "html", highlighted=self._budget.takes(text)))
        elif "".join(parts[::3]).strip():
            self._push("<div>", "</div>")
            for text, slash, name in zip(parts[::3], ["", *parts[1::3]], ["", *parts[2::3]], strict=True):
                if name:
                    self._author_tag(f"<{slash}{name}>", _BLOCK_HTML)
                self._out.append(escape(unescape(text)))
            self._pop_author()
            self._out.append(self._open.pop()[0])

    def _author_tag(self, tag: str, allowed: frozenset[str]) -> None:
        """Write a tag of the author's without its attributes, or as text if it is not allowed."""
        match = _HTML_TAG.fullmatch(tag)
        name = match[2].lower() if match else ""
        if not match or name not in allowed:
            self._out.append(escape(tag))
        elif name in _VOID:
            self._out.append(f"<{name}>")
        elif not match[1]:
            self._push(f"<{name}>", f"</{name}>", name)
        elif name in self._author_names():
            self._pop_author(name)

    def _author_names(self) -> Iterator[str]:
        return takewhile(bool, (author for _, author in reversed(self._open)))
