"""Runs outlive their process: another one continues them, in the same turn, and every reader sees each word once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import anyio
import pytest
from sqlalchemy import select

from htmxchat import (
    JSON,
    Checkpoint,
    InputAnswered,
    InputRequested,
    LocalBackend,
    Outcome,
    Pinned,
    Remember,
    Request,
    Run,
    RunEnded,
    RunEvent,
    RunScript,
    RunState,
    Said,
    ScriptProposed,
    ScriptResult,
    ScriptState,
    ServerStopping,
    Store,
    TextReplaced,
    User,
    fold,
)
from htmxchat.backends.active import INTERRUPTED
from htmxchat.errors import BackendUnavailable
from htmxchat.parts import Question
from htmxchat.scripts.actions import Approve, Claim, Finish
from htmxchat.scripts.states import digest
from htmxchat.store import tables
from htmxchat.store.rows import now
from htmxchat.store.takeover import FATAL, SILENT, UNANSWERABLE, Takeover
from htmxchat.testing import each_event
from tests.support import QUICK, Unreliable, kill

pytestmark = pytest.mark.anyio

WORDS = [f"word{number} " for number in range(40)]
Make = Callable[..., LocalBackend]


@pytest.fixture
async def make(url: str) -> AsyncIterator[Make]:
    made: list[LocalBackend] = []

    def make(agent: Any) -> LocalBackend:
        made.append(LocalBackend(agent, Store(url), timing=QUICK))
        return made[-1]

    yield make
    for backend in made:
        await backend.close()


async def owner_of(backend: LocalBackend, run: Run) -> tuple[str | None, str | None]:
    """Return the process that has a run, and what the run waits for."""
    this = select(tables.runs.c.owner, tables.runs.c.waiting).where(tables.runs.c.id == run.id)
    owner, waiting = await backend._store.database.read(lambda db: db.execute(this).one())
    return owner, waiting


async def read(backend: LocalBackend, user: User, run: Run) -> list[RunEvent]:
    with anyio.fail_after(20):
        return [event async for event in each_event(backend, user, run.id)]


async def until(backend: LocalBackend, user: User, run: Run, met: Callable[[list[RunEvent]], bool]) -> list[RunEvent]:
    """Read from the store until it has what is wanted."""
    with anyio.fail_after(20):
        while True:
            events, _ = await backend._store.logs.read_events(run.id, 0)
            if met(events):
                return events
            await anyio.sleep(0.01)


class Counting:
    """Writes its words, and says after each fifth where it is. What came after that it writes again.

    Attributes:
        began: From which word each call continued.
    """

    def __init__(self, pace: float = 0.01) -> None:
        self.pace = pace
        self.began: list[int] = []

    async def answer(self, request: Request) -> AsyncGenerator[Said, None]:
        async for said in self.resume(request, 0):
            yield said

    async def resume(self, request: Request, checkpoint: JSON) -> AsyncGenerator[Said, None]:
        first = checkpoint if isinstance(checkpoint, int) else 0
        self.began.append(first)
        for number in range(first, len(WORDS)):
            yield WORDS[number]
            if number % 5 == 4:
                yield Checkpoint(number + 1)
            await asyncio.sleep(self.pace)


class Asking:
    """Asks in the middle."""

    async def answer(self, request: Request) -> AsyncGenerator[Said, Any]:
        yield "Before. "
        yield Checkpoint("asked")
        async for said in self._go_on():
            yield said

    async def resume(self, request: Request, checkpoint: JSON) -> AsyncGenerator[Said, Any]:
        assert checkpoint == "asked"
        answer = yield InputRequested("colour", "Which colour?", ("red", "blue"))
        yield f"It is {answer}. {sorted(request.answers)}"

    async def _go_on(self) -> AsyncGenerator[Said, Any]:
        yield InputRequested("colour", "Which colour?", ("red", "blue"))
        yield "never in this process"


class Pinning(Asking):
    """Does something that cannot be done twice, then asks."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.resumed = 0

    async def answer(self, request: Request) -> AsyncGenerator[Said, Any]:
        yield Checkpoint("begun")
        yield Pinned(wait=True)
        yield "Before. "
        await self.go.wait()
        yield Checkpoint("asked")
        async for said in self._go_on():
            yield said

    def resume(self, request: Request, checkpoint: JSON) -> AsyncGenerator[Said, Any]:
        self.resumed += 1
        return super().resume(request, checkpoint)


