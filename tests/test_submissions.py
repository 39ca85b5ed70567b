"""A submission starts one run, also with a backend that does not know one from another."""

from __future__ import annotations

from datetime import UTC, datetime

import anyio
import pytest

from htmxchat import BackendUnavailable, Run
from htmxchat.chat.submissions import Submissions
from htmxchat.models import RunState

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> object:
    return request.param


def run(id: str) -> Run:
    return Run(id, "c", "ann", "t", RunState.RUNNING, datetime.now(UTC))


async def test_what_comes_again_gets_what_the_first_made() -> None:
    submissions, asked = Submissions(), list[str]()

    async def start() -> Run:
        asked.append("")
        await anyio.sleep(0.01)
        return run(str(len(asked)))

    got: list[str] = []

    async def submit(name: str) -> None:
        got.append((await submissions.once(name, start)).id)

    async with anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(submit, "one")
    await submit("one")
    assert got == ["1"] * 4
    await submit("two")
    assert got[-1] == "2"


async def test_one_that_failed_can_be_sent_again() -> None:
    submissions = Submissions()

    async def fail() -> Run:
        raise BackendUnavailable

    async def start() -> Run:
        return run("1")

    with pytest.raises(BackendUnavailable):
        await submissions.once("one", fail)
    assert (await submissions.once("one", start)).id == "1"


async def test_only_the_latest_are_remembered() -> None:
    submissions, asked = Submissions(), list[str]()

    async def start() -> Run:
        asked.append("")
        return run(str(len(asked)))

    for number in range(1_001):
        await submissions.once(number, start)
    assert (await submissions.once(1_000, start)).id == "1001"
    assert (await submissions.once(0, start)).id == "1002"
