"""`Journal`: what all runs of one process share to write, to be read, and to be told what others do."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from contextvars import Context
from datetime import datetime
from typing import Generic, Protocol, TypeVar

from ..errors import ChatError
from ..observing import Observer
from ..store import Notice, Store
from .lease import Lease, OwnRun
from .listener import Listener
from .outage import Outage
from .tail import Tail
from .timing import Timing
from .writer import Writer


class LiveRun(OwnRun, Protocol):
    """An active run of this process, which has readers."""

    def announce(self) -> None:
        """Wake those who wait; they look for themselves."""


R = TypeVar("R", bound=LiveRun)
_PATIENCE = 2.0


class Journal(Generic[R]):
    """A store as one process uses it. asyncio only; one event loop.

    Its background tasks have a context of their own: they are of no request, whichever has started them.

    Args:
        agent: Whose runs this process can continue with; `None` when it can with none.
        observer: Is told of runs and outages.
        on_gone: Called with a process that is gone, and its last sign of life.
        on_left: Called with runs that no process has, and since when those of other agents are anybody's.

    Attributes:
        owner: The process, as the store knows it.
        runs: Its active runs, by id.
    """

    def __init__(
        self,
        store: Store,
        timing: Timing,
        agent: str | None,
        observer: Observer,
        on_gone: Callable[[str, datetime | None], Awaitable[None]],
        on_left: Callable[[Sequence[str], datetime], Awaitable[None]],
    ) -> None:
        self.owner = uuid.uuid4().hex
        self.runs: dict[str, R] = {}
        self.timing = timing
        self.observer = observer
        self.outage = Outage(self._tell_of_outage)
        self.writer = Writer(store.logs, self.owner, self.outage, timing)
        self.listener = Listener(store.listening, self._hear, self._look)
        self.tail = Tail(store.logs, self.owner, self._pause)
        self.lease = Lease(store, self.owner, agent, self.outage, timing, self.runs, on_gone, on_left)
        self._keepers: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Keep the lease, look for processes that are gone, and listen to the others, from now on."""
        if not self._keepers or self._keepers[0].done():
            self._keepers = [
                asyncio.create_task(self.lease.keep(), name="htmxchat lease", context=Context()),
                asyncio.create_task(self.listener.keep(), name="htmxchat listener", context=Context()),
            ]

    async def close(self) -> None:
        """Stop all that runs in the background, and say that the process is gone."""
        for keeper in self._keepers:
            keeper.cancel()
        if self._keepers:
            await asyncio.wait(self._keepers, timeout=_PATIENCE)
        await self.tail.close()
        await self.writer.close()
        with suppress(ChatError, TimeoutError):
            async with asyncio.timeout(self.timing.close):
                await self.lease.end()

    def _hear(self, notice: Notice, run_ids: frozenset[str] | None) -> None:
        """Another process, or this one, has written something."""
        if notice is Notice.LOG:
            self.tail.wake_readers(run_ids)
        elif notice is Notice.STOP:
            if run_ids is None or not run_ids.isdisjoint(self.runs):
                self.lease.look_now()
        elif notice is Notice.LEFT or not self.tail.wake_waiting(run_ids):
            self.lease.look_now()

    def _look(self) -> None:
        """Whatever happened before, it may have been missed."""
        self.tail.wake()
        self.lease.look_now()

    def _pause(self) -> float:
        return self.timing.recheck if self.listener.hearing else self.timing.poll

    def _tell_of_outage(self) -> None:
        if self.outage.begun:
            self.observer.outage()
        for run in self.runs.values():
            run.announce()
