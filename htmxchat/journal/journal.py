"""`Journal`: the writer, the tail and the lease that all runs of one process share."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Collection, Sequence
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
        """Wake all waiters; each checks what it waits for."""


R = TypeVar("R", bound=LiveRun)
_CLOSE_TIMEOUT = 2.0


class Journal(Generic[R]):
    """One process's use of a store. asyncio only; one event loop.

    Background tasks run in an empty context, so that they do not inherit the one of the request that started them.

    Args:
        agents: The names of the agents whose runs this process can resume.
        observer: Is notified of runs and outages.
        on_dead: Called with a dead process and its last heartbeat.
        on_abandoned: Called with runs that no process owns, and a time: other agents' runs released before it may be
            ended.

    Attributes:
        owner: The id of this process in the store.
        runs: Its active runs, by id.
    """

    def __init__(
        self,
        store: Store,
        timing: Timing,
        agents: Collection[str],
        observer: Observer,
        on_dead: Callable[[str, datetime | None], Awaitable[None]],
        on_abandoned: Callable[[Sequence[str], datetime], Awaitable[None]],
    ) -> None:
        self.owner = uuid.uuid4().hex
        self.runs: dict[str, R] = {}
        self.timing = timing
        self.observer = observer
        self.outage = Outage(self._tell_of_outage)
        self.writer = Writer(store.logs, self.owner, self.outage, timing)
        self.listener = Listener(store.listening, self._hear, self._catch_up)
        self.tail = Tail(store.logs, self.owner, self._pause)
        self.lease = Lease(store, self.owner, agents, self.outage, timing, self.runs, on_dead, on_abandoned)
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Start to renew the lease, find dead processes and listen to the others."""
        if not self._tasks or self._tasks[0].done():
            self._tasks = [
                asyncio.create_task(self.lease.keep(), name="htmxchat lease", context=Context()),
                asyncio.create_task(self.listener.keep(), name="htmxchat listener", context=Context()),
            ]

    async def close(self) -> None:
        """Stop the background tasks and end the lease."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_CLOSE_TIMEOUT)
        await self.tail.close()
        await self.writer.close()
        with suppress(ChatError, TimeoutError):
            async with asyncio.timeout(self.timing.close):
                await self.lease.end()

    def _hear(self, notice: Notice, run_ids: frozenset[str] | None) -> None:
        """A process, perhaps this one, has written something."""
        if notice is Notice.LOG:
            self.tail.wake_readers(run_ids)
        elif notice is Notice.STOP:
            if run_ids is None or not run_ids.isdisjoint(self.runs):
                self.lease.check_now()
        elif notice is Notice.RELEASED or not self.tail.wake_waiting(run_ids):
            self.lease.check_now()

    def _catch_up(self) -> None:
        """Check everything: earlier notices may have been lost."""
        self.tail.wake()
        self.lease.check_now()

    def _pause(self) -> float:
        return self.timing.recheck if self.listener.hearing else self.timing.poll

    def _tell_of_outage(self) -> None:
        if self.outage.begun:
            self.observer.outage()
        for run in self.runs.values():
            run.announce()
