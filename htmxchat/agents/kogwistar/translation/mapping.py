"""Server events -> ours. Pure functions.

One server event becomes at most a few of ours. Ours are numbered `seq * SPAN + n`, so that there is room after each
for what only this side knows (a stop that was asked for, silence), and so that the server's number can be got back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from ....cleaning import clean_body, clean_json
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
from .problems import plain
from .replies import ServerEvent, mapping, text_at
from .scrub import scrub

SPAN = 1_000
# What is written for the user is theirs; all else may tell of the server's insides.
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


def server_seq(seq: int) -> int:
    """Return the number of the server's event at or before one of ours."""
    return seq // SPAN


class Translator:
    """Translates the events of one run, in order. The text so far is kept to notice one that is sent again.

    Attributes:
        text: The answer as these events tell it.
        ended: Whether the server has said that the run is over. Nothing after that counts.
        seq: The number of the last event of ours.
    """

    def __init__(self, events: Iterable[RunEvent] = ()) -> None:
        self._parts: list[str] = []
        self.ended = False
        self.seq = 0
        self._stage = ""
        self._chunks = 0
        for event in events:
            self._note(event.body)
            self.seq = event.seq

    @property
    def text(self) -> str:
        self._parts = ["".join(self._parts)]
        return self._parts[0]

    def add(self, event: ServerEvent) -> list[RunEvent]:
        """Return what a server event becomes; nothing when it was seen before or comes too late."""
        first = event.seq * SPAN
        if self.ended or first <= self.seq - self.seq % SPAN:
            return []
        if event.type not in _ANSWERS:
            event = replace(event, payload=scrub(dict(event.payload)), raw=scrub(event.raw))
        raw = _safe(event)
        bodies = [clean_body(body) for body in self._bodies(event)]
        # The server says each stage twice, by name and as a summary.
        bodies = [body for body in bodies if not isinstance(body, StageChanged) or body.name != self._stage]
        self.ended = event.type in TERMINAL
        events = [RunEvent(first + n, event.at, body, raw if n == 0 else None) for n, body in enumerate(bodies)]
        for body in bodies:
            self._note(body)
        self.seq = first + max(len(events) - 1, 0)
        return events

    def own(self, body: EventBody, after: RunEvent | None) -> RunEvent:
        """Return an event that the server did not send, right after what it sent."""
        at = datetime.now(UTC)
        self.seq += 1
        self._note(body)
        return RunEvent(self.seq, max(at, after.at) if after else at, clean_body(body))

    def _note(self, body: EventBody) -> None:
        if isinstance(body, TextDelta):
            self._parts.append(body.text)
        elif isinstance(body, TextReplaced):
            self._parts = [body.text]
        elif isinstance(body, StageChanged):
            self._stage = body.name

    def _bodies(self, event: ServerEvent) -> list[EventBody]:
        payload = event.payload
        match event.type:
            case "run.started":
                return [RunStarted()]
            case "run.cancelling":
                return [RunStopping()]
            case "run.stage":
                stage = text_at(payload, "stage")
                return [StageChanged(_STAGES.get(stage, stage.replace("_", " ").strip() or "Working"))]
            case "reasoning.summary":
                return [_summary(payload)]
            case "output.delta":
                return self._delta(payload)
            case "output.completed":
                # Authoritative; but a run that failed early says an empty one, and that takes nothing away.
                text = text_at(payload, "assistant_text")
                return [TextReplaced(text)] if text and text != self.text else [_unknown(event)]
            case "tool.call" if text_at(payload, "tool_call_id") and text_at(payload, "name"):
                arguments = clean_json(payload.get("arguments"))
                return [ToolStarted(text_at(payload, "tool_call_id"), text_at(payload, "name"), arguments=arguments)]
            case "tool.result" if text_at(payload, "tool_call_id"):
                result = clean_json(payload.get("result"))
                failed = payload.get("ok") is False or bool(payload.get("error"))
                if result is None and failed:
                    result = clean_json(payload.get("error"))
                return [ToolFinished(text_at(payload, "tool_call_id"), _count(result), result, failed)]
            case _:
                return [_unknown(event)]

    def _delta(self, payload: Mapping[str, Any]) -> list[EventBody]:
        delta = text_at(payload, "delta")
        index = payload.get("chunk_index")
        if index == 0 and self._chunks:
            # A runner that streamed the answer itself: now the server sends the whole again.
            self._chunks = 1
            return [TextReplaced(delta)]
        self._chunks += 1
        return [TextDelta(delta)]


def _summary(payload: Mapping[str, Any]) -> EventBody:
    summary = text_at(payload, "summary").strip()
    # With a stage it is a fixed sentence about that stage, not what a model thought.
    if text_at(payload, "stage"):
        return StageChanged(summary.rstrip(".") or "Working")
    return ReasoningDelta(f"{summary}\n")


def _unknown(event: ServerEvent) -> Unknown:
    return Unknown(event.type, clean_json(dict(event.payload)) if event.type not in TERMINAL else None)


def _safe(event: ServerEvent) -> Any:
    """Return what is kept for inspection: all of the event, less what a failure says about the server's insides."""
    if event.type != "run.failed":
        return event.raw
    said = mapping(event.payload.get("error"))
    error = {"message": plain(text_at(said, "message"))}
    raw = {key: value for key, value in event.raw.items() if key not in ("error", "payload")}
    if "payload" in event.raw:
        return {**raw, "payload": {**mapping(event.raw.get("payload")), "error": error}}
    return {**raw, "error": error}


def _count(result: Any) -> str:
    """Return how much a tool found. What it found is for those who may inspect runs, so no summary holds any of it."""
    if not isinstance(result, list):
        return ""
    return f"{len(result)} result" + ("" if len(result) == 1 else "s")
