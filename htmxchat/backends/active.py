"""One live run of this process: a task that drives its responder, and how the run ends.

How a run ends is settled once, at the moment that something ends it: the responder's own end, a stop, the end of the
process, a database that refuses what was written. The first of them wins. What happens afterwards, while the responder
cleans up, changes nothing; so nobody has to infer from it what it was.
"""

from __future__ import annotations

import asyncio
import logging

from ..containment import contained
from ..errors import ChatError
from ..events import JSON, EventBody, Outcome, RunEnded, RunEvent, RunStopping, ScriptFinished
from ..journal import Journal
from ..journal.run_log import UNSAVED, RunLog
from ..responders import Request, Responder
from ..scripts.models import ScriptResult
from ..scripts.results import abridged
from ..store import Started
from .player import play

AGENT_FAILED = "The agent failed while answering. What it wrote is kept."
INTERRUPTED = "The answer was interrupted: the server that wrote it stopped. What it wrote is kept."

log = logging.getLogger("htmxchat")
_MOST_PENDING = 2_000


class ActiveRun:
    """A live run that this process writes."""

    def __init__(self, journal: Journal[ActiveRun], started: Started) -> None:
        self.run = started.run
        self._journal = journal
        self._timing = journal.timing
        self._log = RunLog(started, journal.outage, on_refused=lambda: self._halt(UNSAVED), on_lost=self._leave)
        self._end: RunEnded | None = None
        self._halted = asyncio.Event()
        self._at_once = asyncio.Event()
        self._waiting: str | None = None

    @property
    def events(self) -> list[RunEvent]:
        """What is in the store: nobody sees an event before its commit."""
        return self._log.events

    @property
    def done(self) -> bool:
        """Whether this object will write no more. The run has then ended, or is somebody else's."""
        return self._log.done

    def announce(self) -> None:
        """Wake the readers; they look for themselves."""
        self._log.announce()

    async def more(self, count: int) -> None:
        """Wait until there are more than `count` events, or until it is done.

        Raises:
            BackendUnavailable: The database has been away for longer than a moment.
        """
        await self._log.more(count)

    def stop(self) -> None:
        """End the run as cancelled, after the responder had its time to clean up."""
        if self.accepting:
            self._emit(RunStopping())
        self._halt(RunEnded(Outcome.CANCELLED))

    def lose(self) -> None:
        """The run is somebody else's now: write no more."""
        self._log.lose()

    def interrupt(self) -> None:
        """End the run as interrupted, as fast as possible. One that is being stopped ends as cancelled."""
        self._halt(RunEnded(Outcome.FAILED, INTERRUPTED))
        self._at_once.set()

    def hear(self, script_id: str, result: ScriptResult) -> None:
        """Something became of a script: the responder is told if it waits for that, else it is only noted."""
        if self._waiting != script_id:
            self.note(ScriptFinished(script_id, result.state.value, abridged(result)))

    async def drive(self, respond: Responder, request: Request) -> None:
        """Run the responder and write what it yields, to the end."""
        about = f"run={self.run.id} conversation={self.run.conversation_id} user={self.run.user_id!r}"
        log.info("Run began: %s", about)
        began = asyncio.get_running_loop().time()
        player = asyncio.create_task(contained(play(respond, request, self), self._exited))
        try:
            await self._supervise(player)
            if self._end is None and not self._log.lost:
                log.error("The responder of run %s cancelled itself.", self.run.id)
                self.settle(RunEnded(Outcome.FAILED, AGENT_FAILED))
            if self._end is not None and not self._log.lost:
                self._emit(self._end, hurry=True)
                while not (self.done or self._log.lost):
                    await self._log.changed()
        finally:
            player.cancel()
            self._log.finish()
            outcome = "lost" if self._log.lost or self._end is None else self._end.outcome.value
            seconds = asyncio.get_running_loop().time() - began
            log.info("Run ended: %s outcome=%s seconds=%.3f events=%d", about, outcome, seconds, len(self.events))

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
            self._emit(body)

    async def ask(self, request_id: str) -> JSON:
        """Wait for the answer, which may come through another process."""
        await self._log.written(self.seq)
        self._waiting = request_id
        try:
            return await self._journal.tail.answer(self.run.id, request_id)
        finally:
            self._waiting = None

    async def catch_up(self) -> None:
        while self._log.pending > _MOST_PENDING and not self.done:
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

    def _emit(self, body: EventBody, *, hurry: bool = False) -> None:
        self._log.emit(body)
        self._journal.writer.wake(self._log, hurry=hurry)

    def _halt(self, end: RunEnded) -> None:
        self.settle(end)
        self._halted.set()

    def _leave(self) -> None:
        self._log.announce()
        self._halted.set()
        self._at_once.set()


async def _first(task: asyncio.Task[None], event: asyncio.Event, seconds: float | None = None) -> None:
    waiting = asyncio.create_task(event.wait())
    try:
        await asyncio.wait({task, waiting}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()
