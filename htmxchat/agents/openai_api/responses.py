"""The request for a response: like that for a chat completion, as items. The server stores nothing."""

from __future__ import annotations

from collections.abc import Iterable

from ...events import JSON
from ..attachments import Given
from ..tools import AnyTool
from .call_assembly import is_object
from .messages import Message, ModelMessage, ResultMessage, UserMessage
from .options import Options

PATH = "/responses"


def body(options: Options, system: str, messages: Iterable[Message]) -> dict[str, JSON]:
    """Return the request's body. Reasoning items are sent back unchanged, so `send_reasoning` has no effect."""
    asked: dict[str, JSON] = {"model": options.model, "input": wire(messages), "stream": True, "store": False}
    if system.strip():
        asked["instructions"] = system
    if functions := [_function(each) for each in options.tools.values()]:
        asked["tools"] = functions
    return asked | dict(options.extra)


def wire(messages: Iterable[Message]) -> list[JSON]:
    """Return messages as items."""
    sent: list[JSON] = []
    for message in messages:
        match message:
            case UserMessage(text=text, files=files):
                said: list[JSON] = [{"type": "input_text", "text": text}] if text or not files else []
                sent.append(_user([*said, *map(_file, files)]))
            case ResultMessage():
                output: JSON = {"type": "function_call_output", "call_id": message.call_id, "output": message.text}
                sent.append(output)
                if message.pictures:
                    shown: list[JSON] = [{"type": "input_text", "text": "The pictures that the tool made:"}]
                    shown += [{"type": "input_image", "image_url": url} for url in message.pictures]
                    sent.append(_user(shown))
            case ModelMessage():
                sent += message.extra.get("items") or ()
                if message.text:
                    part: JSON = {"type": "output_text", "text": message.text, "annotations": []}
                    sent.append({"type": "message", "role": "assistant", "content": [part]})
                for call in message.calls:
                    arguments = call.arguments if is_object(call.arguments) else "{}"
                    called = {"call_id": call.id, "name": call.name, "arguments": arguments}
                    sent.append({"type": "function_call", **called})
    return sent


def _file(given: Given) -> JSON:
    if given.file.is_picture:
        return {"type": "input_image", "image_url": given.url}
    return {"type": "input_file", "filename": given.file.name, "file_data": given.url}


def _user(content: list[JSON]) -> JSON:
    return {"type": "message", "role": "user", "content": content}


def _function(tool: AnyTool) -> JSON:
    # The default, strict, requires schemas in which every argument is required.
    described = {"name": tool.name, "description": tool.description, "parameters": tool.parameters}
    return {"type": "function", "strict": False, **described}