async def short(request: Request) -> AsyncIterator[str]:
    yield "Done"


async def endless(request: Request) -> AsyncIterator[str]:
    yield "So far"
    await anyio.sleep_forever()


async def asking(request: Request) -> AsyncGenerator[str | InputRequested, JSON]:
    answer = yield InputRequested("colour", "Which colour?", ("red", "blue"))
    yield f"It is {answer}"


async def test_a_killed_process_leaves_its_run_to_another_which_finishes_it(make: Make, ann: User) -> None:
    first, second = Counting(), Counting()
    here, there = make(first), make(second)
    await there.open()
    run = await here.start_run(ann, None, "Count")
    reading = asyncio.create_task(read(there, ann, run))
    await until(here, ann, run, lambda events: fold(events).text.startswith("".join(WORDS[:12])))
    kill(here)
    events = await reading
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    view = fold(events)
    assert view.text == "".join(WORDS) and view.state is RunState.COMPLETED
    assert second.began[0] >= 10 and second.began[0] % 5 == 0
    assert (await there.load_transcript(ann, run.conversation_id)).turns[-1].text == view.text
    assert len((await there.load_transcript(ann, run.conversation_id)).turns) == 2


async def test_text_that_was_written_after_the_checkpoint_is_taken_back(make: Make, ann: User) -> None:
    here, there = make(Counting(pace=0.05)), make(Counting(pace=0))
    await there.open()
    run = await here.start_run(ann, None, "Count")
    await until(here, ann, run, lambda events: fold(events).text.endswith("word7 "))
    kill(here)
    events = await read(there, ann, run)
    assert TextReplaced("".join(WORDS[:5])) in [event.body for event in events]
    assert fold(events).text == "".join(WORDS)


async def test_a_run_without_a_checkpoint_is_resumed_from_its_beginning(make: Make, ann: User) -> None:
    here, there = make(Counting(pace=0.5)), make(second := Counting(pace=0))
    await there.open()
    run = await here.start_run(ann, None, "Count")
    await until(here, ann, run, lambda events: "word0" in fold(events).text)
    kill(here)
    assert fold(await read(there, ann, run)).text == "".join(WORDS)
    assert second.began == [0]


async def test_a_process_that_stops_hands_its_runs_over_at_once(make: Make, ann: User) -> None:
    here, there = make(Counting(pace=0.03)), make(second := Counting(pace=0))
    await there.open()
    run = await here.start_run(ann, None, "Count")
    reading = asyncio.create_task(read(here, ann, run))
    await until(here, ann, run, lambda events: fold(events).text.startswith("".join(WORDS[:7])))
    with anyio.fail_after(QUICK.finish / 2):
        await here.drain()
    with pytest.raises(ServerStopping):
        await reading
    with pytest.raises(ServerStopping):
        await here.start_run(ann, None, "Another")
    view = fold(await read(there, ann, run))
    assert view.text == "".join(WORDS) and view.state is RunState.COMPLETED
    assert second.began[0] >= 5


async def test_a_pinned_run_whose_process_dies_ends_as_interrupted_with_its_text(make: Make, ann: User) -> None:
    here, there = make(Pinning()), make(second := Pinning())
    await there.open()
    run = await here.start_run(ann, None, "Do it")
    await until(here, ann, run, lambda events: fold(events).text == "Before. ")
    kill(here)
    view = fold(await read(there, ann, run))
    assert (view.state, view.error, view.text) == (RunState.FAILED, SILENT, "Before. ")
    assert second.resumed == 0


