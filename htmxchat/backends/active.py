"""One active run of this process: a task that runs its agent, and the run's end.

The run's outcome is decided once, by the first of these: the agent's end, a stop, the shutdown of the process, a
database that rejects writes. What happens afterwards, while the agent cleans up, does not change it. A run that is
handed over has no outcome here.
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
    """An active run of this process."""

    def __init__(self, store: Store, journal: Journal[ActiveRun], started: Started, agent: Agent) -> None:
        self.run = started.run
        self.id = started.run.id
        self._store = store
        self._agent = agent
        self._agent_name = started.run.agent or name_of(agent)
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
        """The stored events. Readers see no event before its commit."""
        return self._log.events

    @property
    def done(self) -> bool:
        """Whether nothing more will be written here: the run has ended, or has another owner."""
        return self._log.done

    def announce(self) -> None:
        """Wake the readers; each checks for new events."""
        self._log.announce()

    def more(self, count: int) -> Awaitable[None]:
        """Wait until more than `count` events are stored, or the run is done.

        Raises:
            BackendUnavailable: There is an outage of the database.
        """
        return self._log.more(count)

    def stop(self) -> None:
        """Cancel the agent and end the run as cancelled. A `CanStop` agent is asked to end it instead."""
        asked = self._agent if isinstance(self._agent, CanStop) and self._waiting is None else None
        if self.accepting and not self._stopping:
            self._stopping = True
            if not any(isinstance(event.body, RunStopping) for event in self.events):  # from an earlier process
                self._emit(RunStopping())
            if asked is not None:
                asked.stop(self.id)
        if asked is None:
            self._halt(RunEnded(Outcome.CANCELLED))

    def lose(self) -> None:
        """Write no more: another process owns the run now."""
        self._log.lose()

    def interrupt(self) -> None:
        """End the run as interrupted, as fast as possible. A run that is stopping ends as cancelled."""
        self._halt(RunEnded(Outcome.FAILED, self._interruption()))
        self._at_once.set()

    def prepare_to_leave(self) -> None:
        """Prepare for the shutdown: hand the run over if its agent can resume it elsewhere, else let it finish.

        A run that waits for the user cannot finish, and is interrupted.
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

    def script_finished(self, script_id: str, result: ScriptResult) -> None:
        """Record a script's result. If the agent waits for it, `ask` returns it instead."""
        if self._waiting != script_id:
            self.note(ScriptFinished(script_id, result.state, result.abridged))

    async def drive(self, user: User, *, resumed: bool = False) -> None:
        """Run the agent to its end and write what it yields."""
        run, loop = self.run, asyncio.get_running_loop()
        begin, began = RunBegin(run.id, run.conversation_id, run.user_id, self._agent_name, resumed), loop.time()
        log_begin(begin)
        with self._journal.observer.run(begin) as tell:
            try:
                await self._drive(user, resumed)
            finally:
                end = self._report(loop.time() - began, resumed)
                log_end(begin, end)
                tell(end)

    async def _drive(self, user: User, resumed: bool) -> None:
        player = asyncio.create_task(contained(self._play(user, resumed), self._on_exit))
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
            context = await self._retry_outage(partial(self._store.takeover.read_context, self.run, resumed=resumed))
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

    async def _retry_outage(self, work: Callable[[], Awaitable[T]]) -> T:
        """Return the result of `work`, retrying while the database is unreachable."""
        while True:
            try:
                return await work()
            except BackendUnavailable:
                self._journal.outage.failed()
                await asyncio.sleep(self._timing.poll)

    async def _hand_over(self) -> None:
        """Release the run after everything the agent yielded is stored."""
        await self.stored()
        if not self.done and not self._log.lost:
            await self._retry_outage(partial(self._store.takeover.release_run, self.id, self._journal.owner))
            self._log.leave()

    def _outcome(self) -> str:
        if self._leaving:
            return "handed-over"
        return "lost" if self._log.lost or self._end is None else self._end.outcome.value

    async def _supervise(self, player: asyncio.Task[None]) -> None:
        """Return when the agent is done, or is abandoned because it did not stop in time."""
        await _first(player, self._halted)
        if player.done():
            return
        player.cancel()
        await _first(player, self._at_once, self._timing.grace)
        if not player.done():
            await asyncio.wait({player}, timeout=self._timing.close)
        if not player.done():
            log.warning("The agent of run %s did not stop in time and was abandoned.", self.run.id)

    # Called while the agent runs

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
            raise TypeError("Only an agent with resume(request, checkpoint) may yield a Checkpoint.")
        if not self.accepting:
            return
        self._log.keep(note)
        self._journal.writer.wake(self._log)
        if not isinstance(note, Remember):
            self._pinned = isinstance(note, Pinned)
            if self._draining:
                self.prepare_to_leave()

    async def ask(self, request_id: str) -> JSON:
        """Wait for the answer, which may arrive in another process."""
        await self._log.written(self.seq)
        self._waiting, loop = request_id, asyncio.get_running_loop()
        began = loop.time()
        try:
            with self._journal.observer.waiting(self._agent_name):
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
            log.warning("The agent of run %s failed after its run had ended.", self.run.id, exc_info=error)

    def _on_exit(self, error: BaseException) -> None:
        """Fail the run because a task of the agent, perhaps not its main one, tried to end the process."""
        self.fail(error)
        self._halted.set()

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
