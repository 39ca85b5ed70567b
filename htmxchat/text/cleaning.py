"""What may be stored: text without NUL and lone surrogates, and plain JSON values."""

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
"""How deep lists and objects may stand in each other. What is deeper is left out, and `TOO_DEEP` stands there."""
MAX_VALUES = 100_000
"""How many values one JSON value may have inside. The rest is left out, and `TOO_MANY` stands there."""
TOO_DEEP = f"(left out: nested more than {MAX_DEPTH} deep)"
TOO_MANY = f"(left out: more than {MAX_VALUES:,} values)"

# Python writes and reads no longer ones.
_MAX_INTEGER = 4_300
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def storable(text: str) -> bool:
    """Return whether a database can hold `text` as it is."""
    return _UNSTORABLE.search(text) is None


def clean_text(text: str) -> str:
    """Return `text` as a plain `str` in which U+FFFD stands for NUL and for lone surrogates."""
    return _UNSTORABLE.sub("\ufffd", str.__str__(text))


def clean_json(value: Any) -> JSON:
    """Return `value` as plain JSON with clean text, of bounded depth and size; what JSON cannot say becomes its `str`.

    A value that holds itself is cut as one that is too deep.
    """
    return _Cleaner().clean(value, MAX_DEPTH)


class _Cleaner:
    """Counts down the values. What is shared is counted where it stands: such a value can grow without end."""

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
    """Return what JSON says, of bounded depth.

    Raises:
        ValueError: It is none, or Python's own reader finds it too deep.
    """
    try:
        return shallow(json.loads(data, parse_int=_read_integer))
    except RecursionError:
        raise ValueError(TOO_DEEP) from None


def _read_integer(digits: str) -> JSON:
    return int(digits) if len(digits) <= _MAX_INTEGER else f"(an integer of {len(digits):,} digits)"


def shallow(value: JSON, depth: int = MAX_DEPTH) -> JSON:
    """Return `value` with `TOO_DEEP` in place of lists and objects that are more than `depth` deep."""
    if isinstance(value, dict):
        return {key: shallow(item, depth - 1) for key, item in value.items()} if depth else TOO_DEEP
    if isinstance(value, list):
        return [shallow(item, depth - 1) for item in value] if depth else TOO_DEEP
    return value


def clean_body(body: EventBody) -> EventBody:
    """Return `body` as it will be read back from a store.

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
    """Return `text` in the form in which words are compared: letter case and width do not matter."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", clean_text(text)).casefold())


def title_of(text: str, limit: int = 60) -> str:
    """Return what a conversation that begins with `text` is called: its first line, without the final full stop."""
    line = one_line(text, limit)
    return line[:-1] if line.endswith((".", "。")) and not line.endswith("..") and len(line) > 1 else line


def one_line(text: str, limit: int) -> str:
    """Return the first line of `text` that says something, at most `limit` characters long.

    White space is folded. A longer line is cut at a word, or inside one that is too long, and ends with an ellipsis.
    """
    line = next((" ".join(line.split()) for line in clean_text(text).splitlines() if line.strip()), "")
    if len(line) <= limit:
        return line
    cut = line[: limit - 1]
    if line[limit - 1] != " " and " " in cut:
        cut = cut[: cut.rindex(" ")]
    return cut.rstrip() + "…"
