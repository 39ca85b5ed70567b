"""What a run that is resumed has asked since its checkpoint: it is not asked again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..agent import RunScript
from ..events import JSON, EventBody, InputAnswered, InputRequested, RunEvent, ScriptFinished, ScriptProposed
from ..scripts.result import ScriptResult


class Replay:
    """Recognizes what an agent asks as what it has asked before. Each is recognized once.

    Args:
        events: The log since the checkpoint.
        answers: What was answered since then, by request or script.
    """

    def __init__(
        self, events: Iterable[RunEvent] = (), answers: Mapping[str, JSON | ScriptResult] | None = None
    ) -> None:
        self._asked: dict[str, InputRequested | ScriptProposed] = {}
        self._answers = answers or {}
        self._told: set[str] = set()
        for event in events:
            match event.body:
                case InputRequested(request_id=id) | ScriptProposed(script_id=id) as body:
                    self._asked[id] = body
                case InputAnswered(request_id=id) | ScriptFinished(script_id=id):
                    self._told.add(id)

    def proposal(self, script: RunScript) -> str | None:
        """Return the id of the script with the same code that the run waited for."""
        same = (
            id
            for id, body in self._asked.items()
            if isinstance(body, ScriptProposed) and body.awaited and body.code == script.code
        )
        return next(same, None)

    def recognizes(self, body: EventBody) -> bool:
        """Whether the log has this question or script already."""
        match body:
            case InputRequested(request_id=id) | ScriptProposed(script_id=id):
                return self._asked.pop(id, None) is not None
        return False

    def told(self, id: str) -> bool:
        """Whether the log has what came of it, too."""
        return id in self._told and id in self._answers

    def answer(self, id: str) -> JSON | ScriptResult:
        """Return what came of it."""
        return self._answers[id]
