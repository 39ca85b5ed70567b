"""Connections to PostgreSQL are not asked each time whether they are still there, and none that is gone is used."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import event

from htmxchat.store.database import Database
from htmxchat.store.timeouts import Timing
from tests.servers import Postgres

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(("recent", "asked"), [(60.0, 0), (-1.0, 5)])
async def test_only_a_connection_that_was_idle_is_asked(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch, recent: float, asked: int
) -> None:
    database, pings = Database(postgres.url, timing=Timing(recent=recent)), list[object]()
    await database.check()
    dialect = database.engine.core.dialect
    ping = dialect.do_ping

    def counted(connection: Any) -> bool:
        pings.append(connection)
        return ping(connection)

    monkeypatch.setattr(dialect, "do_ping", counted)
    for _ in range(5):
        await database.check()
    assert len(pings) == asked
    await database.close()


@pytest.mark.parametrize("recent", [60.0, -1.0])
async def test_a_database_that_was_restarted_is_used_again_at_once(own_postgres: Postgres, recent: float) -> None:
    database, connections = Database(own_postgres.url, timing=Timing(recent=recent)), list[object]()
    event.listen(database.engine.core, "connect", lambda connection, _: connections.append(connection))
    await database.check()
    for mode in ("fast", "immediate"):
        await asyncio.to_thread(own_postgres.stop, mode)
        await asyncio.to_thread(own_postgres.start)
        await database.check()
    assert len(connections) == 3
    await database.close()
