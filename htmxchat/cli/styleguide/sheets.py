"""What the style guide is made of, and the data that its components show."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

from ...drawing import Drawer, Drawings, PartContext
from ...events import EventBody, Outcome, RunEnded, RunEvent, RunStarted
from ...fragments.turns.context import TurnContext
from ...html import FT, Child, tag
from ...models import Conversation, Run, RunState, Turn, Waiting
from ...scripts.models import Script
from ...text.markdown import Markdown
from ...urls import Urls
from ...view import fold

AT = datetime(2026, 1, 12, 9, 30, tzinfo=UTC)
TALK = Conversation("talk", "reader", "Which import failed?", AT, AT, RunState.COMPLETED)
AGENTS = "Fast", "Careful"

Draw: TypeAlias = Callable[[Urls], Child]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A component.

    Attributes:
        name: What it is called.
        states: Its states by name, each with the function that draws it: an element, or with `whole` a document.
        whole: Whether each state is a page of its own.
    """

    name: str
    states: Mapping[str, Draw]
    whole: bool = False

    @property
    def slug(self) -> str:
        return self.name.lower().replace(" ", "-")


def context(urls: Urls, *queue: Script, fails: bool = False) -> TurnContext:
    """Return the context with which turns are drawn: all that a backend can do. If it `fails`, nothing is drawn."""
    drawings = Drawings(Drawer({"forecast": _forecast, "```steps": _steps}), at_once=not fails)
    return TurnContext(
        urls,
        Markdown(),
        can_retry=True,
        branching=TALK.id,
        can_delete=True,
        can_rate=True,
        agents=AGENTS,
        can_run_scripts=True,
        queue=queue,
        inspector="here",
        drawings=drawings,
    )


def log(*bodies: EventBody, over: bool = True, apart: float = 0.7) -> tuple[RunEvent, ...]:
    """Return the log of a run; one that is `over` has completed unless it says otherwise."""
    ended = any(isinstance(body, RunEnded) for body in bodies)
    all_bodies = [RunStarted(AGENTS[0]), *bodies, *([RunEnded(Outcome.COMPLETED)] if over and not ended else [])]
    return tuple(RunEvent(seq, AT + timedelta(seconds=apart * seq), body) for seq, body in enumerate(all_bodies, 1))


def answer(id: str, *bodies: EventBody, over: bool = True, versions: tuple[str, ...] = ()) -> Turn:
    """Return an answer with this log; its id must be there once."""
    events = log(*bodies, over=over)
    view = fold(events)
    run = Run(id, TALK.id, "reader", f"q-{id}", view.state, AT, AGENTS[0])
    return Turn(id, "assistant", view.text, AT, run, events, versions)


def talk(number: int, title: str, days: int, state: RunState = RunState.COMPLETED, **more: Any) -> Conversation:
    """Return a conversation of the history."""
    at = AT - timedelta(days=days, minutes=7 * number)
    waiting = Waiting.ANSWER if state is RunState.SUSPENDED else None
    return Conversation(f"talk{number}", "reader", title, at, at, state, waiting, **more)


def _forecast(data: object, context: PartContext) -> FT:
    return tag("p")("Oslo: 15° at eleven, 19° at two.")


def _steps(text: str, context: PartContext) -> FT:
    return tag("ol")(*[tag("li")(step.strip()) for step in text.split("->")])
