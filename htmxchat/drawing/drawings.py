"""What the host's functions drew, kept; and drawing ahead, in threads."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import anyio
from anyio import to_thread

from .calling import called, draw
from .models import Drawing, DrawPart, Order

_log = logging.getLogger("htmxchat")

_AGAIN = 10.0
_THREADS = 4


@dataclass(frozen=True, slots=True)
class _Kept:
    drawing: Drawing
    until: float

    @property
    def size(self) -> int:
        return 256 + len(self.drawing.html)


@dataclass(slots=True)
class _Job:
    """One call in a thread.

    Attributes:
        started: Whether the function was called.
        done: Whether it has returned.
        abandoned: Whether nobody waits for it any more.
    """

    key: bytes
    order: Order
    started: bool = False
    done: bool = False
    abandoned: bool = False


class Drawings:
    """The functions of a chat that draw parts, and what they drew.

    What was drawn is kept, so that it is not drawn again for each reader and each frame. It is drawn ahead, in threads:
    a function is the host's and may be slow or hang. Then only its own parts have a sentence in their place.

    Args:
        functions: By the names of tools and of `Custom` events.
        seconds: For how long a reader waits for them.
        most: How many bytes of HTML are kept, about.
    """

    def __init__(self, functions: Mapping[str, DrawPart], *, seconds: float = 2.0, most: int = 8 * 1024 * 1024) -> None:
        self._functions = functions
        self._seconds = seconds
        self._most = most
        self._kept: OrderedDict[bytes, _Kept] = OrderedDict()
        self._size = 0
        # How many calls are under way for which nobody waits any more, by the names of their functions.
        self._stuck: Counter[str] = Counter()
        self._limiters: dict[str, anyio.CapacityLimiter] = {}
        self._lock = threading.Lock()

    def __contains__(self, name: object) -> bool:
        return name in self._functions

    def get(self, order: Order) -> Drawing:
        """Return what was drawn; what was not drawn ahead is drawn now."""
        key = order.key()
        # What draw_ahead has just found is there, even if it is time to try it again.
        found = self._find(key, patience=_AGAIN)
        if found is None:
            found = draw(self._functions[order.context.name], order)
            self._keep(key, found)
        return found

    async def draw_ahead(self, orders: Iterable[Order]) -> None:
        """Have drawn what is not drawn yet, so that `get` has it at once. Takes `seconds` at most."""
        missing = {key: order for order in orders if self._find(key := order.key()) is None}
        if not missing:
            return
        deadline = anyio.current_time() + self._seconds
        with anyio.CancelScope(deadline=deadline):
            async with anyio.create_task_group() as tasks:
                for key, order in missing.items():
                    if self._stuck[order.context.name] < _THREADS:
                        tasks.start_soon(self._draw_in_thread, _Job(key, order), deadline)
                    else:
                        self._give_up(key, order)

    async def _draw_in_thread(self, job: _Job, deadline: float) -> None:
        name = job.order.context.name
        limiter = self._limiters.setdefault(name, anyio.CapacityLimiter(_THREADS))
        try:
            await to_thread.run_sync(self._work, job, abandon_on_cancel=True, limiter=limiter)
        finally:
            with self._lock:
                job.abandoned = not job.done
                self._stuck[name] += job.abandoned and job.started
            if job.abandoned and anyio.current_time() >= deadline:
                self._give_up(job.key, job.order)

    def _work(self, job: _Job) -> None:
        with self._lock:
            if job.abandoned:
                return
            job.started = True
        name = job.order.context.name
        # Kept even if nobody waited for so long: the next reader has it.
        self._keep(job.key, draw(self._functions[name], job.order))
        with self._lock:
            job.done = True
            self._stuck[name] -= job.abandoned

    def _give_up(self, key: bytes, order: Order) -> None:
        if self._find(key) is None:
            problem = f"{called(order.context.name)} took longer than {self._seconds:g} s."
            _log.error("%s It draws %s.", problem, order.context.id)
            self._keep(key, Drawing("", f"{problem} Reload the page to look again."))

    def _find(self, key: bytes, *, patience: float = 0.0) -> Drawing | None:
        with self._lock:
            kept = self._kept.get(key)
            if kept is None or kept.until + patience < time.monotonic():
                return None
            self._kept.move_to_end(key)
            return kept.drawing

    def _keep(self, key: bytes, drawing: Drawing) -> None:
        # What failed is tried again, but not for each reader and each frame.
        kept = _Kept(drawing, time.monotonic() + _AGAIN if drawing.problem else math.inf)
        with self._lock:
            if key in self._kept:
                self._size -= self._kept.pop(key).size
            self._kept[key] = kept
            self._size += kept.size
            while self._size > self._most and len(self._kept) > 1:
                self._size -= self._kept.popitem(last=False)[1].size
