"""Drives one agent: takes what it yields, gives it what it asks for, and says how it ended by itself."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any, Protocol

from ..agent import Checkpoint, Pinned, Remember, RunScript, Said, SendFile
from ..events import (
    JSON,
    EventBody,
    FileSent,
    InputAnswered,
    InputRequested,
    Outcome,
    RunEnded,
    RunEvent,
    RunStarted,
    RunStopping,
    ScriptFinished,
    ScriptProposed,
    TextDelta,
)
from ..files.file import File
from ..scripts.encoding import decode_result
from ..scripts.result import ScriptResult
from ..text.cleaning import clean_body, clean_text
from .replay import Replay

log = logging.getLogger("htmxchat")
_BREATH = 0.005
# What is written for an agent, by what it does or what happens to it.
_OURS = RunStarted | RunStopping | InputAnswered | ScriptFinished | FileSent


class Answering(Protocol):
    """The run that an agent answers.

    Attributes:
        id: Of the run.
        user_id: Of whose it is, who alone may answer.
        accepting: Whether it is still open how the run ends.
        seq: The number of the log's last event.
    """

    @property
    def id(self) -> str: ...

    @property
    def user_id(self) -> str: ...

    @property
    def accepting(self) -> bool: ...

    @property
    def seq(self) -> int: ...

    def note(self, body: EventBody, raw: JSON = None) -> None:
        """Add to the log while it is open how the run ends."""

    def keep(self, note: Checkpoint | Pinned | Remember) -> None:
        """Keep what the agent says to itself."""

    async def ask(self, request_id: str) -> JSON:
        """Wait for the user's answer."""

    async def catch_up(self) -> None:
        """Wait until not too much is left to be written."""

    async def stored(self) -> None:
        """Wait until nothing is left to be written."""

    async def keep_file(self, file: SendFile) -> File:
        """Keep a file that the agent sends."""

    async def drop_file(self, file: File, known: File) -> File:
        """Keep it no longer: it is the one that is `known`, which is returned so that it can be read."""

    def settle(self, end: RunEnded) -> bool:
        """Settle how the run ends, if that is still open. Returns whether it was."""

    def fail(self, error: BaseException) -> None:
        """Settle that it failed."""


async def play(start: Callable[[], AsyncIterator[Said]], run: Answering, replay: Replay) -> None:
    """Run an agent to its end.

    All its code runs in the task that calls this, so that its cancel scopes and context variables work. What it raises
    is told to the run; only a cancellation is raised here.
    """
    try:
        await _play(start, run, replay)
    except asyncio.CancelledError:
        raise
    except BaseException as error:  # sys.exit() too: it ends this run and nothing else
        run.fail(error)


async def _play(start: Callable[[], AsyncIterator[Said]], run: Answering, replay: Replay) -> None:
    stream: Any = start()
    if not isinstance(stream, AsyncIterator):
        if hasattr(stream, "close"):
            stream.close()
        raise TypeError(f"An agent must return an async generator, not {type(stream).__name__}")
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
            body: EventBody | None = None
            raw: JSON = None
            if isinstance(item, Checkpoint | Pinned | Remember):
                run.keep(item)
                if not isinstance(item, Remember) and item.wait:
                    await run.stored()
            elif isinstance(item, RunEvent):
                body, raw = _body(item.body), item.raw
            elif isinstance(item, RunScript):
                script_id = replay.proposal(item) or f"script-{run.seq + 1}"
                body = clean_body(ScriptProposed(script_id, item.code, item.title, awaited=True))
            elif isinstance(item, SendFile):
                answer = file = await run.keep_file(item)
                if (known := replay.sent(file)) is None:
                    body = FileSent(file)
                else:
                    answer = await run.drop_file(file, known)
            else:
                body = _body(item)
            if isinstance(body, RunEnded):
                run.settle(body)
                return
            if body is not None and not replay.recognizes(body):
                run.note(body, raw)
            if isinstance(body, InputRequested):
                answer = await _ask(body, run, replay)
            elif isinstance(body, ScriptProposed) and body.awaited:
                answer = await _run_script(body, run, replay)
            # An agent that never waits must neither outrun the store nor keep others from running.
            await run.catch_up()
            if loop.time() - breath > _BREATH:
                await asyncio.sleep(0)
                breath = loop.time()
    finally:
        if hasattr(stream, "aclose"):
            await _close(stream, run.id)


async def _ask(body: InputRequested, run: Answering, replay: Replay) -> JSON | ScriptResult:
    if replay.told(body.request_id):
        return replay.answer(body.request_id)
    answer = await run.ask(body.request_id)
    run.note(InputAnswered(body.request_id, answer, run.user_id))
    return answer


async def _run_script(body: ScriptProposed, run: Answering, replay: Replay) -> ScriptResult:
    if replay.told(body.script_id):
        known = replay.answer(body.script_id)
        assert isinstance(known, ScriptResult)
        return known
    result = decode_result(await run.ask(body.script_id))
    run.note(ScriptFinished(body.script_id, result.state, result.abridged))
    return result


async def _close(stream: Any, run_id: str) -> None:
    try:
        await stream.aclose()
    except asyncio.CancelledError:
        raise
    except BaseException:
        log.exception("The agent of run %s failed while it was closed.", run_id)


def _body(item: Any) -> EventBody | None:
    """Return what the responder yielded as it goes into the log; `None` for an empty text."""
    if isinstance(item, str):
        return TextDelta(clean_text(item)) if item else None
    if not isinstance(item, EventBody) or isinstance(item, _OURS):
        raise TypeError(f"An agent may yield text and events of its own, not {type(item).__name__}")
    return clean_body(item)
