"""Pydantic AI agents whose models are functions."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from pydantic_ai import Agent
from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart, ToolReturnPart, UserPromptPart
from pydantic_ai.models.function import AgentInfo, DeltaToolCall, FunctionModel


def spoken(messages: list[ModelMessage]) -> list[str]:
    """Return what a model was given: the texts of the user, of itself, and of tools."""
    return [
        str(part.content)
        for message in messages
        for part in message.parts
        if isinstance(part, UserPromptPart | TextPart | ToolReturnPart)
    ]


def echoing(**settings: Any) -> Agent[Any, Any]:
    """An agent that says all that its model was given."""

    async def stream(messages: list[ModelMessage], info: AgentInfo) -> AsyncIterator[str]:
        for text in spoken(messages):
            yield f"[{text}] "

    return Agent(FunctionModel(stream_function=stream), **settings)


def scripted(*turns: Any, **settings: Any) -> Agent[Any, Any]:
    """An agent whose model says one of these after the other, by how many answers it sees of itself in this turn."""

    async def stream(messages: list[ModelMessage], info: AgentInfo) -> AsyncIterator[Any]:
        last = max(n for n, each in enumerate(messages) if any(isinstance(p, UserPromptPart) for p in each.parts))
        said = turns[sum(isinstance(each, ModelResponse) for each in messages[last:])]
        for piece in said if isinstance(said, list) else [said]:
            yield piece

    return Agent(FunctionModel(stream_function=stream), **settings)


def call(name: str, arguments: str = "{}", id: str = "call-1", index: int = 0) -> dict[int, DeltaToolCall]:
    return {index: DeltaToolCall(name=name, json_args=arguments, tool_call_id=id)}
