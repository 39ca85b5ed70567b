"""Reads a run's events for one reader: in order, each once, over failures of the backend."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from contextlib import aclosing

import anyio

from ..backend import Backend
from ..errors import ChatError, NotFound, ServerStopping
from ..events import RunEnded, RunEvent
from ..models import User
from .reading import NotBatches, checked, open_run
from .timing import Timing

_log = logging.getLogger("htmxchat")
_WAITING = 1_000
_FAULTY = "The agent's answer cannot be shown: the chat is not set up right. The server's log says what is wrong."


class Follower:
    """Follows one run in the background.

    Start `follow` in a task group and `take` what has come. At most 2,000 events wait for a slow reader; the rest
    wait in the backend's log.

    Args:
        after: Follow from the event after this seq; `None` is from the start.

    Attributes:
        timing: How long things take.
        lost: Why the run was given up, a sentence for the user; `None` while it is not.
        gone: Whether that is because there is no such run.
        moved: Whether that is because this process is stopping: another one can follow it.
        done: Nothing more will come.
    """

    def __init__(self, backend: Backend, user: User, run_id: str, *, after: int | None, timing: Timing) -> None:
        self.lost: str | None = None
        self.gone = False
        self.moved = False
        self.done = False
        self._backend = backend
        self._user = user
        self._run_id = run_id
        self._seq = after
        self.timing = timing
        self._events: list[RunEvent] = []
        self._trouble_until = -math.inf
        self._on_news: Callable[[], None] | None = None
        self._news: anyio.Event | None = None
        self._room: anyio.Event | None = None

    async def take(self, timeout: float | None = None) -> list[RunEvent]:
        """Return all that has come, waiting for the first up to `timeout` seconds; `None` waits until there is one.

        The list is empty after the timeout, and when there is nothing more to come.
        """
        with anyio.move_on_after(math.inf if timeout is None else timeout):
            while not self.waiting:
                self._news = anyio.Event()
                await self._news.wait()
        self._news = None
        events, self._events = self._events, []
        if self._room is not None:
            self._room.set()
        return events

    @property
    def waiting(self) -> bool:
        """Whether `take` would return at once."""
        return bool(self._events) or self.done

    @property
    def troubled(self) -> bool:
        """Whether reading fails again and again at the moment."""
        return not self.done and anyio.current_time() < self._trouble_until

    async def follow(self, on_news: Callable[[], None] | None = None) -> None:
        """Read until the run has ended or is given up.

        Args:
            on_news: Called whenever there is something to take, and when there is nothing more to come.
        """
        self._on_news = on_news
        try:
            timing = self.timing
            delay, failing_since, failed = timing.retry, -math.inf, -math.inf
            while True:
                seq = self._seq
                try:
                    if await self._read():
                        return
                    reason = "The agent's answer ended without saying how."
                except NotFound as error:
                    self.lost, self.gone = str(error), True
                    return
                except NotBatches as error:
                    _log.error("%s", error)
                    self.lost = _FAULTY
                    return
                except ServerStopping as error:
                    self.lost, self.moved = str(error), True
                    return
                except ChatError as error:
                    reason = str(error)
                except (Exception, SystemExit, KeyboardInterrupt):
                    _log.exception("Reading run %s failed", self._run_id)
                    reason = "The agent cannot be reached right now."
                now = anyio.current_time()
                if now < failed + delay + timing.well:
                    # One failure may be a blip; the next is worth telling. A try that takes longer has got through.
                    self._trouble_until = now + delay + timing.well
                    self._tell()
                if seq != self._seq or now > failed + timing.apart:
                    delay, failing_since = timing.retry, now
                failed = now
                if now + delay > failing_since + timing.patience:
                    self.lost = reason
                    return
                await anyio.sleep(delay)
                delay = min(delay * 2, timing.longest_retry)
        finally:
            self.done = True
            self._tell()

    def _tell(self) -> None:
        if self._news is not None:
            self._news.set()
        if self._on_news is not None:
            self._on_news()

    async def _read(self) -> bool:
        """Read what the backend yields; return whether the run has ended."""
        async with aclosing(open_run(self._backend, self._user, self._run_id, self._seq)) as batches:
            async for batch in batches:
                checked(batch, self._backend)
                for start in range(0, len(batch), _WAITING):
                    if self._add(batch[start : start + _WAITING]):
                        return True
                    if len(self._events) >= _WAITING:
                        self._room = anyio.Event()
                        await self._room.wait()
        return False

    def _add(self, batch: Sequence[RunEvent]) -> bool:
        """Take over what is new; return whether the run has ended."""
        count, ended = len(self._events), False
        for event in batch:
            if self._seq is not None and event.seq <= self._seq:
                continue
            self._seq = event.seq
            self._events.append(event)
            if ended := isinstance(event.body, RunEnded):
                break
        if len(self._events) > count:
            self._tell()
        return ended
