"""Follows one run of the server, however often the connection breaks, until the server has nothing more to say."""

from __future__ import annotations

import asyncio
import logging
import random
from collections import deque
from collections.abc import AsyncGenerator, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal

from ...errors import BackendUnavailable, ChatError, NotFound, NotSignedIn
from ...events import Outcome, RunEnded, RunEvent, RunStarted, RunStopping, StageChanged
from .inquiry import terminal_run
from .timing import Timing
from .translation.mapping import TERMINAL, Translator
from .translation.outcome import FORGOTTEN, NOT_STOPPED
from .translation.problems import NoSuchRoute, Refused
from .translation.replies import ServerEvent, ServerRun
from .transport.client import Client

log = logging.getLogger("htmxchat")
SILENT = "Nothing has come for a while. The server says that the run goes on. You can wait, or press Stop"
BROKEN = "The connection broke, and nothing has come since. If the server was restarted, press Stop, then ask again"
UNREACHED = "The server cannot be reached. Trying again"
BACK = "The server is back. Waiting for news of this answer"
_FIRST_DELAY, _LONGEST_DELAY = 0.2, 5.0


@dataclass
class Signals:
    """What this process tells a live run.

    Attributes:
        news: Set when there is something to look at.
        stop_asked: When somebody wanted it to stop, by the event loop's clock.
    """

    news: asyncio.Event = field(default_factory=asyncio.Event)
    stop_asked: float | None = None

    def stop(self) -> None:
        if self.stop_asked is None:
            self.stop_asked = asyncio.get_running_loop().time()
        self.news.set()

    async def wait(self, seconds: float) -> None:
        """Wait for news, or for some seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.news.wait()
        self.news.clear()


class Watch:
    """One stream from the server, for any number of readers.

    Args:
        after: The number of the last event that was told before; it is read again, so that what follows is understood.

    Attributes:
        over: The run as the server has it, once it is over there.
    """

    def __init__(
        self,
        client: Client,
        timing: Timing,
        stream: Literal["sse", "poll"],
        run_id: str,
        after: int,
        signals: Signals,
    ) -> None:
        self._client = client
        self._timing = timing
        self._stream = stream
        self.id = run_id
        self._told = after
        self._signals = signals
        self.over: ServerRun | None = None
        self._translator = Translator()
        self._arrived: deque[ServerEvent] = deque()
        self._said: str | None = None
        self._stopping: asyncio.Task[None] | None = None
        self._broken = self._complained = self._unreached = False
        self._heard = self._checked = asyncio.get_running_loop().time()

    @property
    def text(self) -> str:
        """The answer so far, as the events tell it."""
        return self._translator.text

    @property
    def after(self) -> int:
        """The number of the last event of the server that was told."""
        return max(self._told, self._translator.seq)

    async def follow(self, token: str) -> AsyncGenerator[RunEvent | StageChanged | RunEnded, None]:
        """Yield what happens. It returns when the run is `over`; `RunEnded` is yielded for one that is lost.

        Raises:
            NotSignedIn: The server does not take the token any more. With another one, it goes on where it was.
        """
        loop = asyncio.get_running_loop()
        delay = _FIRST_DELAY
        while self.over is None:
            seen = self._translator.seq
            try:
                async for each in self._once(token):
                    yield each
            except NotSignedIn:
                raise
            except ChatError as error:
                if isinstance(error, NotFound) and await self._forgotten(token):
                    yield RunEnded(Outcome.FAILED, FORGOTTEN)
                    return
                self._complained = self._complained and self._broken  # what was said of silence is not true any more
                self._broken = True
                if not self._unreached and delay > _FIRST_DELAY:
                    self._unreached = True
                    away = isinstance(error, BackendUnavailable | NoSuchRoute | NotFound)
                    plain = not away or isinstance(error, Refused)
                    yield StageChanged(f"{error} Trying again" if plain else UNREACHED)
                asked = self._signals.stop_asked
                if asked is not None and loop.time() - asked >= self._timing.give_up:
                    yield RunEnded(Outcome.FAILED, NOT_STOPPED)
                    return
            if self.over is None:
                delay = _FIRST_DELAY if seen != self._translator.seq else min(delay * 2, _LONGEST_DELAY)
                await asyncio.sleep(delay * random.uniform(0.5, 1.0))

    async def read_again(self, token: str) -> None:
        """Read the events of a run that is over on the server, only to know its text."""
        count = -1
        while count != self._translator.seq:
            count = self._translator.seq
            await self._poll(token)
            for _ in self._hear():
                pass

    async def _forgotten(self, token: str) -> bool:
        """Return whether the server says once more that it does not know the run."""
        try:
            await self._client.run(token, self.id)
        except NotFound:
            return True
        except ChatError:
            pass
        return False

    async def _once(self, token: str) -> AsyncGenerator[RunEvent | StageChanged | RunEnded, None]:
        """Follow one stream to its end, and look what that means."""
        if self._unreached:
            await self._client.run(token, self.id)
            self._unreached = False
            yield StageChanged(BACK)
        if self._said is None:
            reader = asyncio.create_task(self._read(token), name=f"kogwistar run {self.id}")
            reader.add_done_callback(lambda _: self._signals.news.set())
            try:
                async for each in self._listen(reader, token):
                    yield each
            finally:
                reader.cancel()
                await asyncio.wait({reader})
                if not reader.cancelled():
                    reader.exception()
            if self.over is not None:
                return
        # The stream has ended, with a terminal event or without: only the run's row knows.
        self.over = await terminal_run(self._client, token, self.id, self._said)
        if self.over is None:
            for said in await self._complain(token, None):
                yield said

    async def _listen(
        self, reader: asyncio.Task[None], token: str
    ) -> AsyncGenerator[RunEvent | StageChanged | RunEnded, None]:
        """Yield what the reader brings; when it is silent, ask the server how the run is."""
        while True:
            done = reader.done()
            for event in self._hear():
                yield event
            if self._said is not None:
                return
            if done:
                reader.result()
                return
            if self._signals.stop_asked is not None and self._stopping is None:
                self._stopping = asyncio.create_task(self._stop(token))
            now = asyncio.get_running_loop().time()
            if now - max(self._heard, self._checked) >= self._timing.check:
                self._checked = now
                run = await self._client.run(token, self.id)
                if run.terminal:
                    await self._poll(token)
                    for event in self._hear():
                        yield event
                    self.over = run
                    return
                for said in await self._complain(token, run):
                    yield said
            await self._signals.wait(self._timing.tick)

    async def _read(self, token: str) -> None:
        """Read one stream of the server to its end."""
        if self._stream == "poll":
            while not self._translator.ended:
                await self._poll(token)
                await asyncio.sleep(self._timing.poll)
            return
        events = self._client.events(token, self.id, self._translator.seq)
        try:
            async for event in events:
                self._arrived.append(event)
                self._signals.news.set()
                if event.type in TERMINAL:
                    return
        finally:
            await events.aclose()  # type: ignore[attr-defined]

    async def _poll(self, token: str) -> None:
        self._arrived += await self._client.poll(token, self.id, self._translator.seq)
        self._signals.news.set()

    def _hear(self) -> Iterator[RunEvent]:
        """Yield what has arrived, less what was told before."""
        while self._arrived:
            event = self._arrived.popleft()
            seen = self._translator.seq
            found = self._translator.add(event)
            if seen == self._translator.seq:
                continue
            self._heard = asyncio.get_running_loop().time()
            self._broken = self._complained = False
            if event.type in TERMINAL:
                self._said = event.type
            if event.seq > self._told:
                self._told = event.seq
                # The journal tells by itself that a run has begun, and that somebody wants it to stop.
                if found is not None and not isinstance(found.body, RunStarted | RunStopping):
                    yield found

    async def _stop(self, token: str) -> None:
        try:
            await self._client.cancel(token, self.id)
        except ChatError as error:
            log.info("Run %s was not stopped at once: %s", self.id, error)

    async def _complain(self, token: str, run: ServerRun | None) -> list[StageChanged | RunEnded]:
        """Say that nothing comes, once; give up a run that was to stop and is silent."""
        now = asyncio.get_running_loop().time()
        silent, asked = now - self._heard, self._signals.stop_asked
        if asked is not None and run is not None and run.status in ("queued", "running"):
            await self._client.cancel(token, self.id)  # the stop did not get through
        if asked is not None and now - asked >= self._timing.give_up <= silent:
            return [RunEnded(Outcome.FAILED, NOT_STOPPED)]
        if silent >= self._timing.stuck and not self._complained and asked is None:
            self._complained = True
            return [StageChanged(BROKEN if self._broken else SILENT)]
        return []