async def test_a_pinned_run_is_handed_over_at_its_next_checkpoint(make: Make, ann: User) -> None:
    here, there = make(first := Pinning()), make(second := Pinning())
    await there.open()
    run = await here.start_run(ann, None, "Do it")
    await until(here, ann, run, lambda events: fold(events).text == "Before. ")
    draining = asyncio.create_task(here.drain())
    first.go.set()
    with anyio.fail_after(QUICK.finish):
        await draining
    await until(there, ann, run, lambda events: fold(events).request is not None)
    await there.answer_request(ann, run.id, "colour", "red")
    assert fold(await read(there, ann, run)).text.startswith("Before.\n\nIt is red.")
    assert second.resumed > 0


async def test_a_pinned_run_that_does_not_finish_in_time_ends_as_interrupted(make: Make, ann: User) -> None:
    here = make(Pinning())
    run = await here.start_run(ann, None, "Do it")
    await until(here, ann, run, lambda events: fold(events).text == "Before. ")
    await here.close()
    view = fold((await make(Pinning())._store.logs.read_events(run.id, 0))[0])
    assert (view.state, view.error, view.text) == (RunState.FAILED, INTERRUPTED, "Before. ")


async def test_a_hand_over_waits_for_a_database_that_is_away_for_a_moment(make: Make, url: str, ann: User) -> None:
    class Stumbling(Takeover):
        stumbled = False

        async def release_run(self, run_id: str, owner: str) -> None:
            if not self.stumbled:
                self.stumbled = True
                raise BackendUnavailable
            await super().release_run(run_id, owner)

    store = Store(url)
    store.takeover = stumbling = Stumbling(store.database)
    here = LocalBackend(Counting(pace=0.03), store, timing=QUICK)
    there = make(Counting(pace=0))
    run = await here.start_run(ann, None, "Count")
    await until(here, ann, run, lambda events: "word3" in fold(events).text)
    await here.drain()
    assert stumbling.stumbled and await owner_of(there, run) == (None, None)
    await there.open()
    assert fold(await read(there, ann, run)).text == "".join(WORDS)
    await here.close()


async def test_a_process_that_stops_lets_other_runs_finish_for_a_while(make: Make, ann: User) -> None:
    async def short(request: Request) -> AsyncIterator[str]:
        yield "One, "
        await asyncio.sleep(QUICK.finish / 4)
        yield "two"

    here = make(short)
    run = await here.start_run(ann, None, "Count")
    long = await here.start_run(ann, None, "Count on")
    other = make(endless)
    left = await other.start_run(ann, None, "Go on")
    await here.drain()
    await other.drain()
    for each in run, long:
        assert fold(await read(here, ann, each)).text == "One, two"
    view = fold(await read(other, ann, left))
    assert view.state is RunState.FAILED and view.text == "So far"


async def test_a_question_survives_the_process_and_goes_on_where_the_answer_arrives(make: Make, ann: User) -> None:
    here, there = make(Asking()), make(Asking())
    run = await here.start_run(ann, None, "Ask me")
    await until(here, ann, run, lambda events: fold(events).request is not None)
    await here.close()
    owner, waiting = await owner_of(there, run)
    assert (owner, waiting) == (None, "colour")
    await asyncio.sleep(4 * QUICK.renew)
    assert await owner_of(there, run) == (None, "colour")
    await there.answer_request(ann, run.id, "colour", "blue")
    events = await read(there, ann, run)
    bodies = [event.body for event in events]
    assert fold(events).text == "Before.\n\nIt is blue. ['colour']"
    assert len([body for body in bodies if isinstance(body, InputRequested)]) == 1
    assert [body.answer for body in bodies if isinstance(body, InputAnswered)] == ["blue"]


