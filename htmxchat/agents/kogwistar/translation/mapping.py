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
from .problems import plain
from .replies import ServerEvent, mapping, text_at
from .scrub import scrub

# Text for the user is kept as it is; all else may contain internal details of the server.
_ANSWERS = frozenset({"output.delta", "output.completed"})
TERMINAL = frozenset({"run.completed", "run.failed", "run.cancelled"})

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
        ended: Whether the server has sent the end of the run. Later events are ignored.
        seq: The number of the last event of the server.
    """

    def __init__(self) -> None:
        self.ended = False
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
        if self.ended or event.seq <= self.seq:
            return None
        self.seq = event.seq
        self.ended = event.type in TERMINAL
        if event.type not in _ANSWERS:
            event = replace(event, payload=scrub(dict(event.payload)), raw=scrub(event.raw))
        body = clean_body(self._body(event))
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
        return RunEvent(event.seq, event.at, body, _safe(event))

    def _body(self, event: ServerEvent) -> EventBody:
        payload = event.payload
        match event.type:
            case "run.started":
                return RunStarted()
            case "run.cancelling":
                return RunStopping()
            case "run.stage":
                stage = text_at(payload, "stage")
                return StageChanged(_STAGES.get(stage, stage.replace("_", " ").strip() or "Working"))
            case "reasoning.summary":
                return _summary(payload)
            case "output.delta":
                return self._delta(payload)
            case "output.completed" if (text := text_at(payload, "assistant_text")) and text != self.text:
                return TextReplaced(text)  # a run that failed early sends an empty text, which must not remove anything
            case "tool.call" if text_at(payload, "tool_call_id") and text_at(payload, "name"):
                arguments = clean_json(payload.get("arguments"))
                return ToolStarted(text_at(payload, "tool_call_id"), text_at(payload, "name"), arguments=arguments)
            case "tool.result" if text_at(payload, "tool_call_id"):
                result = clean_json(payload.get("result"))
                failed = payload.get("ok") is False or bool(payload.get("error"))
                if result is None and failed:
                    result = clean_json(payload.get("error"))
                return ToolFinished(text_at(payload, "tool_call_id"), _count(result), result, failed)
            case _:
                return Unknown(event.type, None if event.type in TERMINAL else clean_json(dict(payload)))

    def _delta(self, payload: Mapping[str, Any]) -> EventBody:
        delta = text_at(payload, "delta")
        if payload.get("chunk_index") == 0 and self._chunks:
            # The runner has streamed the answer itself; now the server sends the whole again.
            self._chunks = 1
            return TextReplaced(delta)
        self._chunks += 1
        return TextDelta(delta)


def _summary(payload: Mapping[str, Any]) -> EventBody:
    summary = text_at(payload, "summary").strip()
    # With a stage it is a fixed sentence about that stage, not reasoning of a model.
    if text_at(payload, "stage"):
        return StageChanged(summary.rstrip(".") or "Working")
    return ReasoningDelta(f"{summary}\n")


def _safe(event: ServerEvent) -> Any:
    """Return the event for the inspector; of a failure, without internal details of the server."""
    if event.type != "run.failed":
        return event.raw
    said = mapping(event.payload.get("error"))
    error = {"message": plain(text_at(said, "message"))}
    raw = {key: value for key, value in event.raw.items() if key not in ("error", "payload")}
    if "payload" in event.raw:
        return {**raw, "payload": {**mapping(event.raw.get("payload")), "error": error}}
    return {**raw, "error": error}


def _count(result: Any) -> str:
    """Return how much a tool found. A summary contains nothing of the result, which only inspectors of runs may see."""
    if not isinstance(result, list):
        return ""
    return count(len(result), "result")
