"""Activities and custom events: parts that the host draws, or records of their data."""

from __future__ import annotations

from collections.abc import Sequence

from ....events import JSON, Custom, EventBody
from ..state import DoesNotApply, patched
from .fields import known, mapping

# Messages for the servers' own clients, and data that is also sent in another form.
_NOT_SHOWN = frozenset(
    "on_interrupt PredictState function_approval_request "
    "manually_emit_message manually_emit_tool_call manually_emit_state".split()
)


class Activities:
    """The activities of a turn, by their ids."""

    def __init__(self) -> None:
        self._all: dict[str, tuple[str, JSON]] = {}

    def put(self, id: str, type: str, content: JSON, *, replace: bool) -> list[EventBody]:
        if id in self._all and (not replace or self._all[id] == (type, content)):
            return []
        self._all[id] = (type, content)
        return [Custom(type or "activity", content, id)]

    def patch(self, id: str, operations: Sequence[JSON]) -> list[EventBody]:
        """Change an activity. Nothing happens if it is unknown or the change does not apply."""
        if id not in self._all:
            return []
        type, content = self._all[id]
        try:
            return self.put(id, type, patched(content, operations), replace=True)
        except DoesNotApply:
            return []


def custom(name: str, value: JSON) -> list[EventBody]:
    """Return a custom event. One with an id updates the part with that id."""
    if name in _NOT_SHOWN:
        return []
    return [Custom(name or "custom", value, known(mapping(value).get("id")))]
