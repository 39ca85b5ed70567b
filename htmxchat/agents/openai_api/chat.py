"""The request for a chat completion."""

from __future__ import annotations

from collections.abc import Iterable

from ...events import JSON
from ..attachments import Given
from ..tools import AnyTool
from .call_assembly import is_object
from .messages import Message, ModelMessage, ResultMessage, UserMessage
from .options import Options
from .reply import Call

PATH = "/chat/completions"


def body(options: Options, system: str, messages: Iterable[Message]) -> dict[str, JSON]:
    """Return the request's body."""
    first: list[JSON] = [{"role": "system", "content": system}] if system.strip() else []
    asked: dict[str, JSON] = {
        "model": options.model,
        "messages": first + wire(messages, send_reasoning=options.send_reasoning),
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    if functions := [_function(each) for each in options.tools.values()]:
        asked["tools"] = functions
    return asked | dict(options.extra)


def wire(messages: Iterable[Message], *, send_reasoning: bool = False) -> list[JSON]:
    """Return messages in the format of chat completions."""
    sent: list[JSON] = []
    pictures: list[str] = []
    for message in messages:
        if pictures and not isinstance(message, ResultMessage):
            sent.append(_shown(pictures))
            pictures = []
        match message:
            case UserMessage(text=text, files=files):
                sent.append({"role": "user", "content": _content(text, files) if files else text})
            case ResultMessage():
                sent.append({"role": "tool", "tool_call_id": message.call_id, "content": message.text})
                pictures += message.pictures
            case ModelMessage():
                said: dict[str, JSON] = {"role": "assistant", "content": message.text}
                if details := message.extra.get("reasoning_details"):
                    said["reasoning_details"] = details
                if message.calls:
                    said["tool_calls"] = [_called(call) for call in message.calls]
                if send_reasoning and message.reasoning:
                    said["reasoning_content"] = message.reasoning
                sent.append(said)
    return [*sent, _shown(pictures)] if pictures else sent


def _content(text: str, files: Iterable[Given]) -> list[JSON]:
    parts: list[JSON] = [{"type": "text", "text": text}] if text else []
    for each in files:
        if each.file.is_picture:
            parts.append({"type": "image_url", "image_url": {"url": each.url}})
        else:
            parts.append({"type": "file", "file": {"filename": each.file.name, "file_data": each.url}})
    return parts


def _shown(pictures: Iterable[str]) -> JSON:
    """Return a user message with the pictures that tools made, because tool results can only be text."""
    said: list[JSON] = [{"type": "text", "text": "The pictures that the tool made:"}]
    return {"role": "user", "content": said + [{"type": "image_url", "image_url": {"url": url}} for url in pictures]}


def _called(call: Call) -> JSON:
    function: JSON = {"name": call.name, "arguments": call.arguments if is_object(call.arguments) else "{}"}
    return {"id": call.id, "type": "function", "function": function, **call.extra}


def _function(tool: AnyTool) -> JSON:
    described = {"name": tool.name, "description": tool.description, "parameters": tool.parameters}
    return {"type": "function", "function": described}
