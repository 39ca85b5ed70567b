"""Whatever writers, readers, answers, stops, deaths and deployments do in whichever order: one consistent log.

Processes are backends with stores of their own on one database. Time passes only when a rule says so: leases are
renewed when a rule has a process look, and a process is gone when a rule says that it is.
"""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, TypeVar

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test
from sqlalchemy import exists, select

from htmxchat import (
    JSON,
    Busy,
    Checkpoint,
    InputRequested,
    LocalBackend,
    NotFound,
    Outcome,
    Remember,
    Request,
    Run,
    RunEnded,
    RunEvent,
    RunState,
    Said,
    ServerStopping,
    Store,
    User,
    fold,
)
from htmxchat.errors import BackendUnavailable
from htmxchat.journal import Timing
from htmxchat.parts import Text
from htmxchat.store import tables as t
from tests.support import Unreliable

T = TypeVar("T")
NEVER = 3600.0
TIMING = Timing(
    frame=0.001, poll=0.002, renew=NEVER, expire=NEVER, watch=0.0, grace=5.0, finish=0.05, close=1.0, orphan=NEVER
)
PATIENCE = 20.0
ANSWER = "yes"
FAILED = "The agent is out of luck."
STEPS = st.lists(st.sampled_from(["word", "word", "check", "ask", "remember"]), min_size=1, max_size=5)


class Nothing(Exception):
    """What a rule means does not exist: it does nothing."""


class Which:
    """Says which processes, runs and conversations a rule means, by numbers.

    What there is depends on how fast things happen, and Hypothesis wants its draws to depend on nothing.
    """

    def __init__(self, numbers: list[int]) -> None:
        self._numbers = numbers

    def __repr__(self) -> str:
        return f"Which({self._numbers})"

    def of(self, these: Sequence[T]) -> T:
        """Return one of them, by the next number.

        Raises:
            Nothing: There is none.
        """
        if not these:
            raise Nothing
        self._numbers = [*self._numbers[1:], self._numbers[0]]
        return these[self._numbers[0] % len(these)]


WHICH = st.lists(st.integers(0, 59), min_size=4, max_size=4).map(Which)


def may_happen(**draws: st.SearchStrategy[Any]) -> Callable[[Callable[..., None]], Any]:
    """Make a rule of what happens only where there is something that it can happen to."""

    def make(happen: Callable[..., None]) -> Any:
        @wraps(happen)
        def step(self: Any, **drawn: Any) -> None:
            with suppress(Nothing):
                happen(self, **drawn)

        return rule(**draws)(step)  # type: ignore[call-overload]

    return make


class Luckless(Exception):
    """What an agent raises when its script says so."""


@dataclass
class Script:
    """What the agent of one run does, step by step, in whichever process. A rule adds to it.

    Attributes:
        at: The step that the agent which acted last is at.
        memory: What the agent was given to remember.
        history: The ids of the turns that it was given; `None` before it was asked.
        forks: Whether it was told that something else came in this place before.
    """

    steps: list[str] = field(default_factory=list)
    at: int = 0
    memory: JSON = None
    history: list[str] | None = None
    forks: bool = False

    @property
    def remembers(self) -> JSON:
        """What it knows after the last step."""
        kept = [at for at, step in enumerate(self.steps) if step == "remember"]
        return kept[-1] if kept else self.memory

    @property
    def text(self) -> str:
        """What it writes in all: each word once, in order."""
        said = {"word": "", "ask": ANSWER}
        return "".join(f"{said[step]}{at} " for at, step in enumerate(self.steps) if step in said)


