"""A cache of what readers' pages show, so that a reader who polls or reconnects costs only what is new."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from ..fragments.turns.context import TurnContext
from ..latest import Latest
from .page import LivePage
from .rows import RowsWanted

# Whose, of which run, and with what it was drawn: a user may lose the right to inspect, or come by another proxy.
PageKey: TypeAlias = tuple[str, str, TurnContext]


@dataclass(frozen=True, slots=True)
class _Kept:
    seq: int
    page: LivePage
    at: float
    size: int


@dataclass(slots=True)
class _Shelf:
    """What is kept of one key, the oldest first."""

    pages: list[_Kept] = field(default_factory=list)
    used_at: float = 0.0

    @property
    def size(self) -> int:
        return sum(kept.size for kept in self.pages)


class KeptPages:
    """Pages of active runs, by the last event that they show.

    A page is what all readers of the run see at that event, so each gets a copy, also of one that is somewhat older
    than what the reader has.

    Args:
        most: How many bytes all of them may take, about. What was not used for longest goes first.
        seconds: For how long they are kept after their last use.
        between: How many seconds lie between two pages that are kept of one run, at least.
        spread: The same for each second that has passed since: the older, the fewer.
        clock: Says what time it is, in seconds.
    """

    def __init__(
        self,
        most: int = 64 * 1024 * 1024,
        seconds: float = 60.0,
        *,
        between: float = 0.25,
        spread: float = 0.5,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._seconds = seconds
        self._between = between
        self._spread = spread
        self._clock = clock
        self._shelves: Latest[tuple[PageKey, bool], _Shelf] = Latest(most, lambda shelf: shelf.size)

    @property
    def size(self) -> int:
        """Return their approximate size in bytes."""
        return self._shelves.weight

    def find(self, key: PageKey, after: int | None, rows: RowsWanted | None = None) -> LivePage | None:
        """Return the latest page that shows nothing after the event `after`, and can continue with `rows`."""
        now = self._clock()
        self._expire(now)
        place = key, rows is not None
        shelf = self._shelves.peek(place)
        if shelf is None or after is None:
            return None
        found = [kept.page for kept in shelf.pages if kept.seq <= after and kept.page.can_show(rows)]
        if not found:
            return None
        shelf.used_at = now
        self._shelves.get(place)
        page = found[-1].copy()
        page.show(rows)
        return page

    def keep(self, key: PageKey, page: LivePage, seq: int | None = None) -> None:
        """Keep a page that no stream continues, after all of it was sent.

        Args:
            seq: The last event that its reader has, if what came after showed nothing.
        """
        seq = page.view.last_seq if seq is None else seq
        if seq is None or page.held or not page.view.state.live:
            return
        now = self._clock()
        place = key, page.has_rows
        shelf = self._shelves.peek(place) or _Shelf()
        shelf.used_at = now
        if not shelf.pages or shelf.pages[-1].seq <= seq:
            before = [kept for kept in shelf.pages if kept.seq < seq]
            shelf.pages = self._thinned([*before, _Kept(seq, page, now, page.size)], now)
        self._shelves.put(place, shelf)
        self._expire(now)

    def keep_copy(self, key: PageKey, page: LivePage, pause: float) -> None:
        """Keep a copy of a page that continues, unless one was kept within the last `pause` seconds."""
        shelf = self._shelves.peek((key, page.has_rows))
        if shelf is None or self._clock() >= shelf.pages[-1].at + pause:
            self.keep(key, page.copy())

    def _expire(self, now: float) -> None:
        while (oldest := self._shelves.oldest()) is not None and now >= oldest[1].used_at + self._seconds:
            self._shelves.pop(oldest[0])

    def _thinned(self, pages: list[_Kept], now: float) -> list[_Kept]:
        """Keep the first and the last, and of the others the fewer, the older they are."""
        kept = pages[:1]
        for each in pages[1:-1]:
            if each.at - kept[-1].at >= max(self._between, self._spread * (now - each.at)):
                kept.append(each)
        return kept + pages[1:][-1:]
