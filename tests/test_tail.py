"""What other processes have written: a read that fails is told, and holds up no one for good."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any

import pytest

from htmxchat import BackendError, BackendUnavailable, RunEvent, TextDelta
from htmxchat.journal.tail import Tail
from htmxchat.store import News
from htmxchat.store.run_logs import RunLogs

pytestmark = pytest.mark.anyio


class Failing:
    """Logs that fail once, then have an answer for the run `r`."""

    def __init__(self, error: Exception) -> None:
        self._errors = [error]

    async def take_answers(self, owner: str) -> dict[tuple[str, str], Any]:
        if self._errors:
            raise self._errors.pop()
        return {("r", "q"): "yes"}

    async def read_news(self, wanted: Any) -> Any:
        raise self._errors.pop()


def tail(error: Exception) -> Tail:
    logs: Any = Failing(error)
    assert all(hasattr(RunLogs, name) for name in vars(Failing) if not name.startswith("_"))
    return Tail(logs, "me", lambda: 0.01)


ERRORS = [BackendUnavailable(), BackendError(), ValueError("a row that cannot be read")]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
async def test_a_run_that_waits_gets_its_answer_after_a_look_that_failed(error: Exception) -> None:
    async with asyncio.timeout(10):
        assert await tail(error).answer("r", "q") == "yes"


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
async def test_a_reader_is_told_that_reading_failed(error: Exception) -> None:
    async with asyncio.timeout(10):
        with pytest.raises(BackendError) as told:
            async for _ in tail(error).follow("r", 0):
                pass
    assert "row" not in str(told.value)


class Long:
    """Logs with a run that has ended, of many events; they tell at most ten of them at a time."""

    def __init__(self, count: int) -> None:
        self.read = 0
        self.log = [RunEvent(seq, datetime.now(UTC), TextDelta("x")) for seq in range(1, count + 1)]

    async def read_news(self, wanted: Mapping[str, int]) -> dict[str, News]:
        ((run_id, after),) = wanted.items()
        events = self.log[after : after + 10]
        self.read = max(self.read, after + len(events))
        return {run_id: News(events, live=False, more=len(events) == 10)}


async def test_a_reader_that_is_slow_holds_a_bounded_number_of_events() -> None:
    logs: Any = Long(1_005)
    seen: list[int] = []
    async with asyncio.timeout(20), aclosing(Tail(logs, "me", lambda: 60, most=100).follow("r", 0)) as batches:
        async for batch in batches:
            seen += [event.seq for event in batch]
            while logs.read - seen[-1] < min(100, 1_005 - seen[-1]):  # noqa: ASYNC110
                await asyncio.sleep(0.001)
            await asyncio.sleep(0.02)
            assert logs.read - seen[-1] <= 110
    assert seen == list(range(1, 1_006))


async def test_a_reader_who_joins_while_another_is_read_for_misses_nothing() -> None:
    reading, go_on = asyncio.Event(), asyncio.Event()

    class Held(Long):
        async def read_news(self, wanted: Mapping[str, int]) -> dict[str, News]:
            if not go_on.is_set():
                reading.set()
                await go_on.wait()
            return await super().read_news(wanted)

    logs: Any = Held(25)
    tail = Tail(logs, "me", lambda: 60)

    async def read(after: int) -> list[int]:
        return [event.seq async for batch in tail.follow("r", after) for event in batch]

    async with asyncio.timeout(20):
        first = asyncio.create_task(read(20))
        await reading.wait()
        second = asyncio.create_task(read(0))
        await asyncio.sleep(0)
        go_on.set()
        assert await first == list(range(21, 26))
        assert await second == list(range(1, 26))
