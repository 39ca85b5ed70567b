"""Tools that the chat offers to the agent, and their descriptions in AG-UI."""

from __future__ import annotations

import inspect
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from ... import checks
from ...agent import Request
from ...events import JSON
from ...kinds import check_fields
from ...text.cleaning import clean_json
from .. import python_tool
from ..arguments import read_arguments

Run: TypeAlias = Callable[[dict[str, Any], Request], JSON | Awaitable[JSON]]


@dataclass(frozen=True, slots=True)
class FrontendTool:
    """A tool of the host that the agent may call.

    Attributes:
        name: What the agent calls it. A function of that name in `create_chat_app(parts=…)` draws its result.
        description: What it does, for the model.
        parameters: A JSON Schema of its arguments: an object.
        run: Called with the arguments and the request, and may be asynchronous. What it returns goes to the agent; what
            it raises does too, as a failure. It may be called again when its process dies meanwhile. `None` for a tool
            that only shows its arguments.
    """

    name: str
    description: str = ""
    parameters: JSON = field(default_factory=lambda: {"type": "object", "properties": {}})
    run: Run | None = None

    def __post_init__(self) -> None:
        check_fields(self)
        checks.text("FrontendTool.name", self.name, empty=False)

    @property
    def offer(self) -> dict[str, JSON]:
        """The description of the tool for the agent's server."""
        return {"name": self.name, "description": self.description, "parameters": self.parameters}


RUN_PYTHON = FrontendTool(python_tool.NAME, python_tool.DESCRIPTION, python_tool.parameters())
ASK_USER = FrontendTool(
    "ask_user",
    "Ask the user a question, and wait for the answer.",
    {
        "type": "object",
        "properties": {
            "question": {"type": "string"},
            "choices": {"type": "array", "items": {"type": "string"}, "description": "If any, the user picks one."},
        },
        "required": ["question"],
    },
)
BUILT_IN = (RUN_PYTHON, ASK_USER)


class BadArguments(ValueError):
    """The model called a tool with invalid arguments."""


def arguments_of(text: str) -> dict[str, Any]:
    """Return the arguments of a call.

    Raises:
        BadArguments: They are no JSON object.
    """
    read = read_arguments(text)
    if read is None:
        raise BadArguments("The arguments are no JSON object. Call the tool again.")
    return read


async def call(tool: FrontendTool, arguments: dict[str, Any], request: Request) -> JSON:
    """Return the result of a tool of the host."""
    if tool.run is None:
        return {"shown": True}
    value = tool.run(arguments, request)
    return clean_json(await value if inspect.isawaitable(value) else value)


def as_content(value: JSON) -> str:
    """Return the result of a tool as the text of its message."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
