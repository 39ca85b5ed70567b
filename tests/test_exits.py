"""`sys.exit()` in code of the host: it ends one run or one request, never the server with everyone's runs."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from htmxchat.agent import Request
from htmxchat.backends.active import AGENT_FAILED
from htmxchat.backends.containment import Exited, contained
from htmxchat.backends.local import LocalBackend
from htmxchat.events import Outcome, RunEnded, RunEvent
from htmxchat.models import Run, User
from htmxchat.testing import each_event
from tests.servers import uvicorn, wait_until

pytestmark = pytest.mark.anyio

ANN = User("ann")
FAILED = RunEnded(Outcome.FAILED, AGENT_FAILED)
Exit = Callable[[], object]


def raising(error: type[BaseException]) -> Exit:
    def exit() -> None:
        raise error

    return exit


EXITS: dict[str, Exit] = {
    "sys.exit": sys.exit,
    "exit": raising(SystemExit),
    "argparse": lambda: argparse.ArgumentParser(usage="x").parse_args(["--no-such-option"]),
    "keyboard": raising(KeyboardInterrupt),
    "generator": raising(GeneratorExit),
    "other": raising(BaseException),
}


async def later(exit: Exit) -> None:
    await asyncio.sleep(0)
    exit()


async def own_code(exit: Exit) -> AsyncIterator[str]:
    yield "A"
    exit()


async def in_a_thread(exit: Exit) -> AsyncIterator[str]:
    yield "A"
    await asyncio.to_thread(exit)


async def in_a_task(exit: Exit) -> AsyncIterator[str]:
    yield "A"
    await asyncio.create_task(later(exit))


async def with_a_timeout(exit: Exit) -> AsyncIterator[str]:
    yield "A"
    await asyncio.wait_for(later(exit), 30)


async def gathered(exit: Exit) -> AsyncIterator[str]:
    yield "A"
    await asyncio.gather(asyncio.sleep(30), later(exit))


async def in_a_task_of_a_task(exit: Exit) -> AsyncIterator[str]:
    async def between() -> None:
        await asyncio.create_task(later(exit))

    yield "A"
    await asyncio.create_task(between())


async def in_a_group(exit: Exit) -> AsyncIterator[str]:
    yield "A"
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(later(exit))
        tasks.create_task(asyncio.sleep(30))


async def in_a_group_of_anyio(exit: Exit) -> AsyncIterator[str]:
    yield "A"
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(later, exit)
        tasks.start_soon(anyio.sleep, 30)


async def cleaning_up(exit: Exit) -> AsyncIterator[str]:
    try:
        yield "A"
    finally:
        exit()


PLACES = [own_code, in_a_thread, in_a_task, with_a_timeout, gathered, in_a_task_of_a_task, in_a_group]
PLACES += [in_a_group_of_anyio, cleaning_up]


async def ended(backend: LocalBackend, run: Run) -> RunEnded:
    with anyio.fail_after(15):
        events: list[RunEvent] = [event async for event in each_event(backend, ANN, run.id)]
    assert isinstance(events[-1].body, RunEnded)
    return events[-1].body


async def play(respond: Callable[[Request], AsyncIterator[str]]) -> RunEnded:
    """Return how a run of `respond` ends, while another run in the same process continues."""
    go = asyncio.Event()

    async def other(request: Request) -> AsyncIterator[str]:
        await go.wait()
        yield "Done."

    def route(request: Request) -> AsyncIterator[str]:
        return other(request) if request.text == "other" else respond(request)

    backend = LocalBackend(route)
    going = await backend.start_run(ANN, None, "other")
    end = await ended(backend, await backend.start_run(ANN, None, "exit"))
    go.set()
    assert await ended(backend, going) == RunEnded(Outcome.COMPLETED)
    await backend.close()
    return end


@pytest.mark.parametrize("exit", EXITS)
@pytest.mark.parametrize("place", PLACES)
async def test_an_exit_fails_its_own_run_only(place: Callable[[Exit], AsyncIterator[str]], exit: str) -> None:
    assert await play(lambda request: place(EXITS[exit])) == FAILED


async def test_an_exit_in_a_task_that_nobody_awaits_fails_its_run(caplog: pytest.LogCaptureFixture) -> None:
    async def respond(request: Request) -> AsyncIterator[str]:
        yield "A"
        task = asyncio.create_task(later(sys.exit))
        task.add_done_callback(asyncio.Task.exception)  # else the test's own loop hears of it, at some time
        await asyncio.Event().wait()
        await task

    assert await play(respond) == FAILED
    assert "SystemExit" in caplog.text


async def test_an_exit_before_the_generator_exists_fails_its_run() -> None:
    def respond(request: Request) -> AsyncIterator[str]:
        sys.exit("no such model")

    assert await play(respond) == FAILED


async def test_an_exit_of_a_generator_that_is_left_unfinished_ends_nothing() -> None:
    closed = asyncio.Event()

    async def inner() -> AsyncIterator[str]:
        try:
            yield "A"
            yield "B"
        finally:
            closed.set()
            await asyncio.sleep(0)
            sys.exit()

    async def respond(request: Request) -> AsyncIterator[str]:
        async for text in inner():
            yield text
            break
        await closed.wait()
        await asyncio.sleep(0.01)
        yield "C"

    assert await play(respond) == FAILED


async def test_an_exit_after_a_stop_leaves_the_run_stopped() -> None:
    async def respond(request: Request) -> AsyncIterator[str]:
        try:
            yield "A"
            await asyncio.sleep(30)
        finally:
            await asyncio.create_task(later(sys.exit))

    backend = LocalBackend(respond)
    run = await backend.start_run(ANN, None, "Hello")
    async for event in each_event(backend, ANN, run.id):
        if event.seq == 2:
            await backend.stop_run(ANN, run.id)
    assert await ended(backend, run) == RunEnded(Outcome.CANCELLED)
    await backend.close()


async def test_the_loop_makes_tasks_as_before_while_others_run() -> None:
    loop = asyncio.get_running_loop()
    made: list[Any] = []

    def host(loop: asyncio.AbstractEventLoop, work: Any, **options: Any) -> asyncio.Task[Any]:
        made.append(work)
        return asyncio.Task(work, loop=loop, **options)

    async def work() -> None:
        await asyncio.sleep(0)
        assert loop.get_task_factory() is not host
        await asyncio.create_task(asyncio.sleep(0))
        await asyncio.sleep(0.01)

    hooks = sys.get_asyncgen_hooks()
    loop.set_task_factory(host)
    try:
        task = asyncio.create_task(contained(work()))
        for _ in range(3):
            await asyncio.sleep(0)
            assert loop.get_task_factory() is host
            assert sys.get_asyncgen_hooks() == hooks
        await task
    finally:
        loop.set_task_factory(None)
    assert len(made) == 2


async def test_what_is_contained_keeps_its_result_and_its_errors() -> None:
    async def give(what: object) -> object:
        await asyncio.sleep(0)
        if isinstance(what, BaseException):
            raise what
        return what

    assert await contained(give(5)) == 5
    with pytest.raises(ValueError, match="this"):
        await contained(give(ValueError("this")))
    with pytest.raises(Exited) as caught:
        await contained(give(SystemExit(3)))
    assert isinstance(caught.value.__cause__, SystemExit)
    task = asyncio.create_task(contained(asyncio.sleep(30)))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


APP = """
import asyncio, sys
from fastapi import FastAPI
from htmxchat import LocalBackend, User, create_chat_app

