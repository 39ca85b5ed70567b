"""What readers cost who poll, or who come back to a stream: CPU time, without a server."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress

import anyio

from htmxchat import LocalBackend
from htmxchat.fragments import TurnContext
from htmxchat.http.sse import ServerSentEvent
from htmxchat.live import Relay
from htmxchat.models import Run, User
from htmxchat.text.markdown import Markdown
from htmxchat.urls import Urls
from scripts.benchmarks.report import Row, Table
from scripts.benchmarks.texts import SENTENCE, markdown_words

ANN = User("ann")
SIZES = (10, 100, 300)
CONTEXT = TurnContext(Urls(), Markdown())


def returning(quick: bool) -> list[Table]:
    counts = (40, 100) if quick else (40, 100, 400)
    polls = [asyncio.run(_polling(count, 3 if quick else 10)) for count in counts]
    returns = [asyncio.run(_coming_back(size * 1_000, 3 if quick else 7)) for size in SIZES]
    return [
        Table(
            "A poll that brings one word of an answer of 12 KB, each of its own run",
            [f"{count} pollers" for count in counts],
            [Row("server CPU", polls, "ms", limit=2 * polls[0], judged=1)],
        ),
        Table(
            "A stream that comes back to a live answer, with nothing new",
            [f"{size} KB" for size in SIZES],
            [Row("server CPU", returns, "s", limit=0.02, judged=2)],
        ),
    ]


class _Agent:
    """Answers with words, then with one more whenever it is told to."""

    def __init__(self, words: list[str]) -> None:
        self._words = words
        self._more: list[asyncio.Event] = []

    async def answer(self, request: object) -> AsyncIterator[str]:
        for number, word in enumerate(self._words):
            yield word
            if number % 500 == 0:
                await asyncio.sleep(0)
        while True:
            more = asyncio.Event()
            self._more.append(more)
            await more.wait()
            yield "more "

    @property
    def waiting(self) -> int:
        return len(self._more)

    def go_on(self) -> None:
        more, self._more = self._more, []
        for each in more:
            each.set()


async def _polling(pollers: int, times: int) -> float:
    """Return the milliseconds of CPU time that a poll costs, the best of several rounds."""
    agent = _Agent(markdown_words(1_500))
    backend = LocalBackend(agent)
    relay = Relay(backend)
    runs = [await backend.start_run(ANN, None, "Hello") for _ in range(pollers)]
    after = {}
    for run in runs:
        after[run.id] = (await _all(relay, run))[0]
    costs = []
    for _ in range(times):
        await _until(lambda: agent.waiting == pollers)
        agent.go_on()
        await asyncio.sleep(0.5)  # the words are in the log then, so only polls are measured
        began = time.process_time()
        for run in runs:
            answer = await relay.poll(ANN, run.id, after[run.id], CONTEXT)
            assert "more" in answer.html and answer.after is not None
            after[run.id] = answer.after
        costs.append((time.process_time() - began) / pollers)
    await backend.close()
    return min(costs) * 1_000


async def _all(relay: Relay, run: Run) -> tuple[int, str]:
    after, html = None, ""
    while not (after and after > 1_500):
        answer = await relay.poll(ANN, run.id, after, CONTEXT)
        after, html = answer.after, html + answer.html
    return after, html


async def _coming_back(size: int, times: int) -> float:
    """Return the seconds of CPU time until a stream that has come back is idle, the median of several."""
    text = SENTENCE.replace(". ", ".\n\n") * (size // len(SENTENCE))
    agent = _Agent([f"{word} " for word in text.split(" ")])
    backend = LocalBackend(agent)
    relay = Relay(backend)
    run = await backend.start_run(ANN, None, "Hello")
    await _until(lambda: agent.waiting == 1)
    last = await _read(relay, run, None)
    costs = []
    for _ in range(times):
        began = time.process_time()
        assert await _read(relay, run, last) == last
        costs.append(time.process_time() - began)
    await backend.close()
    return sorted(costs)[len(costs) // 2]


async def _read(relay: Relay, run: Run, after: int | None) -> int:
    """Read a stream until it says nothing for a while, leave, and return its last id."""
    last, news = after, asyncio.Event()

    async def emit(message: ServerSentEvent) -> None:
        nonlocal last
        last = last if message.id is None else int(message.id)
        news.set()

    async with asyncio.timeout(60):
        reading = asyncio.create_task(_stream(relay, run, after, emit))
        while True:
            news.clear()
            try:
                async with asyncio.timeout(1.0):
                    await news.wait()
            except TimeoutError:
                break
        reading.cancel()
        with suppress(asyncio.CancelledError):
            await reading
    assert last is not None
    return last


async def _stream(
    relay: Relay, run: Run, after: int | None, emit: Callable[[ServerSentEvent], Awaitable[None]]
) -> None:
    async with anyio.create_task_group() as tasks:
        await relay.stream(ANN, run.id, after, CONTEXT, emit, tasks)


async def _until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110
        await asyncio.sleep(0.01)
