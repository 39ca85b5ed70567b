"""The log of one active run of this process: stored events and pending events."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from ..agent import Checkpoint, Pinned, Remember
from ..compaction import compact
from ..errors import BackendUnavailable
from ..events import JSON, EventBody, Outcome, ReasoningDelta, RunEnded, RunEvent, TextDelta
from ..store import Batch, Notes, Started
from .outage import Outage

DELAYED = "The answer is delayed: it cannot be saved right now."
UNSAVED = RunEnded(Outcome.FAILED, "The answer was stopped because it could not be saved.")
_MAX_EVENTS = 2_000
_MAX_CHARACTERS = 1_000_000


class RunLog:
    """Numbers events and keeps them until they are stored. A `Writer` stores them.

    Args:
        on_refused: Called when the database rejects events. They are dropped, and the run must be ended.
        on_lost: Called when another process owns the run.

    Attributes:
        events: The stored events. Readers see no event before its commit.
        seq: The number of the last event, stored or pending.
        done: Whether nothing more will be written.
        lost: Whether another process owns the run.
    """

    def __init__(
        self, started: Started, outage: Outage, *, on_refused: Callable[[], None], on_lost: Callable[[], None]
    ) -> None:
        self.run_id = started.run.id
        self.events = list(started.events)
        self.seq = self.events[-1].seq
        self.done = False
        self.lost = False
        self._outage = outage
        self._on_refused, self._on_lost = on_refused, on_lost
        self._pending: list[RunEvent] = []
        self._size = 0
        self._notes = Notes()
        self._writing = False
        self._refused = False
        self._news = asyncio.Event()

    @property
    def settled(self) -> bool:
        """Whether everything is stored, or nothing more will be written."""
        return self.done or self.lost or not (self._pending or self._writing or self._notes != Notes())

    @property
    def pending(self) -> bool:
        """Whether there are events that the writer has not taken yet."""
        return bool(self._pending)

    @property
    def full(self) -> bool:
        """Whether so much is pending that the agent must wait. The writer may hold the same amount again."""
        return len(self._pending) >= _MAX_EVENTS or self._size >= _MAX_CHARACTERS

    async def more(self, count: int) -> None:
        """Wait until more than `count` events are stored, or nothing more will be written.

        Raises:
            BackendUnavailable: There is an outage of the database.
        """
        while len(self.events) <= count and not self.done:
            if self._outage.begun:
                raise BackendUnavailable(DELAYED)
            await self._news.wait()

    async def written(self, seq: int) -> None:
        """Wait until the event `seq` is stored or nothing more will be written, also during an outage."""
        while len(self.events) < seq and not self.done:
            await self._news.wait()

    async def changed(self) -> None:
        """Wait for the next change: events stored, an outage, or the end."""
        await self._news.wait()

    def emit(self, body: EventBody, raw: JSON = None) -> None:
        """Number an event and queue it for writing."""
        if self._refused:
            if not isinstance(body, RunEnded):
                return
            body = UNSAVED
        self.seq += 1
        self._pending.append(RunEvent(self.seq, datetime.now(UTC), body, raw))
        self._size += _characters(body)

    def keep(self, note: Checkpoint | Pinned | Remember) -> None:
        """Queue an agent's checkpoint or memory, to be written with the events before it."""
        if isinstance(note, Remember):
            self._notes = replace(self._notes, memory=note)
        else:
            self._notes = replace(self._notes, checkpoint=(note, self.seq))

    def take(self) -> Batch:
        """Return what is to be written. The caller then calls `saved`, `refuse` or `lose`."""
        events, self._pending, self._size = self._pending, [], 0
        notes, self._notes = self._notes, Notes()
        ends = bool(events) and isinstance(events[-1].body, RunEnded)
        self._writing = True
        return Batch(self.run_id, events, compact([*self.events, *events]) if ends else None, notes)

    def saved(self, events: Sequence[RunEvent]) -> None:
        """Record that these events are stored."""
        self._writing = False
        self.events += events
        if self.events and isinstance(self.events[-1].body, RunEnded):
            self.finish()
        else:
            self.announce()

    def refuse(self, events: Sequence[RunEvent]) -> None:
        """Drop events that the database rejected. If the run's end was among them, it is written again."""
        if self._refused:
            return self.lose()
        self._writing = False
        last = [*events, *self._pending][-1].body
        self._refused = True
        self._pending, self._size = [], 0
        self.seq = self.events[-1].seq
        self._on_refused()
        if isinstance(last, RunEnded):
            self.emit(last)

    def lose(self) -> None:
        """Record that another process owns the run."""
        if not self.done and not self.lost:
            self.lost = True
            self._on_lost()

    def leave(self) -> None:
        """Write no more, so that another process can take over."""
        self._pending, self._size = [], 0
        self.finish()

    def finish(self) -> None:
        """Nothing more will be written."""
        self.done = True
        self.announce()

    def announce(self) -> None:
        """Wake all waiters; each checks what it waits for."""
        self._news.set()
        self._news = asyncio.Event()


def _characters(body: EventBody) -> int:
    return len(body.text) if isinstance(body, TextDelta | ReasoningDelta) else len(repr(body))