async def test_an_answer_to_one_question_does_not_answer_another_under_the_same_id(make: Make, ann: User) -> None:
    class Other(Asking):
        async def resume(self, request: Request, checkpoint: JSON) -> AsyncGenerator[Said, Any]:
            answer = yield InputRequested("colour", "Shall I delete everything?", ("red", "blue"))
            yield f"Deleted, as you said: {answer}"

    Other.__name__ = "Asking"
    here, there = make(Asking()), make(Other())
    await there.open()
    run = await here.start_run(ann, None, "Ask me")
    await until(here, ann, run, lambda events: fold(events).request is not None)
    kill(here)
    await there.answer_request(ann, run.id, "colour", "blue")
    view = fold(await read(there, ann, run))
    assert view.state is RunState.FAILED and "Deleted" not in view.text


async def test_an_answer_that_was_given_is_not_asked_for_again(make: Make, ann: User) -> None:
    class Slow(Asking):
        async def _go_on(self) -> AsyncGenerator[Said, Any]:
            answer = yield InputRequested("colour", "Which colour?", ("red", "blue"))
            yield f"It was {answer}. "
            await anyio.sleep_forever()

        async def answer(self, request: Request) -> AsyncGenerator[Said, Any]:
            yield "Before. "
            yield Checkpoint("asked")
            answer = yield InputRequested("colour", "Which colour?", ("red", "blue"))
            yield f"It was {answer}. "
            await anyio.sleep_forever()

    class Plain(Slow):
        pass

    Plain.__name__ = "Slow"
    here, there = make(Slow()), make(Plain())
    await there.open()
    run = await here.start_run(ann, None, "Ask me")
    await until(here, ann, run, lambda events: fold(events).request is not None)
    await here.answer_request(ann, run.id, "colour", "red")
    await until(here, ann, run, lambda events: "It was red" in fold(events).text)
    kill(here)
    events = await read(there, ann, run)
    assert fold(events).text == "Before.\n\nIt is red. ['colour']"
    assert len([event for event in events if isinstance(event.body, InputAnswered)]) == 1


async def test_a_script_that_waits_survives_the_process(make: Make, ann: User) -> None:
    class Running:
        async def answer(self, request: Request) -> AsyncGenerator[Said, Any]:
            async for said in self.resume(request, None):
                yield said

        async def resume(self, request: Request, checkpoint: JSON) -> AsyncGenerator[Said, Any]:
            result = yield RunScript("print(6 * 7)")
            assert list(request.answers.values()) == [result]
            yield f"It printed {result.stdout}"

    class First(Running):
        name = "Running"

        async def answer(self, request: Request) -> AsyncGenerator[Said, Any]:
            yield RunScript("print(6 * 7)")

    here, there = make(First()), make(Running())
    run = await here.start_run(ann, None, "Compute")
    await until(here, ann, run, lambda events: any(isinstance(event.body, ScriptProposed) for event in events))
    await here.close()
    (script,) = await there.list_scripts(ann, run.conversation_id)
    for action in (
        Approve(digest(script.code)),
        Claim("page", digest(script.code)),
        Finish("page", ScriptResult(ScriptState.DONE, stdout="42\n", code=script.code)),
    ):
        script = await there.change_script(ann, run.id, script.id, action)
    events = await read(there, ann, run)
    assert fold(events).text == "It printed 42\n"
    assert len([event for event in events if isinstance(event.body, ScriptProposed)]) == 1


@pytest.mark.parametrize("end", ["killed", "stopped"])
async def test_a_plain_generators_question_says_that_it_can_no_longer_be_answered(
    make: Make, ann: User, end: str
) -> None:
    here, there = make(asking), make(asking)
    await there.open()
    run = await here.start_run(ann, None, "Ask me")
    await until(here, ann, run, lambda events: fold(events).request is not None)
    if end == "killed":
        kill(here)
    else:
        await here.close()
    view = fold(await read(there, ann, run))
    assert (view.state, view.error) == (RunState.FAILED, UNANSWERABLE)
    (question,) = (part for part in view.parts if isinstance(part, Question))
    assert (question.request.prompt, question.state) == ("Which colour?", "withdrawn")


