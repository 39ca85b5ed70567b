"""Interrupts of a graph: the questions to the user, and the answers for the graph."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from langgraph.types import Command, Interrupt, StateSnapshot

from ...agent import RunScript
from ...asking import MAX_SCHEMA, Approval, Decision
from ...events import JSON, InputRequested
from ...forms import misfit
from ...scripts.result import ScriptResult
from ..shown import jsonable

STOP = "stop"
"""What `interview` returns if the graph has to end there."""

_PROMPTS = ("message", "question", "prompt", "description", "text", "query", "instruction")
_CHOICES = ("choices", "options", "actions")
_LABELS = ("label", "title", "name", "value", "id")
_SCHEMAS = ("response_schema", "responseSchema", "schema")


@dataclass(frozen=True, slots=True)
class Question:
    """One question.

    Attributes:
        choices: What the user may pick, in words, and what each means to the graph.
        schema: What the answer has to fit, if it is filled in.
        approval: The call that is to be approved.
        means: What an answer means to the graph, if not itself.
    """

    prompt: str
    choices: tuple[tuple[str, Any], ...] = ()
    schema: dict[str, Any] | None = None
    approval: Approval | None = None
    means: Callable[[Any], Any] | None = None

    def asks(self, id: str, problem: str = "") -> InputRequested | RunScript:
        """Return the question; after an invalid answer, with what was wrong."""
        prompt = f"{problem}\n{self.prompt}" if problem else self.prompt
        choices = tuple(words for words, _ in self.choices)
        return InputRequested(id, prompt, choices, schema=self.schema, approval=self.approval)

    def read(self, answer: JSON | ScriptResult) -> Any:
        """Return the meaning of an answer.

        Raises:
            ValueError: It means nothing. The message says what is wanted.
        """
        if self.choices:
            meanings = [meaning for words, meaning in self.choices if words == answer]
            if not meanings:
                raise ValueError("Pick one of the answers that are offered.")
            return meanings[0]
        if (
            self.schema is not None
            and not isinstance(answer, ScriptResult)
            and (problem := misfit(answer, self.schema))
        ):
            raise ValueError(f"The answer does not fit what is asked. {problem}")
        return self.means(answer) if self.means else answer


@dataclass(frozen=True, slots=True)
class Script:
    """Python to run in the user's browser."""

    code: str
    title: str

    def asks(self, id: str, problem: str = "") -> InputRequested | RunScript:
        return RunScript(self.code, self.title)

    def read(self, answer: JSON | ScriptResult) -> Any:
        if not isinstance(answer, ScriptResult):
            raise ValueError("That is no result of a script.")
        return {"state": answer.state.value, "text": answer.text}


@dataclass(frozen=True, slots=True)
class Asked:
    """The questions of an interrupt, in order, and the form of the answers for the graph."""

    questions: Sequence[Question | Script]
    together: Callable[[list[Any]], Any]


def interview(state: StateSnapshot, rounds: int) -> Generator[InputRequested | RunScript, Any, Any]:
    """Ask the questions of a graph, one after the other; return the value that resumes it.

    One that was compiled to stop before or after a node has no question of its own.

    Args:
        rounds: How often the run has asked before. Two interrupts of the same node have the same id.
    """
    if not state.interrupts:
        go_on = Question(f"Go on with {', '.join(state.next)}?", (("Go on", True), ("Stop", False)))
        return None if (yield from _until_read(go_on, f"{rounds}-next")) else STOP
    answers = {}
    for interrupt in state.interrupts:
        asked, read = asked_by(interrupt), []
        for number, question in enumerate(asked.questions):
            read.append((yield from _until_read(question, f"{rounds}-{interrupt.id}-{number}")))
        answers[interrupt.id] = asked.together(read)
    return Command(resume=answers)


def _until_read(question: Question | Script, id: str) -> Generator[InputRequested | RunScript, Any, Any]:
    problem, again = "", 0
    while True:
        answer = yield question.asks(f"{id}-{again}" if again else id, problem)
        try:
            return question.read(answer)
        except ValueError as error:
            problem, again = str(error), again + 1


def asked_by(interrupt: Interrupt[Any]) -> Asked:
    """Return the questions of an interrupt."""
    value = interrupt.value
    match value:
        case {"run_python": str(code)}:
            return _one(Script(code, str(value.get("title", ""))))
        case {"action_requests": [_, *_] as actions}:
            reviews = value.get("review_configs") or []
            return Asked([*map(_reviewed, actions, [*reviews, *[{}] * len(actions)])], lambda all: {"decisions": all})
        case [{"action_request": Mapping()}, *_] if all(isinstance(each, Mapping) for each in value):
            return Asked([_inbox(each) for each in value], lambda all: all)
        case {"action_request": Mapping()}:
            return _one(_inbox(value))
        case Mapping():
            return _one(_of_mapping(value, interrupt.response_schema))
    return _one(_with_schema(_text(value), interrupt.response_schema))


def _one(question: Question | Script) -> Asked:
    return Asked([question], lambda all: all[0])


