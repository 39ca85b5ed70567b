"""Reads forms with files as a stream: only the last received chunk is in memory.

The parser is python-multipart's. Starlette's own reader of such forms writes what it reads into temporary files.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from typing import TypeAlias

from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header

from ..errors import BadRequest

FORM = "multipart/form-data"
_BROKEN = "The form could not be read. Send it again."
_CUT = "The form did not arrive completely. Send it again."
_TOO_MANY = "The form has too many parts. Send fewer files at a time."
_MAX_HEADERS = 8
_MAX_HEADER = 4096


@dataclass(frozen=True, slots=True)
class Part:
    """A field of a form, or a file.

    Attributes:
        name: Of the field.
        filename: The name of the file in the browser; `None` for another field.
        chunks: Its content. What is not read of it is passed over when the next part is asked for.
    """

    name: str
    filename: str | None
    chunks: AsyncGenerator[bytes, None]


@dataclass(frozen=True, slots=True)
class _Begin:
    name: str
    filename: str | None


class _End:
    pass


_News: TypeAlias = _Begin | bytes | _End


async def read_parts(content_type: str, body: AsyncIterator[bytes], most: int) -> AsyncGenerator[Part, None]:
    """Yield the parts of a form in their order.

    Args:
        content_type: The request's header of that name.
        most: How many parts a form may have.

    Raises:
        BadRequest: It is not such a form, has more parts, or ends before its end.
    """
    form = _Form(content_type, body, most)
    while (news := await form.next()) is not None:
        if isinstance(news, _Begin):
            part = Part(news.name, news.filename, form.content())
            yield part
            async for _ in part.chunks:
                pass
    if not form.whole:
        raise BadRequest(_CUT)


class _Form:
    def __init__(self, content_type: str, body: AsyncIterator[bytes], most: int) -> None:
        kind, options = parse_options_header(content_type)
        boundary = options.get(b"boundary", b"")
        if kind != FORM.encode() or not boundary:
            raise BadRequest(_BROKEN)
        self.whole = False
        self._body = body
        self._most = most
        self._news: deque[_News] = deque()
        self._headers: dict[bytes, bytes] = {}
        self._name = self._value = b""
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._begin,
                    "on_header_field": self._add_name,
                    "on_header_value": self._add_value,
                    "on_header_end": self._end_header,
                    "on_headers_finished": self._end_headers,
                    "on_part_data": self._add,
                    "on_part_end": self._end_part,
                    "on_end": self._end,
                },
                max_header_count=_MAX_HEADERS,
                max_header_size=_MAX_HEADER,
            )
        except FormParserError:
            raise BadRequest(_BROKEN) from None

    async def next(self) -> _News | None:
        """Return what comes next; `None` at the end of the body."""
        while not self._news:
            try:
                data = await anext(self._body)
            except StopAsyncIteration:
                return None
            if not self.whole:  # what comes after the end says nothing
                try:
                    self._parser.write(data)
                except FormParserError:
                    raise BadRequest(_BROKEN) from None
        return self._news.popleft()

    async def content(self) -> AsyncGenerator[bytes, None]:
        """Yield the rest of the part that was last begun."""
        while not isinstance(news := await self.next(), _End):
            if not isinstance(news, bytes):
                raise BadRequest(_CUT)
            yield news

    def _begin(self) -> None:
        self._most -= 1
        if self._most < 0:
            raise BadRequest(_TOO_MANY)
        self._headers = {}

    def _add_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _add_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _end_header(self) -> None:
        self._headers[self._name.lower()] = self._value
        self._name = self._value = b""

    def _end_headers(self) -> None:
        kind, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        if kind != b"form-data" or b"name" not in options:
            raise BadRequest(_BROKEN)
        filename = options.get(b"filename")
        self._news.append(_Begin(_text(options[b"name"]), None if filename is None else _text(filename)))

    def _add(self, data: bytes, start: int, end: int) -> None:
        self._news.append(data[start:end])

    def _end_part(self) -> None:
        self._news.append(_End())

    def _end(self) -> None:
        self.whole = True


def _text(value: bytes) -> str:
    # As browsers write them: UTF-8, with what would end the quotes as %22, %0D and %0A.
    return value.decode(errors="replace").replace("%22", '"').replace("%0D", "\r").replace("%0A", "\n")