async def test_a_plain_generators_run_ends_as_interrupted_when_its_process_is_killed(make: Make, ann: User) -> None:
    here, there = make(endless), make(endless)
    await there.open()
    run = await here.start_run(ann, None, "Go on")
    await until(here, ann, run, lambda events: fold(events).text == "So far")
    kill(here)
    view = fold(await read(there, ann, run))
    assert (view.state, view.error, view.text) == (RunState.FAILED, SILENT, "So far")


async def test_a_waiting_run_that_no_process_has_can_be_stopped(make: Make, ann: User) -> None:
    here, there = make(Asking()), make(Asking())
    run = await here.start_run(ann, None, "Ask me")
    await until(here, ann, run, lambda events: fold(events).request is not None)
    await here.close()
    await there.stop_run(ann, run.id)
    events = await read(there, ann, run)
    assert events[-1].body == RunEnded(Outcome.CANCELLED)
    again = await there.retry_run(ann, run.id)
    assert again.turn_id == run.turn_id


class Stopping(Counting):
    """Ends its runs itself when they are to stop."""

    def __init__(self) -> None:
        super().__init__(pace=0.01)
        self.stopped: list[str] = []
        self._heard = asyncio.Event()

    async def resume(self, request: Request, checkpoint: JSON) -> AsyncGenerator[Said, None]:
        yield "So far"
        await self._heard.wait()
        yield RunEnded(Outcome.CANCELLED)

    def stop(self, run_id: str) -> None:
        self.stopped.append(run_id)
        self._heard.set()


async def stopped_while_its_process_dies(here: LocalBackend, there: LocalBackend, ann: User) -> list[RunEvent]:
    run = await here.start_run(ann, None, "Go on")
    await until(here, ann, run, lambda events: fold(events).text != "")
    kill(here)
    await here._store.runs.request_stop(ann.id, run.id)
    await here._store.takeover.give_up_runs([run.id], here._journal.owner)
    return await read(there, ann, run)


async def test_a_stop_is_told_to_the_agent_that_ends_its_runs_itself_in_the_next_process(make: Make, ann: User) -> None:
    second = Stopping()
    events = await stopped_while_its_process_dies(make(Stopping()), make(second), ann)
    assert events[-1].body == RunEnded(Outcome.CANCELLED)
    assert len(second.stopped) == 1


async def test_a_run_that_was_to_stop_when_its_process_died_does_not_go_on(make: Make, ann: User) -> None:
    second = Counting()
    events = await stopped_while_its_process_dies(make(Counting(pace=5.0)), make(second), ann)
    assert events[-1].body == RunEnded(Outcome.CANCELLED)
    assert second.began == []


async def test_a_run_that_kills_every_process_is_given_up(make: Make, ann: User) -> None:
    processes = [make(Counting(pace=5.0)) for _ in range(3)]
    run = await processes[0].start_run(ann, None, "Count")
    for index, process in enumerate(processes):
        with anyio.fail_after(20):
            while run.id not in process._journal.runs:  # noqa: ASYNC110
                await anyio.sleep(0.01)
        await until(process, ann, run, lambda events: "word0" in fold(events).text)
        kill(process)
        if index + 1 < len(processes):
            await processes[index + 1].open()
    last = make(Counting())
    await last.open()
    view = fold(await read(last, ann, run))
    assert (view.state, view.error) == (RunState.FAILED, FATAL)


async def test_another_agent_leaves_the_run_to_its_own_and_ends_it_when_there_is_none(make: Make, ann: User) -> None:
    class Other(Counting):
        pass

    here, other = make(Counting()), make(Other())
    await other.open()
    run = await here.start_run(ann, None, "Count")
    await until(here, ann, run, lambda events: "word3" in fold(events).text)
    kill(here)
    view = fold(await read(other, ann, run))
    assert (view.state, view.error) == (RunState.FAILED, SILENT)
    assert other._journal.runs == {}


