"""Runs in a process of their own, without pages: what many of them cost, and how late what they write is read."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import aclosing

from htmxchat import InputRequested, LocalBackend, Request, Store, TextDelta, User
from htmxchat.errors import BackendUnavailable

PAUSE = 0.02
SECONDS = 8.0


async def wait(request: Request) -> AsyncIterator[InputRequested]:
    yield InputRequested("sure", "Sure?")


async def write(request: Request) -> AsyncIterator[str]:
    """Write what time it is, fifty times a second."""
    at = time.time()
    end = at + SECONDS
    while at < end:
        yield f"{time.time()} "
        at += PAUSE
        await asyncio.sleep(max(0.0, at - time.time()))


async def waiting(count: int, url: str | None) -> dict[str, float]:
    """Return the share of a core that runs need which wait for their users."""
    backend = LocalBackend(wait, Store(url))
    await backend.open()
    for number in range(count):
        await backend.start_run(User(f"user {number}"), None, "Hello")
    await asyncio.sleep(2)
    cpu, at = time.process_time(), time.monotonic()
    await asyncio.sleep(10)
    share = (time.process_time() - cpu) / (time.monotonic() - at)
    await backend.close()
    return {"share": 100 * share}


async def live(count: int, url: str | None) -> dict[str, float]:
    """Return the delay of the 95th percentile from an agent to its reader, in ms, and the share of a core."""
    backend = LocalBackend(write, Store(url))
    await backend.open()
    delays: list[float] = []

    async def read(number: int) -> None:
        user = User(f"user {number}")
        run = await backend.start_run(user, None, "Hello")
        after = 0
        while True:
            try:
                async with aclosing(backend.run_events(user, run.id, after=after)) as batches:
                    async for batch in batches:
                        after, now = batch[-1].seq, time.time()
                        texts = [each.body.text for each in batch if isinstance(each.body, TextDelta)]
                        delays.extend(now - float(text) for text in texts)
                return
            except BackendUnavailable:
                await asyncio.sleep(PAUSE)

    cpu, at = time.process_time(), time.monotonic()
    async with asyncio.TaskGroup() as readers:
        for number in range(count):
            readers.create_task(read(number))
    share = (time.process_time() - cpu) / (time.monotonic() - at)
    await backend.close()
    return {"p95": 1000 * sorted(delays)[len(delays) * 95 // 100], "share": 100 * share}


if __name__ == "__main__":
    what, count, url = {"waiting": waiting, "live": live}[sys.argv[1]], int(sys.argv[2]), sys.argv[3] or None
    print(json.dumps(asyncio.run(what(count, url))))
