"""Reads what other processes have written: events for readers here, and answers for runs that wait here.

One query a look for all readers, however many there are. A reader of a run of this process needs none of this.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Sequence
from contextvars import Context

from ..errors import BackendUnavailable, ChatError, NotFound
from ..events import JSON, RunEvent
from ..store import Store

log = logging.getLogger("htmxchat")


class _Reader:
    def __init__(self, run_id: str, after: int) -> None:
        self.run_id = run_id
        self.after = after
        self.events: list[RunEvent] = []
        self.live = True
        self.failure: ChatError | None = None
        self.news = asyncio.Event()


class Tail:
    """Looks for news while somebody wants some.

    Args:
        owner: The process, as the store knows it.
        poll: Seconds between two looks.
    """

    def __init__(self, store: Store, owner: str, poll: float) -> None:
        self._store = store
        self._owner = owner
        self._poll = poll
        self._readers: set[_Reader] = set()
        self._waiting: dict[tuple[str, str], asyncio.Future[JSON]] = {}
        self._task: asyncio.Task[None] | None = None
        self._soon = asyncio.Event()

    async def follow(self, run_id: str, after: int) -> AsyncGenerator[Sequence[RunEvent], None]:
        """Yield the events of a run after a number as they come, until it has ended.

        Raises:
            NotFound: The run was removed.
            BackendUnavailable: The database cannot be reached.
        """
        reader = _Reader(run_id, after)
        self._readers.add(reader)
        self.wake()
        try:
            while True:
                await reader.news.wait()
                reader.news.clear()
                events, reader.events = reader.events, []
                if events:
                    yield events
                if reader.failure is not None:
                    raise reader.failure
                if not reader.live and not reader.events:
                    return
        finally:
            self._readers.discard(reader)

    async def answer(self, run_id: str, request_id: str) -> JSON:
        """Wait for the answer to what a run asks, given in whichever process."""
        key = run_id, request_id
        answer: asyncio.Future[JSON] = asyncio.get_running_loop().create_future()
        self._waiting[key] = answer
        self.wake()
        try:
            return await answer
        finally:
            self._waiting.pop(key, None)

    def wake(self) -> None:
        """Look now: there may be news."""
        self._soon.set()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._look(), name="htmxchat tail", context=Context())

    def turn_away(self, error: ChatError) -> None:
        """Have all readers told that there is no more to come here."""
        for reader in self._readers:
            reader.failure = error
            reader.news.set()

    async def close(self) -> None:
        """Look no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def _look(self) -> None:
        while self._readers or self._waiting:
            self._soon.clear()
            if self._readers:
                await self._bring_events()
            if self._waiting:
                await self._bring_answers()
            try:
                async with asyncio.timeout(self._poll):
                    await self._soon.wait()
            except TimeoutError:
                pass

    async def _bring_events(self) -> None:
        readers = list(self._readers)
        wanted: dict[str, int] = {}
        for reader in readers:
            wanted[reader.run_id] = min(reader.after, wanted.get(reader.run_id, reader.after))
        try:
            news = await self._store.read_news(wanted)
        except Exception as error:
            if not isinstance(error, ChatError):
                # Whoever waits must hear of it, and the next look goes on.
                log.exception("What other processes have written could not be read.")
                error = BackendUnavailable()
            for reader in readers:
                reader.failure = error
                reader.news.set()
            return
        for reader in readers:
            if (found := news.get(reader.run_id)) is None:
                reader.failure = NotFound()
                reader.news.set()
                continue
            new = [event for event in found.events if event.seq > reader.after]
            if new or not found.live:
                reader.events += new
                reader.after = new[-1].seq if new else reader.after
                reader.live = found.live
                reader.news.set()

    async def _bring_answers(self) -> None:
        try:
            found = await self._store.take_answers(self._owner)
        except BackendUnavailable:
            return  # the next look may find them
        except Exception:
            log.exception("Answers from other processes could not be read.")
            return
        for key, answer in found.items():
            waiting = self._waiting.get(key)
            if waiting is not None and not waiting.done():
                waiting.set_result(answer)