async def test_what_another_agent_has_left_keeps_nobody_from_its_own(url: str, make: Make, ann: User) -> None:
    class Other(Counting):
        name = "of-which-no-process-is-there"

    timing = replace(QUICK, orphan=3600)
    away = LocalBackend(Other(pace=60), Store(url), timing=timing)
    left = [await away.start_run(ann, None, f"Count {number}") for number in range(30)]
    await away.close()
    here = make(Counting(pace=60))
    run = await here.start_run(ann, None, "Count")
    await here.close()
    there = LocalBackend(Counting(pace=0), Store(url), timing=timing)
    await there.open()
    assert fold(await read(there, ann, run)).text == "".join(WORDS)
    assert await owner_of(there, left[0]) == (None, None)
    await there._store.delete_user(ann.id)
    await there.close()


async def test_of_many_processes_one_takes_over(make: Make, ann: User) -> None:
    agents = [Counting(pace=0) for _ in range(4)]
    others = [make(agent) for agent in agents]
    for other in others:
        await other.open()
    here = make(Counting(pace=0.05))
    runs = [await here.start_run(ann, None, f"Count {number}") for number in range(6)]
    for run in runs:
        await until(here, ann, run, lambda events: "word1" in fold(events).text)
    kill(here)
    for run in runs:
        events = await read(others[0], ann, run)
        assert fold(events).text == "".join(WORDS)
        assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert sum(len(agent.began) for agent in agents) == len(runs)


async def test_a_process_that_was_only_slow_does_not_answer_twice_what_it_takes_back(make: Make, ann: User) -> None:
    here = make(counting := Counting(pace=0.02))
    run = await here.start_run(ann, None, "Count")
    await until(here, ann, run, lambda events: "word7" in fold(events).text)
    await here._store.takeover.give_up_runs([run.id], here._journal.owner)
    await here._take_over([run.id], now() - timedelta(minutes=1))
    assert counting.began == [0]
    view = fold(await read(here, ann, run))
    assert view.text == "".join(WORDS) and view.state is RunState.COMPLETED
    assert len(counting.began) == 2


@pytest.mark.parametrize("agent", [Counting(pace=0), short])
async def test_a_run_of_which_its_process_never_heard_that_it_was_stored_is_not_left_live(
    url: str, ann: User, agent: Any
) -> None:
    backend = LocalBackend(agent, store := Store(url), timing=QUICK)
    way = Unreliable(store)
    run = await backend.start_run(ann, None, "Count")
    await read(backend, ann, run)
    for _ in range(5):  # a lease may be renewed in between
        way.breaks, way.commits = 0, True
        with suppress(BackendUnavailable):
            await read(backend, ann, await backend.start_run(ann, run.conversation_id, "Once more"))
            continue
        break
    latest = (await backend.list_runs(ann, run.conversation_id))[0].run
    view = fold(await read(backend, ann, latest))
    if agent is short:
        assert (view.state, view.error) == (RunState.FAILED, SILENT)
    else:
        assert view.text == "".join(WORDS) and view.state is RunState.COMPLETED
    await backend.close()


async def test_a_checkpoint_of_an_agent_that_cannot_resume_fails_its_run(
    make: Make, ann: User, caplog: pytest.LogCaptureFixture
) -> None:
    async def respond(request: Request) -> AsyncIterator[Said]:
        yield Checkpoint(1)

    backend = make(respond)
    run = await backend.start_run(ann, None, "Hello")
    assert fold(await read(backend, ann, run)).state is RunState.FAILED
    assert "Only an agent with resume" in caplog.text


# Memory, attempts and branches


class Remembering:
    """Says what it was given."""

    async def answer(self, request: Request) -> AsyncGenerator[Said, None]:
        before = [turn.text for turn in request.history]
        yield f"{request.attempt} {request.memory} {before} {request.replaced.text if request.replaced else None}"
        if request.forks:
            yield " forks"
        if request.text != "Forget":
            yield Remember({"last": request.text})


