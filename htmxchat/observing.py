"""A chat's log lines and its `Observer`.

They contain ids, numbers and outcomes, never texts of users or agents, names or tokens.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TypeAlias

from .feedback import Feedback
from .kinds import check_fields

log = logging.getLogger("htmxchat")
_BARE = re.compile(r"[\w.@:/+-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class RunBegin:
    """A run begins or is resumed in this process.

    Attributes:
        agent: The agent's name.
        resumed: Whether another process ran it before.
    """

    run: str
    conversation: str
    user: str
    agent: str
    resumed: bool

    def __post_init__(self) -> None:
        check_fields(self)

    @property
    def fields(self) -> dict[str, object]:
        """The fields of its log line."""
        return {
            "run": self.run,
            "conversation": self.conversation,
            "user": self.user,
            "agent": self.agent,
            "resumed": self.resumed,
        }


@dataclass(frozen=True, slots=True)
class RunEnd:
    """A run has ended in this process, or another process has it now.

    Attributes:
        outcome: `completed`, `cancelled`, `failed`, `suspended`; `handed-over` if another process resumes it, `lost` if
            another process took it over.
        seconds: How long it ran in this process.
        waited: How many of these seconds it waited for its user.
        first_event: Seconds from the run's start to its agent's first event; `None` if there was none, or it was in
            another process.
        events: The number of events in its log.
        error: The type of the exception with which the agent failed.
    """

    outcome: str
    seconds: float
    waited: float
    first_event: float | None
    events: int
    error: str | None

    def __post_init__(self) -> None:
        check_fields(self)

    @property
    def fields(self) -> dict[str, object]:
        """The fields of its log line."""
        return {
            "outcome": self.outcome,
            "seconds": round(self.seconds, 3),
            "waited": round(self.waited, 3),
            "first_event": None if self.first_event is None else round(self.first_event, 3),
            "events": self.events,
            "error": self.error,
        }


OnEnd: TypeAlias = Callable[[RunEnd], None]


class Observer:
    """Receives what happens in a chat. This base class ignores it."""

    def run(self, begin: RunBegin) -> AbstractContextManager[OnEnd]:
        """Return a context manager around a run and its agent's work. It yields a function that takes the end."""
        return nullcontext(lambda end: None)

    def waiting(self, agent: str) -> AbstractContextManager[None]:
        """Return a context manager for the time that a run waits for its user."""
        return nullcontext()

    def stream(self) -> AbstractContextManager[None]:
        """Return a context manager for the time that a page's stream is open."""
        return nullcontext()

    def request(self, method: str, route: str, ids: Mapping[str, str]) -> None:
        """A request was accepted.

        Args:
            route: Its path template, with parameter names instead of ids.
            ids: The ids by parameter name.
        """

    def feedback(self, rating: str) -> None:
        """A user has given, changed or removed feedback on an answer.

        Args:
            rating: `up`, `down`, or `none` if it was removed.
        """

    def outage(self) -> None:
        """An outage of the database has begun. It is called once per outage."""


def log_begin(begin: RunBegin) -> None:
    """Log the begin of a run."""
    _write("Run resumed" if begin.resumed else "Run began", begin.fields)


def log_end(begin: RunBegin, end: RunEnd) -> None:
    """Log the end of a run."""
    _write("Run ended", {**begin.fields, **end.fields})


def log_feedback(run: str, conversation: str, user: str, given: Feedback | None) -> None:
    """Log that a user has given, changed or removed feedback on an answer."""
    rating, comment = (given.rating, bool(given.comment)) if given else ("none", False)
    fields = {"run": run, "conversation": conversation, "user": user, "rating": rating, "comment": comment}
    _write("Feedback given", fields)


def _write(what: str, fields: Mapping[str, object]) -> None:
    if log.isEnabledFor(logging.INFO):
        known = {name: value for name, value in fields.items() if value is not None}
        line = " ".join(f"{name}={_value(value)}" for name, value in known.items())
        log.info("%s: %s", what, line, extra={"htmxchat": {"event": what.lower().replace(" ", "-"), **known}})


def _value(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if _BARE.fullmatch(text) else json.dumps(text)
