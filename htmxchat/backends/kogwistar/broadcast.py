"""Events for many readers in one process."""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from dataclasses import replace

from ...errors import ChatError
from ...events import RunEnded, RunEvent


class Broadcast:
    """A growing list of events, and those who read it.

    Attributes:
        events: What readers see.
        done: Whether the last event is there.
        failure: Why there is nothing more for now; readers get it.
        readers: How many there are.
    """

    def __init__(self) -> None:
        self.events: list[RunEvent] = []
        self.done = False
        self.failure: ChatError | None = None
        self.readers = 0
        self._news = asyncio.Event()

    def entered(self) -> None:
        """A reader has come."""

    def left(self) -> None:
        """The last reader has gone."""

    @property
    def settling(self) -> bool:
        """Whether the end is near, so that it is worth waiting for."""
        return False

    def append(self, events: list[RunEvent]) -> None:
        """Show events to the readers."""
        if events:
            self.events += events
            self.announce()

    def announce(self) -> None:
        """Wake the readers."""
        self._news.set()
        self._news = asyncio.Event()

    async def read(self, after: int | None) -> AsyncGenerator[Sequence[RunEvent], None]:
        """Yield the events after a number, and those to come, until the run ends."""
        last = start = -1 if after is None else after
        self._enter()
        try:
            while True:
                done, failure, news = self.done, self.failure, self._news
                if events := self.events[bisect_right(self.events, last, key=_seq) :]:
                    last = events[-1].seq
                    yield events
                    if isinstance(events[-1].body, RunEnded):
                        return
                if done:
                    if last > start and isinstance(self.events[-1].body, RunEnded):
                        # Another process ended the run at a lower number than this reader has come to.
                        yield [replace(self.events[-1], seq=last + 1)]
                    return
                if failure is not None:
                    raise failure
                await news.wait()
        finally:
            self._leave()

    async def glance(self, timeout: float) -> None:
        """Wait a little until the events are those that there are by now."""
        self._enter()
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout):
                    while not self.done and self.failure is None:
                        news, count = self._news, len(self.events)
                        # What has come by now comes in one burst.
                        with suppress(TimeoutError):
                            async with asyncio.timeout(timeout / 4 if count and not self.settling else timeout):
                                await news.wait()
                        if count and count == len(self.events) and not self.settling:
                            return
        finally:
            self._leave()

    def _enter(self) -> None:
        self.readers += 1
        self.entered()

    def _leave(self) -> None:
        self.readers -= 1
        if not self.readers:
            self.left()


def _seq(event: RunEvent) -> int:
    return event.seq
