"""Drives one responder: takes what it yields, gives it what it asks for, and says how it ended by itself."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any, Protocol

from ..cleaning import clean_body, clean_text
from ..events import (
    JSON,
    EventBody,
    InputAnswered,
    InputRequested,
    Outcome,
    RunEnded,
    RunStarted,
    RunStopping,
    ScriptFinished,
    ScriptProposed,
    TextDelta,
)
from ..responders import Request, Responder, RunScript
from ..scripts.results import abridged, decode_result

log = logging.getLogger("htmxchat")
_BREATH = 0.005


class Answering(Protocol):
    """The run that a responder answers.

    Attributes:
        accepting: Whether it is still open how the run ends.
        seq: The number of the log's last event.
    """

    @property
    def accepting(self) -> bool: ...

    @property
    def seq(self) -> int: ...

    def note(self, body: EventBody) -> None:
        """Add to the log while it is open how the run ends."""

    async def ask(self, request_id: str) -> JSON:
        """Wait for the user's answer."""

    async def catch_up(self) -> None:
        """Wait until not too much is left to be written."""

    def settle(self, end: RunEnded) -> bool:
        """Settle how the run ends, if that is still open. Returns whether it was."""

    def fail(self, error: BaseException) -> None:
        """Settle that it failed."""


async def play(respond: Responder, request: Request, run: Answering) -> None:
    """Run the responder to its end.

    All its code runs in the task that calls this, so that its cancel scopes and context variables work. What it raises
    is told to the run; only a cancellation is raised here.
    """
    try:
        await _play(respond, request, run)
    except asyncio.CancelledError:
        raise
    except BaseException as error:  # sys.exit() too: it ends this run and nothing else
        run.fail(error)


async def _play(respond: Responder, request: Request, run: Answering) -> None:
    stream: Any = respond(request)
    if not isinstance(stream, AsyncIterator):
        if hasattr(stream, "close"):
            stream.close()
        raise TypeError(f"A responder must return an async generator, not {type(stream).__name__}")
    loop = asyncio.get_running_loop()
    breath = loop.time()
    answer: object = None
    try:
        while True:
            try:
                item = await (stream.asend(answer) if hasattr(stream, "asend") else anext(stream))
            except StopAsyncIteration:
                run.settle(RunEnded(Outcome.COMPLETED))
                return
            if not run.accepting:
                return
            answer = None
            if isinstance(item, RunScript):
                item = ScriptProposed(f"script-{run.seq + 1}", item.code, item.title, awaited=True)
            body = _body(item)
            if isinstance(body, RunEnded):
                run.settle(body)
                return
            if body is not None:
                run.note(body)
            if isinstance(body, InputRequested):
                answer = await run.ask(body.request_id)
                run.note(InputAnswered(body.request_id, answer))
            elif isinstance(body, ScriptProposed) and body.awaited:
                answer = result = decode_result(await run.ask(body.script_id))
                run.note(ScriptFinished(body.script_id, result.state.value, abridged(result)))
            if loop.time() - breath > _BREATH:
                # A responder that never waits must neither keep others from running nor outrun the store.
                await asyncio.sleep(0)
                await run.catch_up()
                breath = loop.time()
    finally:
        if hasattr(stream, "aclose"):
            await _close(stream, request.run_id)


async def _close(stream: Any, run_id: str) -> None:
    try:
        await stream.aclose()
    except asyncio.CancelledError:
        raise
    except BaseException:
        log.exception("The responder of run %s failed while it was closed.", run_id)


def _body(item: Any) -> EventBody | None:
    """Return what the responder yielded as it goes into the log; `None` for an empty text."""
    if isinstance(item, str):
        return TextDelta(clean_text(item)) if item else None
    if not isinstance(item, EventBody) or isinstance(item, RunStarted | RunStopping | InputAnswered | ScriptFinished):
        raise TypeError(f"A responder may yield text and events of its own, not {type(item).__name__}")
    return clean_body(item)
