"""Turns as LangChain messages: for graphs without a checkpointer, and for turns that a checkpointer does not have."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage

from ...files.file import File
from ...models import RunState, Turn
from ...parts import Text
from .. import attachments
from ..attachments import Given
from ..history import told

_KINDS = ("image", "audio", "video")


def message_of(text: str, files: Iterable[File], given: Mapping[str, Given], id: str) -> HumanMessage:
    """Return what the user wrote and sent, in LangChain's standard content blocks."""
    found = attachments.of(files, given)
    words = attachments.with_words(text, found)
    blocks: list[str | dict[str, Any]] = [{"type": "text", "text": words}] if words else []
    for each in found:
        if each.content is None or each.text is not None:
            continue
        kind = each.file.media_type.partition("/")[0]
        block = {"type": kind if kind in _KINDS else "file", "base64": each.encoded, "mime_type": each.file.media_type}
        blocks.append({**block, "extras": {"filename": each.file.name}})
    return HumanMessage(blocks, id=id) if len(blocks) > 1 or not words else HumanMessage(words, id=id)


def messages_of(turns: Iterable[Turn], given: Mapping[str, Given]) -> Iterator[AnyMessage]:
    """Yield the messages of turns. Their ids are always the same, so a graph adds none that it has."""
    for turn in turns:
        if turn.role == "user":
            yield message_of(turn.text, turn.files, given, turn.id)
            continue
        for number, part in enumerate(told(turn)):
            id = f"{turn.id}-{number}"
            if isinstance(part, Text):
                yield AIMessage(part.text, id=id)
                continue
            arguments = part.arguments if isinstance(part.arguments, dict) else {}
            yield AIMessage("", tool_calls=[{"name": part.name, "args": arguments, "id": part.call_id}], id=id)
            result = part.result if isinstance(part.result, str) else json.dumps(part.result, ensure_ascii=False)
            status = "error" if part.state is RunState.FAILED else "success"
            yield ToolMessage(result, tool_call_id=part.call_id, name=part.name, status=status, id=f"{id}-result")
