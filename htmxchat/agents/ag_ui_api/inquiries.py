"""Questions to the user for tasks, and the results of the answers. Pure, except that each counts its tries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeAlias

from ...agent import RunScript
from ...events import JSON, InputRequested
from ...scripts.result import ScriptResult
from .exchange import Answer, Task
from .frontend import ASK_USER, RUN_PYTHON, BadArguments, arguments_of, as_content
from .questions import Form, Unfit, form_of, payload_of
from .translation.ends import Interrupt
from .translation.fields import known
from .translation.tools import structured


@dataclass(slots=True)
class Question:
    """A question of the server. It is asked again until the answer is valid."""

    id: str
    interrupt: Interrupt
    form: Form
    tries: int = 1
    problem: str = ""

    @property
    def ask(self) -> InputRequested:
        id = self.id if self.tries == 1 else f"{self.id}-{self.tries}"
        prompt = f"{self.problem}\n{self.form.prompt}" if self.problem else self.form.prompt
        form = self.form
        choices = tuple(label for label, _ in form.choices)
        decline = "Decline" if form.schema is not None else ""
        return InputRequested(id, prompt, choices, form.schema, decline, form.approval)

    def take(self, given: JSON | ScriptResult) -> Answer | None:
        """Return the result of an answer; `None` if the question has to be asked again."""
        assert not isinstance(given, ScriptResult)
        if is_over(self.interrupt):
            return Answer(None, "cancelled")
        if given is None and self.form.schema is not None:
            return Answer(None, "cancelled")
        try:
            value = payload_of(self.form, given)
        except Unfit as error:
            self.problem, self.tries = str(error), self.tries + 1
            return None
        return Answer(as_content(value) if self.interrupt.way == "tool" else value)


@dataclass(frozen=True, slots=True)
class Script:
    """Python that the model wants to run in the user's browser."""

    ask: RunScript

    def take(self, given: JSON | ScriptResult) -> Answer:
        assert isinstance(given, ScriptResult)
        return Answer(given.text or "(no output)")


@dataclass(frozen=True, slots=True)
class Asked:
    """A question of the model."""

    ask: InputRequested

    def take(self, given: JSON | ScriptResult) -> Answer:
        assert not isinstance(given, ScriptResult)
        return Answer(as_content(given))


Inquiry: TypeAlias = Question | Script | Asked


def inquiry_of(task: Task, prefix: str) -> Inquiry | None:
    """Return the question to the user; `None` for a tool of the host, which asks nothing.

    Args:
        prefix: What the ids of this round begin with: some servers use an id again.

    Raises:
        BadArguments: The model called a tool with invalid arguments.
    """
    id = f"{prefix}{task.id}"
    if task.interrupt is not None:
        call = {"name": task.name, "arguments": structured(task.arguments)} if task.name else None
        return Question(id, task.interrupt, form_of(task.interrupt, call))
    if task.name not in (RUN_PYTHON.name, ASK_USER.name):
        return None
    arguments = arguments_of(task.arguments)
    if task.name == RUN_PYTHON.name:
        if not (code := known(arguments.get("code"))).strip():
            raise BadArguments("There is no code. Call the tool again with the argument “code”.")
        return Script(RunScript(code, known(arguments.get("title"))))
    choices = arguments.get("choices")
    listed = [each for each in choices if isinstance(each, str) and each] if isinstance(choices, list) else []
    question = known(arguments.get("question")) or "The agent asks for your answer."
    return Asked(InputRequested(id, question, tuple(dict.fromkeys(listed))))


def expired(task: Task) -> Answer | None:
    """Return the answer to a question that has expired; `None` for any other."""
    return Answer(None, "cancelled") if task.interrupt is not None and is_over(task.interrupt) else None


def is_denial(value: JSON) -> bool:
    """Return whether an answer is a refusal."""
    said = structured(value) if isinstance(value, str) else value
    return isinstance(said, dict) and any(said.get(name) is False for name in ("approved", "accepted", "confirmed"))


def is_over(interrupt: Interrupt) -> bool:
    """Return whether it is too late to answer."""
    try:
        end = datetime.fromisoformat(interrupt.expires_at)
    except ValueError:
        return False
    return (end if end.tzinfo else end.replace(tzinfo=UTC)) <= datetime.now(UTC)