class Plain:
    """An agent that does what the scripts say, and cannot resume."""

    def __init__(self, scripts: dict[str, Script]) -> None:
        self._scripts = scripts

    def answer(self, request: Request) -> AsyncGenerator[Said, Any]:
        return self._act(request, 0)

    async def _act(self, request: Request, at: int) -> AsyncGenerator[Said, Any]:
        script = self._scripts.setdefault(request.run_id, Script())
        script.memory, script.forks = request.memory, request.forks
        script.history = [turn.id for turn in request.history]
        while True:
            script.at = at
            while len(script.steps) <= at:  # noqa: ASYNC110
                await asyncio.sleep(0.001)
            match script.steps[at]:
                case "word":
                    yield f"{at} "
                case "check" if isinstance(self, Resumable):
                    yield Checkpoint(at + 1)
                case "ask":
                    answer = yield InputRequested(f"question-{at}", "Well?")
                    yield f"{answer}{at} "
                case "remember":
                    yield Remember(at)
                case "fail":
                    raise Luckless(FAILED)
                case "end":
                    return
            at += 1


class Resumable(Plain):
    """The same, and its runs outlive their process."""

    def resume(self, request: Request, checkpoint: JSON) -> AsyncGenerator[Said, Any]:
        return self._act(request, checkpoint if isinstance(checkpoint, int) else 0)


class Process:
    """A server process: a backend, and those who read from it."""

    def __init__(self, url: str, scripts: dict[str, Script], *, resumes: bool) -> None:
        self.resumes = resumes
        self.store = Store(url)
        self.way = Unreliable(self.store)
        self.backend = LocalBackend((Resumable if resumes else Plain)(scripts), self.store, timing=TIMING)
        self.id = self.backend._journal.owner
        self.gone = asyncio.Event()

    async def kill(self) -> None:
        """What SIGKILL does: nothing of it runs any more, and nothing is said to the database."""
        self.gone.set()
        journal = self.backend._journal
        for task in (*self.backend._tasks, *journal._tasks, journal.writer._task, journal.tail._task):
            if task is not None:
                task.cancel()
                await asyncio.wait({task})
        journal.lease._leased = False
        await self.store.close()

    async def close(self) -> None:
        self.gone.set()
        await self.backend.close()


class Reader:
    """Follows a run to its end, from whichever process will have it."""

    def __init__(self, run: Run, processes: list[Process], first: int) -> None:
        self.run = run
        self.events: list[RunEvent] = []
        self._processes, self._next = processes, first
        self._cut = asyncio.Event()
        self.task = asyncio.create_task(self._read())

    @property
    def ended(self) -> bool:
        return bool(self.events) and isinstance(self.events[-1].body, RunEnded)

    def cut(self) -> None:
        """Lose the connection; the next one may be to another process."""
        self._cut.set()

    async def _read(self) -> None:
        while not self.ended:
            self._next += 1
            self._cut.clear()
            if not self._processes:
                await asyncio.sleep(0.001)
                continue
            process = self._processes[self._next % len(self._processes)]
            following = asyncio.create_task(self._follow(process.backend))
            tasks = following, asyncio.create_task(process.gone.wait()), asyncio.create_task(self._cut.wait())
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            if not following.cancelled():
                following.result()
            await asyncio.sleep(0)

    async def _follow(self, backend: LocalBackend) -> None:
        try:
            after = len(self.events)
            async with aclosing(backend.run_events(User(self.run.user_id), self.run.id, after=after)) as batches:
                async for event in (event async for batch in batches for event in batch):
                    assert event.seq == len(self.events) + 1, f"{event.seq} after {len(self.events)}"
                    assert not self.ended, "more after the end"
                    self.events.append(event)
        except (ServerStopping, BackendUnavailable):
            return
        assert self.ended, "the reader was told that there is no more"


