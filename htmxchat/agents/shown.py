"""Converts values of frameworks to JSON, and finds the chat's events in them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic_core import to_jsonable_python

from ..events import JSON, EventBody


def jsonable(value: Any) -> JSON:
    """Return a value as JSON; other types are converted by `str`."""
    return to_jsonable_python(value, fallback=str, bytes_mode="base64")  # type: ignore[no-any-return]


def own_events(value: Any) -> Iterator[EventBody]:
    """Yield the chat's events in a tool's result, alone or in a list."""
    for each in value if isinstance(value, list | tuple) else [value]:
        if isinstance(each, EventBody):
            yield each


def class_name(value: Any) -> str:
    """Return the name of a part for structured data: the name of its class, or `output`."""
    return "output" if type(value).__module__ == "builtins" else type(value).__name__
