"""LocalBackend: runs live on their own, are seen once they are stored, and end exactly once whatever happens."""

from __future__ import annotations

import asyncio
import logging
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from htmxchat.agent import Request
from htmxchat.backends.active import AGENT_FAILED, INTERRUPTED
from htmxchat.backends.local import LocalBackend
from htmxchat.errors import BackendError, BackendUnavailable, Busy, EmptyText, NotFound
from htmxchat.events import (
    JSON,
    EventBody,
    InputAnswered,
    InputRequested,
    Outcome,
    ReasoningDelta,
    RunEnded,
    RunEvent,
    RunStarted,
    RunStopping,
    ScriptProposed,
    StageChanged,
    TextDelta,
    ToolFinished,
    ToolStarted,
)
from htmxchat.journal.run_log import UNSAVED
from htmxchat.journal.timing import Timing
from htmxchat.models import Run, RunState, User
from htmxchat.store import Store
from htmxchat.store.rows import now
from htmxchat.store.takeover import SILENT
from htmxchat.testing import each_event
from htmxchat.view import fold

pytestmark = pytest.mark.anyio

ANN, EVE = User("ann"), User("eve")
QUICK = Timing(frame=0.01, poll=0.02, renew=0.05, expire=0.5, watch=0.2, grace=0.2, close=0.2)
Make = Callable[..., LocalBackend]


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/chat.db"


@pytest.fixture
async def make() -> AsyncIterator[Make]:
    made: list[LocalBackend] = []

    def make(respond: Any, url: str | None = None, timing: Timing = QUICK) -> LocalBackend:
        made.append(LocalBackend(respond, Store(url), timing=timing))
        return made[-1]

    yield make
    for backend in made:
        await backend.close()


async def read(backend: LocalBackend, run: Run, after: int | None = None) -> list[RunEvent]:
    with anyio.fail_after(15):
        return [event async for event in each_event(backend, ANN, run.id, after=after)]


async def bodies(backend: LocalBackend, run: Run) -> list[EventBody]:
    return [event.body for event in await read(backend, run)]


async def until(backend: LocalBackend, run: Run, body: EventBody) -> None:
    """Wait until an event is there."""
    with anyio.fail_after(10):
        async with aclosing(each_event(backend, ANN, run.id)) as events:
            async for event in events:
                if event.body == body:
                    return
    raise AssertionError(f"the run ended without {body}")


async def hello(request: Request) -> AsyncIterator[str]:
    yield "Hello, "
    yield ""
    yield f"{request.text}."


async def endless(request: Request) -> AsyncIterator[str]:
    yield "So far"
    await anyio.sleep_forever()


# What a responder may do


async def test_what_a_responder_yields_becomes_the_log(make: Make) -> None:
    backend = make(hello)
    run = await backend.start_run(ANN, None, "Ann")
    events = await read(backend, run)
    assert [event.seq for event in events] == [1, 2, 3, 4]
    texts = [TextDelta("Hello, "), TextDelta("Ann.")]
    assert [event.body for event in events] == [RunStarted(), *texts, RunEnded(Outcome.COMPLETED)]


async def test_a_single_event_is_seen_while_the_responder_is_silent(make: Make) -> None:
    backend = make(endless)
    run = await backend.start_run(ANN, None, "Hello")
    await until(backend, run, TextDelta("So far"))
    transcript = await backend.load_transcript(ANN, run.conversation_id)
    assert transcript.live_run == run
    assert transcript.turns[1].text == "So far"
    assert fold(transcript.turns[1].events).text == "So far"


async def test_nobody_sees_an_event_before_it_is_stored(make: Make, url: str) -> None:
    async def respond(request: Request) -> AsyncIterator[str]:
        for number in range(50):
            yield f"{number} "
            if number % 10 == 0:
                await anyio.sleep(0.015)

    backend, other = make(respond, url), Store(url)
    run = await backend.start_run(ANN, None, "Hello")
    async for event in each_event(backend, ANN, run.id):
        stored, _ = await other.logs.read_events(run.id, event.seq - 1)
        assert stored[0] == event
    await other.close()


