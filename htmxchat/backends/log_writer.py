"""Writes the log of one live run: once a frame, through outages of the database, for as long as the run is its own."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from ..errors import BackendUnavailable
from ..events import EventBody, Outcome, RunEnded, RunEvent
from ..kinds import check_fields
from ..store import Started, Store
from ..view import compact

DELAYED = "The answer is delayed: it cannot be saved right now."
UNSAVED = RunEnded(Outcome.FAILED, "The answer could not be saved, so it was stopped. What was saved is kept.")

log = logging.getLogger("htmxchat")
_REFUSED = (0.05, 0.25, 1.0)
_AWAY = (0.05, 0.1, 0.2, 0.4, 0.8)
_DELAY = 0.3


@dataclass(frozen=True, slots=True)
class Timing:
    """How long things take, in seconds.

    Attributes:
        frame: Between two commits of a run that writes fast.
        poll: Between two looks at the store for what another process wrote.
        renew: Between two signs of life of a run that is silent, and the longest that a stop from elsewhere takes.
        expire: How long a live run may show no sign of life before it is watched.
        watch: How long it may show none while it is watched; then it is ended as interrupted.
        grace: How long a responder may take to clean up after a stop.
        close: The same when the backend closes.
    """

    frame: float = 0.08
    poll: float = 0.25
    renew: float = 1.0
    expire: float = 5.0
    watch: float = 2.5
    grace: float = 5.0
    close: float = 0.5


class LogWriter:
    """The log of a live run that this process writes.

    A database that cannot be reached is tried again for as long as it takes. One that refuses what is written is tried
    a few times; then only the end of the run is still to be written.

    Args:
        on_stop: Called when somebody has asked for a stop, in whichever process.
        on_refused: Called when the database refuses events. They are dropped; the run is to be ended.
        on_lost: Called when the log is somebody else's, or takes nothing any more.

    Attributes:
        events: What is in the store: nobody sees an event before its commit.
        seq: The number of the last event, whether it is in the store yet or not.
        done: Whether nothing more will be written.
        lost: Whether that is because the log is not this writer's any more.
        delayed: Whether the database has been away for longer than a moment.
    """

    def __init__(
        self,
        store: Store,
        started: Started,
        owner: str,
        timing: Timing,
        *,
        on_stop: Callable[[], None],
        on_refused: Callable[[], None],
        on_lost: Callable[[], None],
    ) -> None:
        self.run_id = started.run.id
        self.events = list(started.events)
        self.seq = self.events[-1].seq
        self.done = False
        self.lost = False
        self.delayed = False
        self._store = store
        self._owner = owner
        self._timing = timing
        self._on_stop, self._on_refused, self._on_lost = on_stop, on_refused, on_lost
        self._pending: list[RunEvent] = []
        self._refused = False
        self._away_since: float | None = None
        self._dirty = asyncio.Event()
        self._hurry = asyncio.Event()
        self._news = asyncio.Event()

    @property
    def waiting(self) -> int:
        """How many events are not in the store yet."""
        return len(self._pending)

    async def more(self, count: int) -> None:
        """Wait until there are more than `count` events in the store, or until nothing more will be written.

        Raises:
            BackendUnavailable: The database has been away for longer than a moment.
        """
        while len(self.events) <= count and not self.done:
            if self.delayed:
                raise BackendUnavailable(DELAYED)
            await self._news.wait()

    async def written(self, seq: int) -> None:
        """Wait until the event `seq` is in the store, or nothing more will be written, however long that takes."""
        while len(self.events) < seq and not self.done:
            await self._news.wait()

    def emit(self, body: EventBody) -> None:
        """Number an event and have it written."""
        if self._refused:
            if not isinstance(body, RunEnded):
                return
            body = UNSAVED
        self.seq += 1
        self._pending.append(RunEvent(self.seq, datetime.now(UTC), body))
        self._dirty.set()

    def hurry(self) -> None:
        """Write what is pending at once."""
        self._hurry.set()

    def finish(self) -> None:
        """Nothing more will be written."""
        self.done = True
        self._announce()

    async def write(self) -> None:
        """Commit what is pending, at once when it was quiet, else once a frame, until the end of the run is written."""
        loop = asyncio.get_running_loop()
        while True:
            await self._dirty.wait()
            self._dirty.clear()
            began = loop.time()
            batch, self._pending = self._pending, []
            saved = await self._save(batch)
            if saved is None and not self._refused:
                self._refuse(batch)
                continue
            if not saved:
                return self._lose()
            self.events += batch
            self._announce()
            if isinstance(batch[-1].body, RunEnded):
                return
            with suppress(TimeoutError):
                async with asyncio.timeout_at(began + self._timing.frame):
                    await self._hurry.wait()

    async def keep_lease(self) -> None:
        """Say again and again that the run's owner is alive, and hear of stops that were asked for elsewhere."""
        while True:
            await asyncio.sleep(min(self._timing.renew, _DELAY) if self._away_since else self._timing.renew)
            try:
                stop = await self._renew()
            except BackendUnavailable:
                self._away()
                continue
            except Exception:
                log.exception("The lease of run %s could not be renewed.", self.run_id)
                continue
            self._back()
            if stop is None:
                return self._lose()
            if stop:
                self._on_stop()

    async def _renew(self) -> bool | None:
        renewal = asyncio.create_task(self._store.renew_lease(self.run_id, self._owner))
        try:
            while not renewal.done():
                await asyncio.wait({renewal}, timeout=self._timing.renew)
                if not renewal.done():
                    self._away()  # a database may also just say nothing
            return renewal.result()
        finally:
            renewal.cancel()

    async def _save(self, batch: list[RunEvent]) -> bool | None:
        """Store events. Returns whether the run was still the owner's; `None` if the database refused."""
        ends = isinstance(batch[-1].body, RunEnded)
        compacted = compact([*self.events, *batch]) if ends else ()
        again, outages, refusals = False, 0, 0
        while True:
            try:
                if ends:
                    saved = await self._store.end_run(self.run_id, self._owner, batch, compacted, again=again)
                else:
                    saved = await self._store.append_events(self.run_id, self._owner, batch, again=again)
            except BackendUnavailable:
                delay = _AWAY[min(outages, len(_AWAY) - 1)]
                outages += 1
                self._away()
            except Exception:
                log.exception("%d events of run %s could not be stored.", len(batch), self.run_id)
                if refusals == len(_REFUSED):
                    return None
                delay = _REFUSED[refusals]
                refusals += 1
            else:
                self._back()
                return saved
            again = True
            await asyncio.sleep(delay)

    def _refuse(self, batch: list[RunEvent]) -> None:
        """Give up what the database refuses. An end that was among it is written anew."""
        last = [*batch, *self._pending][-1].body
        self._refused = True
        self._pending = []
        self.seq = self.events[-1].seq
        self._on_refused()
        if isinstance(last, RunEnded):
            self.emit(last)

    def _lose(self) -> None:
        if not self.done and not self.lost:
            log.error("Run %s cannot be written any more. Its responder is stopped.", self.run_id)
        self.lost = True
        self._on_lost()

    def _away(self) -> None:
        now = asyncio.get_running_loop().time()
        self._away_since = self._away_since or now
        if now - self._away_since >= _DELAY and not self.delayed:
            self.delayed = True
            self._announce()

    def _back(self) -> None:
        self._away_since = None
        if self.delayed:
            self.delayed = False
            self._announce()

    def _announce(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    def __post_init__(self) -> None:
        check_fields(self)
