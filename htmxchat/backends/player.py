"""Runs one agent: records what it yields, sends it the answers it asks for, and reports how it ended."""

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
_MAX_BLOCKED = 0.005
# Bodies that the chat writes, not the agent.
_OURS = RunStarted | RunStopping | InputAnswered | ScriptFinished | FileSent


class Answering(Protocol):
    """The run that an agent answers.

    Attributes:
        id: The run's id.
        user_id: The run's user, who alone may answer.
        accepting: Whether the run's outcome is still undecided.
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
        """Append to the log, unless the outcome is decided."""

    def keep(self, note: Checkpoint | Pinned | Remember) -> None:
        """Store a checkpoint or memory of the agent."""

    async def ask(self, request_id: str) -> JSON:
        """Wait for the user's answer."""

    async def catch_up(self) -> None:
        """Wait while too much is pending."""

    async def stored(self) -> None:
        """Wait until nothing is pending."""

    async def keep_file(self, file: SendFile) -> File:
        """Keep a file that the agent sends."""

    async def drop_file(self, file: File, known: File) -> File:
        """Keep it no longer: it is the one that is `known`, which is returned so that it can be read."""

    def settle(self, end: RunEnded) -> bool:
        """Decide the run's outcome, if it is undecided. Returns whether it was."""

    def fail(self, error: BaseException) -> None:
        """Decide that the run failed."""


async def play(start: Callable[[], AsyncIterator[Said]], run: Answering, replay: Replay) -> None:
    """Run an agent to its end.

    All its code runs in the calling task, so that its cancel scopes and context variables work. Its exceptions are
    passed to `run.fail`; only a cancellation is raised.
    """
    try:
        await _play(start, run, replay)
    except asyncio.CancelledError:
        raise
    except BaseException as error:  # also sys.exit(), which must end only this run
        run.fail(error)


async def _play(start: Callable[[], AsyncIterator[Said]], run: Answering, replay: Replay) -> None:
    stream: Any = start()
    if not isinstance(stream, AsyncIterator):
        if hasattr(stream, "close"):
            stream.close()
        raise TypeError(f"An agent must return an async generator, not {type(stream).__name__}")
    loop = asyncio.get_running_loop()
    yielded_at = loop.time()
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
            # An agent that never awaits must neither outrun the store nor block the event loop.
            await run.catch_up()
            if loop.time() - yielded_at > _MAX_BLOCKED:
                await asyncio.sleep(0)
                yielded_at = loop.time()
    finally:
        if hasattr(stream, "aclose"):
            await _close(stream, run.id)


async def _ask(body: InputRequested, run: Answering, replay: Replay) -> JSON | ScriptResult:
    if replay.has_result(body.request_id):
        return replay.answer(body.request_id)
    answer = await run.ask(body.request_id)
    run.note(InputAnswered(body.request_id, answer, run.user_id))
    return answer


async def _run_script(body: ScriptProposed, run: Answering, replay: Replay) -> ScriptResult:
    if replay.has_result(body.script_id):
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
        log.exception("The agent of run %s failed while it was being closed.", run_id)


def _body(item: Any) -> EventBody | None:
    """Return what the agent yielded as an event body; `None` for an empty text."""
    if isinstance(item, str):
        return TextDelta(clean_text(item)) if item else None
    if not isinstance(item, EventBody) or isinstance(item, _OURS):
        raise TypeError(f"An agent may yield text and an agent's events, not {type(item).__name__}")
    return clean_body(item)
