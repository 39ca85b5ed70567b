"""Reads what other processes have written: events for readers here, and answers for runs that wait here.

One query serves all readers of up to 500 runs. Where the database sends notifications, only the runs they name are
read. Readers of this process's own runs do not need it.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Collection, Mapping, Sequence
from contextvars import Context
from itertools import chain

from ..errors import BackendUnavailable, ChatError, NotFound
from ..events import JSON, RunEvent
from ..store import News
from ..store.run_logs import RunLogs

log = logging.getLogger("htmxchat")
_FRAME = 0.05
_MAX_RUNS = 500


class _Reader:
    def __init__(self, after: int) -> None:
        self.after = after
        self.events: list[RunEvent] = []
        self.live = True
        self.held_back = False
        self.failure: ChatError | None = None
        self.news = asyncio.Event()

    def take(self, found: News | None) -> None:
        """Append new events; `None` means that the run was removed."""
        if found is None:
            self.fail(NotFound())
            return
        new = [event for event in found.events if event.seq > self.after]
        if new or not found.live:
            self.events += new
            self.after = new[-1].seq if new else self.after
            self.live = found.live or found.more
            self.news.set()

    def fail(self, error: ChatError) -> None:
        self.failure = error
        self.news.set()


class Tail:
    """Polls the store while there are readers or waiting runs. A slow reader gets no more until it has taken what it
    has.

    Args:
        owner: The id of this process in the store.
        pause: Returns the longest time in seconds between two polls of everything.
        most: How many events are buffered for a reader.
    """

    def __init__(self, logs: RunLogs, owner: str, pause: Callable[[], float], most: int = 1_000) -> None:
        self._logs = logs
        self._most = most
        self._owner = owner
        self._pause = pause
        self._readers: defaultdict[str, set[_Reader]] = defaultdict(set)
        self._waiting: dict[tuple[str, str], asyncio.Future[JSON]] = {}
        self._task: asyncio.Task[None] | None = None
        self._soon = asyncio.Event()
        self._all = False
        self._named: set[str] = set()
        self._answered = False

    async def follow(self, run_id: str, after: int) -> AsyncGenerator[Sequence[RunEvent], None]:
        """Yield the events of a run after `after` as they arrive, until it ends.

        Raises:
            NotFound: The run was removed.
            BackendUnavailable: The database cannot be reached.
        """
        reader = _Reader(after)
        self._readers[run_id].add(reader)
        self.wake_readers({run_id})
        try:
            while True:
                await reader.news.wait()
                reader.news.clear()
                events, reader.events = reader.events, []
                if reader.held_back:
                    reader.held_back = False
                    self.wake_readers({run_id})
                if events:
                    yield events
                if reader.failure is not None:
                    raise reader.failure
                if not reader.live and not reader.events:
                    return
        finally:
            self._readers[run_id].discard(reader)
            if not self._readers[run_id]:
                del self._readers[run_id]

    async def answer(self, run_id: str, request_id: str) -> JSON:
        """Wait for the answer to a run's request, given in any process."""
        key = run_id, request_id
        answer: asyncio.Future[JSON] = asyncio.get_running_loop().create_future()
        self._waiting[key] = answer
        self.wake_waiting({run_id})
        try:
            return await answer
        finally:
            self._waiting.pop(key, None)

    def wake(self) -> None:
        """Poll everything now."""
        self._all = True
        self._poll_soon()

    def wake_readers(self, run_ids: Collection[str] | None) -> None:
        """Poll these runs for events now, or all runs if `None`."""
        if run_ids is None:
            self.wake()
        elif here := self._readers.keys() & run_ids:
            self._named |= here
            self._poll_soon()

    def wake_waiting(self, run_ids: Collection[str] | None) -> bool:
        """Poll for answers if one of these runs (`None`: any) waits here. Returns whether one does."""
        here = any(run_ids is None or run_id in run_ids for run_id, _ in self._waiting)
        if here:
            self._answered = True
            self._poll_soon()
        return here

    def fail_readers(self, error: ChatError) -> None:
        """End all readers with an error."""
        for reader in chain(*self._readers.values()):
            reader.fail(error)

    async def close(self) -> None:
        """Stop polling."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    def _poll_soon(self) -> None:
        self._soon.set()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._poll(), name="htmxchat tail", context=Context())

    async def _poll(self) -> None:
        now = asyncio.get_running_loop().time
        at = now()
        while self._readers or self._waiting:
            began, everything = now(), self._all
            named, self._named = self._named, set()
            answered, self._answered = self._answered, False
            self._all = False
            self._soon.clear()
            if everything or began >= at:
                everything, at = True, began + self._pause()
            more = False
            if everything or named:
                more = await self._deliver_events(list(self._readers) if everything else named)
            if self._waiting and (everything or answered):
                await self._deliver_answers()
            if not more:
                # Other processes write many times a second; wait a frame so that one query reads more.
                await asyncio.sleep(min(_FRAME, self._pause()))
            try:
                async with asyncio.timeout_at(at):
                    await self._soon.wait()
            except TimeoutError:
                pass

    async def _deliver_events(self, run_ids: Collection[str]) -> bool:
        """Deliver new events of runs to their readers. Returns whether the logs hold more."""
        ready: dict[str, list[_Reader]] = {}
        for run_id in run_ids:
            readers = list(self._readers.get(run_id, ()))
            for reader in readers:
                reader.held_back = len(reader.events) >= self._most
            if some := [reader for reader in readers if not reader.held_back]:
                ready[run_id] = some
        more, runs = False, list(ready)
        for start in range(0, len(runs), _MAX_RUNS):
            more |= await self._deliver_some({run_id: ready[run_id] for run_id in runs[start : start + _MAX_RUNS]})
        return more

    async def _deliver_some(self, ready: Mapping[str, list[_Reader]]) -> bool:
        try:
            wanted = {run_id: min(reader.after for reader in readers) for run_id, readers in ready.items()}
            news = await self._logs.read_news(wanted)
        except Exception as error:
            if not isinstance(error, ChatError):
                # The readers must get the error; the next poll continues.
                log.exception("Events written by other processes could not be read.")
                error = BackendUnavailable()
            for reader in chain(*ready.values()):
                reader.fail(error)
            return False
        for run_id, readers in ready.items():
            for reader in readers:
                reader.take(news.get(run_id))
        behind = {run_id for run_id, found in news.items() if found.more}
        self.wake_readers(behind)
        return bool(behind)

    async def _deliver_answers(self) -> None:
        try:
            found = await self._logs.take_answers(self._owner)
        except BackendUnavailable:
            return  # the next poll may find them
        except Exception:
            log.exception("Answers from other processes could not be read.")
            return
        for key, answer in found.items():
            waiting = self._waiting.get(key)
            if waiting is not None and not waiting.done():
                waiting.set_result(answer)
