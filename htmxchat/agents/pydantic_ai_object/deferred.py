"""Tool calls that wait for the user: what is asked, and what the answer means to Pydantic AI."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from pydantic_ai.messages import ToolCallPart
from pydantic_ai.tools import DeferredToolRequests, DeferredToolResults, ToolDefinition
from pydantic_ai.toolsets import ExternalToolset

from ...agent import RunScript
from ...asking import MAX_CHOICE, MAX_CHOICES
from ...events import JSON, InputRequested
from ...scripts.result import ScriptResult
from .. import python_tool
from ..approval import APPROVE, DENY
from ..shown import jsonable
from .events import call_id


@dataclass(frozen=True, slots=True)
class Waiting:
    """A call that waits for the user."""

    call: ToolCallPart
    asks: InputRequested | RunScript
    approval: bool

    def settle(self, results: DeferredToolResults, answer: JSON | ScriptResult) -> None:
        """Add what the answer means. Only the word itself approves: an answer can be anything."""
        if self.approval:
            results.approvals[self.call.tool_call_id] = answer == APPROVE
        else:
            said = answer.text if isinstance(answer, ScriptResult) else answer
            results.calls[self.call.tool_call_id] = said


def python_toolset() -> ExternalToolset[object]:
    """Return the tool that has Python run in the user's browser."""
    described = ToolDefinition(
        name=python_tool.NAME,
        description=python_tool.DESCRIPTION,
        parameters_json_schema=python_tool.parameters(),
    )
    return ExternalToolset([described])


def waiting_calls(requests: DeferredToolRequests, responses: int) -> Iterator[Waiting]:
    """Yield the calls that wait, in the order in which they are asked.

    Args:
        responses: How often the model has answered in this run.
    """
    for call in requests.approvals:
        noted = requests.metadata.get(call.tool_call_id, {})
        said = next((noted[key] for key in ("message", "reason") if isinstance(noted.get(key), str)), "")
        prompt = f"{said or 'The agent wants to use a tool.'}\n{call.tool_name}({_arguments(call)})"
        yield Waiting(
            call, InputRequested(call_id(responses, call.tool_call_id), prompt, (APPROVE, DENY)), approval=True
        )
    for call in requests.calls:
        yield Waiting(call, _asked(call, call_id(responses, call.tool_call_id)), approval=False)


def _asked(call: ToolCallPart, id: str) -> InputRequested | RunScript:
    arguments = jsonable(call.args_as_dict())
    assert isinstance(arguments, dict)
    if call.tool_name == python_tool.NAME and isinstance(arguments.get("code"), str):
        title = arguments.get("title")
        return RunScript(arguments["code"], title if isinstance(title, str) else "")
    texts = (arguments.get(key) for key in ("question", "prompt", "message"))
    prompt = next((text for text in texts if isinstance(text, str) and text), f"{call.tool_name}({_arguments(call)})")
    lists = (arguments.get(key) for key in ("choices", "options"))
    choices = next((each for each in lists if isinstance(each, list) and each), [])
    offered = [each[:MAX_CHOICE] for each in choices if isinstance(each, str)]
    return InputRequested(id, prompt, tuple(offered[:MAX_CHOICES]))


def _arguments(call: ToolCallPart) -> str:
    arguments = jsonable(call.args_as_dict())
    assert isinstance(arguments, dict)
    return ", ".join(f"{key}={json.dumps(value, ensure_ascii=False)}" for key, value in arguments.items())
