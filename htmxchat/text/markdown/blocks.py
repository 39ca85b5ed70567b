"""Text -> its top-level blocks, each with the events of the parser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import pyromark
from pyromark.event import Event

from .characters import RESERVED, restore
from .stand_ins import prepare

_OPTIONS = (
    pyromark.Options.ENABLE_TABLES
    | pyromark.Options.ENABLE_STRIKETHROUGH
    | pyromark.Options.ENABLE_TASKLISTS
    | pyromark.Options.ENABLE_GFM
    | pyromark.Options.ENABLE_FOOTNOTES
    | pyromark.Options.ENABLE_DEFINITION_LIST
)
_LIST: Event = {"Start": "DefinitionList"}
_LIST_END: Event = {"End": "DefinitionList"}
_TERM: Event = {"Start": "DefinitionListTitle"}
_NOT_TEXT = re.compile(f"[\x00\ud800-\udfff{RESERVED}]")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")

# Quotes and lists opened a hundred deep on one line take a parser quadratic time; a table of forty columns is
# filled up with cells that no one wrote. Possessive, so that this costs each line once.
_SLOW = re.compile(
    r"^(?:(?:[ \t]*+(?:>|[-+*](?=[ \t])|[0-9]{1,9}[.)](?=[ \t]))){100}"
    r"|[ \t>]*+\|?(?:[ \t]*+:?-++:?[ \t]*+\|){40})",
    re.MULTILINE,
)


class Block(NamedTuple):
    start: int  # of its first line, in bytes
    source: str
    events: list[Event]
    too_complex: bool = False
    stand_ins: bool = False  # whether its text has some, which are still to be taken back

    def is_code(self) -> bool:
        return bool(self.events) and variant(variant(self.events[0])[1] or "")[0] == "CodeBlock"

    def fence(self) -> str:
        """Return the fence that opens this code; empty if it is not fenced code."""
        found = _FENCE.match(self.source) if self.is_code() else None
        return found[1] if found else ""

    def is_closed_fence(self) -> bool:
        fence = self.fence()
        return bool(fence) and closes(fence, self.source.rstrip("\n").partition("\n")[2].rpartition("\n")[2])


def closes(fence: str, line: str) -> bool:
    """Return whether `line` ends the code that `fence` opened."""
    line = line.rstrip(" \t\n")
    marks = line.lstrip(" ")
    return len(line) - len(marks) <= 3 and marks.startswith(fence) and not marks.strip(fence[0])


def normalize(text: str) -> str:
    return _NOT_TEXT.sub("\ufffd", text).replace("\r\n", "\n").replace("\r", "\n")


def parse(text: str) -> Iterator[Block]:
    """Yield the top-level blocks of normalized text. What would take a parser long is one block, to be shown plain."""
    position = offset = 0
    for slow in _SLOW.finditer(text):
        if slow.start() < position:
            continue
        start = text.rfind("\n\n", position, slow.start()) + 2
        start = start if start > 1 else position
        end = text.find("\n\n", slow.end()) + 1 or len(text)
        yield from _parse_quick(text[position:start], offset)
        offset += len(text[position:start].encode())
        yield Block(offset, text[start:end], [], too_complex=True)
        offset += len(text[start:end].encode())
        position = end
    yield from _parse_quick(text[position:], offset)


def _parse_quick(text: str, offset: int) -> Iterator[Block]:
    read = prepare(text)
    written = read is text
    data = read.encode()
    events: list[Event] = []
    depth = position = 0

    def block(until: int) -> Block:
        nonlocal offset, position
        source = data[start:until].decode()
        if written:
            return Block(offset + start, source, events)
        offset += len(restore(data[position:start].decode()).encode())
        position = start
        return Block(offset, restore(source), events, stand_ins=True)

    for event, place in pyromark.events_with_range(read, options=_OPTIONS, merge_text=True):
        if depth == 1 and event == _TERM and len(events) > 1:
            # Each term with its definitions is a block: the parser makes one list of those that follow each other.
            after = data.rfind(b"\n", 0, place["start"]) + 1
            events.append(_LIST_END)
            yield block(after)
            start, events = after, [_LIST]
        if not depth:
            start, end = data.rfind(b"\n", 0, place["start"]) + 1, place["end"]
        # Those in text say what stands there.
        events.append(event if written or "Text" in event else _restored(event))
        if not isinstance(event, str):
            depth += ("Start" in event) - ("End" in event)
        if not depth:
            yield block(end)
            events = []


def _restored(value: Any) -> Any:
    if isinstance(value, str):
        return restore(value)
    return {key: _restored(held) for key, held in value.items()} if isinstance(value, dict) else value


def variant(value: Any) -> tuple[str, Any]:
    """Return the name and the data of what pyromark writes as `"Name"` or `{"Name": data}`."""
    return (value, None) if isinstance(value, str) else next(iter(value.items()))
