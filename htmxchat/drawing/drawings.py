"""The results of the host's functions for one page. They run in threads, and only for what is not cached."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import anyio
from anyio import to_thread

from ..latest import Latest
from .calling import called, draw
from .models import FENCE, Drawing, DrawPart, Order

_log = logging.getLogger("htmxchat")

_THREADS = 4
_NOT_DRAWN = Drawing("", "It was not drawn. Reload the page to look again.")


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
        drawing: What it drew, once it has returned.
        abandoned: Whether no one waits for it any more.
    """

    key: bytes
    order: Order
    started: bool = False
    drawing: Drawing | None = None
    abandoned: bool = False


class Drawer:
    """Calls the functions of a chat that draw parts, and keeps what they drew.

    What was drawn is kept, so that it is not drawn again for each reader and each frame. It is drawn in threads: a
    function is the host's and may be slow or hang. Then only its own parts have a sentence in their place.

    Args:
        functions: By the names of tools, of `Custom` events and of fenced code.
        seconds: For how long a reader waits for them.
        again: For how many seconds a problem is kept before it is tried again.
        most: How many bytes of HTML are kept, about.
    """

    def __init__(
        self,
        functions: Mapping[str, DrawPart],
        *,
        seconds: float = 2.0,
        again: float = 10.0,
        most: int = 8 * 1024 * 1024,
    ) -> None:
        self._functions = functions
        self._fences = any(name.startswith(FENCE) for name in functions)
        self._seconds = seconds
        self._again = again
        self._kept: Latest[bytes, _Kept] = Latest(most, lambda kept: kept.size)
        # How many calls are under way for which no one waits any more, by the names of their functions.
        self._stuck: Counter[str] = Counter()
        self._limiters: dict[str, anyio.CapacityLimiter] = {}
        self._lock = threading.Lock()

    def __contains__(self, name: object) -> bool:
        return name in self._functions

    @property
    def fences(self) -> bool:
        """Whether there are functions for fenced code."""
        return self._fences

    async def draw(self, orders: Iterable[Order]) -> Mapping[bytes, Drawing]:
        """Return the drawings by the keys of the orders. Takes `seconds` at most, whatever the functions do."""
        wanted = {order.key(): order for order in orders}
        drawn = {key: found for key in wanted if (found := self._find(key)) is not None}
        missing = [_Job(key, order) for key, order in wanted.items() if key not in drawn]
        if not missing:
            return drawn
        deadline = anyio.current_time() + self._seconds
        with anyio.CancelScope(deadline=deadline):
            async with anyio.create_task_group() as tasks:
                for job in missing:
                    if self._stuck[job.order.context.name] < _THREADS:
                        tasks.start_soon(self._draw_in_thread, job)
        return drawn | {job.key: self._late(job) if job.drawing is None else job.drawing for job in missing}

    def draw_at_once(self, order: Order) -> Drawing:
        """Return the drawings for the orders, however long that takes."""
        key = order.key()
        drawing = self._find(key)
        if drawing is None:
            drawing = draw(self._functions[order.context.name], order)
            self._keep(key, drawing)
        return drawing

    async def _draw_in_thread(self, job: _Job) -> None:
        name = job.order.context.name
        limiter = self._limiters.setdefault(name, anyio.CapacityLimiter(_THREADS))
        try:
            await to_thread.run_sync(self._work, job, abandon_on_cancel=True, limiter=limiter)
        finally:
            with self._lock:
                job.abandoned = job.drawing is None
                self._stuck[name] += job.abandoned and job.started

    def _work(self, job: _Job) -> None:
        with self._lock:
            if job.abandoned:
                return
            job.started = True
        name = job.order.context.name
        drawing = draw(self._functions[name], job.order)
        # Kept even if no one waited for so long: the next reader has it.
        self._keep(job.key, drawing)
        with self._lock:
            job.drawing = drawing
            self._stuck[name] -= job.abandoned

    def _late(self, job: _Job) -> Drawing:
        """Return the replacement for a drawing that was not ready in time; it is not tried again for a while."""
        problem = f"{called(job.order.context.name)} took longer than {self._seconds:g} s."
        _log.error("%s It draws %s.", problem, job.order.context.id)
        drawing = Drawing("", f"{problem} Reload the page to look again.")
        # A thread may have brought it just now.
        if (found := self._find(job.key)) is not None:
            return found
        self._keep(job.key, drawing)
        return drawing

    def _find(self, key: bytes) -> Drawing | None:
        with self._lock:
            kept = self._kept.get(key)
            return None if kept is None or kept.until < time.monotonic() else kept.drawing

    def _keep(self, key: bytes, drawing: Drawing) -> None:
        # What failed is tried again, but not for each reader and each frame.
        kept = _Kept(drawing, time.monotonic() + self._again if drawing.problem else math.inf)
        with self._lock:
            self._kept.put(key, kept)


@dataclass(frozen=True, slots=True)
class Drawings:
    """What the host draws of a page.

    All of it is drawn before the page is rendered, so rendering waits for no function of the host's.

    Attributes:
        drawer: Who draws.
        drawn: What it drew for this page, by the keys of the orders.
        at_once: Whether the functions are called while the page is rendered. That is for pages of the host's own: the
            chat's are rendered in the event loop.
    """

    drawer: Drawer
    drawn: Mapping[bytes, Drawing] = field(default_factory=dict, compare=False)
    at_once: bool = False

    def __contains__(self, name: object) -> bool:
        return name in self.drawer

    def fences_in(self, text: str) -> bool:
        """Return whether a text may have fenced code that is drawn."""
        return self.drawer.fences and (FENCE in text or "~~~" in text)

    async def draw(self, orders: Iterable[Order]) -> Drawings:
        """Return these with what was ordered, in the place of what was drawn before."""
        return replace(self, drawn=await self.drawer.draw(orders))

    def get(self, order: Order) -> Drawing:
        """Return what was drawn."""
        if self.at_once:
            return self.drawer.draw_at_once(order)
        return self.drawn.get(order.key(), _NOT_DRAWN)
