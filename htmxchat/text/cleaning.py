"""Cleans values for storage: text without NUL and lone surrogates, and plain JSON."""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Mapping, Set
from itertools import islice
from typing import Any

from ..events import JSON, EventBody, ReasoningDelta, TextDelta, decode_body, encode_body

MAX_DEPTH = 64
"""The deepest nesting of lists and objects. Deeper values are replaced by `TOO_DEEP`."""
MAX_VALUES = 100_000
"""The most values inside one JSON value. The rest is replaced by `TOO_MANY`."""
TOO_DEEP = f"(left out: nested more than {MAX_DEPTH} deep)"
TOO_MANY = f"(left out: more than {MAX_VALUES:,} values)"

# Python's limit for converting integers to and from text.
_MAX_INTEGER = 4_300
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def storable(text: str) -> bool:
    """Return whether a database can store `text` unchanged."""
    return _UNSTORABLE.search(text) is None


def clean_text(text: str) -> str:
    """Return `text` as a plain `str` with NUL and lone surrogates replaced by U+FFFD."""
    return _UNSTORABLE.sub("\ufffd", str.__str__(text))


def clean_json(value: Any) -> JSON:
    """Return `value` as plain JSON with clean text and limited depth and size; other types are converted by `str`.

    A value that contains itself is cut at the depth limit.
    """
    return _Cleaner().clean(value, MAX_DEPTH)


class _Cleaner:
    """Counts the values. A shared value counts at each place, because it is written at each place."""

    def __init__(self) -> None:
        self._left = MAX_VALUES

    def clean(self, value: Any, depth: int) -> JSON:
        match value:
            case None | bool():
                return value
            case str():
                return clean_text(value)
            case int():
                return _integer(value)
            case float():
                return float(value) if math.isfinite(value) else str(value)
            case Mapping() | list() | tuple() | Set():
                return self._inside(value, depth) if depth else TOO_DEEP
            case _:
                return clean_text(str(value))

    def _inside(self, value: Any, depth: int) -> JSON:
        left, size = self._left, len(value)
        self._left -= min(size, left)
        if isinstance(value, Mapping):
            cleaned = {clean_text(str(key)): self.clean(item, depth - 1) for key, item in islice(value.items(), left)}
            return cleaned if size <= left else {**cleaned, "…": TOO_MANY}
        items = [self.clean(item, depth - 1) for item in islice(value, left)]
        return items if size <= left else [*items, TOO_MANY]


def _integer(value: int) -> JSON:
    digits = int(value.bit_length() * math.log10(2)) + 1
    return int(value) if digits <= _MAX_INTEGER else f"(an integer of about {digits:,} digits)"


def read_json(data: str | bytes) -> JSON:
    """Parse JSON and limit its depth.

    Raises:
        ValueError: It is not JSON, or too deep for Python's parser.
    """
    try:
        return shallow(json.loads(data, parse_int=_read_integer))
    except RecursionError:
        raise ValueError(TOO_DEEP) from None


def _read_integer(digits: str) -> JSON:
    return int(digits) if len(digits) <= _MAX_INTEGER else f"(an integer of {len(digits):,} digits)"


def shallow(value: JSON, depth: int = MAX_DEPTH) -> JSON:
    """Return `value` with lists and objects more than `depth` deep replaced by `TOO_DEEP`."""
    if isinstance(value, dict):
        return {key: shallow(item, depth - 1) for key, item in value.items()} if depth else TOO_DEEP
    if isinstance(value, list):
        return [shallow(item, depth - 1) for item in value] if depth else TOO_DEEP
    return value


def clean_body(body: EventBody) -> EventBody:
    """Return `body` as the store will return it.

    Raises:
        TypeError: A field cannot be stored.
    """
    if isinstance(body, TextDelta | ReasoningDelta):
        return type(body)(clean_text(body.text))
    name, data = encode_body(body)
    cleaned = decode_body(name, {key: clean_json(value) for key, value in data.items()})
    if type(cleaned) is not type(body):
        raise TypeError(f"{type(body).__name__} has a field that cannot be stored: {body!r}")
    return cleaned


def searchable(text: str) -> str:
    """Return `text` in a normal form for search, without differences of letter case and width."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", clean_text(text)).casefold())


def title_of(text: str, limit: int = 60) -> str:
    """Return the title of a conversation that begins with `text`: its first line, without the final full stop."""
    line = one_line(text, limit)
    return line[:-1] if line.endswith((".", "。")) and not line.endswith("..") and len(line) > 1 else line


def one_line(text: str, limit: int) -> str:
    """Return the first non-blank line of `text`, at most `limit` characters long.

    White space is collapsed. A longer line is cut between words if possible, and ends with an ellipsis.
    """
    line = next((" ".join(line.split()) for line in clean_text(text).splitlines() if line.strip()), "")
    if len(line) <= limit:
        return line
    cut = line[: limit - 1]
    if line[limit - 1] != " " and " " in cut:
        cut = cut[: cut.rindex(" ")]
    return cut.rstrip() + "…"
