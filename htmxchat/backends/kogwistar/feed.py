"""One run that somebody watches: one stream from the server, any number of readers here."""

from __future__ import annotations

import asyncio
import logging
import random
from typing import TYPE_CHECKING, Any, Literal

from ...errors import BackendUnavailable, ChatError, NotFound
from ...events import Outcome, RunEnded, RunStopping, StageChanged
from . import logs
from .inquiry import terminal_run
from .mapping import TERMINAL, server_seq
from .outcome import FORGOTTEN, NOT_STOPPED
from .problems import NoSuchRoute, Refused
from .replies import ServerRun
from .run_log import RunLog
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


class Feed(RunLog):
    """What happens in one live run. The stream is open while there are readers and the run can say something."""

    def __init__(
        self, known: KnownRun, client: Client, memory: RunMemory, timing: Timing, stream: Literal["sse", "poll"]
    ) -> None:
        super().__init__(known, client, memory, timing)
        self._stream = stream
        self._task: asyncio.Task[None] | None = None
        self._closer: asyncio.TimerHandle | None = None
        self._broken = self._complained = self._unreached = False
        self._heard = self._checked = asyncio.get_running_loop().time()

    async def close(self, failure: ChatError) -> None:
        """Stop reading. The run does not notice; its readers do."""
        if self._closer is not None:
            self._closer.cancel()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        if not self.done:
            self.failure = failure
        self.announce()

    @property
    def idle(self) -> bool:
        """Whether nobody reads and nothing is going on."""
        return not self.readers and (self._task is None or self._task.done())

    @property
    def settling(self) -> bool:
        return self._over is not None

    def entered(self) -> None:
        if self._closer is not None:
            self._closer.cancel()
            self._closer = None
        if not self.done and (self._task is None or self._task.done()):
            self.failure = None
            self._heard = self._checked = asyncio.get_running_loop().time()
            self._task = asyncio.create_task(self._drive(), name=f"kogwistar run {self.id}")

    def left(self) -> None:
        if self._task is not None and not self._task.done():
            self._closer = asyncio.get_running_loop().call_later(self._timing.linger, self._pause)

    def _pause(self) -> None:
        task, self._task, self._closer = self._task, None, None
        if task is not None:
            task.cancel()

    # The server

    async def _drive(self) -> None:
        """Look after the run until it has ended; if it cannot be read, tell the readers why."""
        try:
            await self._look_after()
        except ChatError as error:
            self._fail(error)
        except Exception:
            log.exception("Reading run %s failed.", self.id)
            self._fail(BackendUnavailable())

    async def _look_after(self) -> None:
        delay, failing_since = _FIRST_DELAY, None
        loop = asyncio.get_running_loop()
        while not self.done:
            seen = self.translator.seq
            try:
                await self._once()
                failing_since = None
            except (BackendUnavailable, NoSuchRoute, NotFound) as error:
                if isinstance(error, NotFound) and await self._forgotten():
                    return await self.end([RunEnded(Outcome.FAILED, FORGOTTEN)])
                self._broken = True
                failing_since = failing_since or loop.time()
                if loop.time() - failing_since > self._timing.patience:
                    raise (error if isinstance(error, BackendUnavailable) else BackendUnavailable()) from None
                if not self._unreached and delay > _FIRST_DELAY:
                    self._unreached = True
                    said = f"{error} Trying again" if isinstance(error, Refused) else UNREACHED
                    self.append([self.own(StageChanged(said))])
            if not self.done:
                delay = _FIRST_DELAY if seen != self.translator.seq else min(delay * 2, _LONGEST_DELAY)
                await asyncio.sleep(delay * random.uniform(0.5, 1.0))

    async def _forgotten(self) -> bool:
        """Return whether the server says once more that it does not know the run."""
        try:
            await self._client.run(self.token, self.id)
        except NotFound:
            return True
        except (BackendUnavailable, NoSuchRoute):
            pass
        return False

    def _fail(self, error: ChatError) -> None:
        self.failure = error
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
        if self._unreached:
            await self._client.run(self.token, self.id)
            self._unreached = False
            self.append([self.own(StageChanged(BACK))])
        if self._over is None:
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
        if run is not None:
            await self.conclude(run)
        else:
            await self._complain()

    async def _read(self) -> None:
        """Read one stream of the server to its end."""
        if self._stream == "poll":
            while self._over is None:
                await self._poll()
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

    async def _poll(self) -> None:
        for event in await self._client.poll(self.token, self.id, server_seq(self.translator.seq)):
            self._hear(event)

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
                    await self._poll()
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

    async def stop(self) -> None:
        """Ask the server to stop the run. One that waits for the user ends at once: the server has let it go."""
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
            await self._client.cancel(self.token, self.id)
