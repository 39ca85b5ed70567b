"""Values of events. `null` is the same as absent: servers of 0.x send it for what they leave out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from ....events import JSON, EventBody

Event: TypeAlias = Mapping[str, Any]
Handlers: TypeAlias = Mapping[str, Callable[[Event], list[EventBody]]]
"""What each type of event comes to."""


class Malformed(ValueError):
    """A field of the protocol has the wrong type."""

    def __init__(self, event: Event, name: str) -> None:
        super().__init__(f"{event.get('type', 'an event')}.{name}")


def text(event: Event, name: str) -> str:
    """Return a text; empty if there is none.

    Raises:
        Malformed: It is something else.
    """
    value = event.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Malformed(event, name)
    return value


def objects(event: Event, name: str) -> list[dict[str, Any]]:
    """Return the objects of a list, without its other values.

    Raises:
        Malformed: It is no list.
    """
    value = event.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise Malformed(event, name)
    return [each for each in value if isinstance(each, dict)]


def mapping(value: JSON) -> dict[str, Any]:
    """Return an object; an empty one in place of anything else."""
    return value if isinstance(value, dict) else {}


def known(value: JSON) -> str:
    """Return a text; empty in place of anything else."""
    return value if isinstance(value, str) else ""
