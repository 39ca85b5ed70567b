"""Text -> its top-level blocks, each with the events of the parser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import pyromark
from pyromark.event import Event

_OPTIONS = pyromark.Options.ENABLE_TABLES | pyromark.Options.ENABLE_STRIKETHROUGH | pyromark.Options.ENABLE_TASKLISTS
_NOT_TEXT = re.compile("[\x00\ud800-\udfff]")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")

# Quotes and lists opened a hundred deep on one line take a parser quadratic time; a table of forty columns is
# filled up with cells that nobody wrote.
_SLOW = re.compile(
    r"^(?:(?:[ \t]*(?:>|[-+*](?=[ \t])|[0-9]{1,9}[.)](?=[ \t]))){100}"
    r"|[ \t>]*\|?(?:[ \t]*:?-+:?[ \t]*\|){40})",
    re.MULTILINE,
)


class Block(NamedTuple):
    start: int  # of its first line, in bytes
    source: str
    events: list[Event]
    too_complex: bool = False

    def is_code(self) -> bool:
        return bool(self.events) and variant(variant(self.events[0])[1] or "")[0] == "CodeBlock"

    def closing(self) -> re.Pattern[str] | None:
        """Return what matches the line that closes the fence; `None` if this is not fenced code."""
        fence = _FENCE.match(self.source) if self.is_code() else None
        return re.compile(rf" {{0,3}}{fence[1]}{fence[1][0]}*[ \t]*\n?\Z") if fence else None

    def is_closed_fence(self) -> bool:
        closing = self.closing()
        return bool(closing and closing.match(self.source.rstrip("\n").partition("\n")[2].rpartition("\n")[2]))


def normalize(text: str) -> str:
    return _NOT_TEXT.sub("\ufffd", text).replace("\r\n", "\n").replace("\r", "\n")


def parse(text: str) -> Iterator[Block]:
    """Yield the top-level blocks of normalized text. What would take a parser long is one block, to be shown plain."""
    position = 0
    for slow in _SLOW.finditer(text):
        if slow.start() < position:
            continue
        start = text.rfind("\n\n", position, slow.start()) + 2
        start = start if start > 1 else position
        end = text.find("\n\n", slow.end()) + 1 or len(text)
        yield from _parse_quick(text[position:start], len(text[:position].encode()))
        yield Block(len(text[:start].encode()), text[start:end], [], too_complex=True)
        position = end
    yield from _parse_quick(text[position:], len(text[:position].encode()))


def _parse_quick(text: str, offset: int) -> Iterator[Block]:
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
            yield Block(offset + start, data[start:end].decode(), events)
            events = []


def variant(value: Any) -> tuple[str, Any]:
    """Return the name and the data of what pyromark writes as `"Name"` or `{"Name": data}`."""
    return (value, None) if isinstance(value, str) else next(iter(value.items()))