@dataclass
class Talk:
    """A conversation as it has to be. Runs by turn, turns by the run that they follow, the first first.

    Attributes:
        gone: The turns that are deleted, each with the one that was meant.
    """

    id: str
    head: str | None
    answers: dict[str, list[str]] = field(default_factory=dict)
    after: dict[str | None, list[str]] = field(default_factory=dict)
    gone: dict[str, str] = field(default_factory=dict)

    def begin(self, run: Run, follows: str | None) -> None:
        if run.turn_id not in self.answers:
            self.after.setdefault(follows, []).append(run.turn_id)
        self.answers.setdefault(run.turn_id, []).append(run.id)
        self.head = run.id

    def turn_of(self, run_id: str) -> str:
        return next(turn for turn, runs in self.answers.items() if run_id in runs)

    def follows(self, turn_id: str) -> str | None:
        return next(run for run, turns in self.after.items() if turn_id in turns)

    def path(self, head: str | None) -> list[str]:
        """The turns and runs up to a run."""
        path: list[str] = []
        while head is not None:
            turn = self.turn_of(head)
            path += (head, turn)
            head = self.follows(turn)
        return path[::-1]

    def kept_after(self, run: str | None) -> list[str]:
        return [turn for turn in self.after.get(run, []) if turn not in self.gone]

    @property
    def kept_runs(self) -> set[str]:
        return {run for turn, runs in self.answers.items() if turn not in self.gone for run in runs}

    @property
    def shown(self) -> list[tuple[str, tuple[str, ...]]]:
        """The turns and runs that are shown, each with its versions."""
        return [(id, self._versions(id)) for id in self.path(self.head)]

    def _versions(self, id: str) -> tuple[str, ...]:
        turn = id in self.answers
        ids = self.kept_after(self.follows(id)) if turn else self.answers[self.turn_of(id)]
        return tuple(ids) if len(ids) > 1 else ()

    def end_of(self, id: str) -> str:
        run = self.answers[id][-1] if id in self.answers else id
        while after := self.kept_after(run):
            run = self.answers[after[-1]][-1]
        return run

    def from_turn(self, turn: str) -> list[str]:
        """A turn and all that follows it and is not deleted."""
        found = [turn]
        for each in found:
            found += (after for run in self.answers[each] for after in self.kept_after(run))
        return found

    def delete(self, turn: str) -> None:
        versions = self.kept_after(self.follows(turn))
        place = versions.index(turn)
        others = [*versions[:place][::-1], *versions[place + 1 :]]
        shown = turn in self.path(self.head)
        self.gone |= dict.fromkeys(self.from_turn(turn), turn)
        if shown:
            self.head = self.end_of(others[0]) if others else self.follows(turn)

    def restore(self, turn: str) -> bool:
        """Bring back what was deleted with a turn, if what it followed is there."""
        before = self.follows(turn)
        if before is not None and self.turn_of(before) in self.gone:
            return False
        if turn in self.gone:
            with_it = self.gone[turn]
            self.gone = {each: meant for each, meant in self.gone.items() if meant != with_it}
            self.head = self.end_of(turn)
        return True


@dataclass
class Known:
    """A run as it has to be."""

    run: Run
    resumes: bool
    script: Script
    reader: Reader
    stopped: bool = False
    left: int = 0
    """How many processes with it have ended."""
    history: list[str] = field(default_factory=list)
    forks: bool = False


