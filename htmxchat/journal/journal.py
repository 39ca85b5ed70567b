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
from ..store import Store
from .lease import Lease, OwnRun
from .outage import Outage
from .tail import Tail
from .timing import Timing
from .writer import Writer


class LiveRun(OwnRun, Protocol):
    """A live run of this process, which has readers."""

    def announce(self) -> None:
        """Wake those who wait; they look for themselves."""


R = TypeVar("R", bound=LiveRun)


class Journal(Generic[R]):
    """A store as one process uses it. asyncio only; one event loop.

    Its background tasks have a context of their own: they are of no request, whichever has started them.

    Args:
        observer: Is told of runs and outages.
        on_gone: Called with a process that is gone, and its last sign of life.
        on_left: Called with runs that no process has.

    Attributes:
        owner: The process, as the store knows it.
        runs: Its live runs, by id.
    """

    def __init__(
        self,
        store: Store,
        timing: Timing,
        observer: Observer,
        on_gone: Callable[[str, datetime | None], Awaitable[None]],
        on_left: Callable[[Sequence[str]], Awaitable[None]],
    ) -> None:
        self.owner = uuid.uuid4().hex
        self.runs: dict[str, R] = {}
        self.timing = timing
        self.observer = observer
        self.outage = Outage(self._tell_of_outage)
        self.writer = Writer(store, self.owner, self.outage, timing.frame)
        self.tail = Tail(store, self.owner, timing.poll)
        self.lease = Lease(store, self.owner, self.outage, timing, self.runs, on_gone, on_left)
        self._keeper: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Keep the lease, and look for processes that are gone, from now on."""
        if self._keeper is None or self._keeper.done():
            self._keeper = asyncio.create_task(self.lease.keep(), name="htmxchat lease", context=Context())

    async def close(self) -> None:
        """Stop all that runs in the background, and say that the process is gone."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.wait({self._keeper})
        await self.tail.close()
        await self.writer.close()
        with suppress(ChatError, TimeoutError):
            async with asyncio.timeout(self.timing.close):
                await self.lease.end()

    def _tell_of_outage(self) -> None:
        if self.outage.begun:
            self.observer.outage()
        for run in self.runs.values():
            run.announce()
