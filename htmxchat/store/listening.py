"""Receives notifications of what other processes write (PostgreSQL `LISTEN`)."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from .database import Database
from .notices import CHANNEL, Notice, decode

Heard = Callable[[Notice, frozenset[str] | None], None]


class Listening:
    """A connection outside the pool on which the database sends notifications.

    Args:
        probe: Seconds between two checks that notices arrive.
        arrives: Seconds that a notice may take.
    """

    def __init__(self, database: Database, *, probe: float = 30.0, arrives: float = 10.0) -> None:
        self._database = database
        self._probe = probe
        self._arrives = arrives

    @property
    def notifies(self) -> bool:
        """Whether the database can send notifications. If not, readers poll."""
        dialect = self._database.engine.core.dialect
        return dialect.name == "postgresql" and dialect.driver == "asyncpg"

    async def listen(self, ready: Callable[[], None], heard: Heard) -> None:
        """Call `heard` for what any process writes, until the connection is lost.

        Args:
            ready: Called when a probe has arrived: a connection pooler may drop notices.
            heard: Called with a notice and the runs it concerns; `None` means any run.

        Raises:
            TimeoutError: Notices do not arrive.
            Exception: The connection cannot be made; the driver's own error.
        """
        loop = asyncio.get_running_loop()
        lost, arrived, probe = asyncio.Event(), asyncio.Event(), f"probe {uuid.uuid4().hex}"

        def hear(_connection: object, _pid: int, _channel: str, payload: str) -> None:
            if payload == probe:
                arrived.set()
            elif (notice := decode(payload)) is not None:
                heard(*notice)

        engine = create_async_engine(self._database.engine.core.url, poolclass=NullPool)
        async with engine.connect() as connection:
            driver = (await connection.get_raw_connection()).driver_connection
            assert driver is not None
            driver.add_termination_listener(lambda _: loop.call_soon(lost.set))
            await driver.add_listener(CHANNEL, hear)
            while not lost.is_set():
                arrived.clear()
                await self._send(probe)
                async with asyncio.timeout(self._arrives):
                    await arrived.wait()
                ready()
                await _within(lost, self._probe)

    async def _send(self, probe: str) -> None:
        await self._database.write(lambda db: db.execute(select(func.pg_notify(CHANNEL, probe))), reserved=True)


async def _within(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass
