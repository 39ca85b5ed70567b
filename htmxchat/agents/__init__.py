"""Agents: what answers a turn. Each is imported only when it is used.

    ag_ui_api            agents that speak AG-UI
    openai_api           models behind OpenAI-compatible servers
    langgraph_object     a LangGraph graph of this process
    pydantic_ai_object   a Pydantic AI agent of this process
    kogwistar            a kogwistar server
    stub                 scripted answers, for demos and tests

    tools          typed Python functions that a model may call
    arguments      what a model gives to a tool
    approval       the answers to whether a tool may run
    budget         how much of a conversation a model is given
    event_stream   server-sent events as a client reads them
    history        what an agent is told of turns that it has no memory of
    python_tool    run_python, as every model is told of it
    shown          what frameworks hand over, as JSON
    retry_after    for how long a server asks to be left alone
    setting        a value, or a function of the request
    summaries      a few words of what a tool was asked and found

`from htmxchat.agents import openai` imports what that agent needs, and says what to install where it is missing.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .ag_ui_api import ag_ui
    from .langgraph_object import langgraph
    from .openai_api import openai
    from .pydantic_ai_object import pydantic_ai
    from .tools import RunPython, ToolContext, run_python, tool

__all__ = ["RunPython", "ToolContext", "ag_ui", "langgraph", "openai", "pydantic_ai", "run_python", "tool"]

# What is asked for: its room, the extra that brings what it needs, and what that is.
_FOUND_IN = {
    "ag_ui": ("ag_ui_api", "ag-ui", ("httpx",)),
    "langgraph": ("langgraph_object", "langgraph", ("langgraph",)),
    "openai": ("openai_api", "openai", ("httpx", "pydantic", "docstring_parser")),
    "tool": ("tools", "openai", ("pydantic", "docstring_parser")),
    "ToolContext": ("tools", "openai", ("pydantic", "docstring_parser")),
    "run_python": ("tools", "openai", ("pydantic", "docstring_parser")),
    "RunPython": ("tools", "openai", ("pydantic", "docstring_parser")),
    "pydantic_ai": ("pydantic_ai_object", "pydantic-ai", ("pydantic_ai",)),
}


def __getattr__(name: str) -> Any:
    if name not in _FOUND_IN:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    room, extra, packages = _FOUND_IN[name]
    if missing := [package.replace("_", "-") for package in packages if find_spec(package) is None]:
        needs = " and ".join(missing)
        raise ImportError(f"htmxchat.agents.{name} needs {needs}: pip install 'htmxchat[{extra}]'.")
    return getattr(import_module(f".{room}", __name__), name)
