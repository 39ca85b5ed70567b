"""Connections are looked at before they are used: the database may have closed them, or a network may have lost them.

SQLAlchemy's own way (`pool_pre_ping`) asks the database each time. That takes asyncpg three round trips, as many as a
short transaction takes itself. A connection that was in use a moment ago only has to be open.
"""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.exc import InvalidatePoolError

_USED = "htmxchat used"


def look_at_connections(engine: Engine, recent: float) -> None:
    """Have no connection used that is known to be gone, and none that was idle for `recent` seconds without asking."""

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
    # asyncpg and psycopg; of another driver's connection nothing is known before it is used.
    is_closed = getattr(driver, "is_closed", None)
    return bool(is_closed() if callable(is_closed) else getattr(driver, "closed", False))
