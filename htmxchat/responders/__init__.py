"""Responders: async generators that answer one turn each, for `htmxchat.backends.local.LocalBackend`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import TypeAlias

from ..events import EventBody
from ..kinds import check_fields
from ..models import Turn, User


@dataclass(frozen=True, slots=True)
class Request:
    """What a responder answers.

    Attributes:
        text: What the user wrote.
        history: The turns before it, oldest first, each with its text; answers that were stopped or failed are as
            long as they got. An attempt that this one replaces is left out.
        user: Who asks.
    """

    text: str
    history: tuple[Turn, ...]
    user: User
    conversation_id: str
    run_id: str

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, slots=True)
class RunScript:
    """Ask the user to run Python in their browser, and wait: `result = yield RunScript("print(6 * 7)")`.

    What comes back is a `ScriptResult`, also when the user rejects the script, cancels it or lets it run too long.
    Yield `ScriptProposed` instead to propose a script and go on without its result.

    Attributes:
        title: What it does, in a few words.
    """

    code: str
    title: str = ""

    def __post_init__(self) -> None:
        check_fields(self)


Responder: TypeAlias = Callable[[Request], AsyncIterator[str | EventBody | RunScript]]
"""An async generator function. What it may yield:

- A `str`, more of the answer (Markdown); an empty one is dropped.
- Any event body. `answer = yield InputRequested(...)` waits until the user has answered.
- A `RunScript`. `result = yield RunScript(...)` waits until it has run in the user's browser, or will not.
- `RunEnded` ends the run that way; the generator is closed. Returning ends it as completed.

`RunStarted`, `RunStopping`, `InputAnswered` and `ScriptFinished` are written for it. Raising ends the run as failed: a
`ChatError` with its own sentence, anything else with a general one and a traceback in the log.

When the user stops the run, `asyncio.CancelledError` is raised where the generator waits. It may clean up, but what it
yields from then on is dropped, and after 5 seconds it is abandoned.
"""