async def test_the_request_tells_what_came_before(make: Make) -> None:
    requests: list[Request] = []

    async def respond(request: Request) -> AsyncIterator[str]:
        requests.append(request)
        yield f"Answer {len(requests)}"
        if request.text == "fail":
            raise BackendError("It failed.")

    backend = make(respond)
    first = await backend.start_run(ANN, None, "one")
    await read(backend, first)
    second = await backend.start_run(ANN, first.conversation_id, "fail")
    await read(backend, second)
    third = await backend.retry_run(ANN, second.id)
    await read(backend, third)
    assert [[turn.text for turn in request.history] for request in requests] == [[], *[["one", "Answer 1"]] * 2]
    assert (requests[2].text, requests[2].user, requests[2].run_id) == ("fail", ANN, third.id)
    assert requests[2].conversation_id == first.conversation_id
    turns = (await backend.load_transcript(ANN, first.conversation_id)).turns
    assert [turn.id for turn in turns] == [first.turn_id, first.id, second.turn_id, third.id]


async def test_a_responder_can_end_its_run(make: Make) -> None:
    closed = []

    async def respond(request: Request) -> AsyncIterator[str | EventBody]:
        try:
            yield "A"
            yield RunEnded(Outcome.SUSPENDED, "Later\x00.")
            yield "B"
        finally:
            closed.append(True)

    backend = make(respond)
    run = await backend.start_run(ANN, None, "Hello")
    assert await bodies(backend, run) == [RunStarted(), TextDelta("A"), RunEnded(Outcome.SUSPENDED, "Later\ufffd.")]
    assert (await backend.get_run(ANN, run.id)).state is RunState.SUSPENDED
    assert closed


