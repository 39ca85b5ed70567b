"""Follows one run of the server to its end, also when connections break."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from typing import TypeAlias

from ...errors import BackendUnavailable, ChatError, NotFound, NotSignedIn
from ...events import Outcome, RunEnded, RunEvent, RunStarted, RunStopping, StageChanged
from .inquiry import look_at_run
from .job import Job
from .translation.mapping import TERMINAL, Translator
from .translation.outcome import FORGOTTEN, NOT_STOPPED
from .translation.problems import NoSuchRoute, Refused
from .translation.replies import ServerEvent, ServerRun
from .transport.http import FIRST_PAUSE, rest

log = logging.getLogger("htmxchat")
SILENT = "There is no news. The server says that the run continues. You can wait, or press Stop"
BROKEN = "The connection broke, and there is no news. If the server was restarted, press Stop, then ask again"
UNREACHED = "The server cannot be reached. Trying again"
BACK = "The server is back. Waiting for news of this answer"

Told: TypeAlias = RunEvent | StageChanged | RunEnded


class Watch:
    """One stream of events from the server, for any number of readers.

    Events that were passed on before are read again, because later ones depend on them.

    Attributes:
        over: The server's data of the run, once it has ended there.
    """

    def __init__(self, job: Job) -> None:
        self._job = job
        self._client = job.setup.client
        self._timing = job.setup.timing
        self._signals = job.signals
        self._told = job.progress.after
        self.over: ServerRun | None = None
        self._translator = Translator()
        self._arrived: deque[ServerEvent] = deque()
        self._said: str | None = None
        self._stopping: asyncio.Task[None] | None = None
        self._broken = self._complained = self._unreached = False
        self._heard = self._checked = 0.0

    @property
    def text(self) -> str:
        """The answer so far, according to the events."""
        return self._translator.text

    @property
    def after(self) -> int:
        """The number of the last event of the server that was passed on."""
        return max(self._told, self._translator.seq)

    @property
    def _id(self) -> str:
        return self._job.progress.run

    @property
    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    async def follow(self) -> AsyncGenerator[Told, None]:
        """Yield what happens. It returns when the run is `over`; `RunEnded` is yielded for one that is lost.

        Raises:
            SignedOut: The server accepts no token that this process knows.
        """
        self._heard = self._checked = self._now
        pause, unknown = FIRST_PAUSE, False
        while self.over is None:
            seen, token = self._translator.seq, await self._job.token()
            try:
                async with aclosing(self._once(token)) as saying:
                    async for said in saying:
                        yield said
                unknown = False
            except NotSignedIn:
                self._job.refuse(token)
            except ChatError as error:
                if unknown and isinstance(error, NotFound):
                    yield RunEnded(Outcome.FAILED, FORGOTTEN)  # the server has said so twice
                unknown = isinstance(error, NotFound)
                self._complained = self._complained and self._broken  # the remark about silence is no longer true
                self._broken = True
                if not self._unreached and pause > FIRST_PAUSE:
                    self._unreached = True
                    away = isinstance(error, BackendUnavailable | NoSuchRoute | NotFound)
                    plain = not away or isinstance(error, Refused)
                    yield StageChanged(f"{error} Trying again" if plain else UNREACHED)
                if self._job.given_up:
                    yield RunEnded(Outcome.FAILED, NOT_STOPPED)
            if self.over is None:
                pause = await rest(pause if seen == self._translator.seq else FIRST_PAUSE)

    async def rest(self, token: str) -> list[RunEvent]:
        """Return the remaining events of a run that has ended on the server."""
        found, count = list(self._hear()), -1
        while count != self._translator.seq:
            count = self._translator.seq
            self._arrived += await self._client.poll(token, self._id, count)
            found += self._hear()
        return found

    async def _once(self, token: str) -> AsyncGenerator[Told, None]:
        """Follow one stream to its end. When it ends or is silent, ask the server for the run's state."""
        if self._unreached:
            await self._client.run(token, self._id)
            self._unreached = False
            yield StageChanged(BACK)
        reader = asyncio.create_task(self._read(token), name=f"kogwistar run {self._id}")
        reader.add_done_callback(lambda _: self._signals.news.set())
        try:
            while self.over is None:
                done = reader.done()
                for event in self._hear():
                    yield event
                if done and self._said is None:
                    reader.result()
                if done or self._said or self._now - max(self._heard, self._checked) >= self._timing.check:
                    for said in await self._look(token):
                        yield said
                    if done:
                        return
                else:
                    if self._signals.stop_asked is not None and self._stopping is None:
                        self._stopping = asyncio.create_task(self._stop(token))
                    await self._signals.wait(self._timing.tick)
        finally:
            reader.cancel()
            await asyncio.wait({reader})
            if not reader.cancelled():
                reader.exception()

    async def _read(self, token: str) -> None:
        async with aclosing(self._client.events(token, self._id, self._translator.seq)) as events:
            async for event in events:
                self._arrived.append(event)
                self._signals.news.set()
                if event.type in TERMINAL:
                    return

    def _hear(self) -> Iterator[RunEvent]:
        """Yield the events that have arrived, except those that were passed on before."""
        while self._arrived:
            event = self._arrived.popleft()
            seen = self._translator.seq
            found = self._translator.add(event)
            if seen == self._translator.seq:
                continue
            self._heard = self._now
            self._broken = self._complained = False
            if event.type in TERMINAL:
                self._said = event.type
            if event.seq > self._told:
                self._told = event.seq
                # The journal itself records that a run has begun, and that the user wants to stop it.
                if found is not None and not isinstance(found.body, RunStarted | RunStopping):
                    yield found

    async def _stop(self, token: str) -> None:
        try:
            await self._client.cancel(token, self._id)
        except ChatError as error:
            log.info("Run %s was not stopped at once: %s", self._id, error)

    async def _look(self, token: str) -> list[Told]:
        """Ask the server for the run's state. Report silence, once; give up a silent run that the user stopped."""
        self._checked = self._now
        run = await look_at_run(token, self._client, self._id, self._said)
        if run.terminal:
            found: list[Told] = [] if self._said else [*await self.rest(token)]
            self.over = run
            return found
        silent, asked = self._now - self._heard, self._signals.stop_asked
        if asked is not None and silent >= self._timing.check and run.status in ("queued", "running"):
            await self._client.cancel(token, self._id)  # the stop did not arrive
        if self._job.given_up and silent >= self._timing.give_up:
            return [RunEnded(Outcome.FAILED, NOT_STOPPED)]
        if silent >= self._timing.stuck and not self._complained and asked is None:
            self._complained = True
            return [StageChanged(BROKEN if self._broken else SILENT)]
        return []
