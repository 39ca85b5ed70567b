"""Server events -> ours, each at most one. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ....events import (
    EventBody,
    ReasoningDelta,
    RunEvent,
    RunStarted,
    RunStopping,
    StageChanged,
    TextDelta,
    TextReplaced,
    ToolFinished,
    ToolStarted,
    Unknown,
)
from ....text.cleaning import clean_body, clean_json
from ....text.phrases import count
from .replies import ServerEvent, text_at
from .scrub import scrub

# Text for the user is kept as it is; all else may contain internal details of the server.
_ANSWERS = frozenset({"output.delta", "output.completed"})
TERMINAL: Mapping[str, str] = {
    "run.completed": "succeeded",
    "run.failed": "failed",
    "run.cancelled": "cancelled",
}
"""The types of the events that end a run, each with the status of such a run."""

_STAGES: Mapping[str, str] = {
    "prepare": "Preparing the answer run",
    "build_context": "Building the conversation context",
    "retrieve": "Retrieving candidate evidence",
    "select_evidence": "Selecting the most relevant evidence",
    "materialize": "Materializing the evidence pack",
    "draft_answer": "Drafting the answer with citations",
    "citation_repair": "Validating and repairing citations",
    "evaluate": "Evaluating the draft answer",
    "project": "Projecting supporting references",
    "persist": "Persisting the assistant response",
}


class Translator:
    """Translates the events of one run, in order.

    Attributes:
        end: The type of the event that ended the run; empty before. Later events are ignored.
        seq: The number of the last event of the server.
    """

    def __init__(self) -> None:
        self.end = ""
        self.seq = 0
        self._parts: list[str] = []
        self._stage = ""
        self._chunks = 0

    @property
    def text(self) -> str:
        """The answer according to these events."""
        self._parts = ["".join(self._parts)]
        return self._parts[0]

    def add(self, event: ServerEvent) -> RunEvent | None:
        """Return the event for a server event; `None` if it is old, comes after the end, or has nothing new."""
        if self.end or event.seq <= self.seq:
            return None
        self.seq = event.seq
        if event.type in TERMINAL:
            self.end = event.type
        if event.type not in _ANSWERS:
            event = replace(event, payload=scrub(dict(event.payload)), raw=scrub(event.raw))
        body = clean_body(self._body(event.type, event.payload))
        match body:
            case TextDelta(text):
                self._parts.append(text)
            case TextReplaced(text):
                self._parts = [text]
            case StageChanged(name):
                # The server sends each stage twice, by name and as a summary.
                if name == self._stage:
                    return None
                self._stage = name
        return RunEvent(event.seq, event.at, body, event.raw)

    def _body(self, type: str, payload: Mapping[str, Any]) -> EventBody:
        call_id = text_at(payload, "tool_call_id")
        match type:
            case "run.started":
                return RunStarted()
            case "run.cancelling":
                return RunStopping()
            case "run.stage":
                stage = text_at(payload, "stage")
                return StageChanged(_STAGES.get(stage, stage.replace("_", " ").strip() or "Working"))
            case "reasoning.summary" if text_at(payload, "stage"):
                # A fixed sentence about the stage, not reasoning of a model.
                return StageChanged(text_at(payload, "summary").strip().rstrip(".") or "Working")
            case "reasoning.summary":
                return ReasoningDelta(f"{text_at(payload, 'summary').strip()}\n")
            case "output.delta":
                return self._delta(payload)
            case "output.completed" if (text := text_at(payload, "assistant_text")) and text != self.text:
                return TextReplaced(text)  # a run that failed early sends an empty text, which must not remove anything
            case "tool.call" if call_id and text_at(payload, "name"):
                return ToolStarted(call_id, text_at(payload, "name"), arguments=clean_json(payload.get("arguments")))
            case "tool.result" if call_id:
                failed = payload.get("ok") is False or bool(payload.get("error"))
                result = payload.get("result")
                if result is None and failed:
                    result = payload.get("error")
                # A summary contains nothing of the result, which only inspectors of runs may see.
                summary = count(len(result), "result") if isinstance(result, list) else ""
                return ToolFinished(call_id, summary, clean_json(result), failed)
            case _:
                return Unknown(type, None if type in TERMINAL else clean_json(dict(payload)))

    def _delta(self, payload: Mapping[str, Any]) -> EventBody:
        delta = text_at(payload, "delta")
        if payload.get("chunk_index") == 0 and self._chunks:
            # The runner has streamed the answer itself; now the server sends the whole again.
            self._chunks = 1
            return TextReplaced(delta)
        self._chunks += 1
        return TextDelta(delta)
