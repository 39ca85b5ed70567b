"""The store's way to its database: one engine, made ready at first use, transactions that are never torn."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, nullcontext
from typing import Any, TypeVar

from sqlalchemy import Connection, literal, select
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError

from ..errors import OtherSchema
from . import migrations, notices
from .engines import make_engine
from .tables import metadata
from .timing import Timing
from .trouble import Crowded, Trouble, check_tables

T = TypeVar("T")
log = logging.getLogger("htmxchat")
_RESERVED = 3


class Database:
    """An SQLAlchemy engine and the rules for using it. asyncio only.

    Attributes:
        engine: The way to the database.
        timing: How long things take.

    Args:
        url: An SQLAlchemy URL. Without one, the data lives in memory and dies with the object.
        migrate: Whether a database of an older version is brought to the present schema at first use.
        connections: How many transactions run at a time; more wait for up to ten seconds. What the process does for all
            (writing logs, its sign of life, reading news) has a few more, so that no number of requests holds it up.
        timing: How long things take.

    Raises:
        ValueError: The URL cannot be used: it is not one, or its driver is missing or not async.
    """

    def __init__(
        self, url: str | None = None, *, migrate: bool = True, connections: int = 10, timing: Timing | None = None
    ) -> None:
        self.timing = timing or Timing()
        self._connections = connections
        self.engine = make_engine(url, connections + _RESERVED, self.timing)
        self._migrate = migrate
        self._ready = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._trouble = Trouble()

    async def open(self) -> None:
        """Make the tables if need be."""
        await self.write(lambda db: None)

    async def check(self) -> None:
        """Return when the database can be reached and has the tables of this version."""
        await self.read(lambda db: db.execute(select(literal(1))).all())

    async def close(self) -> None:
        """Wait for transactions in progress and free all connections. A database in memory is lost.

        One that a database does not answer is given up after ten seconds.
        """
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=self.timing.patience)
        await self.engine.dispose()
        self._ready = False

    async def read(self, work: Callable[[Connection], T], *, reserved: bool = False) -> T:
        """Return what `work` reads, in a transaction of its own. It is not interrupted when the caller is.

        With SQLite, `work` is called in another thread.

        Args:
            reserved: Whether it is for what the process does for all, which requests do not hold up.
        """
        return await uncancelled(self._tasks, self._transact(work, writes=False, reserved=reserved))

    async def write(self, work: Callable[[Connection], T], *, reserved: bool = False) -> T:
        """The same for `work` that writes.

        Of two transactions that add the same thing at once, one fails. It is done once more, and then sees what the
        other has written: so `work` looks before it writes.
        """
        return await uncancelled(self._tasks, self._transact(work, writes=True, reserved=reserved))

    async def _transact(self, work: Callable[[Connection], T], *, writes: bool, reserved: bool) -> T:
        self._use_this_loop()
        try:
            await self._prepare()
            try:
                result = await self._once(work, writes=writes, reserved=reserved)
            except IntegrityError:
                result = await self._once(work, writes=writes, reserved=reserved)
        except OtherSchema as error:
            log.error("%s", error)
            raise
        except (SQLAlchemyError, OSError) as error:
            raise self._trouble.describe(error, writes=writes) from error
        self._trouble.over(writes=writes)
        return result

    async def _once(self, work: Callable[[Connection], T], *, writes: bool, reserved: bool) -> T:
        place = nullcontext() if reserved else self._place()
        async with self._turn(writes=writes, reserved=reserved), place:
            return await self.engine.transact(_telling(work) if writes else work, writes=writes)

    def _use_this_loop(self) -> None:
        """Locks belong to one event loop, but an object made at import time may see several, one after the other."""
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._loop = loop
            self._preparing = asyncio.Lock()
            # SQLite has one writer: waiting here is fair and wakes at once, its own busy handler polls.
            # The one connection of a database in memory can carry one transaction, so there readers wait as well.
            self._one_at_a_time = asyncio.Lock()
            self._queue = asyncio.Lock()
            self._places = asyncio.Semaphore(self._connections)

    @asynccontextmanager
    async def _turn(self, *, writes: bool, reserved: bool) -> AsyncIterator[None]:
        """Wait until no other transaction is under way, where there can be one only.

        Requests queue among themselves. So what the process does for all waits for one of them, however many there are.
        """
        if not (self.engine.memory or (self.engine.one_writer and writes)):
            yield
            return
        async with nullcontext() if reserved else self._queue, self._one_at_a_time:
            yield

    @asynccontextmanager
    async def _place(self) -> AsyncIterator[None]:
        """Wait until one of the connections is free.

        Raises:
            Crowded: None was, for ten seconds.
        """
        try:
            async with asyncio.timeout(self.timing.patience):
                await self._places.acquire()
        except TimeoutError:
            raise Crowded(self._connections, self.timing.patience) from None
        try:
            yield
        finally:
            self._places.release()

    def _make_tables(self, db: Connection) -> None:
        if self.engine.memory:
            metadata.create_all(db)
        else:
            migrations.prepare(db, migrate=self._migrate)
        check_tables(db, metadata)

    async def _prepare(self) -> None:
        if self._ready:
            return
        async with self._preparing:
            for delay in (0.02, 0.1, 0.3, 0.6, None):
                if self._ready:
                    return
                try:
                    await self.engine.transact(self._make_tables, writes=False)
                    self._ready = True
                except DBAPIError:
                    # Perhaps another process creates the tables at this moment; then the next look finds them.
                    if delay is None:
                        raise
                    await asyncio.sleep(delay)


def _telling(work: Callable[[Connection], T]) -> Callable[[Connection], T]:
    """Return the same work, which also tells other processes what it notes."""

    def tell(db: Connection) -> T:
        notices.forget(db)
        result = work(db)
        notices.send(db)
        return result

    return tell


async def uncancelled(tasks: set[asyncio.Task[Any]], work: Coroutine[Any, Any, T]) -> T:
    """Await `work`, which continues to its end even if the caller is cancelled; meanwhile it is one of `tasks`.

    A cancelled statement would cost its connection.
    """
    task = asyncio.create_task(work)
    tasks.add(task)
    task.add_done_callback(tasks.discard)
    # When the caller has gone, no one else hears of a failure, and asyncio would complain of that.
    task.add_done_callback(lambda done: done.cancelled() or done.exception())
    return await asyncio.shield(task)
