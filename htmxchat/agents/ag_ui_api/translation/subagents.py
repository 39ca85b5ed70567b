"""Subagents: each is one step of the answer, and its text is the result of the step."""

from __future__ import annotations

from dataclasses import dataclass, field

from ....events import JSON, EventBody, ToolFinished, ToolStarted
from ...summaries import asked, found


@dataclass(slots=True)
class Subagent:
    name: str
    pieces: dict[str, list[str]] = field(default_factory=dict)
    over: bool = False


class Subagents:
    """The subagents of a turn, by their ids."""

    def __init__(self) -> None:
        self._all: dict[str, Subagent] = {}

    def start(self, id: str, name: str, description: str) -> list[EventBody]:
        again = id in self._all
        self._all[id] = self._all[id] if again else Subagent(name or "subagent")
        self._all[id].over = False
        return [ToolStarted(_call(id), self._all[id].name, asked(description))]

    def write(self, id: str, message_id: str, delta: str) -> list[EventBody]:
        """Add text or reasoning of a subagent."""
        bodies = [] if id in self._all else self.start(id, "", "")
        self._all[id].pieces.setdefault(message_id, []).append(delta)
        return bodies

    def end(self, id: str, result: JSON, trouble: str = "", *, failed: bool = False) -> list[EventBody]:
        bodies = [] if id in self._all else self.start(id, "", "")
        subagent = self._all[id]
        subagent.over = True
        said = "\n\n".join("".join(each) for each in subagent.pieces.values() if any(each))
        whole: JSON = (
            said if result is None or result == said else ({"text": said, "result": result} if said else result)
        )
        return [*bodies, ToolFinished(_call(id), trouble or found(whole), whole or None, failed=failed)]

    def finish(self) -> list[EventBody]:
        """The run ended well."""
        return [body for id, each in self._all.items() if not each.over for body in self.end(id, None)]


def _call(id: str) -> str:
    return f"subagent:{id}"
