"""Short descriptions of a tool call's arguments and result, for its row."""

from __future__ import annotations

from ..events import JSON
from ..text.cleaning import one_line
from ..text.phrases import count

_MAX_LENGTH = 80


def asked(arguments: JSON) -> str:
    """Return a tool's arguments in a few words."""
    if not isinstance(arguments, dict):
        return _short(arguments)
    return one_line(", ".join(filter(None, map(_short, arguments.values()))), _MAX_LENGTH)


def found(result: JSON) -> str:
    """Return a tool's result in a few words: a short text or number, or the length of a list."""
    if isinstance(result, list):
        return count(len(result), "item")
    return _short(result)


def _short(value: JSON) -> str:
    if isinstance(value, bool) or value is None:
        return ""
    return one_line(str(value), _MAX_LENGTH) if isinstance(value, str | int | float) else ""
