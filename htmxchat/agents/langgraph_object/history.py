"""Turns as LangChain messages: for graphs without a checkpointer, and for what one does not know."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage

from ...models import RunState, Turn
from ...parts import Text
from ..history import told


def messages_of(turns: Iterable[Turn]) -> Iterator[AnyMessage]:
    """Yield what was said in some turns. The ids are the same each time, so a graph that knows one does not add it."""
    for turn in turns:
        if turn.role == "user":
            yield HumanMessage(turn.text, id=turn.id)
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