async def say(backend: LocalBackend, user: User, text: str, conversation_id: str | None) -> tuple[Run, str]:
    run = await backend.start_run(user, conversation_id, text)
    return run, fold(await read(backend, user, run)).text


async def test_an_agent_is_given_what_it_remembered_on_this_branch(make: Make, ann: User) -> None:
    backend = make(Remembering())
    first, text = await say(backend, ann, "A", None)
    assert text == "1 None [] None"
    conversation = first.conversation_id
    second, text = await say(backend, ann, "B", conversation)
    assert text.startswith("1 {'last': 'A'} ['A', ")
    await say(backend, ann, "Forget", conversation)
    _, text = await say(backend, ann, "C", conversation)
    assert text.startswith("1 {'last': 'B'}")
    edited = await backend.edit_turn(ann, conversation, second.turn_id, "B2")
    text = fold(await read(backend, ann, edited)).text
    assert text.startswith("1 {'last': 'A'} ['A', ") and text.endswith(" forks")
    _, text = await say(backend, ann, "D", conversation)
    assert text.startswith("1 {'last': 'B2'}") and not text.endswith(" forks")


async def test_trying_again_keeps_the_earlier_answer_and_tells_the_agent(make: Make, ann: User) -> None:
    backend = make(Remembering())
    await say(backend, ann, "A", None)
    first, text = await say(backend, ann, "B", None)
    again = await backend.retry_run(ann, first.id)
    assert fold(await read(backend, ann, again)).text == f"2 None [] {text} forks"
    asked, answered = (await backend.load_transcript(ann, first.conversation_id)).turns
    assert answered.id == again.id and answered.versions == (first.id, again.id) and asked.versions == ()
    await backend.show_version(ann, first.conversation_id, first.id)
    asked, answered = (await backend.load_transcript(ann, first.conversation_id)).turns
    assert answered.id == first.id and answered.text == text


async def test_an_edit_begins_a_branch_and_the_other_is_kept(make: Make, ann: User) -> None:
    backend = make(Remembering())
    first, _ = await say(backend, ann, "one", None)
    conversation = first.conversation_id
    second, _ = await say(backend, ann, "two", conversation)
    await say(backend, ann, "three", conversation)
    edited = await backend.edit_turn(ann, conversation, second.turn_id, "zwei")
    await read(backend, ann, edited)
    shown = (await backend.load_transcript(ann, conversation)).turns
    assert [turn.text for turn in shown if turn.role == "user"] == ["one", "zwei"]
    assert shown[2].versions == (second.turn_id, edited.turn_id)
    (hit,) = (await backend.search_conversations(ann, "'last': 'two'")).items
    assert hit.found not in {turn.id for turn in shown}
    await backend.show_version(ann, conversation, second.turn_id)
    shown = (await backend.load_transcript(ann, conversation)).turns
    assert [turn.text for turn in shown if turn.role == "user"] == ["one", "two", "three"]
    assert hit.found in {turn.id for turn in shown}


async def test_the_history_has_what_happened(make: Make, ann: User) -> None:
    seen: list[Request] = []

    async def respond(request: Request) -> AsyncGenerator[str | InputRequested, JSON]:
        seen.append(request)
        answer = yield InputRequested("colour", "Which colour?")
        yield f"It is {answer}"

    backend = make(respond)
    run = await backend.start_run(ann, None, "Ask me")
    await until(backend, ann, run, lambda events: fold(events).request is not None)
    await backend.answer_request(ann, run.id, "colour", "red")
    await read(backend, ann, run)
    await backend.start_run(ann, run.conversation_id, "Again")
    with anyio.fail_after(10):
        while len(seen) < 2:  # noqa: ASYNC110
            await anyio.sleep(0.01)
    _, answered = seen[1].history
    assert any(isinstance(event.body, InputAnswered) and event.body.answer == "red" for event in answered.events)
