"""One process with a store: what its work costs. `python -m scripts.benchmarks.drivers_process URL COUNT`."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from htmxchat.events import RunEvent, TextDelta
from htmxchat.store import Batch, Store
from scripts.benchmarks.drivers import WORK

RUNS = 50
EVENTS = 4  # of 50 a second, in a frame of 80 ms


async def measure(url: str, count: int) -> dict[str, dict[str, float]]:
    """Return for each kind of work the CPU and wall time of one, in ms; of `count` each."""
    store = Store(url)
    await store.open()
    ids = [await _start(store, number) for number in range(RUNS)]
    seqs = dict.fromkeys(ids, 1)

    async def append(_: int) -> None:
        now = datetime.now(UTC)
        batches = []
        for run_id, seq in seqs.items():
            events = [RunEvent(seq + 1 + each, now, TextDelta("a word or two ")) for each in range(EVENTS)]
            batches.append(Batch(run_id, events))
            seqs[run_id] = events[-1].seq
        assert not await store.logs.append(batches, "me")

    async def news(_: int) -> None:
        await store.logs.read_news({run_id: seqs[run_id] - EVENTS for run_id in ids})

    async def nothing(_: int) -> None:
        await store.logs.read_news(seqs)

    works: list[Callable[[int], Awaitable[object]]] = [lambda number: _start(store, number), append, news, nothing]
    found = {name: await _time(work, count) for name, work in zip(WORK, works, strict=True)}
    await store.close()
    return found


async def _start(store: Store, number: int) -> str:
    return (
        await store.runs.start_run(f"user {number % RUNS}", None, "Hello, how are you?", owner="me", most=1_000)
    ).run.id


async def _time(work: Callable[[int], Awaitable[object]], count: int) -> dict[str, float]:
    for number in range(5):
        await work(number)
    cpu, at = time.process_time(), time.perf_counter()
    for number in range(count):
        await work(number)
    return {
        "cpu": 1000 * (time.process_time() - cpu) / count,
        "wall": 1000 * (time.perf_counter() - at) / count,
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(measure(sys.argv[1], int(sys.argv[2])))))
