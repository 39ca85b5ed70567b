"""Translates streamed messages of a graph's models and tools into text, reasoning and tool calls."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, ToolMessage

from ...agent import SendFile
from ...events import JSON, EventBody, ReasoningDelta, TextDelta, ToolFinished, ToolStarted, UsageReported
from ...text.cleaning import read_json
from ..attachments import decoded, media_file
from ..shown import jsonable, own_events
from ..summaries import asked, found

Shown: TypeAlias = EventBody | SendFile


@dataclass(slots=True)
class _Call:
    """A tool call that is being written."""

    id: str = ""
    name: str = ""
    arguments: str = ""


@dataclass(slots=True)
class _Message:
    """The part of a message that has arrived and is not shown yet.

    Attributes:
        task: The task of the graph that writes it.
        done: Whether it is whole.
    """

    task: str
    held: list[Shown] = field(default_factory=list)
    calls: dict[Any, _Call] = field(default_factory=dict)
    done: bool = False


class Messages:
    """The messages of a run. If several are written at the same time, the first is shown at once; the others follow it.

    Args:
        used: Tokens that the run has used before.

    Attributes:
        used: Tokens that it has used so far.
    """

    def __init__(self, used: UsageReported) -> None:
        self.used = used
        self._open: dict[str, _Message] = {}
        self._writer = ""
        self._files = 0

    def of(self, message: BaseMessage, task: str) -> Iterator[Shown]:
        """Yield the bodies for a message, or a piece of one, from a task of the graph."""
        if isinstance(message, ToolMessage):
            shown: list[Shown] = [_finished(message), *own_events(message.artifact)]
            self._open[f"{task} {message.tool_call_id}"] = _Message(task, shown, done=True)
        elif isinstance(message, AIMessage):
            whole = self._open.setdefault(message.id or task, _Message(task))
            whole.held += self._contents(message)
            self._count(message)
            if isinstance(message, AIMessageChunk):
                _add_calls(whole.calls, message)
            else:
                whole.held += [_started(each["id"] or "", each["name"], each["args"]) for each in message.tool_calls]
            whole.done = not isinstance(message, AIMessageChunk) or message.chunk_position == "last"
        yield from self._show()

    def end(self, task: str) -> Iterator[Shown]:
        """Yield the bodies for the end of a task."""
        for message in self._open.values():
            message.done = message.done or message.task == task
        yield from self._show()

    def _show(self) -> Iterator[Shown]:
        while self._open:
            id, message = next(iter(self._open.items()))
            for body in message.held:
                yield self._apart(id, body)
            message.held.clear()
            if not message.done:
                return
            for call in message.calls.values():
                yield self._apart(id, _started(call.id, call.name, _arguments(call)))
            del self._open[id]

    def _apart(self, id: str, body: Shown) -> Shown:
        # Each message is a Markdown document.
        if not isinstance(body, TextDelta):
            self._writer = ""
        elif self._writer != id:
            before, self._writer = self._writer, id
            return TextDelta(f"\n\n{body.text}") if before else body
        return body

    def _contents(self, message: AIMessage) -> Iterator[Shown]:
        if isinstance(message.content, str):
            if isinstance(thought := message.additional_kwargs.get("reasoning_content"), str) and thought:
                yield ReasoningDelta(thought)
            if message.content:
                yield TextDelta(message.content)
            return
        for block in message.content_blocks:
            if block["type"] == "reasoning" and block.get("reasoning"):
                yield ReasoningDelta(block["reasoning"])
            elif block["type"] == "text" and block["text"]:
                yield TextDelta(block["text"])
            elif block["type"] in ("image", "audio", "video", "file"):
                url = f"data:{block.get('mime_type')};base64,{block.get('base64')}"
                if (found := decoded(url)) is not None:
                    self._files += 1
                    yield SendFile(media_file(self._files, found[0]), found[1])

    def _count(self, message: AIMessage) -> None:
        if usage := message.usage_metadata:
            inputs, outputs = self.used.input_tokens, self.used.output_tokens
            self.used = UsageReported(inputs + usage["input_tokens"], outputs + usage["output_tokens"])


def _add_calls(calls: dict[Any, _Call], message: AIMessageChunk) -> None:
    for chunk in message.tool_call_chunks:
        # A call without an index is complete in one piece.
        index = chunk["index"]
        call = calls.setdefault(len(calls) if index is None else index, _Call())
        call.id = call.id or chunk["id"] or ""
        call.name += chunk["name"] or ""
        call.arguments += chunk["args"] or ""


def _arguments(call: _Call) -> JSON:
    try:
        return read_json(call.arguments) if call.arguments else {}
    except ValueError:
        return call.arguments


def _started(id: str, name: str, arguments: Any) -> ToolStarted:
    given = jsonable(arguments)
    return ToolStarted(id, name, asked(given), given)


def _finished(message: ToolMessage) -> ToolFinished:
    result = jsonable(message.content)
    if isinstance(result, str) and result.startswith(("{", "[")):
        with suppress(ValueError):
            result = read_json(result)
    return ToolFinished(message.tool_call_id, found(result), result, message.status == "error")
