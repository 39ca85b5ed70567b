"""What frameworks hand over -> JSON, and events of the chat's own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic_core import to_jsonable_python

from ..events import JSON, EventBody


def jsonable(value: Any) -> JSON:
    """Return a value as JSON; what JSON cannot say becomes its text."""
    return to_jsonable_python(value, fallback=str, bytes_mode="base64")  # type: ignore[no-any-return]


def own_events(value: Any) -> Iterator[EventBody]:
    """Yield the events of the chat's own among what a tool has given, alone or in a list."""
    for each in value if isinstance(value, list | tuple) else [value]:
        if isinstance(each, EventBody):
            yield each


def class_name(value: Any) -> str:
    """Return what a part of structured data is called: the name of its class, or `output`."""
    return "output" if type(value).__module__ == "builtins" else type(value).__name__
