"""What a chat says about its work to those who watch it: the log, and an `Observer`.

Ids, numbers and outcomes; never what people or agents write, no names and no tokens.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TypeAlias

from .kinds import check_fields

log = logging.getLogger("htmxchat")
_BARE = re.compile(r"[\w.@:/+-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class RunBegin:
    """A run begins in this process, or continues in it.

    Attributes:
        agent: The agent's name.
        resumed: Whether another process had it before.
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
        """What the log has of it."""
        return {
            "run": self.run,
            "conversation": self.conversation,
            "user": self.user,
            "agent": self.agent,
            "resumed": self.resumed,
        }


@dataclass(frozen=True, slots=True)
class RunEnd:
    """A run has ended, or has left this process.

    Attributes:
        outcome: `completed`, `cancelled`, `failed`, `suspended`; `handed-over` when another process continues with it,
            `lost` when another process has ended it.
        seconds: How long this process had it.
        waited: How many seconds of that it waited for its user.
        first_event: Seconds from the run's start to the first thing that its agent said; `None` if it said nothing, or
            said it in another process.
        events: How many its log has.
        error: The kind of exception by which the agent failed.
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
        """What the log has of it."""
        return {
            "outcome": self.outcome,
            "seconds": round(self.seconds, 3),
            "waited": round(self.waited, 3),
            "first_event": None if self.first_event is None else round(self.first_event, 3),
            "events": self.events,
            "error": self.error,
        }


TellEnd: TypeAlias = Callable[[RunEnd], None]


class Observer:
    """Is told what happens. This one does nothing with it."""

    def run(self, begin: RunBegin) -> AbstractContextManager[TellEnd]:
        """Surround a run, its agent's work included. What is entered is called with its end."""
        return nullcontext(lambda end: None)

    def waiting(self, agent: str) -> AbstractContextManager[None]:
        """Surround the time that a run waits for its user."""
        return nullcontext()

    def stream(self) -> AbstractContextManager[None]:
        """Surround the time that a page's stream is open."""
        return nullcontext()

    def request(self, method: str, route: str, ids: Mapping[str, str]) -> None:
        """A request was let in.

        Args:
            route: Its path, with names in place of ids.
            ids: Those ids.
        """

    def outage(self) -> None:
        """The database cannot be used any more. The next outage comes after the end of this one."""


def log_begin(begin: RunBegin) -> None:
    """Write the line of a run that begins."""
    _write("Run resumed" if begin.resumed else "Run began", begin.fields)


def log_end(begin: RunBegin, end: RunEnd) -> None:
    """Write the line of a run that has ended."""
    _write("Run ended", {**begin.fields, **end.fields})


def _write(what: str, fields: Mapping[str, object]) -> None:
    if log.isEnabledFor(logging.INFO):
        known = {name: value for name, value in fields.items() if value is not None}
        line = " ".join(f"{name}={_value(value)}" for name, value in known.items())
        log.info("%s: %s", what, line, extra={"htmxchat": {"event": what.lower().replace(" ", "-"), **known}})


def _value(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if _BARE.fullmatch(text) else json.dumps(text)