@pytest.mark.parametrize("wrong", [5, None, b"x", RunStarted(), RunStopping(), InputAnswered("x", 1)])
async def test_yielding_anything_else_fails_the_run_and_the_log_says_why(
    make: Make, wrong: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async def respond(request: Request) -> AsyncIterator[Any]:
        yield "A"
        yield wrong

    backend = make(respond)
    run = await backend.start_run(ANN, None, "Hello")
    assert await bodies(backend, run) == [RunStarted(), TextDelta("A"), RunEnded(Outcome.FAILED, AGENT_FAILED)]
    assert "TypeError" in caplog.text
    assert {record.name for record in caplog.records} == {"htmxchat"}


@pytest.mark.parametrize(
    ("error", "sentence"),
    [(ValueError("secret"), AGENT_FAILED), (BackendError("The model is asleep."), "The model is asleep.")],
)
@pytest.mark.parametrize("late", [False, True])
async def test_an_exception_ends_the_run_as_failed(make: Make, error: Exception, sentence: str, late: bool) -> None:
    async def respond(request: Request) -> AsyncIterator[str]:
        if late:
            yield "A"
        raise error
        yield "never"

    backend = make(respond)
    run = await backend.start_run(ANN, None, "Hello")
    texts = [TextDelta("A")] if late else []
    assert await bodies(backend, run) == [RunStarted(), *texts, RunEnded(Outcome.FAILED, sentence)]


async def test_a_responder_that_cancels_itself_has_failed(make: Make) -> None:
    async def respond(request: Request) -> AsyncIterator[str]:
        yield "A"
        raise asyncio.CancelledError

    backend = make(respond)
    run = await backend.start_run(ANN, None, "Hello")
    assert (await bodies(backend, run))[-1] == RunEnded(Outcome.FAILED, AGENT_FAILED)


async def _coroutine(request: Request) -> str:
    return "x"


def _generator(request: Request) -> Any:
    yield "x"


class _CoroutineCall:
    async def __call__(self, request: Request) -> str:
        return "x"


@pytest.mark.parametrize("wrong", [_coroutine, _generator, _CoroutineCall(), "x", None])
def test_what_is_no_async_generator_function_is_refused(wrong: Any) -> None:
    with pytest.raises(TypeError, match="async generator function"):
        LocalBackend(wrong)


@pytest.mark.parametrize("wrong", [_coroutine, _generator, lambda request: "text"])
async def test_what_returns_no_async_generator_fails_the_run(make: Make, wrong: Any) -> None:
    backend = make(lambda request: wrong(request))
    run = await backend.start_run(ANN, None, "Hello")
    assert await bodies(backend, run) == [RunStarted(), RunEnded(Outcome.FAILED, AGENT_FAILED)]


async def test_hostile_strings_are_the_same_in_memory_and_in_the_store(make: Make, url: str) -> None:
    hostile = "a\x00b\ud83dc\u2028\u0085\r\n<script>'\"; DROP TABLE runs; --\U0001f600"
    clean = hostile.replace("\x00", "\ufffd").replace("\ud83d", "\ufffd")

    async def respond(request: Request) -> AsyncIterator[str | EventBody]:
        assert request.text == clean
        yield hostile
        yield ReasoningDelta(hostile)
        yield ToolStarted(hostile, hostile, hostile, {hostile: [hostile, {1: (2, {3}), "x": float("nan")}]})
        yield ToolFinished(hostile, hostile, Path("x"))  # type: ignore[arg-type]
        yield ScriptProposed("s", hostile)
        yield StageChanged(hostile)

    one, two = make(respond, url), make(respond, url)
    run = await one.start_run(ANN, None, hostile)
    seen = await read(one, run)
    assert seen == await read(two, run)
    assert seen[-1].body == RunEnded(Outcome.COMPLETED)
    assert seen[1].body == TextDelta(clean)
    arguments = {clean: [clean, {"1": [2, [3]], "x": "nan"}]}
    assert seen[3].body == ToolStarted(clean, clean, clean, arguments)
    transcript = await two.load_transcript(ANN, run.conversation_id)
    assert fold(transcript.turns[1].events) == fold(seen)
    assert transcript.turns[0].text == clean


# Speed


async def test_a_responder_that_never_waits_lets_others_run(make: Make) -> None:
    async def respond(request: Request) -> AsyncIterator[str]:
        for _ in range(100_000):
            yield "x"

    backend = make(respond, timing=Timing())
    run = await backend.start_run(ANN, None, "Hello")
    turns, seen = 0, 0
    async with anyio.create_task_group() as tasks:

        async def count() -> None:
            nonlocal seen
            async for event in each_event(backend, ANN, run.id):
                seen += 1
                assert event.seq == seen

        tasks.start_soon(count)
        while seen < 100_002:
            await anyio.lowlevel.checkpoint()
            turns += 1
    assert turns > 100
    assert (await backend.get_run(ANN, run.id)).state is RunState.COMPLETED


async def test_a_responder_that_never_waits_can_be_stopped(make: Make) -> None:
    async def respond(request: Request) -> AsyncIterator[str]:
        while True:
            yield "x"

    backend = make(respond)
    run = await backend.start_run(ANN, None, "Hello")
    await until(backend, run, TextDelta("x"))
    await backend.stop_run(ANN, run.id)
    assert (await bodies(backend, run))[-2:] == [RunStopping(), RunEnded(Outcome.CANCELLED)]


async def test_fifty_readers_see_the_same(make: Make) -> None:
    async def respond(request: Request) -> AsyncIterator[str]:
        for number in range(100):
            yield str(number)
            await anyio.sleep(0.001)

    backend = make(respond)
    run = await backend.start_run(ANN, None, "Hello")
    seen: list[list[RunEvent]] = []

    async def reader() -> None:
        seen.append(await read(backend, run))

    async with anyio.create_task_group() as tasks:
        for _ in range(50):
            tasks.start_soon(reader)
    assert len(seen[0]) == 102
    assert seen == [seen[0]] * 50


# Reading


async def test_reading_after_the_end_of_a_live_run_waits_for_newer_events(make: Make) -> None:
    go = asyncio.Event()

    async def respond(request: Request) -> AsyncIterator[str]:
        yield "A"
        await go.wait()
        yield "B"
        yield "C"

    backend = make(respond)
    run = await backend.start_run(ANN, None, "Hello")
    async with anyio.create_task_group() as tasks:
        seen: list[int] = []

        async def reader() -> None:
            seen.extend([event.seq for event in await read(backend, run, after=3)])

        tasks.start_soon(reader)
        await until(backend, run, TextDelta("A"))
        go.set()
    assert seen == [4, 5]
    assert await read(backend, run, after=99) == []


async def test_another_process_sees_the_same_live_and_later(make: Make, url: str) -> None:
    async def respond(request: Request) -> AsyncIterator[str]:
        for number in range(30):
            yield str(number)
            await anyio.sleep(0.005)

    one, two = make(respond, url), make(hello, url)
    run = await one.start_run(ANN, None, "Hello")
    assert (await two.load_transcript(ANN, run.conversation_id)).live_run == run
    seen: dict[LocalBackend, list[RunEvent]] = {}

    async def reader(backend: LocalBackend) -> None:
        seen[backend] = await read(backend, run)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(reader, one)
        tasks.start_soon(reader, two)
    assert len(seen[one]) == 32
    assert seen[one] == seen[two] == await read(two, run)


# Asking the user


async def _asking(request: Request) -> AsyncIterator[str | EventBody]:
    for _ in range(2):
        answer = yield InputRequested("sure", "Sure?", ("yes", "no"))
        yield f"You said {answer}. "


@pytest.mark.parametrize("elsewhere", [False, True])
async def test_a_question_waits_for_its_answer(make: Make, url: str, elsewhere: bool) -> None:
    one, two = make(_asking, url), make(_asking, url)
    answering = two if elsewhere else one
    run = await one.start_run(ANN, None, "Hello")
    answers: list[JSON] = ["yes", {"text": "no\ud800"}]
    for number, answer in enumerate(answers):
        with anyio.fail_after(5):
            asked, after = 0, 0
            while asked <= number:
                async with aclosing(each_event(one, ANN, run.id, after=after)) as events:
                    event = await anext(events)
                asked, after = asked + isinstance(event.body, InputRequested), event.seq
        for user, request in ((EVE, "sure"), (ANN, "other")):
            with pytest.raises(NotFound):
                await answering.answer_request(user, run.id, request, "no")
        await answering.answer_request(ANN, run.id, "sure", answer)
        with pytest.raises(NotFound):
            await answering.answer_request(ANN, run.id, "sure", answer)
    said = [body for body in await bodies(one, run) if isinstance(body, InputAnswered | TextDelta)]
    assert said == [
        InputAnswered("sure", "yes", "ann"),
        TextDelta("You said yes. "),
        InputAnswered("sure", {"text": "no\ufffd"}, "ann"),
        TextDelta("You said {'text': 'no\ufffd'}. "),
    ]
    with pytest.raises(NotFound):
        await answering.answer_request(ANN, run.id, "sure", "yes")


async def test_a_conversation_says_that_its_run_waits_for_the_user(make: Make) -> None:
    async def state() -> set[RunState | None]:
        (item,) = (await backend.list_conversations(ANN)).items
        one = await backend.get_conversation(ANN, run.conversation_id)
        return {item.state, one.state, (await backend.load_transcript(ANN, run.conversation_id)).conversation.state}

    backend = make(_asking)
    run = await backend.start_run(ANN, None, "Hello")
    await until(backend, run, InputRequested("sure", "Sure?", ("yes", "no")))
    assert await state() == {RunState.SUSPENDED}
    await backend.stop_run(ANN, run.id)
    await read(backend, run)
    assert await state() == {RunState.CANCELLED}


async def test_a_run_that_waits_for_the_user_can_be_stopped(make: Make) -> None:
    backend = make(_asking)
    run = await backend.start_run(ANN, None, "Hello")
    await until(backend, run, InputRequested("sure", "Sure?", ("yes", "no")))
    await backend.stop_run(ANN, run.id)
    assert (await bodies(backend, run))[-1] == RunEnded(Outcome.CANCELLED)


# Starting


async def test_of_many_starts_at_once_one_wins_and_nothing_else_is_stored(make: Make, url: str) -> None:
    one, two = make(endless, url), make(endless, url)
    first = await one.start_run(ANN, None, "Hello")
    await one.stop_run(ANN, first.id)
    await read(one, first)
    outcomes: list[Run | None] = []

    async def start(backend: LocalBackend) -> None:
        try:
            outcomes.append(await backend.start_run(ANN, first.conversation_id, "Again"))
        except Busy:
            outcomes.append(None)

    async with anyio.create_task_group() as tasks:
        for number in range(20):
            tasks.start_soon(start, (one, two)[number % 2])
    assert sum(run is not None for run in outcomes) == 1
    assert len(outcomes) == 20
    transcript = await two.load_transcript(ANN, first.conversation_id)
    assert [turn.text for turn in transcript.turns if turn.role == "user"] == ["Hello", "Again"]


async def test_a_caller_who_leaves_does_not_lose_the_run(make: Make) -> None:
    backend = make(hello)
    await backend.open()
    for tries in range(500):
        with anyio.move_on_after(tries * 0.0002):
            await backend.start_run(ANN, None, "Ann")
        # On a slow machine the first callers leave before anything has begun.
        items = (await backend.list_conversations(ANN)).items
        if items and tries > 20:
            break
    assert items
    for item in items:
        run = (await backend.load_transcript(ANN, item.id)).turns[1].run
        assert run is not None
        assert (await bodies(backend, run))[-1] == RunEnded(Outcome.COMPLETED)


async def test_an_empty_text_is_refused(make: Make) -> None:
    with pytest.raises(EmptyText):
        await make(hello).start_run(ANN, None, " \n")


def test_a_backend_made_at_import_time_works_later() -> None:
    backend = LocalBackend(hello, timing=QUICK)

    async def main() -> None:
        run = await backend.start_run(ANN, None, "Ann")
        assert len(await read(backend, run)) == 4
        await backend.close()

    for _ in range(2):  # closing makes it new
        anyio.run(main)


# Stopping


async def test_a_stop_lets_the_responder_clean_up_before_the_run_ends(make: Make) -> None:
    cleaning, cleaned = asyncio.Event(), asyncio.Event()

    async def respond(request: Request) -> AsyncIterator[str]:
        try:
            yield "So far"
            await anyio.sleep_forever()
        finally:
            cleaning.set()
            with anyio.CancelScope(shield=True):
                await anyio.sleep(0.01)
            await cleaned.wait()

    backend = make(respond, timing=replace(QUICK, grace=10))
    run = await backend.start_run(ANN, None, "Hello")
    await until(backend, run, TextDelta("So far"))
    await backend.stop_run(ANN, run.id)
    with anyio.fail_after(5):
        await cleaning.wait()
    await until(backend, run, RunStopping())
    assert (await backend.get_run(ANN, run.id)).state is RunState.STOPPING
    cleaned.set()
    events = await read(backend, run)
    assert [event.body for event in events][1:] == [
        TextDelta("So far"),
        RunStopping(),
        RunEnded(Outcome.CANCELLED),
    ]
    await backend.stop_run(ANN, run.id)
    assert await read(backend, run) == events
    assert (await backend.get_run(ANN, run.id)).state is RunState.CANCELLED


async def test_another_process_can_stop_a_run(make: Make, url: str) -> None:
    one, two = make(endless, url), make(endless, url)
    run = await one.start_run(ANN, None, "Hello")
    await until(two, run, TextDelta("So far"))
    await two.stop_run(ANN, run.id)
    assert (await bodies(two, run))[-2:] == [RunStopping(), RunEnded(Outcome.CANCELLED)]


async def test_a_responder_that_swallows_the_stop_is_abandoned(make: Make) -> None:
    go = asyncio.Event()

    async def respond(request: Request) -> AsyncIterator[str]:
        yield "So far"
        while not go.is_set():
            try:
                await go.wait()
            except asyncio.CancelledError:
                continue
        yield "dropped"

    backend = make(respond)
    run = await backend.start_run(ANN, None, "Hello")
    await until(backend, run, TextDelta("So far"))
    await backend.stop_run(ANN, run.id)
    texts = [RunStarted(), TextDelta("So far"), RunStopping(), RunEnded(Outcome.CANCELLED)]
    assert await bodies(backend, run) == texts
    go.set()
    second = await backend.start_run(ANN, run.conversation_id, "Again")
    assert (await bodies(backend, second))[-1] == RunEnded(Outcome.COMPLETED)
    assert await bodies(backend, run) == texts


async def test_what_a_stopped_responder_yields_is_dropped(make: Make) -> None:
    async def respond(request: Request) -> AsyncIterator[str]:
        try:
            yield "So far"
            await anyio.sleep_forever()
        except asyncio.CancelledError:
            yield "dropped"

    backend = make(respond)
    run = await backend.start_run(ANN, None, "Hello")
    await until(backend, run, TextDelta("So far"))
    await backend.stop_run(ANN, run.id)
    assert TextDelta("dropped") not in await bodies(backend, run)


async def test_deleting_a_conversation_stops_its_run(make: Make) -> None:
    stopped = asyncio.Event()

    async def respond(request: Request) -> AsyncIterator[str]:
        try:
            yield "So far"
            await anyio.sleep_forever()
        finally:
            stopped.set()

    backend = make(respond)
    run = await backend.start_run(ANN, None, "Hello")
    await until(backend, run, TextDelta("So far"))
    await backend.delete_conversation(ANN, run.conversation_id)
    with anyio.fail_after(5):
        await stopped.wait()
    with pytest.raises(NotFound):
        await read(backend, run)
    await backend.restore_conversation(ANN, run.conversation_id)
    assert (await bodies(backend, run))[-1] == RunEnded(Outcome.CANCELLED)


# Ending without being asked


@pytest.mark.parametrize("stubborn", [False, True])
async def test_closing_ends_live_runs_as_interrupted(make: Make, url: str, stubborn: bool) -> None:
    go = asyncio.Event()

    async def respond(request: Request) -> AsyncIterator[str]:
        yield "So far"
        while True:
            try:
                await go.wait()
                return
            except asyncio.CancelledError:
                if not stubborn:
                    raise

    backend = make(respond, url, Timing(close=0.2))
    run = await backend.start_run(ANN, None, "Hello")
    await until(backend, run, TextDelta("So far"))
    seen: list[EventBody] = []

    async def reader() -> None:
        seen.extend(await bodies(backend, run))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(reader)
        await anyio.wait_all_tasks_blocked()
        with anyio.fail_after(1.5):
            await backend.close()
    assert seen[-1] == RunEnded(Outcome.FAILED, INTERRUPTED)
    go.set()
    turns = (await make(hello, url).load_transcript(ANN, run.conversation_id)).turns
    assert turns[1].text == "So far"
    assert fold(turns[1].events).error == INTERRUPTED


async def test_an_owner_that_lost_its_lease_stops_and_writes_nothing_more(make: Make, url: str) -> None:
    stopped = asyncio.Event()

    async def respond(request: Request) -> AsyncIterator[str]:
        try:
            yield "So far"
            await anyio.sleep_forever()
        finally:
            stopped.set()

    one, two = make(respond, url), Store(url)
    run = await one.start_run(ANN, None, "Hello")
    await until(one, run, TextDelta("So far"))
    ended = 0
    while not ended:  # a sign of life may come in between
        left = await two.takeover.find_abandoned("two", (), now() + timedelta(minutes=1), now())
        ((process, alive_at),) = left.silent.items()
        ended, _ = await two.takeover.give_up_process(process, alive_at)
    with anyio.fail_after(5):
        await stopped.wait()
    assert await bodies(one, run) == [RunStarted(), TextDelta("So far"), RunEnded(Outcome.FAILED, SILENT)]
    await two.close()


KILLED = """
import sys, anyio
from htmxchat.backends.local import LocalBackend
from htmxchat.models import User
from htmxchat.store import Store
from htmxchat.testing import each_event

async def respond(request):
    yield "So far"
    await anyio.sleep_forever()

async def main():
    backend = LocalBackend(respond, Store(sys.argv[1]))
    run = await backend.start_run(User("ann"), None, "Hello")
    async for event in each_event(backend, User("ann"), run.id):
        if event.seq == 2:
            print(run.id, flush=True)

anyio.run(main)
"""


async def test_a_run_whose_process_was_killed_ends_as_interrupted(make: Make, url: str) -> None:
    with subprocess.Popen([sys.executable, "-c", KILLED, url], stdout=subprocess.PIPE, text=True) as process:  # noqa: ASYNC220
        assert process.stdout is not None
        run_id = process.stdout.readline().strip()
        process.send_signal(signal.SIGKILL)
    backend = make(hello, url)
    run = await backend.get_run(ANN, run_id)
    assert run.state is RunState.RUNNING
    with pytest.raises(Busy):
        await backend.start_run(ANN, run.conversation_id, "Again")
    # A reader who waits on it is told, and the conversation is free again.
    assert await bodies(backend, run) == [RunStarted(), TextDelta("So far"), RunEnded(Outcome.FAILED, SILENT)]
    transcript = await backend.load_transcript(ANN, run.conversation_id)
    assert transcript.conversation.state is RunState.FAILED
    assert transcript.turns[1].text == "So far"
    again = await backend.retry_run(ANN, run.id)
    assert (await bodies(backend, again))[-1] == RunEnded(Outcome.COMPLETED)


@pytest.mark.parametrize("look", ["open", "list", "get", "start"])
async def test_whoever_is_alive_ends_the_runs_of_the_dead(make: Make, url: str, look: str) -> None:
    store = Store(url)
    run = (await store.runs.start_run(ANN.id, None, "Hello", owner="dead")).run
    backend = make(hello, url)
    match look:
        case "open":
            await backend.open()
        case "list":
            await backend.list_conversations(ANN)
        case "get":
            await backend.get_conversation(ANN, run.conversation_id)
        case "start":
            await backend.start_run(ANN, None, "Another")
    with anyio.fail_after(10):
        while (await store.runs.get_run(ANN.id, run.id)).state.live:  # noqa: ASYNC110
            await anyio.sleep(0.02)
    assert (await bodies(backend, run))[-1] == RunEnded(Outcome.FAILED, SILENT)
    await store.close()


async def test_a_process_that_says_that_it_is_alive_keeps_its_runs(make: Make, url: str) -> None:
    one, two = make(endless, url), make(hello, url)
    run = await one.start_run(ANN, None, "Hello")
    await two.open()
    other = (await two._store.runs.start_run(ANN.id, None, "Hello", owner="dead")).run
    with anyio.fail_after(10):
        while (await two.get_run(ANN, other.id)).state.live:  # noqa: ASYNC110
            await anyio.sleep(0.02)
    assert (await two.get_run(ANN, run.id)).state is RunState.RUNNING


@pytest.mark.parametrize("repaired", [True, False])
async def test_when_the_store_fails_nothing_is_lost_silently(
    make: Make,
    tmp_path: Path,
    url: str,
    repaired: bool,
    caplog: pytest.LogCaptureFixture,
) -> None:
    go, stopped = asyncio.Event(), asyncio.Event()

    async def respond(request: Request) -> AsyncIterator[str]:
        try:
            yield "A"
            await go.wait()
            yield "B"
            if not repaired:
                await anyio.sleep_forever()
        finally:
            stopped.set()

    def rename(old: str, new: str) -> None:
        # In a thread: a transaction of the backend's own that it waits for needs the event loop to continue.
        connection = sqlite3.connect(tmp_path / "chat.db", timeout=60, isolation_level=None)
        connection.execute("BEGIN IMMEDIATE")  # else it fails at once when another writes meanwhile
        connection.execute(f"ALTER TABLE {old} RENAME TO {new}")
        connection.execute("COMMIT")
        connection.close()

    # Tried for long enough, however slow the machine is.
    backend = make(respond, url, replace(QUICK, refused=60) if repaired else QUICK)
    run = await backend.start_run(ANN, None, "Hello")
    await until(backend, run, TextDelta("A"))
    await asyncio.to_thread(rename, "htmxchat_events", "elsewhere")
    go.set()
    with anyio.fail_after(30):
        while "could not be stored" not in caplog.text:  # noqa: ASYNC110
            await anyio.sleep(0.005)
        if not repaired:
            await stopped.wait()
    await asyncio.to_thread(rename, "elsewhere", "htmxchat_events")
    end = RunEnded(Outcome.COMPLETED) if repaired else UNSAVED
    texts = [TextDelta("A"), TextDelta("B")] if repaired else [TextDelta("A")]
    assert await bodies(backend, run) == [RunStarted(), *texts, end]
    assert {record.name for record in caplog.records if record.levelno >= logging.ERROR} == {"htmxchat"}


async def test_a_closing_backend_takes_no_new_runs(make: Make) -> None:
    cleaning, go = asyncio.Event(), asyncio.Event()

    async def respond(request: Request) -> AsyncIterator[str]:
        yield "So far"
        try:
            await anyio.sleep_forever()
        finally:
            cleaning.set()
            await go.wait()

    backend = make(respond, timing=replace(QUICK, close=5))
    run = await backend.start_run(ANN, None, "Hello")
    await until(backend, run, TextDelta("So far"))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(backend.close)
        await cleaning.wait()
        with pytest.raises(BackendUnavailable):
            await backend.start_run(ANN, None, "Hello")
        go.set()
