"""Tool calls that wait for the user: the questions, and the answers for Pydantic AI."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic_ai.agent import AbstractAgent
from pydantic_ai.messages import ToolCallPart
from pydantic_ai.tools import DeferredToolRequests, DeferredToolResults, ToolApproved, ToolDefinition, ToolDenied
from pydantic_ai.toolsets import AbstractToolset, ExternalToolset, FunctionToolset

from ...agent import RunScript
from ...asking import MAX_CHOICE, MAX_CHOICES, MAX_SCHEMA, Approval, Decision
from ...events import JSON, InputRequested
from ...scripts.result import ScriptResult
from .. import python_tool
from ..shown import jsonable
from .events import call_id

_SCHEMAS = ("schema", "response_schema", "requestedSchema")


@dataclass(frozen=True, slots=True)
class Waiting:
    """A call that waits for the user."""

    call: ToolCallPart
    asks: InputRequested | RunScript
    approval: bool

    def settle(self, results: DeferredToolResults, answer: JSON | ScriptResult) -> None:
        """Add the meaning of the answer. Only an explicit approval approves, because an answer can be any value."""
        if self.approval:
            decision = Decision.of(None if isinstance(answer, ScriptResult) else answer)
            results.approvals[self.call.tool_call_id] = _meant(decision)
        else:
            said = answer.text if isinstance(answer, ScriptResult) else answer
            results.calls[self.call.tool_call_id] = said


def python_toolset() -> ExternalToolset[object]:
    """Return the tool that runs Python in the user's browser."""
    described = ToolDefinition(
        name=python_tool.NAME,
        description=python_tool.DESCRIPTION,
        parameters_json_schema=python_tool.parameters(),
    )
    return ExternalToolset([described])


def schemas_of(agent: AbstractAgent[Any, Any]) -> dict[str, JSON]:
    """Return the schemas of the arguments of the agent's own functions, by their names."""
    found: dict[str, JSON] = {}

    def visit(toolset: AbstractToolset[Any]) -> None:
        if isinstance(toolset, FunctionToolset):
            found.update((name, tool.function_schema.json_schema) for name, tool in toolset.tools.items())

    for toolset in agent.toolsets:
        toolset.apply(visit)
    return found


def waiting_calls(
    requests: DeferredToolRequests, responses: int, schemas: Mapping[str, JSON] | None = None
) -> Iterator[Waiting]:
    """Yield the calls that wait, in the order of their questions.

    Args:
        schemas: Of the arguments of tools, by their names.
        responses: How often the model has answered in this run.
    """
    for call in requests.approvals:
        noted = requests.metadata.get(call.tool_call_id, {})
        said = next((noted[key] for key in ("message", "reason") if isinstance(noted.get(key), str)), "")
        arguments, schema = jsonable(call.args_as_dict()), (schemas or {}).get(call.tool_name)
        assert isinstance(arguments, dict)
        approval = Approval(call.tool_name, arguments, schema if isinstance(schema, dict) else None)
        prompt = said or f"May {call.tool_name} run?"
        asked = InputRequested(call_id(responses, call.tool_call_id), prompt, approval=approval)
        yield Waiting(call, asked, approval=True)
    for call in requests.calls:
        yield Waiting(call, _asked(call, call_id(responses, call.tool_call_id)), approval=False)


def _meant(decision: Decision) -> ToolApproved | ToolDenied:
    if decision.approved:
        return ToolApproved(override_args=decision.arguments)
    return ToolDenied(decision.reason) if decision.reason else ToolDenied()


def _asked(call: ToolCallPart, id: str) -> InputRequested | RunScript:
    arguments = jsonable(call.args_as_dict())
    assert isinstance(arguments, dict)
    if call.tool_name == python_tool.NAME and isinstance(arguments.get("code"), str):
        title = arguments.get("title")
        return RunScript(arguments["code"], title if isinstance(title, str) else "")
    texts = (arguments.get(key) for key in ("question", "prompt", "message"))
    prompt = next((text for text in texts if isinstance(text, str) and text), f"{call.tool_name}({_arguments(call)})")
    schema = next((each for key in _SCHEMAS if isinstance(each := arguments.get(key), dict)), None)
    if schema is not None and len(json.dumps(schema)) <= MAX_SCHEMA:
        return InputRequested(id, prompt, schema=schema)
    lists = (arguments.get(key) for key in ("choices", "options"))
    choices = next((each for each in lists if isinstance(each, list) and each), [])
    offered = [each[:MAX_CHOICE] for each in choices if isinstance(each, str)]
    return InputRequested(id, prompt, tuple(offered[:MAX_CHOICES]))


def _arguments(call: ToolCallPart) -> str:
    arguments = jsonable(call.args_as_dict())
    assert isinstance(arguments, dict)
    return ", ".join(f"{key}={json.dumps(value, ensure_ascii=False)}" for key, value in arguments.items())