def _of_mapping(value: Mapping[str, Any], schema: Any) -> Question:
    prompt = next((value[key] for key in _PROMPTS if isinstance(value.get(key), str) and value[key]), _text(value))
    offered = next((value[key] for key in _CHOICES if isinstance(value.get(key), list | tuple) and value[key]), ())
    if offered:
        return Question(prompt, tuple(_choice(each) for each in offered))
    return _with_schema(prompt, schema or next((value[key] for key in _SCHEMAS if key in value), None))


def _choice(offered: Any) -> tuple[str, Any]:
    if not isinstance(offered, Mapping):
        return _text(offered), offered
    words = next((_text(offered[key]) for key in _LABELS if key in offered), _text(offered))
    return words, offered.get("value", offered.get("id", offered))


def _with_schema(prompt: str, schema: Any) -> Question:
    kind = schema.get("type") if isinstance(schema, Mapping) else None
    if isinstance(schema, Mapping) and isinstance(schema.get("enum"), list):
        return Question(prompt, tuple((_text(each), each) for each in schema["enum"]))
    if kind == "boolean":
        return Question(prompt, (("Yes", True), ("No", False)))
    if not isinstance(schema, Mapping) or kind == "string":
        return Question(prompt)
    plain = jsonable(schema)
    fits = len(json.dumps(plain)) <= MAX_SCHEMA
    return Question(prompt, schema=plain if isinstance(plain, dict) and fits else {})


def _reviewed(action: Any, review: Any) -> Question:
    """Return a question of LangChain's human-in-the-loop middleware."""
    allowed = review.get("allowed_decisions", ("approve", "edit", "reject"))
    name, args = _text(action.get("name") or ""), action.get("args")
    prompt = _text(action.get("description") or f"May {name or 'the agent'} run?")
    if "reject" in allowed and not {"approve", "edit"}.isdisjoint(allowed):
        approval = _approval(name, args, review.get("args_schema"), editable="edit" in allowed)
        return Question(prompt, approval=approval, means=partial(_decision, name, args, "approve" in allowed))
    offered = [("Approve", {"type": "approve"}), ("Reject", {"type": "reject"})]
    choices = tuple(each for each in offered if each[1]["type"] in allowed)
    return Question(f"{prompt}\n{name}({_arguments(args)})", choices, means=_respond)


def _respond(text: Any) -> Any:
    return {"type": "respond", "message": text}


def _decision(name: str, args: Any, approves: bool, answer: Any) -> Any:
    """Return a decision in the form of LangChain's middleware."""
    decision = Decision.of(answer)
    if not decision.approved:
        return {"type": "reject", "message": decision.reason} if decision.reason else {"type": "reject"}
    if decision.arguments is None and approves:
        return {"type": "approve"}
    edited = args if decision.arguments is None else decision.arguments
    return {"type": "edit", "edited_action": {"name": name, "args": edited}}


def _inbox(value: Mapping[str, Any]) -> Question:
    """Return a question in the form of LangGraph's `HumanInterrupt`."""
    action, allowed = value["action_request"], value.get("config") or {}
    name, args = _text(action.get("action") or ""), action.get("args")
    prompt = _text(value.get("description") or f"May {name or 'the agent'} run?")
    if allowed.get("allow_accept") and (allowed.get("allow_ignore") or allowed.get("allow_respond")):
        approval = _approval(name, args, None, editable=bool(allowed.get("allow_edit")))
        return Question(prompt, approval=approval, means=partial(_reply, name, allowed))
    offered = [("Accept", "accept"), ("Ignore", "ignore")]
    choices = tuple((words, {"type": kind, "args": None}) for words, kind in offered if allowed.get(f"allow_{kind}"))
    prompt = f"{prompt}\n{name}({_arguments(args)})"
    return Question(prompt, choices, means=lambda text: {"type": "response", "args": text})


def _reply(name: str, allowed: Mapping[str, Any], answer: Any) -> Any:
    """Return a decision in the form of LangGraph's inbox."""
    decision = Decision.of(answer)
    if decision.approved and decision.arguments is not None:
        return {"type": "edit", "args": {"action": name, "args": decision.arguments}}
    if decision.approved:
        return {"type": "accept", "args": None}
    if allowed.get("allow_respond") and (decision.reason or not allowed.get("allow_ignore")):
        return {"type": "response", "args": decision.reason or "The user did not allow this."}
    return {"type": "ignore", "args": None}


def _approval(name: str, args: Any, schema: Any, *, editable: bool) -> Approval:
    arguments, plain = jsonable(args or {}), jsonable(schema) if isinstance(schema, Mapping) else None
    return Approval(
        name,
        arguments if isinstance(arguments, dict) else {"": arguments},
        plain if isinstance(plain, dict) else None,
        editable=editable and isinstance(arguments, dict),
    )


def _arguments(arguments: Any) -> str:
    if not isinstance(arguments, Mapping):
        return _text(arguments) if arguments else ""
    return ", ".join(f"{name}={json.dumps(jsonable(value), ensure_ascii=False)}" for name, value in arguments.items())


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(jsonable(value), ensure_ascii=False)
