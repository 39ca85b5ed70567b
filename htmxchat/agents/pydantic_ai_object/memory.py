"""Message histories: as JSON for the memory, and made of turns without a memory.

The content of files is not remembered: the journal has it, and it is put in again.

A history is one text in the JSON that is stored. It is the framework's to read, and may be longer than a value of
ours may have parts.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from pydantic import ValidationError
from pydantic_ai.messages import (
    BinaryContent,
    ModelMessage,
    ModelMessagesTypeAdapter,
    ModelRequest,
    ModelRequestPart,
    ModelResponse,
    TextPart,
    ToolCallPart,
    ToolReturnPart,
    UserContent,
    UserPromptPart,
)
from pydantic_core import PydanticSerializationError

from ...agent import Request
from ...events import JSON
from ...files.file import File
from ...models import RunState, Turn
from ...parts import Text
from ...text.cleaning import clean_json
from .. import attachments
from ..attachments import Given
from ..history import told, turns_after

_MARK = "\ue000htmxchat file "
_LOST = "[A file that the user attached is not there any more.]"


def remember(messages: Sequence[ModelMessage], run_id: str, given: Mapping[str, Given]) -> JSON:
    """Return the memory after a run."""
    return {"messages": dump(without_files(messages, given)), "run": run_id}


def recall(request: Request, given: Mapping[str, Given]) -> list[ModelMessage]:
    """Return the messages before this turn: those in the memory, then those of the turns after it."""
    memory = request.memory if isinstance(request.memory, dict) else {}
    messages, run_id = load(memory.get("messages")), memory.get("run")
    since = turns_after(request.history, run_id if messages and isinstance(run_id, str) else None)
    return [*with_files(messages, given), *(message for turn in since for message in _messages(turn, given))]


def prompt(text: str, files: Sequence[File], given: Mapping[str, Given]) -> str | list[UserContent]:
    """Return what the user wrote and sent."""
    found = attachments.of(files, given)
    words = attachments.with_words(text, found)
    contents: list[UserContent] = [
        BinaryContent(each.content, media_type=each.file.media_type, identifier=each.file.id)
        for each in found
        if each.content is not None and each.text is None
    ]
    return [*([words] if words else []), *contents] if contents else words


def without_files(messages: Sequence[ModelMessage], given: Mapping[str, Given]) -> list[ModelMessage]:
    """Return messages in which a mark replaces the content of each file that the journal has."""

    def marked(content: UserContent) -> UserContent:
        known = isinstance(content, BinaryContent) and content.identifier in given
        return f"{_MARK}{content.identifier}" if known else content  # type: ignore[union-attr]

    return _mapped(messages, marked)


def with_files(messages: Sequence[ModelMessage], given: Mapping[str, Given]) -> list[ModelMessage]:
    """Undo `without_files`, as far as there is room."""

    def filled(content: UserContent) -> UserContent:
        if not (isinstance(content, str) and content.startswith(_MARK)):
            return content
        found = given.get(content.removeprefix(_MARK))
        if found is None or found.content is None:
            return found.words if found else _LOST
        return BinaryContent(found.content, media_type=found.file.media_type, identifier=found.file.id)

    return _mapped(messages, filled)


def _mapped(messages: Sequence[ModelMessage], change: Callable[[UserContent], UserContent]) -> list[ModelMessage]:
    def part_of(part: ModelRequestPart) -> ModelRequestPart:
        if not isinstance(part, UserPromptPart) or isinstance(part.content, str):
            return part
        return replace(part, content=[change(each) for each in part.content])

    return [
        replace(each, parts=[part_of(part) for part in each.parts]) if isinstance(each, ModelRequest) else each
        for each in messages
    ]


def dump(messages: Sequence[ModelMessage]) -> str:
    try:
        return ModelMessagesTypeAdapter.dump_json([*messages]).decode()
    except PydanticSerializationError:  # a lone surrogate, which UTF-8 cannot encode
        return json.dumps(clean_json(ModelMessagesTypeAdapter.dump_python([*messages], mode="json")))


def load(text: object) -> list[ModelMessage]:
    """Return messages; an empty list if this version of Pydantic AI cannot read them."""
    try:
        return ModelMessagesTypeAdapter.validate_json(text) if isinstance(text, str) else []
    except ValidationError:
        return []


def _messages(turn: Turn, given: Mapping[str, Given]) -> Iterable[ModelMessage]:
    if turn.role == "user":
        yield ModelRequest([UserPromptPart(prompt(turn.text, turn.files, given))])
        return
    for part in told(turn):
        if isinstance(part, Text):
            yield ModelResponse([TextPart(part.text)])
            continue
        arguments = part.arguments if isinstance(part.arguments, dict) else {}
        yield ModelResponse([ToolCallPart(part.name, arguments, part.call_id)])
        back = ToolReturnPart(part.name, part.result, part.call_id)
        yield ModelRequest([replace(back, outcome="failed") if part.state is RunState.FAILED else back])
