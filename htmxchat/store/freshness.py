"""Checks pooled connections before use: the database or the network may have closed them.

SQLAlchemy's `pool_pre_ping` pings each time. With asyncpg that takes three round trips, as many as a short transaction.
A connection that was used recently only has to be open.
"""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.exc import InvalidatePoolError

_USED = "htmxchat used"


def look_at_connections(engine: Engine, recent: float) -> None:
    """Replace connections that are closed, and ping those that were idle for more than `recent` seconds."""

    def check(connection: Any, record: Any, _: object) -> None:
        used = record.info.get(_USED)
        if used is None:
            return
        if _is_closed(record.driver_connection) or (time.monotonic() > used + recent and not _answers(connection)):
            raise InvalidatePoolError

    def _answers(connection: Any) -> bool:
        try:
            return bool(engine.dialect.do_ping(connection))
        except engine.dialect.loaded_dbapi.Error:
            return False

    event.listen(engine, "checkout", check)
    event.listen(engine, "checkin", lambda _, record: record.info.update({_USED: time.monotonic()}))


def _is_closed(driver: Any) -> bool:
    # asyncpg has a method, psycopg an attribute; other drivers only fail at use.
    is_closed = getattr(driver, "is_closed", None)
    return bool(is_closed() if callable(is_closed) else getattr(driver, "closed", False))
