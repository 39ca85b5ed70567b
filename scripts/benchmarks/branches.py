"""What opening a conversation costs that has many versions beside those that are shown."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx

from htmxchat import LocalBackend, Request, Store, create_chat_app
from htmxchat.models import Run, User
from scripts.benchmarks.report import Row, Table
from scripts.benchmarks.texts import prose

ANN = User("ann")
TURNS, VERSIONS, ANSWER = 500, 50, 2_000  # a turn is a message or an answer; characters an answer


def branches(quick: bool) -> list[Table]:
    turns, versions = (100, 20) if quick else (TURNS, VERSIONS)
    alone, beside = asyncio.run(_measure(turns, versions, 5 if quick else 15))
    columns = [f"{turns} turns", f"5 with {versions} versions"]
    return [
        Table(
            f"Opening a conversation, answers of {ANSWER:,} characters, SQLite in a file",
            columns,
            [
                Row("CPU of a GET", [alone[0], beside[0]], "ms", limit=1.2 * alone[0], judged=1),
                Row("the page, before compression", [alone[1], beside[1]], "KB", limit=1.05 * alone[1], judged=1),
            ],
        )
    ]


async def _answer(request: Request) -> AsyncIterator[str]:
    yield prose(ANSWER)


async def _identify(request: object) -> User:
    return ANN


async def _measure(turns: int, versions: int, times: int) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return milliseconds and kilobytes of a conversation without versions, and of the same with them."""
    with tempfile.TemporaryDirectory() as folder:
        backend = LocalBackend(_answer, Store(f"sqlite:///{Path(folder) / 'chat.db'}"))
        chat = create_chat_app(backend, identify=_identify)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(chat), base_url="http://localhost") as client:
            run = await _talk(backend, turns // 2)
            alone = await _opening(client, run, times)
            for number in range(5 * (versions - 1)):
                place = number // (versions - 1)
                shown = [turn for turn in (await backend.load_transcript(ANN, run.conversation_id)).turns if turn.run]
                turn = shown[-1 - place]
                if number % 2 and turn.run:
                    text = prose(ANSWER)
                    begun = await backend.edit_turn(ANN, run.conversation_id, turn.run.turn_id, text)
                else:
                    begun = await backend.retry_run(ANN, turn.id)
                await _finish(backend, begun)
                await backend.show_version(ANN, run.conversation_id, run.id)
            beside = await _opening(client, run, times)
        await backend.close()
    return alone, beside


async def _talk(backend: LocalBackend, questions: int) -> Run:
    """Have a conversation, and return its last run."""
    run = await backend.start_run(ANN, None, "Question 1")
    await _finish(backend, run)
    for number in range(2, questions + 1):
        run = await backend.start_run(ANN, run.conversation_id, f"Question {number}")
        await _finish(backend, run)
    return run


async def _finish(backend: LocalBackend, run: Run) -> None:
    async for _ in backend.run_events(ANN, run.id):
        pass


async def _opening(client: httpx.AsyncClient, run: Run, times: int) -> tuple[float, float]:
    """Return the least milliseconds of CPU time of a GET, and the kilobytes that it brings."""
    costs, size = [], 0
    clock: Callable[[], float] = time.process_time
    for _ in range(times):
        began = clock()
        page = await client.get(f"/c/{run.conversation_id}")
        costs.append((clock() - began) * 1_000)
        page.raise_for_status()
        size = len(page.content)
    return min(costs), size / 1_000
