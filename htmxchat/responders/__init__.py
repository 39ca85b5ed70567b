"""Responders: async generators that answer one turn each, for `htmxchat.backends.local.LocalBackend`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import TypeAlias

from ..events import EventBody
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


Responder: TypeAlias = Callable[[Request], AsyncIterator[str | EventBody]]
"""An async generator function. What it may yield:

- A `str`, more of the answer (Markdown); an empty one is dropped.
- Any event body. `answer = yield InputRequested(...)` waits until the user has answered.
- `RunEnded` ends the run that way; the generator is closed. Returning ends it as completed.

`RunStarted`, `RunStopping` and `InputAnswered` are written for it. Raising ends the run as failed: a `ChatError` with
its own sentence, anything else with a general one and a traceback in the log.

When the user stops the run, `asyncio.CancelledError` is raised where the generator waits. It may clean up, but what it
yields from then on is dropped, and after 5 seconds it is abandoned.
"""
