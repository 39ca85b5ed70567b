"""Agents. Each is imported only when it is used.

    ag_ui_api            servers with the AG-UI protocol
    openai_api           models behind OpenAI-compatible servers
    langgraph_object     a LangGraph graph of this process
    pydantic_ai_object   a Pydantic AI agent of this process
    kogwistar            a kogwistar server
    stub                 scripted answers, for demos and tests
    stub_texts           its texts
    stub_files           its files
    stub_notice          its form and its approval

    tools          typed Python functions that a model may call
    arguments      a tool call's arguments
    attachments    the files of a conversation, for models
    budget         limits the history that a model receives
    connections    the connections to a server
    error_body     what the body of an error says
    event_stream   a client for server-sent events
    history        the history that is sent to an agent without a memory of it
    python_tool    the description of run_python for models
    shown          converts values of frameworks to JSON
    retry_after    the pause that a server asks for
    server_url     the address of a server
    setting        a value, or a function of the request
    summaries      short descriptions of tools' arguments and results

`from htmxchat.agents import openai` imports what that agent needs, or raises an error that says what to install.
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

# Name -> its package, its extra, and the distributions that it needs.
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
