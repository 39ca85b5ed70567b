"""One live run: a task that drives the responder, one that writes the log, one that keeps the lease.

How a run ends is settled once, at the moment that something ends it: the responder's own end, a stop, the end of the
process, a database that refuses what was written. The first of them wins. What happens afterwards, while the responder
cleans up, changes nothing; so nobody has to infer from it what it was.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

from ..containment import contained
from ..errors import BackendUnavailable, ChatError
from ..events import JSON, EventBody, Outcome, RunEnded, RunEvent, RunStopping, ScriptFinished
from ..models import ScriptResult
from ..responders import Request, Responder
from ..scripts.results import abridged
from ..store import Started, Store
from .log_writer import UNSAVED, LogWriter, Timing
from .player import play

AGENT_FAILED = "The agent failed while answering. What it wrote is kept."
INTERRUPTED = "The answer was interrupted: the server that wrote it stopped. What it wrote is kept."

log = logging.getLogger("htmxchat")
_MOST_PENDING = 2_000


class ActiveRun:
    """A live run that this process writes."""

    def __init__(self, store: Store, started: Started, owner: str, timing: Timing) -> None:
        self.run = started.run
        self._store = store
        self._timing = timing
        self._log = LogWriter(
            store, started, owner, timing,
            on_stop=self.stop, on_refused=lambda: self._halt(UNSAVED), on_lost=self._lose,
        )  # fmt: skip
        self._end: RunEnded | None = None
        self._halted = asyncio.Event()
        self._at_once = asyncio.Event()
        self._waiting: str | None = None
        self._answered = asyncio.Event()

    @property
    def events(self) -> list[RunEvent]:
        """What is in the store: nobody sees an event before its commit."""
        return self._log.events

    @property
    def done(self) -> bool:
        """Whether this object will write no more. The run has then ended, or is somebody else's."""
        return self._log.done

    @property
    def delayed(self) -> bool:
        """Whether the database has been away for longer than a moment."""
        return self._log.delayed

    async def more(self, count: int) -> None:
        """Wait until there are more than `count` events, or until it is done.

        Raises:
            BackendUnavailable: The database has been away for longer than a moment.
        """
        await self._log.more(count)

    def stop(self) -> None:
        """End the run as cancelled, after the responder had its time to clean up."""
        if self.accepting:
            self._log.emit(RunStopping())
        self._halt(RunEnded(Outcome.CANCELLED))

    def interrupt(self) -> None:
        """End the run as interrupted, as fast as possible. One that is being stopped ends as cancelled."""
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
            self.note(ScriptFinished(script_id, result.state.value, abridged(result)))

    async def drive(self, respond: Responder, request: Request) -> None:
        """Run the responder and write what it yields, to the end."""
        player = asyncio.create_task(contained(play(respond, request, self), self._exited))
        writer = asyncio.create_task(self._log.write())
        keeper = asyncio.create_task(self._log.keep_lease())
        try:
            await self._supervise(player)
            if self._end is None and not self._log.lost:
                log.error("The responder of run %s cancelled itself.", self.run.id)
                self.settle(RunEnded(Outcome.FAILED, AGENT_FAILED))
            keeper.cancel()
            if self._end is not None and not self._log.lost:
                self._log.emit(self._end)
                self._log.hurry()
                await writer
        finally:
            for task in (player, writer, keeper):
                task.cancel()
            self._log.finish()

    async def _supervise(self, player: asyncio.Task[None]) -> None:
        """Return when the responder is done, or is given up some time after it was told to stop."""
        await _first(player, self._halted)
        if player.done():
            return
        player.cancel()
        await _first(player, self._at_once, self._timing.grace)
        if not player.done():
            await asyncio.wait({player}, timeout=self._timing.close)
        if not player.done():
            log.warning("The responder of run %s did not stop in time and was abandoned.", self.run.id)

    # What the responder does

    @property
    def accepting(self) -> bool:
        return self._end is None and not self._log.lost

    @property
    def seq(self) -> int:
        return self._log.seq

    def note(self, body: EventBody) -> None:
        if self.accepting:
            self._log.emit(body)

    async def ask(self, request_id: str) -> JSON:
        """Wait for the answer, which may come through another process."""
        await self._log.written(self.seq)
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

    async def catch_up(self) -> None:
        while self._log.waiting > _MOST_PENDING and not self.done:
            await self._log.written(len(self.events) + 1)

    def settle(self, end: RunEnded) -> bool:
        if not self.accepting:
            return False
        self._end = end
        return True

    def fail(self, error: BaseException) -> None:
        sentence = str(error) if isinstance(error, ChatError) else AGENT_FAILED
        if self.settle(RunEnded(Outcome.FAILED, sentence)):
            log.error("The responder of run %s failed.", self.run.id, exc_info=error)
        else:
            log.warning("The responder of run %s failed after its run was over.", self.run.id, exc_info=error)

    def _exited(self, error: BaseException) -> None:
        """A task of the responder's has tried to end the process; the responder itself may not know."""
        self.fail(error)
        self._halted.set()

    # What happens to it

    def _halt(self, end: RunEnded) -> None:
        self.settle(end)
        self._log.hurry()
        self._halted.set()

    def _lose(self) -> None:
        self._halted.set()
        self._at_once.set()


async def _first(task: asyncio.Task[None], event: asyncio.Event, seconds: float | None = None) -> None:
    waiting = asyncio.create_task(event.wait())
    try:
        await asyncio.wait({task, waiting}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()
