"""Message histories: as JSON, to be remembered, and made of turns that no one has remembered.

A history is one text in the JSON that is stored. It is the framework's to read, and may be longer than a value of
ours may have parts.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace

from pydantic import ValidationError
from pydantic_ai.messages import (
    ModelMessage,
    ModelMessagesTypeAdapter,
    ModelRequest,
    ModelResponse,
    TextPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_core import PydanticSerializationError

from ...agent import Request
from ...events import JSON
from ...models import RunState, Turn
from ...parts import Text
from ...text.cleaning import clean_json
from ..history import told, turns_after


def remember(messages: Sequence[ModelMessage], run_id: str) -> JSON:
    """Return the memory after a run."""
    return {"messages": dump(messages), "run": run_id}


def recall(request: Request) -> list[ModelMessage]:
    """Return the messages before this turn: those remembered, then what the turns since then say."""
    memory = request.memory if isinstance(request.memory, dict) else {}
    messages, run_id = load(memory.get("messages")), memory.get("run")
    since = turns_after(request.history, run_id if messages and isinstance(run_id, str) else None)
    return [*messages, *(message for turn in since for message in _messages(turn))]


def dump(messages: Sequence[ModelMessage]) -> str:
    try:
        return ModelMessagesTypeAdapter.dump_json([*messages]).decode()
    except PydanticSerializationError:  # a lone surrogate: no text that can be written
        return json.dumps(clean_json(ModelMessagesTypeAdapter.dump_python([*messages], mode="json")))


def load(text: object) -> list[ModelMessage]:
    """Return messages; none when they are not as this version of Pydantic AI writes them."""
    try:
        return ModelMessagesTypeAdapter.validate_json(text) if isinstance(text, str) else []
    except ValidationError:
        return []


def _messages(turn: Turn) -> Iterable[ModelMessage]:
    if turn.role == "user":
        yield ModelRequest([UserPromptPart(turn.text)])
        return
    for part in told(turn):
        if isinstance(part, Text):
            yield ModelResponse([TextPart(part.text)])
            continue
        arguments = part.arguments if isinstance(part.arguments, dict) else {}
        yield ModelResponse([ToolCallPart(part.name, arguments, part.call_id)])
        back = ToolReturnPart(part.name, part.result, part.call_id)
        yield ModelRequest([replace(back, outcome="failed") if part.state is RunState.FAILED else back])
