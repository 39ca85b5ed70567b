"""Converts a run's events to AG-UI events. Pure."""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from typing import Any, TypeAlias

from ..events import (
    JSON,
    Custom,
    InputAnswered,
    InputRequested,
    Outcome,
    ReasoningDelta,
    RunEnded,
    RunEvent,
    ScriptFinished,
    ScriptProposed,
    SourcesFound,
    StageChanged,
    TextDelta,
    TextReplaced,
    TitleSuggested,
    ToolFinished,
    ToolStarted,
    Unknown,
    UsageReported,
    encode_body,
)
from .asked import RUN_PYTHON, Asked, Pending, Place

Event: TypeAlias = dict[str, Any]
FAILED = "The agent has failed."


class Telling:
    """Events of a run in, events of AG-UI out, from the first to the last of one answer to a client.

    Args:
        run_id: The backend's; ids of messages begin with it.

    Attributes:
        over: Whether the answer is complete: the run has ended, or waits for the client.
        waits: The question or the script that the run waits for.
    """

    def __init__(self, asked: Asked, run_id: str) -> None:
        self._asked, self._run_id = asked, run_id
        self._messages = list(asked.messages)
        self._open: tuple[str, Event] | None = None
        self._calls: dict[str, bool] = {}
        self._unnamed: list[str] = []
        self._stage = ""
        self._usage: UsageReported | None = None
        self._seq = 0
        self.waits: InputRequested | ScriptProposed | None = None
        self.over = False

    def begin(self, place: Place) -> list[Event]:
        run = {"type": "RUN_STARTED", "threadId": self._asked.thread, "runId": self._asked.run}
        return [
            {**run, "protocolVersion": "1.0"},
            {"type": "STATE_SNAPSHOT", "snapshot": self._asked.state_at(place)},
        ]

    def tell(self, batch: Sequence[RunEvent]) -> list[Event]:
        """Return what a batch comes to. When the run waits after it, that is the end of the answer."""
        told: list[Event] = []
        for event in batch:
            self._seq = event.seq
            told += self._tell(event)
        if self.waits is not None and not self.over:
            told += self._ask(self.waits)
        return told

    def fail(self, sentence: str) -> list[Event]:
        """Return the end of an answer that cannot go on."""
        self.over = True
        return [*self._close(), {"type": "RUN_ERROR", "message": sentence}]

    def _tell(self, event: RunEvent) -> list[Event]:
        match event.body:
            case TextDelta(text=text) if text:
                return self._write("text", text)
            case ReasoningDelta(text=text) if text:
                return self._write("reasoning", text)
            case TextReplaced(text=text):
                return self._replace(text)
            case ToolStarted() as started:
                return self._call(started)
            case ToolFinished() as finished:
                return self._result(finished)
            case StageChanged(name=name):
                return self._step(name)
            case Custom(name=name, data=data):
                return [*self._close(), {"type": "CUSTOM", "name": name, "value": data}]
            case SourcesFound() as found:
                return [{"type": "CUSTOM", "name": "sources", "value": encode_body(found)[1]["sources"]}]
            case ScriptProposed(awaited=False) as script:
                return [*self._close(), {"type": "CUSTOM", "name": "script", "value": encode_body(script)[1]}]
            case InputRequested() | ScriptProposed() as waits:
                self.waits = waits
            case InputAnswered() | ScriptFinished():
                self.waits = None
            case UsageReported() as usage:
                self._usage = usage
            case TitleSuggested(title=title):
                return [{"type": "CUSTOM", "name": "title", "value": title}]
            case Unknown(type=type, data=data):
                return [{"type": "RAW", "event": {} if data is None else data, "source": type}]
            case RunEnded(outcome=outcome, error=error) if outcome is not Outcome.SUSPENDED or self.waits is None:
                self.waits = None
                return self._end(outcome, error)
        return []

    def _write(self, kind: str, text: str) -> list[Event]:
        told: list[Event] = []
        if self._open is None or self._open[0] != kind:
            told += self._close()
            role = "assistant" if kind == "text" else "reasoning"
            self._open = kind, {"id": f"{self._run_id}-{self._seq}", "role": role, "content": ""}
            self._messages.append(self._open[1])
            id = self._open[1]["id"]
            if kind == "reasoning":
                told.append({"type": "REASONING_START", "messageId": id})
            told.append({"type": f"{_MESSAGE[kind]}_START", "messageId": id, "role": role})
        message = self._open[1]
        message["content"] += text
        return [*told, {"type": f"{_MESSAGE[kind]}_CONTENT", "messageId": message["id"], "delta": text}]

    def _close(self) -> list[Event]:
        """End the message that is being written."""
        if self._open is None:
            return []
        (kind, message), self._open = self._open, None
        told: list[Event] = [{"type": f"{_MESSAGE[kind]}_END", "messageId": message["id"]}]
        return [*told, {"type": "REASONING_END", "messageId": message["id"]}] if kind == "reasoning" else told

    def _replace(self, text: str) -> list[Event]:
        """AG-UI can take text back only by telling all messages again, with what was taken back empty."""
        told = self._close()
        for message in filter(self._is_text, self._messages):
            message["content"] = ""
        told.append({"type": "MESSAGES_SNAPSHOT", "messages": copy.deepcopy(self._messages)})
        return [*told, *self._write("text", text)] if text else told

    def _is_text(self, message: Event) -> bool:
        own = str(message.get("id", "")).startswith(f"{self._run_id}-")
        return own and message.get("role") == "assistant" and not message.get("toolCalls")

    def _call(self, started: ToolStarted) -> list[Event]:
        id = started.call_id or f"{self._run_id}-{self._seq}"
        told: list[Event] = []
        if id not in self._calls:
            self._calls[id] = False
            if not started.call_id:
                self._unnamed.append(id)
            told = [*self._close(), {"type": "TOOL_CALL_START", "toolCallId": id, "toolCallName": started.name}]
            function = {"name": started.name, "arguments": ""}
            call = {"id": id, "type": "function", "function": function}
            self._messages.append({"id": f"{self._run_id}-{self._seq}", "role": "assistant", "toolCalls": [call]})
        return told if started.arguments is None else [*told, *self._arguments(id, started.arguments)]

    def _arguments(self, id: str, arguments: JSON) -> list[Event]:
        if self._calls.get(id, True):
            return []
        self._calls[id], text = True, "" if arguments is None else _as_text(arguments)
        for message in self._messages:
            for call in message.get("toolCalls") or ():
                if call["id"] == id:
                    call["function"]["arguments"] = text
        end: list[Event] = [{"type": "TOOL_CALL_END", "toolCallId": id}]
        return [{"type": "TOOL_CALL_ARGS", "toolCallId": id, "delta": text}, *end] if text else end

    def _result(self, finished: ToolFinished) -> list[Event]:
        id = finished.call_id or (self._unnamed.pop(0) if self._unnamed else "")
        if not id:
            return []
        content = _as_text(finished.summary if finished.result is None else finished.result)
        message = {"id": f"{self._run_id}-{self._seq}", "role": "tool", "toolCallId": id, "content": content}
        self._messages.append(message)
        result = {"type": "TOOL_CALL_RESULT", "messageId": message["id"], "toolCallId": id, "content": content}
        return [*self._close(), *self._arguments(id, None), {**result, "role": "tool"}]

    def _step(self, name: str) -> list[Event]:
        before, self._stage = self._stage, name
        if before == name:
            return []
        ends: list[Event] = [{"type": "STEP_FINISHED", "stepName": before}] if before else []
        return [*ends, *([{"type": "STEP_STARTED", "stepName": name}] if name else [])]

    def _ask(self, waits: InputRequested | ScriptProposed) -> list[Event]:
        if isinstance(waits, InputRequested):
            pending = Pending(self._run_id, self._seq, waits.request_id)
            schema: JSON = {"type": "string", **({"enum": list(waits.choices)} if waits.choices else {})}
            interrupt = {"id": pending.id, "reason": "input", "message": waits.prompt, "responseSchema": schema}
            return self._finish({"type": "interrupt", "interrupts": [interrupt]})
        if not self._asked.runs_python:
            return []  # it is refused by whoever tells
        pending = Pending(self._run_id, self._seq, waits.script_id)
        call = ToolStarted(pending.id, RUN_PYTHON, "", {"code": waits.code, "title": waits.title})
        return [*self._call(call), *self._finish({"type": "success", "pendingToolCallIds": [pending.id]})]

    def _end(self, outcome: Outcome, error: str | None) -> list[Event]:
        if outcome is Outcome.FAILED:
            return self.fail(error or FAILED)
        return self._finish({"type": "cancelled" if outcome is Outcome.CANCELLED else "success"})

    def _finish(self, outcome: Event) -> list[Event]:
        self.over = True
        told = [*self._close()]
        for id in [id for id, ended in self._calls.items() if not ended]:
            told += self._arguments(id, None)
        told += self._step("")
        run: Event = {
            "type": "RUN_FINISHED",
            "threadId": self._asked.thread,
            "runId": self._asked.run,
            "outcome": outcome,
        }
        if self._usage is not None:
            used = {"inputTokens": self._usage.input_tokens, "outputTokens": self._usage.output_tokens}
            run["usage"] = [used]
        return [*told, run]


_MESSAGE = {"text": "TEXT_MESSAGE", "reasoning": "REASONING_MESSAGE"}


def _as_text(value: JSON) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
