"""One active run of this process: a task that drives its agent, and how the run ends.

How a run ends is settled once, at the moment that something ends it: the agent's own end, a stop, the end of the
process, a database that refuses what was written. The first of them wins. What happens afterwards, while the agent
cleans up, changes nothing; so no one has to infer from it what it was. A run that is handed over does not end here.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

from ..agent import Agent, CanResume, CanStop, Checkpoint, Pinned, Remember, Request, SendFile
from ..errors import BackendUnavailable, ChatError
from ..events import (
    JSON,
    EventBody,
    Outcome,
    RunEnded,
    RunEvent,
    RunStarted,
    RunStopping,
    ScriptFinished,
    TextReplaced,
)
from ..files.file import File
from ..journal import Journal
from ..journal.run_log import UNSAVED, RunLog
from ..models import User
from ..observing import RunBegin, RunEnd, log_begin, log_end
from ..scripts.result import ScriptResult
from ..store import Started, Store
from ..store.takeover import UNANSWERABLE, UNUSABLE
from ..view import fold
from .agents import name_of
from .containment import contained
from .files import at_hand, pieces
from .player import play
from .replay import Replay

AGENT_FAILED = "The agent hit an error."
INTERRUPTED = "The answer was interrupted because its server stopped."

T = TypeVar("T")
log = logging.getLogger("htmxchat")


class ActiveRun:
    """An active run that this process writes."""

    def __init__(self, store: Store, journal: Journal[ActiveRun], started: Started, agent: Agent) -> None:
        self.run = started.run
        self.id = started.run.id
        self._store = store
        self._agent = agent
        self._journal = journal
        self._timing = journal.timing
        self._opened = partial(store.files.content, started.run.user_id)
        self._log = RunLog(started, journal.outage, on_refused=lambda: self._halt(UNSAVED), on_lost=self._leave)
        self._end: RunEnded | None = None
        self._halted = asyncio.Event()
        self._at_once = asyncio.Event()
        self._pinned = False
        self._draining = False
        self._leaving = False
        self._stopping = False
        self._waiting: str | None = None
        self._waited = 0.0
        self._error: str | None = None

    @property
    def events(self) -> list[RunEvent]:
        """What is in the store: no one sees an event before its commit."""
        return self._log.events

    @property
    def done(self) -> bool:
        """Whether this object will write no more. The run has then ended, or is someone else's."""
        return self._log.done

    def announce(self) -> None:
        """Wake the readers; they look for themselves."""
        self._log.announce()

    def more(self, count: int) -> Awaitable[None]:
        """Wait until there are more than `count` events, or until it is done.

        Raises:
            BackendUnavailable: The database has been away for longer than a moment.
        """
        return self._log.more(count)

    def stop(self) -> None:
        """End the run as cancelled, after the agent had its time to clean up; or have the agent end it, if it can."""
        asked = self._agent if isinstance(self._agent, CanStop) and self._waiting is None else None
        if self.accepting and not self._stopping:
            self._stopping = True
            if not any(isinstance(event.body, RunStopping) for event in self.events):  # of a process before this one
                self._emit(RunStopping())
            if asked is not None:
                asked.stop(self.id)
        if asked is None:
            self._halt(RunEnded(Outcome.CANCELLED))

    def lose(self) -> None:
        """The run is someone else's now: write no more."""
        self._log.lose()

    def interrupt(self) -> None:
        """End the run as interrupted, as fast as possible. One that is being stopped ends as cancelled."""
        self._halt(RunEnded(Outcome.FAILED, self._interruption()))
        self._at_once.set()

    def prepare_to_leave(self) -> None:
        """The process is about to stop: hand the run over, if its agent can continue elsewhere, or let it finish.

        One that waits for the user will not finish.
        """
        self._draining = True
        if self.accepting and isinstance(self._agent, CanResume) and not self._pinned:
            self._leaving = True
            self._halted.set()
            self._at_once.set()
        elif self._waiting is not None:
            self.interrupt()

    def _interruption(self) -> str:
        if self._waiting is None:
            return INTERRUPTED
        return UNANSWERABLE if fold(self.events).request else UNUSABLE

    def hear(self, script_id: str, result: ScriptResult) -> None:
        """Something became of a script: the agent is told if it waits for that, else it is only noted."""
        if self._waiting != script_id:
            self.note(ScriptFinished(script_id, result.state, result.abridged))

    async def drive(self, user: User, *, resumed: bool = False) -> None:
        """Run the agent and write what it yields, to the end."""
        run, loop = self.run, asyncio.get_running_loop()
        begin, began = RunBegin(run.id, run.conversation_id, run.user_id, name_of(self._agent), resumed), loop.time()
        log_begin(begin)
        with self._journal.observer.run(begin) as tell:
            try:
                await self._drive(user, resumed)
            finally:
                end = self._report(loop.time() - began, resumed)
                log_end(begin, end)
                tell(end)

    async def _drive(self, user: User, resumed: bool) -> None:
        player = asyncio.create_task(contained(self._play(user, resumed), self._exited))
        try:
            await self._supervise(player)
            if self.accepting:
                log.error("The agent of run %s cancelled itself.", self.id)
                self.settle(RunEnded(Outcome.FAILED, AGENT_FAILED))
            if self._leaving:
                await self._hand_over()
            elif self._end is not None and not self._log.lost:
                self._emit(self._end, hurry=True)
                while not (self.done or self._log.lost):
                    await self._log.changed()
        finally:
            player.cancel()
            self._log.finish()

    def _report(self, seconds: float, resumed: bool) -> RunEnd:
        said = (each.at for each in self.events if not isinstance(each.body, RunStarted | RunStopping | RunEnded))
        at = None if resumed else next(said, None)
        first = None if at is None else max(0.0, (at - self.events[0].at).total_seconds())
        return RunEnd(self._outcome(), seconds, self._waited, first, len(self.events), self._error)

    async def _play(self, user: User, resumed: bool) -> None:
        try:
            context = await self._patiently(partial(self._store.takeover.read_context, self.run))
            opened = self._opened
            request = Request(
                context.text, tuple(at_hand(turn, opened) for turn in context.history), user,
                self.run.conversation_id, self.id, context.attempt,
                context.replaced and at_hand(context.replaced, opened), context.memory, context.forks, context.answers,
                tuple(file.attached(opened) for file in context.files),
            )  # fmt: skip
        except Exception as error:
            self.fail(error)
            return
        if not resumed or not isinstance(self._agent, CanResume):
            await play(partial(self._agent.answer, request), self, Replay())
            return
        events = list(self.events)
        shown = fold(event for event in events if event.seq <= context.checkpoint_seq).text
        if fold(events).text != shown:
            self.note(TextReplaced(shown))
        since = [event for event in events if event.seq > context.checkpoint_seq]
        start = partial(self._agent.resume, request, context.checkpoint)
        await play(start, self, Replay(since, context.answers))

    async def _patiently(self, work: Callable[[], Awaitable[T]]) -> T:
        """Do what a database that is away only delays."""
        while True:
            try:
                return await work()
            except BackendUnavailable:
                self._journal.outage.failed()
                await asyncio.sleep(self._timing.poll)

    async def _hand_over(self) -> None:
        """Leave the run, once all that was yielded is stored, to whichever process claims it."""
        await self.stored()
        if not self.done and not self._log.lost:
            await self._patiently(partial(self._store.takeover.release_run, self.id, self._journal.owner))
            self._log.leave()

    def _outcome(self) -> str:
        if self._leaving:
            return "handed-over"
        return "lost" if self._log.lost or self._end is None else self._end.outcome.value

    async def _supervise(self, player: asyncio.Task[None]) -> None:
        """Return when the agent is done, or is given up some time after it was told to stop."""
        await _first(player, self._halted)
        if player.done():
            return
        player.cancel()
        await _first(player, self._at_once, self._timing.grace)
        if not player.done():
            await asyncio.wait({player}, timeout=self._timing.close)
        if not player.done():
            log.warning("The agent of run %s did not stop in time and was abandoned.", self.run.id)

    # What the agent does

    @property
    def user_id(self) -> str:
        return self.run.user_id

    @property
    def accepting(self) -> bool:
        return self._end is None and not self._log.lost and not self._leaving

    @property
    def seq(self) -> int:
        return self._log.seq

    def note(self, body: EventBody, raw: JSON = None) -> None:
        if self.accepting:
            self._emit(body, raw)

    def keep(self, note: Checkpoint | Pinned | Remember) -> None:
        if not isinstance(note, Remember) and not isinstance(self._agent, CanResume):
            raise TypeError("Only an agent that has resume(request, checkpoint) may yield a Checkpoint.")
        if not self.accepting:
            return
        self._log.keep(note)
        self._journal.writer.wake(self._log)
        if not isinstance(note, Remember):
            self._pinned = isinstance(note, Pinned)
            if self._draining:
                self.prepare_to_leave()

    async def ask(self, request_id: str) -> JSON:
        """Wait for the answer, which may come through another process."""
        await self._log.written(self.seq)
        self._waiting, loop = request_id, asyncio.get_running_loop()
        began = loop.time()
        try:
            with self._journal.observer.waiting(name_of(self._agent)):
                return await self._journal.tail.answer(self.run.id, request_id)
        finally:
            self._waiting = None
            self._waited += loop.time() - began

    async def keep_file(self, file: SendFile) -> File:
        kept = await self._store.files.put(self.user_id, file.name, pieces(file.content), run=self.run)
        return kept.attached(self._opened)

    async def drop_file(self, file: File, known: File) -> File:
        await self._store.files.drop(file.id)
        return known.attached(self._opened)

    async def stored(self) -> None:
        while not self._log.settled:
            await self._log.changed()

    async def catch_up(self) -> None:
        while self._log.full and not self.done:
            await self._log.written(len(self.events) + 1)

    def settle(self, end: RunEnded) -> bool:
        if not self.accepting:
            return False
        self._end = end
        return True

    def fail(self, error: BaseException) -> None:
        sentence = str(error) if isinstance(error, ChatError) else AGENT_FAILED
        if self.settle(RunEnded(Outcome.FAILED, sentence)):
            self._error = type(error).__qualname__
            log.error("The agent of run %s failed.", self.run.id, exc_info=error)
        else:
            log.warning("The agent of run %s failed after its run was over.", self.run.id, exc_info=error)

    def _exited(self, error: BaseException) -> None:
        """A task of the agent's has tried to end the process; the agent itself may not know."""
        self.fail(error)
        self._halted.set()

    # What happens to it

    def _emit(self, body: EventBody, raw: JSON = None, *, hurry: bool = False) -> None:
        self._log.emit(body, raw)
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