async def leave():
    sys.exit(3)

async def respond(request):
    yield "So far. "
    if request.text == "exit":
        sys.exit(3)
    if request.text == "task":
        asyncio.create_task(leave())
        await asyncio.Event().wait()
    while request.text == "other":
        yield "more "
        await asyncio.sleep(0.05)

async def identify(request):
    match request.headers.get("x-who"):
        case "exit":
            sys.exit(3)
        case "task":
            await asyncio.wait_for(leave(), 5)
    return User("ann")

app = FastAPI()
app.mount("/chat", create_chat_app(LocalBackend(respond), identify=identify))
"""


def test_a_server_outlives_the_exits_of_its_agents(tmp_path: Path) -> None:
    with uvicorn(tmp_path, APP) as host, httpx.Client(base_url=f"{host.url}/chat", follow_redirects=True) as client:
        going = client.post("/messages", data={"text": "other"}).url
        for text in ("exit", "task"):
            page = client.post("/messages", data={"text": text}).url
            wait_until(lambda page=page: AGENT_FAILED in client.get(page).text, "the run has failed")  # type: ignore[misc]
            answer = client.get("/", headers={"X-Who": text})
            assert (answer.status_code, "Something went wrong" in answer.text) == (500, True)
        assert 'data-state="running"' in client.get(going).text
        assert host.process.poll() is None
        assert "SystemExit" in host.printed
