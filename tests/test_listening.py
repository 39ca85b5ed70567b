"""What one process writes, another hears of at once, because PostgreSQL tells. Without that it is only later."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import Any

import pytest
from sqlalchemy import text

from htmxchat import (
    Checkpoint,
    InputAnswered,
    InputRequested,
    LocalBackend,
    Outcome,
    Request,
    Run,
    RunEnded,
    Store,
    TextDelta,
    User,
)
from htmxchat.events import EventBody
from htmxchat.journal import Timing
from htmxchat.store.database import Database
from htmxchat.store.listening import Listening
from htmxchat.store.notices import CHANNEL, Notice, decode
from htmxchat.testing import each_event
from tests.servers import Postgres

pytestmark = pytest.mark.anyio

# Anyone who looks without being told, does so long after a test has failed. No one counts as gone meanwhile.
NEVER = Timing(poll=120, recheck=120, renew=60, expire=600)
LONG = 20
Make = Callable[..., LocalBackend]


@pytest.fixture
async def make(postgres: Postgres) -> AsyncIterator[Make]:
    made: list[LocalBackend] = []

    def make(
        agent: Any, timing: Timing = NEVER, listening: Callable[[Database], Listening] = Listening
    ) -> LocalBackend:
        store = Store(postgres.url)
        store.listening = listening(store.database)
        made.append(LocalBackend(agent, store, timing=timing))
        return made[-1]

    yield make
    for backend in made:
        await backend.close()


class Slow:
    """Writes a word whenever it is told to."""

    def __init__(self) -> None:
        self.more = asyncio.Event()

    async def answer(self, request: Request) -> AsyncIterator[str]:
        while True:
            await self.more.wait()
            self.more.clear()
            yield "word "


async def asking(request: Request) -> AsyncIterator[EventBody]:
    yield TextDelta(str((yield InputRequested("sure", "Sure?"))))


async def hearing(backend: LocalBackend) -> None:
    """Open a backend and wait until the database tells it what others write."""
    await backend.open()
    async with asyncio.timeout(LONG):
        while not backend._journal.listener.hearing:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def until(backend: LocalBackend, user: User, run: Run, wanted: type) -> EventBody:
    async with asyncio.timeout(LONG), aclosing(each_event(backend, user, run.id)) as events:
        return await anext(event.body async for event in events if isinstance(event.body, wanted))


async def test_events_are_seen_elsewhere_long_before_anybody_would_look(make: Make, ann: User) -> None:
    agent = Slow()
    one, two = make(agent), make(agent)
    await hearing(two)
    run = await one.start_run(ann, None, "Hello")
    async with asyncio.timeout(LONG), aclosing(each_event(two, ann, run.id)) as events:
        await anext(events)
        for _ in range(3):
            agent.more.set()
            assert isinstance((await anext(events)).body, TextDelta)


async def test_a_listener_that_was_cut_off_listens_again_and_misses_nothing(
    make: Make, ann: User, postgres: Postgres
) -> None:
    agent = Slow()
    one, two = make(agent), make(agent)
    await hearing(two)
    run = await one.start_run(ann, None, "Hello")
    async with asyncio.timeout(LONG), aclosing(each_event(two, ann, run.id)) as events:
        await anext(events)
        await cut_listeners(one)
        agent.more.set()
        assert isinstance((await anext(events)).body, TextDelta)
        await hearing(two)
        agent.more.set()
        assert isinstance((await anext(events)).body, TextDelta)


async def test_without_a_listener_whoever_waits_looks(make: Make, ann: User) -> None:
    class Deaf(Listening):
        notifies = False

    agent = Slow()
    timing = Timing(poll=0.02, recheck=120, renew=60, expire=600)
    one, two = make(agent, timing, Deaf), make(agent, timing, Deaf)
    run = await one.start_run(ann, None, "Hello")
    async with asyncio.timeout(LONG), aclosing(each_event(two, ann, run.id)) as events:
        await anext(events)
        agent.more.set()
        assert isinstance((await anext(events)).body, TextDelta)
    assert not two._journal.listener.hearing


async def test_an_answer_and_a_stop_from_elsewhere_are_heard_at_once(make: Make, ann: User) -> None:
    one, two = make(asking), make(asking)
    await hearing(one)
    run = await one.start_run(ann, None, "Hello")
    await until(one, ann, run, InputRequested)
    await two.answer_request(ann, run.id, "sure", "yes")
    assert await until(one, ann, run, InputAnswered) == InputAnswered("sure", "yes", ann.id)
    stopped = await one.start_run(ann, None, "Again")
    await until(one, ann, stopped, InputRequested)
    await two.stop_run(ann, stopped.id)
    assert await until(one, ann, stopped, RunEnded) == RunEnded(Outcome.CANCELLED)


class Resuming:
    """Counts as far as it is let, in whichever process."""

    def __init__(self) -> None:
        self.go = asyncio.Event()

    async def answer(self, request: Request) -> AsyncIterator[str | Checkpoint]:
        yield "one "
        yield Checkpoint(1)
        await self.go.wait()
        yield "two"

    async def resume(self, request: Request, checkpoint: object) -> AsyncIterator[str]:
        yield "two"


async def test_a_run_that_is_handed_over_goes_on_at_once(make: Make, ann: User) -> None:
    one, two = make(Resuming()), make(Resuming())
    await hearing(two)
    run = await one.start_run(ann, None, "Hello")
    await until(one, ann, run, TextDelta)
    await one.close()
    assert await until(two, ann, run, RunEnded) == RunEnded(Outcome.COMPLETED)


async def test_the_connection_is_closed_with_the_backend(make: Make) -> None:
    one, two = make(asking), make(asking)
    await hearing(one)
    await hearing(two)
    before = await listeners(two)
    await one.close()
    async with asyncio.timeout(LONG):
        while await listeners(two) >= before:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_notices_that_do_not_arrive_are_not_relied_on(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    """A pooler may take LISTEN and drop it."""

    class Pooled(Listening):
        async def _send(self, probe: str) -> None:
            pass

    backend = make(asking, listening=lambda database: Pooled(database, arrives=0.05))
    with caplog.at_level(logging.WARNING, "htmxchat"):
        await backend.open()
        async with asyncio.timeout(LONG):
            while "No notifications arrive from the database" not in caplog.text:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    assert not backend._journal.listener.hearing


def test_what_is_told_may_be_about_some_runs_or_any() -> None:
    assert decode("log a b") == (Notice.LOG, frozenset("ab"))
    assert decode("released") == (Notice.RELEASED, None)
    assert decode("probe x") is None
    assert CHANNEL.isidentifier()


LISTENERS = text("SELECT pid FROM pg_stat_activity WHERE query ILIKE 'LISTEN %'")


async def listeners(backend: LocalBackend) -> int:
    return len(await backend._store.database.read(lambda db: db.execute(LISTENERS).all()))


async def cut_listeners(backend: LocalBackend) -> None:
    """End the connections that listen, as an operator or a network may."""
    end = text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query ILIKE 'LISTEN %'")
    assert any(await backend._store.database.read(lambda db: db.scalars(end).all()))
