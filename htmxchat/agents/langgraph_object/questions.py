"""Interrupts of a graph: what the user is asked, and what the answers mean to the graph."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from langgraph.types import Command, Interrupt, StateSnapshot

from ...agent import RunScript
from ...events import JSON, InputRequested
from ...scripts.result import ScriptResult
from ...text.cleaning import read_json
from ..shown import jsonable

STOP = "stop"
"""What `interview` returns when the graph is to end there."""

_PROMPTS = ("message", "question", "prompt", "description", "text", "query", "instruction")
_CHOICES = ("choices", "options", "actions")
_LABELS = ("label", "title", "name", "value", "id")
_SCHEMAS = ("response_schema", "responseSchema", "schema")


@dataclass(frozen=True, slots=True)
class Question:
    """One question.

    Attributes:
        choices: What the user may pick, in words, and what each means to the graph.
        is_json: Whether the answer is to be JSON.
        required: What an object has to have.
        means: What a text means to the graph, if not itself.
    """

    prompt: str
    choices: tuple[tuple[str, Any], ...] = ()
    is_json: bool = False
    required: tuple[str, ...] = ()
    means: Callable[[Any], Any] | None = None

    def asks(self, id: str, problem: str = "") -> InputRequested | RunScript:
        """Return what is asked, after an answer that could not be used with what was wrong with it."""
        prompt = f"{problem}\n{self.prompt}" if problem else self.prompt
        return InputRequested(id, prompt, tuple(words for words, _ in self.choices))

    def read(self, answer: JSON | ScriptResult) -> Any:
        """Return what an answer means.

        Raises:
            ValueError: It means nothing. The message says what is wanted.
        """
        if self.choices:
            meanings = [meaning for words, meaning in self.choices if words == answer]
            if not meanings:
                raise ValueError("Pick one of the answers that are offered.")
            return meanings[0]
        if self.is_json and isinstance(answer, str):
            try:
                value = read_json(answer)
            except ValueError:
                raise ValueError('Answer in JSON, such as "text", 7 or {"name": "value"}.') from None
            if missing := [name for name in self.required if not isinstance(value, dict) or name not in value]:
                raise ValueError(f"Answer in JSON, an object with {', '.join(missing)}.")
            return value
        return self.means(answer) if self.means else answer


@dataclass(frozen=True, slots=True)
class Script:
    """Python that is to run in the user's browser."""

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
    """What an interrupt asks, one after the other, and how the graph wants the answers."""

    questions: Sequence[Question | Script]
    together: Callable[[list[Any]], Any]


def interview(state: StateSnapshot, rounds: int) -> Generator[InputRequested | RunScript, Any, Any]:
    """Ask what a graph asks, one after the other; return what it is given to continue.

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
    """Return what an interrupt asks."""
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
    required = schema.get("required", ()) if isinstance(schema, Mapping) else ()
    return Question(prompt, is_json=schema is not None and kind != "string", required=tuple(map(str, required)))


def _reviewed(action: Any, review: Any) -> Question:
    """Return a question of LangChain's human-in-the-loop middleware."""
    allowed = review.get("allowed_decisions", ("approve", "reject"))
    prompt = _text(action.get("description") or f"{action.get('name')}({_arguments(action.get('args'))})")
    offered = [("Approve", {"type": "approve"}), ("Reject", {"type": "reject"})]
    choices = tuple(each for each in offered if each[1]["type"] in allowed)
    return Question(prompt, choices, means=lambda text: {"type": "respond", "message": text})


def _inbox(value: Mapping[str, Any]) -> Question:
    """Return a question in the form of LangGraph's `HumanInterrupt`."""
    action, allowed = value["action_request"], value.get("config") or {}
    prompt = _text(value.get("description") or f"{action.get('action')}({_arguments(action.get('args'))})")
    offered = [("Accept", "accept"), ("Ignore", "ignore")]
    choices = tuple((words, {"type": kind, "args": None}) for words, kind in offered if allowed.get(f"allow_{kind}"))
    return Question(prompt, choices, means=lambda text: {"type": "response", "args": text})


def _arguments(arguments: Any) -> str:
    if not isinstance(arguments, Mapping):
        return _text(arguments) if arguments else ""
    return ", ".join(f"{name}={json.dumps(jsonable(value), ensure_ascii=False)}" for name, value in arguments.items())


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(jsonable(value), ensure_ascii=False)
