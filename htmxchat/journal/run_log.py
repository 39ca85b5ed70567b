"""The log of one active run that this process writes: what is in the store, and what is still to be written."""

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
        on_refused: Called when the database refuses events. They are dropped; the run is to be ended.
        on_lost: Called when the log is someone else's.

    Attributes:
        events: What is in the store: no one sees an event before its commit.
        seq: The number of the last event, whether it is in the store yet or not.
        done: Whether nothing more will be written.
        lost: Whether that is because the log is not this process's any more.
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
        """Whether all is in the store, or nothing more will be written."""
        return self.done or self.lost or not (self._pending or self._writing or self._notes != Notes())

    @property
    def pending(self) -> bool:
        """Whether there are events that no one has begun to store."""
        return bool(self._pending)

    @property
    def full(self) -> bool:
        """Whether so much is pending that the agent has to wait: as much again may be on its way to the store."""
        return len(self._pending) >= _MAX_EVENTS or self._size >= _MAX_CHARACTERS

    async def more(self, count: int) -> None:
        """Wait until there are more than `count` events in the store, or until nothing more will be written.

        Raises:
            BackendUnavailable: The database has been away for longer than a moment.
        """
        while len(self.events) <= count and not self.done:
            if self._outage.begun:
                raise BackendUnavailable(DELAYED)
            await self._news.wait()

    async def written(self, seq: int) -> None:
        """Wait until the event `seq` is in the store, or nothing more will be written, however long that takes."""
        while len(self.events) < seq and not self.done:
            await self._news.wait()

    async def changed(self) -> None:
        """Wait until something has become of it."""
        await self._news.wait()

    def emit(self, body: EventBody, raw: JSON = None) -> None:
        """Number an event and keep it to be written."""
        if self._refused:
            if not isinstance(body, RunEnded):
                return
            body = UNSAVED
        self.seq += 1
        self._pending.append(RunEvent(self.seq, datetime.now(UTC), body, raw))
        self._size += _characters(body)

    def keep(self, note: Checkpoint | Pinned | Remember) -> None:
        """Keep what the agent says to itself, to be written with the events before it."""
        if isinstance(note, Remember):
            self._notes = replace(self._notes, memory=note)
        else:
            self._notes = replace(self._notes, checkpoint=(note, self.seq))

    def take(self) -> Batch:
        """Return what is to be written; anyone who takes it says its result."""
        events, self._pending, self._size = self._pending, [], 0
        notes, self._notes = self._notes, Notes()
        ends = bool(events) and isinstance(events[-1].body, RunEnded)
        self._writing = True
        return Batch(self.run_id, events, compact([*self.events, *events]) if ends else None, notes)

    def saved(self, events: Sequence[RunEvent]) -> None:
        """They are in the store."""
        self._writing = False
        self.events += events
        if self.events and isinstance(self.events[-1].body, RunEnded):
            self.finish()
        else:
            self.announce()

    def refuse(self, events: Sequence[RunEvent]) -> None:
        """The database does not take them. An end that was among them is written again."""
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
        """The log is someone else's."""
        if not self.done and not self.lost:
            self.lost = True
            self._on_lost()

    def leave(self) -> None:
        """Write no more: from now on, another process may."""
        self._pending, self._size = [], 0
        self.finish()

    def finish(self) -> None:
        """Nothing more will be written."""
        self.done = True
        self.announce()

    def announce(self) -> None:
        """Wake those who wait; they look for themselves."""
        self._news.set()
        self._news = asyncio.Event()


def _characters(body: EventBody) -> int:
    return len(body.text) if isinstance(body, TextDelta | ReasoningDelta) else len(repr(body))
