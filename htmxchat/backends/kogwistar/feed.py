"""One run that somebody watches: one stream from the server, any number of readers here."""

from __future__ import annotations

import asyncio
import logging
import math
import random
from bisect import bisect_right
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from ...errors import BackendUnavailable, ChatError, NotFound
from ...events import EventBody, Outcome, RunEnded, RunEvent, RunStopping, StageChanged
from . import logs
from .inquiry import gather, terminal_run
from .mapping import TERMINAL, Translator, server_seq
from .outcome import FORGOTTEN, NOT_STOPPED, conclude
from .replies import ServerRun
from .run_memory import KnownRun, RunMemory
from .timing import Timing

if TYPE_CHECKING:
    from .client import Client

log = logging.getLogger("htmxchat")
SILENT = "Nothing has come for a while. The server says that the run goes on. You can wait, or press Stop"
BROKEN = "The connection broke, and nothing has come since. If the server was restarted, press Stop, then ask again"
UNREACHED = "The server cannot be reached. Trying again"
BACK = "The server is back. Waiting for news of this answer"
_FIRST_DELAY, _LONGEST_DELAY = 0.2, 5.0


class Feed:
    """What happens in one live run. The stream is open while there are readers and the run can say something.

    Attributes:
        events: What readers see: the server's events, and what only this side knows. Nobody sees the end before it
            is in the store.
        done: Whether the last event is there.
    """

    def __init__(
        self, known: KnownRun, client: Client, memory: RunMemory, timing: Timing, stream: Literal["sse", "poll"]
    ) -> None:
        self.id = known.run.id
        self.workflow = known.workflow
        self.events: list[RunEvent] = []
        self.done = False
        self.readers = 0
        self.token = ""
        self.known = known
        self._client = client
        self._memory = memory
        self._timing = timing
        self._stream = stream
        self._failure: ChatError | None = None
        self._task: asyncio.Task[None] | None = None
        self._closer: asyncio.TimerHandle | None = None
        self._news = asyncio.Event()
        self._broken = self._complained = self._unreached = False
        self._heard = self._checked = asyncio.get_running_loop().time()
        self._take(known)

    # Readers

    async def read(self, token: str, after: int | None) -> AsyncIterator[RunEvent]:
        """Yield the events after a number, and those to come, until the run ends."""
        last = start = -1 if after is None else after
        self._enter(token)
        try:
            while True:
                done, failure, news = self.done, self._failure, self._news
                for event in self._after(last):
                    last = event.seq
                    yield event
                    if isinstance(event.body, RunEnded):
                        return
                if done:
                    if last > start and isinstance(self.events[-1].body, RunEnded):
                        # Another process ended the run at a lower number than this reader has come to.
                        yield replace(self.events[-1], seq=last + 1)
                    return
                if failure is not None:
                    raise failure
                await news.wait()
        finally:
            self._leave()

    async def glance(self, token: str, timeout: float) -> None:
        """Wait a little until the events are those that the server has by now."""
        self._enter(token)
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout):
                    while not self.done and self._failure is None:
                        news, count = self._news, len(self.events)
                        # What has come by now comes in one burst; after its last event the end is near.
                        with suppress(TimeoutError):
                            async with asyncio.timeout(timeout / 4 if count and not self._over else timeout):
                                await news.wait()
                        if count and count == len(self.events) and not self._over:
                            return
        finally:
            self._leave()

    def start(self, token: str) -> None:
        """Make sure that somebody looks after the run."""
        self.token = token or self.token
        if self._closer is not None:
            self._closer.cancel()
            self._closer = None
        if not self.done and (self._task is None or self._task.done()):
            self._failure = None
            self._heard = self._checked = asyncio.get_running_loop().time()
            self._task = asyncio.create_task(self._drive(), name=f"kogwistar run {self.id}")

    async def close(self, failure: ChatError) -> None:
        """Stop reading. The run does not notice; its readers do."""
        if self._closer is not None:
            self._closer.cancel()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        if not self.done:
            self._failure = failure
        self.announce()

    @property
    def idle(self) -> bool:
        """Whether nobody reads and nothing is going on."""
        return not self.readers and (self._task is None or self._task.done())

    def _enter(self, token: str) -> None:
        self.readers += 1
        self.start(token)

    def _leave(self) -> None:
        self.readers -= 1
        if not self.readers and self._task is not None and not self._task.done():
            loop = asyncio.get_running_loop()
            self._closer = loop.call_later(self._timing.linger, self._task.cancel)

    def _after(self, last: int) -> list[RunEvent]:
        return self.events[bisect_right(self.events, last, key=lambda event: event.seq) :]

    # The log

    def own(self, body: EventBody) -> RunEvent:
        """Return an event of this side, to be put after what there is."""
        return self.translator.own(body, self.events[-1] if self.events else None)

    def append(self, events: list[RunEvent]) -> None:
        """Show events to the readers."""
        if events:
            self.events += events
            self.announce()

    def announce(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    async def sync(self) -> bool:
        """Take over what the store knows by now. Returns whether the run has ended, or has gone on, elsewhere."""
        known = await self._memory.look(self.id)
        if known is None:
            raise NotFound
        moved = known.phase != self.known.phase
        if moved and (known.ended or known.phase != "running"):
            self._take(known)
            self.announce()
        self.known = replace(known, events=())
        return moved

    async def until_moved(self, seconds: float = math.inf) -> None:
        """Wait until the run's phase has changed, here or elsewhere, or for some seconds."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while True:
            if await self.sync() or loop.time() >= deadline:
                return
            await asyncio.sleep(self._timing.tick)

    async def end(self, bodies: list[EventBody], assistant_turn_id: str = "") -> None:
        """End the run with these events; if somebody else has ended it, as they did."""
        last = [self.own(body) for body in bodies]
        if await self._memory.end(self.id, [*self.events, *last], assistant_turn_id):
            self.done = True
            self.append(last)
        else:
            await self.sync()

    async def conclude(self, run: ServerRun, *, retried: bool = False) -> None:
        """Say what has become of a run that is over, as far as the server is concerned."""
        facts = await gather(self._client, self.token, run, self.translator.text, self.events)
        bodies, request = conclude(facts, retried=retried)
        if request is None:
            await self.end(bodies, facts.run.assistant_turn_id)
            return
        asked = [self.own(body) for body in bodies]
        if await self._memory.wait(self.id, self.known.phase, request, [*self.events, *asked]):
            self.append(asked)
        await self.sync()

    def _take(self, known: KnownRun) -> None:
        if known.events:
            self.events = list(known.events)
        self.translator = Translator(self.events)
        self.done = known.ended
        self._over: str | None = None

    # The server

    async def _drive(self) -> None:
        """Look after the run until it has ended, or until it cannot be read."""
        delay, failing_since = _FIRST_DELAY, None
        loop = asyncio.get_running_loop()
        while not self.done:
            seen = self.translator.seq
            try:
                await self._once()
                failing_since = None
            except NotFound:
                await self.end([RunEnded(Outcome.FAILED, FORGOTTEN)])
                return
            except BackendUnavailable as error:
                self._broken = True
                failing_since = failing_since or loop.time()
                if loop.time() - failing_since > self._timing.patience:
                    return self._fail(error)
                if not self._unreached:
                    self._unreached = True
                    self.append([self.own(StageChanged(UNREACHED))])
            except ChatError as error:
                return self._fail(error)
            except Exception:
                log.exception("Reading run %s failed.", self.id)
                return self._fail(BackendUnavailable())
            if not self.done:
                delay = _FIRST_DELAY if seen != self.translator.seq else min(delay * 2, _LONGEST_DELAY)
                await asyncio.sleep(delay * random.uniform(0.5, 1.0))

    def _fail(self, error: ChatError) -> None:
        self._failure = error
        self.announce()

    async def _once(self) -> None:
        """Do what the run's phase asks for, until something changes."""
        await self.sync()
        if self.done:
            return
        if self.known.phase == "waiting":
            await self.until_moved()
        elif self.known.phase == "resuming":
            await self.look_after_resume()
        else:
            await self._follow()

    async def look_after_resume(self) -> None:
        raise NotImplementedError

    async def _follow(self) -> None:
        if self._over is None and not self._unreached:
            reader = asyncio.create_task(self._read())
            try:
                run = await self._watch(reader)
            finally:
                reader.cancel()
                await asyncio.wait({reader})
            if self.done or self.known.phase != "running":
                return
            if run is not None:
                return await self.conclude(run)
        # The stream has ended, with a terminal event or without: only the run's row knows.
        run = await terminal_run(self._client, self.token, self.id, self._over)
        if self._unreached:
            self._unreached = False
            self.append([self.own(StageChanged(BACK))])
        if run is not None:
            await self.conclude(run)
        else:
            await self._complain()

    async def _read(self) -> None:
        """Read one stream of the server to its end."""
        if self._stream == "poll":
            while self._over is None:
                for event in await self._client.poll(self.token, self.id, server_seq(self.translator.seq)):
                    self._hear(event)
                await asyncio.sleep(self._timing.poll)
            return
        events: Any = self._client.events(self.token, self.id, server_seq(self.translator.seq))
        try:
            async for event in events:
                self._hear(event)
                if self._over is not None:
                    return
        finally:
            await events.aclose()

    def _hear(self, event: Any) -> None:
        found = self.translator.add(event)
        if found:
            self._heard = asyncio.get_running_loop().time()
            self._broken = self._complained = False
            if event.type in TERMINAL:
                self._over = event.type
            self.append(found)

    async def _watch(self, reader: asyncio.Task[None]) -> ServerRun | None:
        """Wait for the reader; meanwhile look at the store, and when it is silent at the server."""
        while not reader.done():
            await asyncio.wait({reader}, timeout=self._timing.tick)
            if reader.done() or await self.sync():
                break
            now = asyncio.get_running_loop().time()
            if now - max(self._heard, self._checked) >= self._timing.check:
                self._checked = now
                run = await self._client.run(self.token, self.id)
                if run.terminal:
                    return run
                await self._complain(run)
        if reader.done():
            reader.result()
        return None

    async def _complain(self, run: ServerRun | None = None) -> None:
        """Say that nothing comes, once; give up a run that was to stop and is silent."""
        silent = asyncio.get_running_loop().time() - self._heard
        asked = self.known.stop_asked_at
        if asked is not None and run is not None and run.status in ("queued", "running"):
            await self._client.cancel(self.token, self.id)  # the stop did not get through
        if asked is not None and (logs.now() - asked).total_seconds() >= self._timing.give_up <= silent:
            await self.end([RunEnded(Outcome.FAILED, NOT_STOPPED)])
        elif silent >= self._timing.stuck and not self._complained and asked is None:
            self._complained = True
            self.append([self.own(StageChanged(BROKEN if self._broken else SILENT))])

    async def stop(self, token: str) -> None:
        """Ask the server to stop the run. One that waits for the user ends at once: the server has let it go."""
        self.token = token
        await self.sync()
        if self.done:
            return
        if self.known.phase == "waiting":
            return await self.end([RunEnded(Outcome.CANCELLED)])
        before = self.known.stop_asked_at
        await self._memory.note_stop(self.id)
        await self.sync()
        if before is None:
            self.append([self.own(RunStopping())])
        elif (logs.now() - before).total_seconds() >= self._timing.give_up:
            return await self.end([RunEnded(Outcome.FAILED, NOT_STOPPED)])
        if self.known.phase == "running":
            await self._client.cancel(token, self.id)
