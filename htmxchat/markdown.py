"""Markdown to safe HTML, whole or while it streams.

The text is CommonMark with GitHub's tables, task lists, strikethrough and bare links, parsed by pyromark. Every tag
of the result is written here, from the parser's events, and everything else is escaped; so the text cannot choose a
tag, an attribute or a URL scheme that this module does not name, and what is opened is always closed.
`docs/explanation/markdown.md` says what is let through and why.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from html import escape, unescape
from itertools import takewhile
from typing import Any, NamedTuple

import pyromark
from pyromark.event import Event

from htmxchat.highlight import code_block

_OPTIONS = pyromark.Options.ENABLE_TABLES | pyromark.Options.ENABLE_STRIKETHROUGH | pyromark.Options.ENABLE_TASKLISTS

# Limits for one top-level block. Beyond them it is shown as plain text.
_MAX_DEPTH = 100  # browsers stop nesting at 512 elements
_MAX_EVENTS_PER_CHARACTER = 16  # ordinary text has up to 3; a wide table with short rows is padded to hundreds

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
}
_INLINE_HTML = frozenset("b br code del em i ins kbd mark q s samp small strong sub sup u var wbr".split())
_BLOCK_HTML = _INLINE_HTML | {"details", "summary"}
_VOID = frozenset({"br", "wbr"})
_PYTHON = frozenset({"python", "python3", "py"})

_NOT_TEXT = re.compile("[\x00\ud800-\udfff]")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_HTML_TAG = re.compile(r"<(/?)([A-Za-z]+)(?:[\s/][^<>]*)?>")
_HTML_START = re.compile(r"<[A-Za-z/!?]")
_LINK = re.compile(r"(?:https?://[^/?#\\]|mailto:)", re.IGNORECASE)
_IMAGE = re.compile(r"https?://([a-z0-9.-]+(?::[0-9]+)?)(?:[/?#]|\Z)", re.IGNORECASE)
_IMAGE_DATA = re.compile(r"data:image/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/]+={0,2}\Z", re.IGNORECASE)
_UNSAFE_IN_URL = re.compile(r"[\x00-\x20\x7f\\]")

# Bare links, https://github.github.com/gfm/#autolinks-extension-. Possessive, so that no text makes them backtrack.
_DOMAIN = r"[\w-]++(?:\.[\w-]++)++"
_BARE_LINK = re.compile(
    rf"(?<![A-Za-z0-9])(?:(?:https?://|(?P<www>www\.))(?P<host>{_DOMAIN})[^\s<]*+)"
    rf"|(?<![A-Za-z0-9._+-])(?P<email>[A-Za-z0-9._+-]++@{_DOMAIN}(?<![-_]))"
)


# Characters of code in one answer that are highlighted, which costs a hundred times what the rest does; each block
# counts for some more, for its lexer's start.
_HIGHLIGHTED = 40_000
_EACH_CODE = 200

# Quotes and lists opened a hundred deep on one line take a parser quadratic time; a table of forty columns is
# filled up with cells that nobody wrote.
_SLOW = re.compile(
    r"^(?:(?:[ \t]*(?:>|[-+*](?=[ \t])|[0-9]{1,9}[.)](?=[ \t]))){100}"
    r"|[ \t>]*\|?(?:[ \t]*:?-+:?[ \t]*\|){40})",
    re.MULTILINE,
)


@dataclass(frozen=True)
class Markdown:
    """How to render Markdown.

    `image_hosts` are the hosts, in lower case and with the port if there is one (`"cdn.example:8080"`), whose images
    are shown. An image from anywhere else becomes a link. The page's Content-Security-Policy has to allow them too.
    """

    image_hosts: frozenset[str] = frozenset()

    def blocks(self, text: str) -> list[str]:
        """Return `text` as safe HTML, one string for each top-level block.

        Each string is exactly one element, balanced, with no space around it. A block that shows nothing, such as a
        link reference definition, is left out. Any string is accepted: NUL and lone surrogates become U+FFFD.
        """
        budget = _Budget()
        return [html for block in _parse(_normalize(text)) if (html := self._render(block, budget))]

    def python_blocks(self, text: str) -> list[str]:
        """Return the code of the Python blocks of `text`, in the order in which `blocks` shows them."""
        found: list[tuple[str, str]] = []
        for block in _parse(_normalize(text)):
            renderer = _Renderer(self.image_hosts, _Budget(0))
            with suppress(_TooComplex):
                if not block.too_complex:
                    renderer.render(block)
                    found += renderer.code
        return [code.removesuffix("\n") for language, code in found if language.lower() in _PYTHON]

    def _render(self, block: _Block, budget: _Budget) -> str:
        try:
            if block.too_complex:
                raise _TooComplex
            html = _Renderer(self.image_hosts, budget).render(block)
        except _TooComplex:
            html = code_block(block.source, "text")
        return html.replace("\r", "&#13;")  # from "&#13;" in the text; on the wire a bare CR would end the line


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

    def __init__(self, markdown: Markdown) -> None:
        self._markdown = markdown
        self._settled: list[str] = []
        self._budget = _Budget()
        self._lines: list[str] = []  # the complete lines of the open text
        self._tail: list[str] = []  # the pieces of the line after them
        self._size = 0  # characters in _lines
        self._look_at = 0  # the size at which to parse them again
        self._fence: re.Pattern[str] | None = None  # what closes the fence that the open text is inside of
        self._fence_closed = False

    def append(self, text: str) -> None:
        """Add the next piece of the text. It may end anywhere, even inside a CR LF."""
        *ends, tail = text.split("\n")
        for end in ends:
            self._add_line(_normalize("".join([*self._tail, end, "\n"])))
            self._tail = []
        self._tail.append(tail)

    def settled(self) -> list[str]:
        """Return the blocks that settled since the last call, as `Markdown.blocks` renders them."""
        settled, self._settled = self._settled, []
        return settled

    def open(self) -> list[str]:
        """Return the blocks that are not settled: usually one, sometimes none or a few. Costs O(their length)."""
        text = _normalize("".join([*self._lines, *self._tail]))
        budget, none = _Budget(self._budget.left), _Budget(0)
        blocks = (self._markdown._render(each, budget if each.is_closed_fence() else none) for each in _parse(text))
        return [html for html in blocks if html]

    def _add_line(self, line: str) -> None:
        self._lines.append(line)
        self._size += len(line)
        if self._fence:
            if self._fence.match(line):
                self._fence, self._fence_closed = None, True
                self._look_at = self._size + self._size // 8
        elif self._size >= self._look_at or (self._fence_closed and line.strip()):
            self._fence_closed = False
            self._settle()

    def _settle(self) -> None:
        text = "".join(self._lines)
        *done, last = list(_parse(text)) or [_Block(0, text, [])]
        self._settled += [html for block in done if (html := self._markdown._render(block, self._budget))]
        if done:
            text = text.encode()[last.start :].decode()
        self._lines, self._size = [text], len(text)
        self._look_at = self._size + self._size // 8 if self._size > 512 else 0
        if self._size > 512 and not last.is_closed_fence():
            self._fence = last.closing()


@dataclass
class _Budget:
    """How much code of an answer is still highlighted."""

    left: int = _HIGHLIGHTED

    def takes(self, code: str) -> bool:
        cost = len(code) + _EACH_CODE
        if cost > self.left:
            return False
        self.left -= cost
        return True


class _Block(NamedTuple):
    start: int  # of its first line, in bytes
    source: str
    events: list[Event]
    too_complex: bool = False

    def is_code(self) -> bool:
        return bool(self.events) and _variant(_variant(self.events[0])[1] or "")[0] == "CodeBlock"

    def closing(self) -> re.Pattern[str] | None:
        """Return what matches the line that closes the fence; `None` if this is not fenced code."""
        fence = _FENCE.match(self.source) if self.is_code() else None
        return re.compile(rf" {{0,3}}{fence[1]}{fence[1][0]}*[ \t]*\n?\Z") if fence else None

    def is_closed_fence(self) -> bool:
        closing = self.closing()
        return bool(closing and closing.match(self.source.rstrip("\n").partition("\n")[2].rpartition("\n")[2]))


class _TooComplex(Exception):
    pass


def _normalize(text: str) -> str:
    return _NOT_TEXT.sub("\ufffd", text).replace("\r\n", "\n").replace("\r", "\n")


def _parse(text: str) -> Iterator[_Block]:
    """Yield the top-level blocks of normalized text. What would take a parser long is one block, to be shown plain."""
    position = 0
    for slow in _SLOW.finditer(text):
        if slow.start() < position:
            continue
        start = text.rfind("\n\n", position, slow.start()) + 2
        start = start if start > 1 else position
        end = text.find("\n\n", slow.end()) + 1 or len(text)
        yield from _parse_quick(text[position:start], len(text[:position].encode()))
        yield _Block(len(text[:start].encode()), text[start:end], [], too_complex=True)
        position = end
    yield from _parse_quick(text[position:], len(text[:position].encode()))


def _parse_quick(text: str, offset: int) -> Iterator[_Block]:
    data = text.encode()
    events: list[Event] = []
    depth = 0
    for event, place in pyromark.events_with_range(text, options=_OPTIONS, merge_text=True):
        if not depth:
            start, end = data.rfind(b"\n", 0, place["start"]) + 1, place["end"]
        events.append(event)
        if not isinstance(event, str):
            depth += ("Start" in event) - ("End" in event)
        if not depth:
            yield _Block(offset + start, data[start:end].decode(), events)
            events = []


class _Renderer:
    """Writes one block. `_out` is well-formed once every closing tag on `_open` has been added to it."""

    def __init__(self, image_hosts: frozenset[str], budget: _Budget) -> None:
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

    def render(self, block: _Block) -> str:
        if len(block.events) > 1000 + _MAX_EVENTS_PER_CHARACTER * len(block.source):
            raise _TooComplex
        for i, event in enumerate(block.events):
            match _variant(event):
                case "Start", tag:
                    self._start(*_variant(tag), block.events[i + 1 : i + 3])
                case "End", tag:
                    self._end(_variant(tag)[0])
                case "Text" | "Html", text if self._text is not None:
                    self._text.append(text)
                case "Text", text:
                    self._out.append(escape(text) if self._in_link else _with_links(text))
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
            raise _TooComplex
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
        elif name == "Item" and any(_variant(event)[0] == "TaskListMarker" for event in ahead):
            opening = '<li class="task">'
        elif name == "Table":
            self._aligns = data
        elif name in ("TableHead", "TableRow"):
            cell = "th" if name == "TableHead" else "td"
            self._cells = iter([cell if a == "None" else f'{cell} align="{a.lower()}"' for a in self._aligns])
        elif name == "TableCell":
            cell = next(self._cells)
            opening, closing = f"<{cell}>", f"</{cell[:2]}>"
        elif name == "Link" and not self._in_link and _LINK.match(data["dest_url"]):
            self._in_link = True
            opening, closing = _anchor(data["dest_url"], data["title"]), "</a>"
        elif name == "Image":
            self._images.append(data)
        self._push(opening, closing)
        if name == "CodeBlock":
            self._language = ((_variant(data)[1] or "").split() or ["text"])[0]
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
            self._out.append(f'<img src="{_url(url)}" alt="{escape(alt)}"{_title(title)} loading="lazy"'
                             ' referrerpolicy="no-referrer">')  # fmt: skip
        elif _LINK.match(url) and not self._in_link:
            self._out.append(f"{_anchor(url, title)}{escape(alt or url)}</a>")
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


def _variant(value: Any) -> tuple[str, Any]:
    """Return the name and the data of what pyromark writes as `"Name"` or `{"Name": data}`."""
    return (value, None) if isinstance(value, str) else next(iter(value.items()))


def _with_links(text: str) -> str:
    """Escape text and make links of the bare URLs and email addresses in it."""
    out: list[str] = []
    position = 0
    for match in _BARE_LINK.finditer(text):
        if "_" in "".join((match["host"] or "").split(".")[-2:]):
            continue
        end = match.end() if match["email"] else _end_of_url(text, *match.span())
        shown = text[match.start() : end]
        scheme = "mailto:" if match["email"] else "http://" if match["www"] else ""
        out += escape(text[position : match.start()]), _anchor(scheme + shown), escape(shown), "</a>"
        position = end
    return "".join([*out, escape(text[position:])])


def _end_of_url(text: str, start: int, end: int) -> int:
    """Leave out punctuation after a bare URL, and closing parentheses that have no opening one in it."""
    extra = text.count(")", start, end) - text.count("(", start, end)
    while text[end - 1] in "?!.,:*_~'\"" or (text[end - 1] == ")" and extra > 0):
        end -= 1
        extra -= text[end] == ")"
    return end


def _anchor(url: str, title: str = "") -> str:
    return f'<a href="{_url(url)}"{_title(title)} target="_blank" rel="noopener noreferrer nofollow">'


def _title(title: str) -> str:
    return f' title="{escape(title)}"' if title else ""


def _url(url: str) -> str:
    return escape(_UNSAFE_IN_URL.sub(lambda match: f"%{ord(match[0]):02X}", url))
