"""The two kinds of engine: SQLite in threads, all other databases by asyncio.

SQLite answers in microseconds. An asyncio driver for it would switch to a thread and back for every statement, which
costs more than the statement. So a whole transaction runs in a thread.
"""

from __future__ import annotations

import asyncio
import contextvars
import json
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Protocol, TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, InvalidRequestError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import StaticPool

from .. import checks
from .freshness import look_at_connections
from .timeouts import Timing

T = TypeVar("T")
Work = Callable[[Connection], T]
EXAMPLE = "sqlite:///chat.db"
_KEPT = 5
_DRIVERS = {
    "sqlite+aiosqlite": "sqlite",
    "postgres": "postgresql+asyncpg",
    "postgresql": "postgresql+asyncpg",
    "postgresql+psycopg2": "postgresql+asyncpg",
}
_EXTRAS = {"asyncpg": "htmxchat[postgres]"}


class DatabaseEngine(Protocol):
    """Executes transactions on a database.

    Attributes:
        core: The SQLAlchemy engine.
        one_writer: Whether the database allows only one writing transaction at a time.
        memory: Whether the database is in memory: then it has one connection, and one transaction at a time.
    """

    core: Engine
    one_writer: bool
    memory: bool

    async def transact(self, work: Work[T], *, writes: bool) -> T:
        """Return the result of `work`, called in a transaction."""

    async def dispose(self) -> None:
        """Free all connections."""


class ThreadEngine:
    """SQLite: a transaction is one call in a thread."""

    one_writer = True

    def __init__(self, core: Engine, connections: int, *, memory: bool) -> None:
        self.core = core
        self.memory = memory
        self._connections = connections
        self._threads: ThreadPoolExecutor | None = None

    async def transact(self, work: Work[T], *, writes: bool) -> T:
        if self._threads is None:
            self._threads = ThreadPoolExecutor(self._connections, thread_name_prefix="htmxchat sqlite")
        call = contextvars.copy_context().run
        return await asyncio.get_running_loop().run_in_executor(self._threads, call, self._transact, work, writes)

    def _transact(self, work: Work[T], writes: bool) -> T:
        with self.core.begin() as connection:
            if writes:
                # Otherwise it would lock at its first write, when what it has read may be stale.
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            return work(connection)

    async def dispose(self) -> None:
        threads, self._threads = self._threads, None
        if threads is not None:
            await asyncio.get_running_loop().run_in_executor(threads, self.core.dispose)
            threads.shutdown(wait=False)


class AsyncEngine:
    """A database server with an asyncio driver."""

    one_writer = False
    memory = False

    def __init__(self, url: URL, options: dict[str, Any], recent: float) -> None:
        self._engine = create_async_engine(url, **options)
        self.core = self._engine.sync_engine
        look_at_connections(self.core, recent)

    async def transact(self, work: Work[T], *, writes: bool) -> T:
        async with self._engine.begin() as connection:
            return await connection.run_sync(work)

    async def dispose(self) -> None:
        await self._engine.dispose()


def make_engine(url: str | None, connections: int, timing: Timing) -> DatabaseEngine:
    """Return the engine for a database; for `None`, for a new one in memory.

    Raises:
        ValueError: The URL cannot be used.
    """
    # The message does not show the value: it may be a URL with a password.
    if url is not None and not isinstance(url, str | URL):
        raise TypeError(f'url must be a str, "{EXAMPLE}", not {checks.kind(url)}.')
    try:
        parsed = make_url("sqlite://" if url is None else url)
    except ArgumentError:
        raise ValueError(f'Not a database URL. Use one like "{EXAMPLE}".') from None
    shown = parsed.render_as_string(hide_password=True)
    if advised := _DRIVERS.get(parsed.drivername):
        right = parsed.set(drivername=advised).render_as_string(hide_password=True)
        raise ValueError(f"{shown} is for another driver. Write {right}.")
    options: dict[str, Any] = {
        "hide_parameters": True,  # keeps messages out of the server's log
        "json_serializer": _to_json,
    }
    try:
        if parsed.get_backend_name() == "sqlite":
            return _sqlite(parsed, connections, options, timing)
        return AsyncEngine(parsed, options | _pool(connections, timing), timing.recent)
    except InvalidRequestError:
        raise ValueError(f"{shown} names a driver that is not async. Use postgresql+asyncpg, or sqlite.") from None
    except ModuleNotFoundError as error:
        extra = _EXTRAS.get(str(error.name), str(error.name))
        raise ValueError(f"{shown} needs {error.name}, which is not installed: pip install '{extra}'.") from None
    except (ArgumentError, ImportError) as error:
        raise ValueError(f"{shown} cannot be used as a database: {error}") from error


def create_private(file: str) -> None:
    """Create a database file that only its owner can read, because it may hold sign-ins. An existing file is not
    changed.

    SQLite creates its WAL files with the same mode. Errors are ignored here: SQLite reports them when it opens the
    file.
    """
    with suppress(OSError):
        os.close(os.open(file.removeprefix("file:").partition("?")[0], os.O_CREAT | os.O_EXCL, 0o600))


def _sqlite(url: URL, connections: int, options: dict[str, Any], timing: Timing) -> ThreadEngine:
    memory = url.database in (None, "", ":memory:")
    pool: dict[str, Any] = {"poolclass": StaticPool} if memory else _pool(connections, timing)
    core = create_engine(url, connect_args={"check_same_thread": False}, **options, **pool)
    event.listen(core, "connect", _set_up_sqlite)
    if not memory:
        file = str(url.database)
        event.listen(core, "do_connect", lambda *_: create_private(file))
    return ThreadEngine(core, connections, memory=memory)


def _pool(connections: int, timing: Timing) -> dict[str, Any]:
    """Return the options of a pool: some connections stay open, others are opened when needed."""
    kept = min(connections, _KEPT)
    return {"pool_size": kept, "max_overflow": connections - kept, "pool_timeout": timing.patience}


def _to_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _set_up_sqlite(connection: Any, record: object) -> None:
    cursor = connection.cursor()
    for pragma in ("busy_timeout=5000", "journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
