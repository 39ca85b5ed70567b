"""The effects of an agent's `output_type` on its run."""

from __future__ import annotations

from typing import Any

from pydantic_ai.agent import AbstractAgent
from pydantic_ai.output import NativeOutput, PromptedOutput
from pydantic_ai.tools import DeferredToolRequests


def with_deferred(agent: AbstractAgent[Any, Any]) -> Any:
    """Return the agent's output types and the one with which a run ends to ask the user; `None` for its own.

    An agent with output validators cannot be given others: it has to name that type itself.
    """
    outputs = _listed(agent.output_type)
    if DeferredToolRequests in outputs or getattr(agent, "_output_validators", None):
        return None
    return [*outputs, DeferredToolRequests]


def writes_data(output_type: Any) -> bool:
    """Whether the model writes its output as text that is data."""
    return any(isinstance(each, NativeOutput | PromptedOutput) for each in _listed(output_type))


def _listed(output_type: Any) -> list[Any]:
    return [*output_type] if isinstance(output_type, list | tuple) else [output_type]
