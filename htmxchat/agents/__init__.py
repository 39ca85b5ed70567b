"""Agents: what answers a turn. Each is imported only when it is used.

pydantic_ai     a Pydantic AI agent, in this process
stub            scripted answers, for demos and tests
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .pydantic_ai_object import pydantic_ai as pydantic_ai

# Function: the room that it is in, the package that it needs, and the extra that brings it.
_ROOMS = {
    "pydantic_ai": ("pydantic_ai_object", "pydantic_ai", "pydantic-ai"),
}

__all__ = ["pydantic_ai"]


def __getattr__(name: str) -> Any:
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    room, needed, extra = _ROOMS[name]
    try:
        return getattr(import_module(f".{room}", __name__), name)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != needed:
            raise
        raise ImportError(f"htmxchat.agents.{name} needs {needed}: pip install 'htmxchat[{extra}]'.") from None
