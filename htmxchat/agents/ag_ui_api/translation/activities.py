"""Activities and custom events: parts that the host draws, or records of their data."""

from __future__ import annotations

from collections.abc import Sequence

from ....events import JSON, Custom, EventBody
from ..state import DoesNotApply, patched
from .fields import known, mapping

# What servers say to clients of their own, and what comes in another form too.
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
        """Change an activity. One that is unknown, and a change that does not fit, are left alone."""
        if id not in self._all:
            return []
        type, content = self._all[id]
        try:
            return self.put(id, type, patched(content, operations), replace=True)
        except DoesNotApply:
            return []


def custom(name: str, value: JSON) -> list[EventBody]:
    """Return an event of the host's own. One that has an id brings the part with that id up to date."""
    if name in _NOT_SHOWN:
        return []
    return [Custom(name or "custom", value, known(mapping(value).get("id")))]
