"""Translates events of Pydantic AI into events of the chat."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from pydantic_ai.messages import (
    AgentStreamEvent,
    CustomEvent,
    FilePart,
    FunctionToolCallEvent,
    FunctionToolResultEvent,
    NativeToolCallPart,
    NativeToolReturnPart,
    PartDeltaEvent,
    PartEndEvent,
    PartStartEvent,
    TextPart,
    TextPartDelta,
    ThinkingPart,
    ThinkingPartDelta,
    ToolCallPart,
    ToolReturnPart,
)

from ...agent import SendFile
from ...events import JSON, Custom, EventBody, ReasoningDelta, TextDelta, ToolFinished, ToolStarted
from ..attachments import media_file
from ..shown import class_name, jsonable, own_events
from ..summaries import asked, found


class Translation:
    """The events of a stretch of a run.

    Args:
        responses: How often the model has answered before in this run.
        silent: Whether the model writes data as its text, which is shown as a part once it is whole.

    """

    def __init__(self, responses: int = 0, *, silent: bool = False) -> None:
        self._responses = responses
        self._silent = silent
        self._responding = False
        self._wrote = False
        self._files = 0

    def turns_at(self, event: AgentStreamEvent) -> bool:
        """Whether the model starts to answer at this event, or its tools start."""
        if not isinstance(event, PartStartEvent | FunctionToolCallEvent):
            return False
        before, self._responding = self._responding, isinstance(event, PartStartEvent)
        self._responses += self._responding > before
        return before != self._responding

    def of(self, event: AgentStreamEvent) -> Iterator[EventBody | SendFile]:
        """Yield the bodies for an event."""
        match event:
            case PartStartEvent(part=TextPart(content=text)):
                yield from self._write(text)
            case PartStartEvent(part=ThinkingPart(content=text), previous_part_kind=before) if text:
                yield ReasoningDelta(f"\n\n{text}" if before == "thinking" else text)
            case PartDeltaEvent(delta=TextPartDelta(content_delta=text)):
                yield from self._write(text)
            case PartDeltaEvent(delta=ThinkingPartDelta(content_delta=str(text))) if text:
                yield ReasoningDelta(text)
            case FunctionToolCallEvent(part=call):
                self._wrote = False
                yield self._started(call)
            case PartEndEvent(part=NativeToolCallPart() as call):
                yield self._started(call)
            case PartStartEvent(part=NativeToolReturnPart() as back):
                yield self._finished(back)
            case FunctionToolResultEvent(part=back):
                yield self._finished(back)
                yield from own_events(back.metadata)
            case CustomEvent():
                yield self._custom(event)
            case PartStartEvent(part=FilePart(content=file)):
                self._files += 1
                yield SendFile(media_file(self._files, file.media_type), file.data)

    def _write(self, text: str) -> Iterator[EventBody]:
        if text and not self._silent:
            self._wrote = True
            yield TextDelta(text)

    def output(self, output: Any) -> Iterator[EventBody]:
        """Yield the bodies for the agent's output: a part, or the text unless the model has written it."""
        if not isinstance(output, str | None):
            yield Custom(class_name(output), jsonable(output))
        elif output and not self._wrote:
            yield TextDelta(output)

    def _started(self, call: ToolCallPart[Any] | NativeToolCallPart[Any]) -> ToolStarted:
        arguments = _arguments(call)
        return ToolStarted(call_id(self._responses, call.tool_call_id), call.tool_name, asked(arguments), arguments)

    def _finished(self, back: ToolReturnPart[Any] | NativeToolReturnPart[Any]) -> ToolFinished:
        result, failed = jsonable(back.content), back.outcome != "success"
        words = {"denied": "denied", "retried": "tried again", "interrupted": "interrupted"}.get(back.outcome)
        return ToolFinished(call_id(self._responses, back.tool_call_id), words or found(result), result, failed)

    def _custom(self, event: CustomEvent) -> Custom:
        common = {field.name for field in dataclasses.fields(CustomEvent)}
        names = [field.name for field in dataclasses.fields(event) if field.name not in common]
        data = {name: getattr(event, name) for name in names}
        if "key" in data:
            key = str(data.pop("key"))
            return Custom(event.name, jsonable(data), key)
        # A tool that reports progress has one part, which is updated.
        tool = call_id(self._responses, event.tool_call_id) if event.tool_call_id else ""
        return Custom(event.name, jsonable(data), tool)


def call_id(responses: int, id: str) -> str:
    """Return the id of a call in a run: some models number their calls from 1 in each answer."""
    return f"{responses}-{id}"


def _arguments(call: ToolCallPart[Any] | NativeToolCallPart[Any]) -> JSON:
    try:
        return jsonable(call.args_as_dict())
    except ValueError:
        return jsonable(call.args)
