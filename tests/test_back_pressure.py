"""A database that is slow makes agents wait, and nothing else: memory does not grow, and no word is lost."""

from __future__ import annotations

import asyncio
import sqlite3
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from htmxchat import LocalBackend, Outcome, Request, RunEnded, Store, TextDelta, ToolFinished, User, fold
from htmxchat.events import EventBody
from htmxchat.journal.run_log import _MAX_CHARACTERS, _MAX_EVENTS
from htmxchat.testing import each_event
from tests.servers import Postgres

pytestmark = pytest.mark.anyio

LARGE = 100_000
Held = Callable[[], AbstractAsyncContextManager[None]]


@pytest.fixture(params=["file", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, Held]:
    """Return a database, and a way to hold it up: anyone who writes events waits meanwhile."""
    if request.param == "file":

        @asynccontextmanager
        async def locked() -> AsyncIterator[None]:
            database = sqlite3.connect(tmp_path / "chat.db", isolation_level=None, timeout=30, check_same_thread=False)
            with closing(database) as other:
                # In a thread: a transaction of the store that it waits for needs the event loop to continue.
                await asyncio.to_thread(other.execute, "BEGIN IMMEDIATE")
                yield

        return f"sqlite:///{tmp_path}/chat.db", locked
    postgres: Postgres = request.getfixturevalue("postgres")

    @asynccontextmanager
    async def held() -> AsyncIterator[None]:
        other = create_async_engine(postgres.url)
        async with other.begin() as connection:
            await connection.execute(text("LOCK TABLE htmxchat_events IN ACCESS EXCLUSIVE MODE"))
            yield
        await other.dispose()

    return postgres.url, held


class Restless:
    """Writes as fast as it may, without ever waiting for anything."""

    def __init__(self, what: Callable[[int], EventBody], count: int) -> None:
        self.began, self.go = asyncio.Event(), asyncio.Event()
        self.said = 0
        self._what = what
        self._count = count

    async def answer(self, request: Request) -> AsyncIterator[EventBody]:
        self.began.set()
        await self.go.wait()
        for number in range(self._count):
            self.said += 1
            yield self._what(number)


@pytest.mark.parametrize(
    ("what", "count", "most"),
    [
        (lambda number: TextDelta(str(number % 10) * LARGE), 60, _MAX_CHARACTERS // LARGE),
        (lambda number: ToolFinished("call", result=["x" * LARGE]), 60, _MAX_CHARACTERS // LARGE),
        (lambda number: TextDelta("x"), 3 * _MAX_EVENTS, _MAX_EVENTS),
    ],
    ids=["much text", "large results", "many events"],
)
async def test_an_agent_waits_for_a_database_that_is_slow(
    database: tuple[str, Held], what: Callable[[int], EventBody], count: int, most: int
) -> None:
    url, hold = database
    agent, ann = Restless(what, count), User(f"ann-{uuid.uuid4().hex}")
    backend = LocalBackend(agent, Store(url))
    run = await backend.start_run(ann, None, "Hello")
    log = backend._journal.runs[run.id]._log
    async with asyncio.timeout(120):
        await agent.began.wait()
        async with hold():
            agent.go.set()
            while agent.said < most:  # noqa: ASYNC110
                await asyncio.sleep(0.001)
            for _ in range(100):
                await asyncio.sleep(0.001)
            assert agent.said <= 2 * most + 2, "what is on its way to the store, and as much again"
        while not log.done:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        events = [event async for event in each_event(backend, ann, run.id)]
    await backend.close()
    assert [event.seq for event in events] == list(range(1, count + 3))
    assert events[-1].body == RunEnded(Outcome.COMPLETED)
    said = [what(number) for number in range(count)]
    assert [event.body for event in events[1:-1]] == said
    assert fold(events).text == "".join(body.text for body in said if isinstance(body, TextDelta))
