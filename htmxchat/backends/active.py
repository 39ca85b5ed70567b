"""One live run: a task that drives the responder, one that writes the log, one that keeps the lease."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ..cleaning import clean_body, clean_text
from ..errors import BackendUnavailable, ChatError
from ..events import (
    JSON,
    EventBody,
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
from ..kinds import check_fields
from ..models import ScriptResult
from ..responders import Request, Responder, RunScript
from ..scripts.results import abridged, decode_result
from ..store import Started, Store
from ..view import compact

AGENT_FAILED = "The agent failed while answering. What it wrote is kept."
INTERRUPTED = "The answer was interrupted: the server that wrote it stopped. What it wrote is kept."

log = logging.getLogger("htmxchat")
_MOST_PENDING = 2_000
_BREATH = 0.005
_RETRIES: tuple[float | None, ...] = (0.05, 0.25, 1.0, None)


@dataclass(frozen=True, slots=True)
class Timing:
    """How long things take, in seconds.

    Attributes:
        frame: Between two commits of a run that writes fast.
        poll: Between two looks at the store for what another process wrote.
        renew: Between two signs of life of a run that is silent, and the longest that a stop from elsewhere takes.
        expire: How long a live run may show no sign of life before anybody may end it as interrupted.
        grace: How long a responder may take to clean up after a stop.
        close: The same when the backend closes.
    """

    frame: float = 0.08
    poll: float = 0.25
    renew: float = 1.0
    expire: float = 5.0
    grace: float = 5.0
    close: float = 0.5

    def __post_init__(self) -> None:
        check_fields(self)


class ActiveRun:
    """A live run that this process writes.

    Attributes:
        events: What is in the store: nobody sees an event before its commit.
        done: Whether this object will write no more. The run has then ended, or is somebody else's.
    """

    def __init__(self, store: Store, started: Started, owner: str, timing: Timing) -> None:
        self.run = started.run
        self.events = list(started.events)
        self.done = False
        self._store = store
        self._owner = owner
        self._timing = timing
        self._seq = self.events[-1].seq
        self._pending: list[RunEvent] = []
        self._accepting = True
        self._end: RunEnded | None = None
        self._lost = False
        self._stop = asyncio.Event()
        self._at_once = asyncio.Event()
        self._dirty = asyncio.Event()
        self._hurry = asyncio.Event()
        self._waiting: str | None = None
        self._answered = asyncio.Event()
        self._news = asyncio.Event()

    async def more(self, count: int) -> None:
        """Wait until there are more than `count` events, or until it is done."""
        while len(self.events) <= count and not self.done:
            await self._news.wait()

    def stop(self) -> None:
        """End the run as cancelled, after the responder had its time to clean up."""
        if self._accepting:
            self._emit(RunStopping())
            self._halt(RunEnded(Outcome.CANCELLED))

    def interrupt(self) -> None:
        """End the run as interrupted, as fast as possible. One that is being stopped ends as cancelled."""
        if self._accepting:
            self._halt(RunEnded(Outcome.FAILED, INTERRUPTED))
        self._at_once.set()

    def look_for_answer(self) -> None:
        """Somebody has put an answer into the store."""
        self._answered.set()

    def hear(self, script_id: str, result: ScriptResult) -> None:
        """Something became of a script: the responder is told if it waits for that, else it is only noted."""
        if self._waiting == script_id:
            self._answered.set()
        else:
            self._note(ScriptFinished(script_id, result.state.value, abridged(result)))

    async def drive(self, respond: Responder, request: Request) -> None:
        """Run the responder and write what it yields, to the end."""
        player = asyncio.create_task(self._play(respond, request))
        writer = asyncio.create_task(self._write())
        keeper = asyncio.create_task(self._keep_lease())
        try:
            end = await self._supervise(player)
            self._accepting = False
            keeper.cancel()
            if not self._lost:
                self._emit(end)
                self._hurry.set()
                await writer
        finally:
            for task in (player, writer, keeper):
                task.cancel()
            self.done = True
            self._announce()

    # The responder

    async def _supervise(self, player: asyncio.Task[RunEnded]) -> RunEnded:
        await _first(player, self._stop)
        if player.done():
            return _verdict(player)
        player.cancel()
        player.add_done_callback(_discard)
        await _first(player, self._at_once, self._timing.grace)
        if not player.done():
            await asyncio.wait({player}, timeout=self._timing.close)
        if not player.done():
            log.warning("The responder of run %s did not stop in time and was abandoned.", self.run.id)
        return self._end or RunEnded(Outcome.CANCELLED)

    async def _play(self, respond: Responder, request: Request) -> RunEnded:
        """Drive the generator. All its code runs in this task, so that its cancel scopes and context variables work."""
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
                    return RunEnded(Outcome.COMPLETED)
                if not self._accepting:
                    return RunEnded(Outcome.CANCELLED)
                answer = None
                if isinstance(item, RunScript):
                    item = ScriptProposed(f"script-{self._seq + 1}", item.code, item.title, awaited=True)
                body = _body(item)
                if isinstance(body, RunEnded):
                    return body
                if body is not None:
                    self._emit(body)
                if isinstance(body, InputRequested):
                    answer = await self._ask(body.request_id)
                    self._note(InputAnswered(body.request_id, answer))
                elif isinstance(body, ScriptProposed) and body.awaited:
                    answer = result = decode_result(await self._ask(body.script_id))
                    self._note(ScriptFinished(body.script_id, result.state.value, abridged(result)))
                if loop.time() - breath > _BREATH:
                    # A responder that never waits must neither keep others from running nor outrun the store.
                    await asyncio.sleep(0)
                    while len(self._pending) > _MOST_PENDING and not self.done:
                        await self.more(len(self.events))
                    breath = loop.time()
        finally:
            if hasattr(stream, "aclose"):
                await self._close(stream)

    async def _close(self, stream: Any) -> None:
        try:
            await stream.aclose()
        except Exception:
            log.exception("The responder of run %s failed while it was closed.", self.run.id)

    async def _ask(self, request_id: str) -> JSON:
        """Wait for the answer, which may come through another process."""
        while len(self.events) < self._seq and not self.done:
            await self.more(len(self.events))
        self._waiting = request_id
        while True:
            self._answered.clear()
            with suppress(BackendUnavailable):
                found = await self._store.take_answer(self.run.id, request_id)
                if found is not None:
                    self._waiting = None
                    return found[0]
            with suppress(TimeoutError):
                async with asyncio.timeout(self._timing.poll):
                    await self._answered.wait()

    # The log

    def _note(self, body: EventBody) -> None:
        if self._accepting:
            self._emit(body)

    def _emit(self, body: EventBody) -> None:
        self._seq += 1
        self._pending.append(RunEvent(self._seq, datetime.now(UTC), body))
        self._dirty.set()

    async def _write(self) -> None:
        """Commit what is pending, at once when it was quiet, else once a frame."""
        loop = asyncio.get_running_loop()
        while True:
            await self._dirty.wait()
            self._dirty.clear()
            began = loop.time()
            batch, self._pending = self._pending, []
            if not await self._save(batch):
                return self._lose()
            self.events += batch
            self._announce()
            if isinstance(batch[-1].body, RunEnded):
                return
            with suppress(TimeoutError):
                async with asyncio.timeout_at(began + self._timing.frame):
                    await self._hurry.wait()

    async def _save(self, batch: list[RunEvent]) -> bool:
        ends = isinstance(batch[-1].body, RunEnded)
        compacted = compact([*self.events, *batch]) if ends else ()
        for tries, delay in enumerate(_RETRIES):
            try:
                if ends:
                    return await self._store.end_run(self.run.id, self._owner, batch, compacted, again=tries > 0)
                return await self._store.append_events(self.run.id, self._owner, batch, again=tries > 0)
            except Exception:
                log.exception("%d events of run %s could not be stored.", len(batch), self.run.id)
                if delay is not None:
                    await asyncio.sleep(delay)
        return False

    async def _keep_lease(self) -> None:
        while True:
            await asyncio.sleep(self._timing.renew)
            with suppress(BackendUnavailable):
                stop = await self._store.renew_lease(self.run.id, self._owner)
                if stop is None:
                    self._lose()
                elif stop:
                    self.stop()

    def _lose(self) -> None:
        """Write no more: the store does not take it, or somebody else has ended the run."""
        if not self.done and not self._lost:
            log.error("Run %s cannot be written any more. Its responder is stopped.", self.run.id)
        self._lost = True
        self._halt(None)
        self._at_once.set()

    def _halt(self, end: RunEnded | None) -> None:
        self._accepting = False
        self._end = end
        self._hurry.set()
        self._stop.set()

    def _announce(self) -> None:
        self._news.set()
        self._news = asyncio.Event()


def _body(item: Any) -> EventBody | None:
    """Return what the responder yielded as it goes into the log; `None` for an empty text."""
    if isinstance(item, str):
        return TextDelta(clean_text(item)) if item else None
    if not isinstance(item, EventBody) or isinstance(item, RunStarted | RunStopping | InputAnswered | ScriptFinished):
        raise TypeError(f"A responder may yield text and events of its own, not {type(item).__name__}")
    return clean_body(item)


def _verdict(player: asyncio.Task[RunEnded]) -> RunEnded:
    if player.cancelled():
        log.error("The responder cancelled itself.")
        return RunEnded(Outcome.FAILED, AGENT_FAILED)
    error = player.exception()
    if error is None:
        return player.result()
    log.error("The responder failed.", exc_info=error)
    return RunEnded(Outcome.FAILED, str(error) if isinstance(error, ChatError) else AGENT_FAILED)


def _discard(task: asyncio.Task[Any]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.warning("The responder failed after it was stopped.", exc_info=error)


async def _first(task: asyncio.Task[Any], event: asyncio.Event, seconds: float | None = None) -> None:
    waiting = asyncio.create_task(event.wait())
    try:
        await asyncio.wait({task, waiting}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()
