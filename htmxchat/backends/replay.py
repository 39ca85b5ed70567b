"""What a run that is resumed has asked since its checkpoint: it is not asked again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..agent import RunScript
from ..events import JSON, EventBody, FileSent, InputAnswered, InputRequested, RunEvent, ScriptFinished, ScriptProposed
from ..files.file import File
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
        self._asked: dict[str, list[InputRequested | ScriptProposed]] = {}
        self._answers = answers or {}
        self._told: set[str] = set()
        self._files: list[File] = []
        for event in events:
            match event.body:
                case InputRequested(request_id=id) | ScriptProposed(script_id=id) as body:
                    self._asked.setdefault(id, []).append(body)
                case InputAnswered(request_id=id) | ScriptFinished(script_id=id):
                    self._told.add(id)
                case FileSent(file=file):
                    self._files.append(file)

    def proposal(self, script: RunScript) -> str | None:
        """Return the id of the script with the same code that the run waited for."""
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
        """Whether the log has this question or script already.

        Raises:
            ValueError: It has another under the same id. What the user said of that does not answer this.
        """
        match body:
            case InputRequested(request_id=id) | ScriptProposed(script_id=id):
                asked = self._asked.pop(id, [])
                if asked and body not in asked:
                    raise ValueError(f"Before the run was resumed, {id!r} was the id of another. Use an id of its own.")
                return bool(asked)
        return False

    def told(self, id: str) -> bool:
        """Whether the log has its result, too."""
        return id in self._told and id in self._answers

    def answer(self, id: str) -> JSON | ScriptResult:
        """Return its result."""
        return self._answers[id]
