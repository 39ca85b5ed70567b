"""Server-sent events as a client reads them: bytes, cut anywhere, to events."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass

_LINE_END = re.compile(rb"\r\n|\r|\n")
_BOM = b"\xef\xbb\xbf"
MAX_SIZE = 32 * 2**20
"""The most bytes that one event may have."""
# To wake for each word costs as much as to write it, and no one sees words one by one: after a wait, some are let come.
_AT_HAND, _REST = 0.001, 0.02  # seconds


class TooLarge(Exception):
    """An event has more than `MAX_SIZE` bytes."""


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """One event.

    Attributes:
        type: What the field `event` says; empty when there is none.
        data: The lines of its data, joined. Bytes that are no UTF-8 are U+FFFD.
        id: What the field `id` says; empty when there is none.
    """

    type: str
    data: str
    id: str = ""


class EventStreamReader:
    """Reads an event stream piece by piece. A line ends with CR, LF or CRLF and nothing else.

    The cost is linear in the bytes, however they are cut.
    """

    def __init__(self) -> None:
        self._begun = False
        self._after_cr = False
        self._line = bytearray()
        self._type = self._id = ""
        self._data: list[bytes] = []
        self._size = 0

    def feed(self, piece: bytes) -> list[ServerEvent]:
        """Return the events that end in this piece.

        Raises:
            TooLarge: One does not end.
        """
        if self._after_cr and piece:
            self._after_cr = False
            if piece.startswith(b"\n"):
                piece = piece[1:]
        first, *others = _LINE_END.split(piece) if b"\r" in piece else piece.split(b"\n")
        self._after_cr = piece.endswith(b"\r") or (self._after_cr and not piece)
        self._line += first
        events = []
        for other in others:
            if event := self._end_line():
                events.append(event)
            self._line += other
        if len(self._line) + self._size > MAX_SIZE:
            raise TooLarge
        return events

    def end(self) -> list[ServerEvent]:
        """Return the event that the end of the stream cut short of its empty line, if there is one."""
        found = [self._end_line()] if self._line else []
        return [event for event in (*found, self._end_event()) if event]

    def _end_line(self) -> ServerEvent | None:
        line = bytes(self._line)
        self._line.clear()
        if not self._begun:
            self._begun = True
            line = line.removeprefix(_BOM)
        if not line:
            return self._end_event()
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._data.append(value)
            self._size += len(value)
        elif name == b"event":
            self._type = value.decode("utf-8", "replace")
        elif name == b"id":
            self._id = value.decode("utf-8", "replace")
        return None

    def _end_event(self) -> ServerEvent | None:
        data, type, id = self._data, self._type, self._id
        self._data, self._type, self._id, self._size = [], "", "", 0
        return ServerEvent(type, b"\n".join(data).decode("utf-8", "replace"), id) if data else None


async def events_in(packets: AsyncIterator[bytes]) -> AsyncIterator[ServerEvent]:
    """Yield the events of a stream, also one that its end cuts short of its empty line.

    Raises:
        TooLarge: One does not end.
    """
    reader = EventStreamReader()
    async for packet in unhurried(packets):
        for event in reader.feed(packet):
            yield event
    for event in reader.end():
        yield event


async def unhurried(packets: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield what comes; after something that was waited for, what is next is asked for a little later."""
    clock = asyncio.get_running_loop().time
    asked = clock()
    async for packet in packets:
        waited = clock() - asked
        yield packet
        if waited > _AT_HAND:
            await asyncio.sleep(_REST)
        asked = clock()
