"""The store's access to its database: one engine, set up at first use, and transactions that are never interrupted."""

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
from .failures import Failures, PoolExhausted, check_tables
from .tables import metadata
from .timeouts import Timing

T = TypeVar("T")
log = logging.getLogger("htmxchat")
_RESERVED = 3


class Database:
    """An SQLAlchemy engine and the rules for using it. asyncio only.

    Attributes:
        engine: Executes transactions.
        timing: Timeouts.

    Args:
        url: An SQLAlchemy URL. Without one, the data is in memory and is lost with the object.
        migrate: Whether a database of an older version is migrated at first use.
        connections: How many transactions of requests run at a time; others wait up to ten seconds. Work for the
            process (writing logs, heartbeats, polling) has three more, so that requests cannot block it.
        timing: Timeouts.

    Raises:
        ValueError: The URL is invalid, or its driver is missing or not async.
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
        self._failures = Failures()

    async def open(self) -> None:
        """Create or migrate the tables if necessary."""
        await self.write(lambda db: None)

    async def check(self) -> None:
        """Return if the database is reachable and has this version's tables; raise otherwise."""
        await self.read(lambda db: db.execute(select(literal(1))).all())

    async def close(self) -> None:
        """Wait up to ten seconds for transactions, then close all connections. A database in memory is lost."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=self.timing.patience)
        await self.engine.dispose()
        self._ready = False

    async def read(self, work: Callable[[Connection], T], *, reserved: bool = False) -> T:
        """Return the result of `work`, called in a transaction. Cancelling the caller does not interrupt it.

        With SQLite, `work` is called in another thread.

        Args:
            reserved: Whether to use the connections that are reserved for the process's own work.
        """
        return await uncancelled(self._tasks, self._transact(work, writes=False, reserved=reserved))

    async def write(self, work: Callable[[Connection], T], *, reserved: bool = False) -> T:
        """The same for `work` that writes.

        If two transactions insert the same row at once, one fails and is retried once. `work` must therefore check for
        existing rows before it writes.
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
            raise self._failures.describe(error, writes=writes) from error
        self._failures.over(writes=writes)
        return result

    async def _once(self, work: Callable[[Connection], T], *, writes: bool, reserved: bool) -> T:
        place = nullcontext() if reserved else self._place()
        async with self._turn(writes=writes, reserved=reserved), place:
            return await self.engine.transact(_with_notices(work) if writes else work, writes=writes)

    def _use_this_loop(self) -> None:
        """Create locks for the running event loop: an object made at import time may see several, in turn."""
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._loop = loop
            self._preparing = asyncio.Lock()
            # SQLite has one writer. This lock is fair and wakes at once; SQLite's own busy handler polls.
            # A database in memory has one connection, so there readers need the lock too.
            self._one_at_a_time = asyncio.Lock()
            self._queue = asyncio.Lock()
            self._places = asyncio.Semaphore(self._connections)

    @asynccontextmanager
    async def _turn(self, *, writes: bool, reserved: bool) -> AsyncIterator[None]:
        """Wait for other transactions, if the database allows only one at a time.

        Requests first wait for each other in a queue, so reserved work waits for at most one of them.
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
            PoolExhausted: No connection became free within ten seconds.
        """
        try:
            async with asyncio.timeout(self.timing.patience):
                await self._places.acquire()
        except TimeoutError:
            raise PoolExhausted(self._connections, self.timing.patience) from None
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
                    # Perhaps another process is creating the tables; then the next attempt finds them.
                    if delay is None:
                        raise
                    await asyncio.sleep(delay)


def _with_notices(work: Callable[[Connection], T]) -> Callable[[Connection], T]:
    """Return `work` extended: the notices that it records are sent to other processes."""

    def work_and_notify(db: Connection) -> T:
        notices.reset(db)
        result = work(db)
        notices.send(db)
        return result

    return work_and_notify


async def uncancelled(tasks: set[asyncio.Task[Any]], work: Coroutine[Any, Any, T]) -> T:
    """Await `work` in a task in `tasks`, which continues if the caller is cancelled.

    Cancelling a statement would close its connection.
    """
    task = asyncio.create_task(work)
    tasks.add(task)
    task.add_done_callback(tasks.discard)
    # If the caller was cancelled, no one retrieves an exception, and asyncio would log a warning.
    task.add_done_callback(lambda done: done.cancelled() or done.exception())
    return await asyncio.shield(task)
