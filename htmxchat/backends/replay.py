"""The questions and scripts that a resumed run has sent since its checkpoint, so that they are not sent again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..agent import RunScript
from ..events import JSON, EventBody, FileSent, InputAnswered, InputRequested, RunEvent, ScriptFinished, ScriptProposed
from ..files.file import File
from ..scripts.result import ScriptResult


class Replay:
    """Recognizes questions and scripts that the log already has. Each is recognized once.

    Args:
        events: The log since the checkpoint.
        answers: The answers and results since then, by the id of the request or script.
    """

    def __init__(
        self, events: Iterable[RunEvent] = (), answers: Mapping[str, JSON | ScriptResult] | None = None
    ) -> None:
        self._asked: dict[str, list[InputRequested | ScriptProposed]] = {}
        self._answers = answers or {}
        self._finished: set[str] = set()
        self._files: list[File] = []
        for event in events:
            match event.body:
                case InputRequested(request_id=id) | ScriptProposed(script_id=id) as body:
                    self._asked.setdefault(id, []).append(body)
                case InputAnswered(request_id=id) | ScriptFinished(script_id=id):
                    self._finished.add(id)
                case FileSent(file=file):
                    self._files.append(file)

    def proposal(self, script: RunScript) -> str | None:
        """Return the id of the awaited script with the same code, if there is one."""
        same = (
            id
            for id, bodies in self._asked.items()
            for body in bodies
            if isinstance(body, ScriptProposed) and body.awaited and body.code == script.code
        )
        return next(same, None)

    def sent(self, file: File) -> File | None:
        """Return the file that the log has already, if it has one with the same name and content."""
        known = next((each for each in self._files if (each.name, each.digest) == (file.name, file.digest)), None)
        if known is not None:
            self._files.remove(known)
        return known

    def recognizes(self, body: EventBody) -> bool:
        """Return whether the log already has this question or script.

        Raises:
            ValueError: It has another one with the same id, whose answer does not apply.
        """
        match body:
            case InputRequested(request_id=id) | ScriptProposed(script_id=id):
                asked = self._asked.pop(id, [])
                if asked and body not in asked:
                    raise ValueError(
                        f"The id {id!r} was used for another request before the run was resumed. Use a new id."
                    )
                return bool(asked)
        return False

    def has_result(self, id: str) -> bool:
        """Return whether the log has the answer or result."""
        return id in self._finished and id in self._answers

    def answer(self, id: str) -> JSON | ScriptResult:
        """Return the answer or result."""
        return self._answers[id]
