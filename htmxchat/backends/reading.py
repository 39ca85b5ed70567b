"""Reads the events of a run: of this process, of another, or ended."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing

from ..errors import BackendUnavailable, ServerStopping
from ..events import RunEnded, RunEvent
from ..journal import Journal
from ..journal.run_log import DELAYED
from ..models import User
from ..store import News, Store
from .active import ActiveRun

_MAX_AT_A_STRETCH = 500


async def read_events(
    store: Store,
    journal: Journal[ActiveRun],
    user: User,
    run_id: str,
    after: int | None,
    *,
    closing: Callable[[], bool],
) -> AsyncGenerator[Sequence[RunEvent], None]:
    """Yield what `Backend.run_events` does.

    Args:
        closing: Whether this process is shutting down.

    Raises:
        ServerStopping: It is, and the run is another process's.
    """
    active = journal.runs.get(run_id)
    if active is not None and journal.outage.begun and active.run.user_id == user.id:
        raise BackendUnavailable(DELAYED)  # without waiting for a database that may not answer
    journal.start()
    last = max(after or 0, 0)
    if active is None:
        news = News((), live=True, more=True)
        while news.more:
            news = await store.logs.read_run(user.id, run_id, last)
            if news.events:
                last = news.events[-1].seq
                yield news.events
        if not news.live:
            return
    else:
        await store.runs.get_run(user.id, run_id)
        while not (active.done and len(active.events) <= last):
            # Numbers have no gaps, so `last` is also an index.
            if events := active.events[last : last + _MAX_AT_A_STRETCH]:
                last = events[-1].seq
                yield events
                await asyncio.sleep(0)
            await active.more(last)
        if isinstance(active.events[-1].body, RunEnded):
            return
    if closing():
        raise ServerStopping
    async with aclosing(journal.tail.follow(run_id, last)) as batches:
        async for batch in batches:
            yield batch