class Journals(RuleBasedStateMachine):
    url = ""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.looker = Store(self.url)
        self.ann = User(f"ann-{uuid.uuid4().hex}")
        self.scripts: dict[str, Script] = {}
        self.processes: list[Process] = []
        self.dead: list[Process] = []
        self.known: dict[str, Known] = {}
        self.talks: list[Talk] = []
        self.do(self._open(True), self._open(True))

    # What may happen

    @may_happen(resumes=st.booleans())
    def a_process_is_started(self, resumes: bool) -> None:
        if len(self.processes) < 4:
            self.do(self._open(resumes))

    @may_happen(which=WHICH)
    def a_process_is_killed(self, which: Which) -> None:
        process = which.of(self.processes)
        self.processes.remove(process)
        self.dead.append(process)
        self.do(self._count_as_left(process), process.kill())

    @may_happen(which=WHICH, drained=st.booleans())
    def a_process_is_stopped(self, which: Which, drained: bool) -> None:
        process = which.of(self.processes)
        self.processes.remove(process)
        if not process.resumes:
            self.do(self._count_as_left(process))
        if drained:
            self.do(process.backend.drain())
        self.do(process.close())

    @may_happen(which=WHICH)
    def somebody_notices_that_a_process_is_gone(self, which: Which) -> None:
        gone, process = which.of(self.dead), which.of(self.processes)
        self.dead.remove(gone)
        self.do(self._give_up(process, gone))

    @may_happen(which=WHICH)
    def a_process_that_was_only_slow_is_given_up(self, which: Which) -> None:
        slow = which.of(self.processes)
        self.do(self._count_as_left(slow), self._give_up(which.of(self.processes), slow))
        first = which.of(range(len(self.processes)))
        for process in [*self.processes[first:], *self.processes[:first]]:
            self.do(self._look(process))

    @may_happen(which=WHICH)
    def a_second_passes_in_a_process(self, which: Which) -> None:
        self.do(self._look(which.of(self.processes)))

    @may_happen(which=WHICH, after=st.integers(0, 3), commits=st.booleans())
    def a_connection_will_break(self, which: Which, after: int, commits: bool) -> None:
        way = which.of(self.processes).way
        way.breaks, way.commits = after, commits

    @may_happen(which=WHICH, steps=STEPS, twice=st.booleans(), lost=st.booleans())
    def a_message_is_sent(self, which: Which, steps: list[str], twice: bool, lost: bool) -> None:
        talk = which.of([None, *self.talks])
        submission = uuid.uuid4().hex
        process = which.of(self.processes)
        again = which.of(self.processes)
        where = talk.id if talk else None
        if lost and process.backend._journal.lease._leased:
            # The database stores it, and the process never hears of that.
            process.way.breaks, process.way.commits = 0, True
        run = self._begun(process.backend.start_run_once(self.ann, where, "Well", submission), steps)
        if run is None or twice:
            # The page sends again what it does not know to have arrived.
            second = self._begun(again.backend.start_run_once(self.ann, where, "Well", submission), steps)
            assert second is None or run is None or second.id == run.id

    @may_happen(which=WHICH, steps=STEPS, ends=st.sampled_from([None, None, "end", "fail"]), waits=st.booleans())
    def an_agent_goes_on(self, which: Which, steps: list[str], ends: str | None, waits: bool) -> None:
        known = which.of(list(self.known.values()))
        if known.script.steps[-1] in ("end", "fail"):
            return
        known.script.steps += [*steps, ends] if ends else steps
        if waits:
            self.do(self._settle())

    @may_happen(which=WHICH)
    def a_question_is_answered(self, which: Which) -> None:
        known = which.of(list(self.known.values()))
        self.do(self._answer(known, which.of(self.processes)))

    @may_happen(which=WHICH)
    def a_run_is_stopped(self, which: Which) -> None:
        known, process = which.of(list(self.known.values())), which.of(self.processes)
        known.stopped = True
        with suppress(BackendUnavailable, NotFound):
            self.do(process.backend.stop_run(self.ann, known.run.id))

    @may_happen(which=WHICH, steps=STEPS)
    def an_answer_is_tried_again(self, which: Which, steps: list[str]) -> None:
        talk, process = which.of(self.talks), which.of(self.processes)
        old = which.of([run for runs in talk.answers.values() for run in runs])
        self._begun(process.backend.retry_run(self.ann, old), steps)

    @may_happen(which=WHICH, steps=STEPS)
    def a_message_is_edited(self, which: Which, steps: list[str]) -> None:
        talk, process = which.of(self.talks), which.of(self.processes)
        turn = which.of(list(talk.answers))
        self._begun(process.backend.edit_turn(self.ann, talk.id, turn, "Better"), steps)

    @may_happen(which=WHICH)
    def another_version_is_shown(self, which: Which) -> None:
        talk, process = which.of(self.talks), which.of(self.processes)
        id = which.of([*talk.answers, *(run for runs in talk.answers.values() for run in runs)])
        process.way.breaks = None
        with suppress(Busy, NotFound):
            self.do(process.backend.show_version(self.ann, talk.id, id))
            assert id in talk.kept_runs or id not in talk.gone
            talk.head = talk.end_of(id)

    @may_happen(which=WHICH)
    def a_message_is_deleted(self, which: Which) -> None:
        talk, process = which.of(self.talks), which.of(self.processes)
        turn = which.of([turn for turn in talk.answers if turn not in talk.gone])
        if not all(self.known[run].reader.ended for each in talk.from_turn(turn) for run in talk.answers[each]):
            return  # who reads it still would see it end too soon
        process.way.breaks = None
        with suppress(Busy):
            self.do(process.backend.delete_turn(self.ann, talk.id, turn))
            talk.delete(turn)

    @may_happen(which=WHICH)
    def a_deletion_is_undone(self, which: Which) -> None:
        talk, process = which.of(self.talks), which.of(self.processes)
        turn = which.of([turn for turn, meant in talk.gone.items() if turn == meant])
        process.way.breaks = None
        try:
            self.do(process.backend.restore_turn(self.ann, talk.id, turn))
        except Busy:
            return
        except NotFound:
            assert not talk.restore(turn)
            return
        assert talk.restore(turn)

    @may_happen(which=WHICH)
    def a_page_is_loaded(self, which: Which) -> None:
        self.do(self._check_page(which.of(self.talks), which.of(self.processes)))

    @may_happen(which=WHICH, known=st.integers(0, 20))
    def somebody_reads_from_where_they_were(self, which: Which, known: int) -> None:
        run = which.of([known for known in self.known.values() if not self._deleted(known)])
        self.do(self._read_on(run, known, which.of(self.processes)))

    @may_happen(which=WHICH)
    def a_reader_is_cut(self, which: Which) -> None:
        which.of(list(self.known.values())).reader.cut()
        self.do(asyncio.sleep(0))

    # What has to hold at the end

    def teardown(self) -> None:
        try:
            self.do(self._come_to_rest(), self._check_all())
        finally:
            self.do(self._leave())
            self.runner.close()

    async def _come_to_rest(self) -> None:
        """Living processes notice what has happened, agents end, and everyone answers."""
        for resumes in True, False:
            await self._open(resumes)
        for gone in self.dead:
            await self._give_up(self.processes[-1], gone)
        self.dead.clear()
        for process in self.processes:
            process.way.breaks = None
        for known in self.known.values():
            if known.script.steps[-1] not in ("end", "fail"):
                known.script.steps += ["word", "end"]
        await self._settle()
        rest = await self._live()
        alive = {process.id for process in self.processes}
        assert all(row.owner in alive or (row.owner is None and _waits(row)) for row in rest.values()), rest
        async with asyncio.timeout(PATIENCE):
            while live := await self._live():
                for run_id in live:
                    await self._answer(self.known[run_id], self.processes[-1])
                await self._settle()
                assert all(not _waits(row) or row != live.get(id) for id, row in (await self._live()).items())
            for known in self.known.values():
                await known.reader.task

    async def _check_all(self) -> None:
        for known in self.known.values():
            log, live = await self.looker.logs.read_events(known.run.id, 0)
            assert not live
            assert [event.seq for event in log] == list(range(1, len(log) + 1))
            assert [event for event in log if isinstance(event.body, RunEnded)] == log[-1:]
            assert [(event.seq, event.body) for event in known.reader.events] == [(e.seq, e.body) for e in log]
            self._check_outcome(known, log)
        for talk in self.talks:
            await self._check_page(talk, self.processes[0])
            for run_id in (run for runs in talk.answers.values() for run in runs):
                self._check_memory(talk, self.known[run_id])

    def _check_outcome(self, known: Known, log: list[RunEvent]) -> None:
        view = fold(log)
        fails = known.script.steps[-1] == "fail"
        # Questions stand between the words.
        text = "".join(part.text for part in view.parts if isinstance(part, Text))
        assert known.script.text.startswith(text), (text, known.script.text)
        if view.state is RunState.COMPLETED:
            assert not fails and text == known.script.text, (text, known.script.text)
        elif view.state is RunState.CANCELLED:
            assert known.stopped
        else:
            assert view.state is RunState.FAILED
            interrupted = known.left >= (3 if known.resumes else 1)
            assert interrupted or fails, view.error

    def _deleted(self, known: Known) -> bool:
        return any(known.run.turn_id in talk.gone for talk in self.talks)

    def _check_memory(self, talk: Talk, known: Known) -> None:
        if known.script.history is not None:
            assert (known.script.history, known.script.forks) == (known.history, known.forks)
        before = self.known.get(talk.follows(known.run.turn_id) or "")
        if before is None:
            assert known.script.memory is None
        elif before.reader.events[-1].body == RunEnded(Outcome.COMPLETED):
            assert known.script.memory == before.script.remembers

    # How it is done

    def do(self, *work: Coroutine[Any, Any, Any]) -> None:
        async def bounded() -> None:
            try:
                for each in work:
                    async with asyncio.timeout(PATIENCE):
                        await each
            finally:
                for each in work:
                    each.close()  # one that no one awaited would hide why

        self.runner.run(bounded())

    def _begun(self, start: Coroutine[Any, Any, Run], steps: list[str]) -> Run | None:
        """Begin a run, and note what has to be."""
        try:
            run = self.runner.run(asyncio.wait_for(start, PATIENCE))
        except (NotFound, Busy):
            return None
        except BackendUnavailable:
            self.do(self._note_begun(steps, left=3))
            return None
        self.do(self._note_begun(steps, left=0))
        return run

    async def _note_begun(self, steps: list[str], left: int) -> None:
        """Note the runs that have begun: also one of which its process does not know."""
        columns = t.runs.c.id, t.runs.c.conversation_id, t.runs.c.turn_id, t.runs.c.created_at, t.runs.c.agent
        mine = select(*columns, t.turns.c.follows).join(t.turns, t.turns.c.id == t.runs.c.turn_id)
        mine = mine.where(t.runs.c.user_id == self.ann.id, t.runs.c.id.not_in(self.known)).order_by(t.runs.c.created_at)
        for row in await self.looker.database.read(lambda db: db.execute(mine).all()):
            run = Run(row.id, row.conversation_id, self.ann.id, row.turn_id, RunState.RUNNING, row.created_at)
            talk = next((talk for talk in self.talks if talk.id == run.conversation_id), None)
            if talk is None:
                talk = Talk(run.conversation_id, run.id)
                self.talks.append(talk)
            first = talk.after.get(row.follows, [run.turn_id])[0] == run.turn_id
            forks = run.turn_id in talk.answers or not first
            talk.begin(run, row.follows)
            script = self.scripts.setdefault(run.id, Script())
            script.steps += steps
            reader = Reader(run, self.processes, len(self.known))
            history = talk.path(row.follows)
            self.known[run.id] = Known(
                run, row.agent is not None, script, reader, left=left, history=history, forks=forks
            )

    async def _open(self, resumes: bool) -> None:
        process = Process(self.url, self.scripts, resumes=resumes)
        await process.backend.open()
        self.processes.append(process)

    async def _look(self, process: Process) -> None:
        """Have a process renew its lease, and look for what others have left."""
        lease = process.backend._journal.lease
        try:
            if lease._leased:
                await lease._renew()
            await lease._check_others()
        except BackendUnavailable:
            return

    async def _give_up(self, by: Process, gone: Process) -> None:
        read = select(t.processes.c.alive_at).where(t.processes.c.id == gone.id)
        at = await self.looker.database.read(lambda db: db.scalar(read))
        try:
            await by.backend._on_dead_process(gone.id, at)
        except BackendUnavailable:
            await by.backend._on_dead_process(gone.id, at)

    async def _answer(self, known: Known, process: Process) -> None:
        log, _ = await self.looker.logs.read_events(known.run.id, 0)
        request = fold(log).request
        if request is None:
            return
        try:
            await process.backend.answer_request(self.ann, known.run.id, request.request_id, ANSWER)
        except (NotFound, BackendUnavailable):
            return

    async def _read_on(self, known: Known, after: int, process: Process) -> None:
        """Read what there is from one process, and compare it with what there is."""
        log, live = await self.looker.logs.read_events(known.run.id, 0)
        wanted = [(event.seq, event.body) for event in log if event.seq > after]
        if not wanted and live:
            return
        found: list[Any] = []
        async with aclosing(process.backend.run_events(self.ann, known.run.id, after=after)) as batches:
            async for batch in batches:
                found += [(event.seq, event.body) for event in batch]
                if len(found) >= len(wanted):
                    break
        assert found[: len(wanted)] == wanted
        both = zip(known.reader.events, log, strict=False)
        assert all((seen.seq, seen.body) == (event.seq, event.body) for seen, event in both)

    async def _check_page(self, talk: Talk, process: Process) -> None:
        page = await process.backend.load_transcript(self.ann, talk.id)
        assert [(turn.id, turn.versions) for turn in page.turns] == talk.shown
        runs = await process.backend.list_runs(self.ann, talk.id)
        assert [each.run.id for each in runs][::-1] == [turn.id for turn in page.turns if turn.run is not None]
        assert len([each for each in runs if each.run.state.live]) <= 1

    async def _live(self) -> dict[str, Any]:
        """Return the active runs, each with what decides who continues with it."""
        answered = exists().where(t.answers.c.run_id == t.runs.c.id, t.answers.c.request_id == t.runs.c.waiting)
        columns = t.runs.c.id, t.runs.c.owner, t.runs.c.waiting, t.runs.c.stop_requested, answered.label("answered")
        mine = select(*columns).where(t.runs.c.user_id == self.ann.id, t.runs.c.active == 1)
        return {row.id: row for row in await self.looker.database.read(lambda db: db.execute(mine).all())}

    async def _count_as_left(self, process: Process) -> None:
        for run_id, row in (await self._live()).items():
            if row.owner == process.id:
                self.known[run_id].left += 1

    async def _settle(self) -> None:
        """Let everything happen that happens without more steps, deaths or answers."""
        while not await self._settled():
            for process in self.processes:
                await self._look(process)
            await asyncio.sleep(0.002)

    async def _settled(self) -> bool:
        live = await self._live()
        here = {(process.id, run_id): run for process in self.processes
                for run_id, run in process.backend._journal.runs.items()}  # fmt: skip
        dead = {process.id for process in self.dead}
        return {id for _, id in here} <= live.keys() and all(
            row.owner in dead
            or (row.owner is None and (_waits(row) or not any(process.resumes for process in self.processes)))
            or (
                (active := here.get((row.owner, id))) is not None and not row.stop_requested and self._idle(active, row)
            )
            for id, row in live.items()
        )

    def _idle(self, active: Any, row: Any) -> bool:
        script = self.scripts[active.id]
        return active._log.settled and (_waits(row) if row.waiting else script.at >= len(script.steps))

    async def _leave(self) -> None:
        for known in self.known.values():
            known.reader.task.cancel()
            await asyncio.wait({known.reader.task})
        for process in self.processes:
            await process.close()
        await self.looker.close()


def _waits(row: Any) -> bool:
    return row.waiting is not None and not row.answered


def test_whatever_happens_ends_in_one_consistent_log(url: str) -> None:
    machine = type("Machine", (Journals,), {"url": url})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=int(os.environ.get("MACHINE_EXAMPLES", 30)),
            stateful_step_count=25,
            deadline=None,
            derandomize="CI" in os.environ,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
