"""What may be stored: text without NUL and lone surrogates, and plain JSON values."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping, Set
from typing import Any

from .events import JSON, EventBody, ReasoningDelta, TextDelta, decode_body, encode_body

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def storable(text: str) -> bool:
    """Return whether a database can hold `text` as it is."""
    return _UNSTORABLE.search(text) is None


def clean_text(text: str) -> str:
    """Return `text` as a plain `str` in which U+FFFD stands for NUL and for lone surrogates."""
    return _UNSTORABLE.sub("\ufffd", str.__str__(text))


def clean_json(value: Any) -> JSON:
    """Return `value` as plain JSON with clean text; what JSON cannot say becomes its `str`."""
    match value:
        case None | bool():
            return value
        case str():
            return clean_text(value)
        case int():
            return int(value)
        case float():
            return float(value) if math.isfinite(value) else str(value)
        case Mapping():
            return {clean_text(str(key)): clean_json(item) for key, item in value.items()}
        case list() | tuple() | Set():
            return [clean_json(item) for item in value]
        case _:
            return clean_text(str(value))


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
