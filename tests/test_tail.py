"""What other processes have written: a read that fails is told, and holds up nobody for good."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from htmxchat import BackendError, BackendUnavailable, Store
from htmxchat.journal.tail import Tail

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Failing:
    """A store that fails once, then has an answer for the run `r`."""

    def __init__(self, error: Exception) -> None:
        self._errors = [error]

    async def take_answers(self, owner: str) -> dict[tuple[str, str], Any]:
        if self._errors:
            raise self._errors.pop()
        return {("r", "q"): "yes"}

    async def read_news(self, wanted: Any) -> Any:
        raise self._errors.pop()


def tail(error: Exception) -> Tail:
    store: Any = Failing(error)
    assert all(hasattr(Store, name) for name in vars(Failing) if not name.startswith("_"))
    return Tail(store, "me", 0.01)


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
