"""Follows one run of the server to its end, also when connections break."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

from ...agent import Said
from ...errors import BackendError, BackendUnavailable, ChatError, NotFound, NotSignedIn
from ...events import RunEvent, RunStarted, RunStopping, StageChanged
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
_LOOKS, _PAUSE = 20, 0.1  # seconds


class Watch:
    """One stream of events from the server.

    Events that were passed on before are read again, because later ones depend on them.

    Attributes:
        over: The server's data of the run, once it has ended there.
    """

    def __init__(self, job: Job) -> None:
        self.over: ServerRun | None = None
        self._job = job
        self._client = job.setup.client
        self._timing = job.setup.timing
        self._signals = job.signals
        self._translator = Translator()
        self._arrived: deque[RunEvent] = deque()
        self._stopping: asyncio.Task[None] | None = None
        self._broken = self._complained = self._unreached = False
        self._heard = self._checked = 0.0

    @property
    def text(self) -> str:
        """The answer so far, according to the events."""
        return self._translator.text

    @property
    def _id(self) -> str:
        return self._job.progress.run

    @property
    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    async def follow(self) -> AsyncGenerator[Said, None]:
        """Yield what happens, with checkpoints, until the run is `over`.

        Raises:
            BackendError: The run is lost.
            SignedOut: The server accepts no token that this process knows.
        """
        await self._job.link(server_id=self._id, workflow_id=self._job.setup.workflow_id)
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
                if self._job.given_up:
                    raise BackendError(NOT_STOPPED) from None
                if unknown and isinstance(error, NotFound):
                    raise BackendError(FORGOTTEN) from None  # the server has said so twice
                unknown = isinstance(error, NotFound)
                self._complained = self._complained and self._broken  # the remark about silence is no longer true
                self._broken = True
                if not self._unreached and pause > FIRST_PAUSE:
                    self._unreached = True
                    away = isinstance(error, BackendUnavailable | NoSuchRoute | NotFound)
                    plain = not away or isinstance(error, Refused)
                    yield StageChanged(f"{error} Trying again" if plain else UNREACHED)
            if self.over is None:
                pause = await rest(pause if seen == self._translator.seq else FIRST_PAUSE)

    async def catch_up(self, token: str) -> None:
        """Read the remaining events of a run that has ended on the server."""
        seen = -1
        while seen != self._translator.seq:
            seen = self._translator.seq
            for event in await self._client.poll(token, self._id, seen):
                self._take(event)

    async def _once(self, token: str) -> AsyncGenerator[Said, None]:
        """Follow one stream to its end. When it ends or is silent, ask the server for the run's state."""
        if self._unreached:
            await self._client.run(token, self._id)
            self._unreached = False
            yield StageChanged(BACK)
        reader = asyncio.create_task(self._read(token), name=f"kogwistar run {self._id}")
        reader.add_done_callback(lambda _: self._signals.news.set())
        try:
            while True:
                done = reader.done()
                while self._arrived:
                    event = self._arrived.popleft()
                    self._job.progress.after = event.seq
                    yield event
                    yield self._job.progress.checkpoint()
                if self.over is not None:
                    return
                if done and not self._translator.end:
                    reader.result()
                if done or self._translator.end or self._now - max(self._heard, self._checked) >= self._timing.check:
                    if remark := await self._look(token):
                        yield StageChanged(remark)
                    if done and self.over is None:
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
                self._take(event)
                self._signals.news.set()
                if self._translator.end:
                    return

    def _take(self, event: ServerEvent) -> None:
        """Translate an event, and keep it for the reader unless it was passed on before."""
        seen = self._translator.seq
        found = self._translator.add(event)
        if self._translator.seq == seen:
            return
        self._heard = self._now
        self._broken = self._complained = False
        # The journal itself records that a run has begun, and that the user wants to stop it.
        if found and found.seq > self._job.progress.after and not isinstance(found.body, RunStarted | RunStopping):
            self._arrived.append(found)

    async def _stop(self, token: str) -> None:
        try:
            await self._client.cancel(token, self._id)
        except ChatError as error:
            log.info("Run %s was not stopped at once: %s", self._id, error)

    async def _look(self, token: str) -> str:
        """Ask the server for the run's state; return a remark about silence, once.

        Raises:
            BackendError: The user stopped it, and it is silent for so long that it is given up.
        """
        self._checked = self._now
        run = await self._row(token)
        if run.terminal:
            if not self._translator.end:
                await self.catch_up(token)
            self.over = run
            return ""
        silent, asked = self._now - self._heard, self._signals.stop_asked
        if asked is not None and silent >= self._timing.check and run.status in ("queued", "running"):
            await self._client.cancel(token, self._id)  # the stop did not arrive
        if self._job.given_up and silent >= self._timing.give_up:
            raise BackendError(NOT_STOPPED)
        if silent < self._timing.stuck or self._complained or asked is not None:
            return ""
        self._complained = True
        return BROKEN if self._broken else SILENT

    async def _row(self, token: str) -> ServerRun:
        """Return the run's row. The server updates it after the last event; if it does not, the event is believed."""
        run = await self._client.run(token, self._id)
        for _ in range(_LOOKS if self._translator.end else 0):
            if run.terminal:
                return run
            await asyncio.sleep(_PAUSE)
            run = await self._client.run(token, self._id)
        end = self._translator.end
        return replace(run, terminal=True, status=TERMINAL[end]) if end and not run.terminal else run
