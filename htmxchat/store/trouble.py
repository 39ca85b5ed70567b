"""What a failure of the database means: it is away, it has other tables, or it refuses for a reason of its own."""

from __future__ import annotations

import logging
import math
import time

from sqlalchemy import Connection, MetaData, inspect
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from ..errors import BackendError, BackendUnavailable

AWAY = "The chat's database cannot be reached right now. Try again in a moment."
CROWDED = "The chat's database is too busy right now. Try again in a moment."
REFUSED = "The chat's database refuses this. The server's log says why."
OTHER_TABLES = "The chat's database is of another version of htmxchat. The server's log says what differs."

log = logging.getLogger("htmxchat")
_CROWD = 10.0
# Connections, insufficient resources, the operator's intervention, a rollback for the sake of another transaction,
# and the read-only copy that a cluster may show for a moment.
_PASSING = ("08", "53", "57", "40", "25006")
_LASTING = ("no such table", "no such column", "has no column", "already exists", "syntax error")


class OtherTables(SQLAlchemyError):
    """The tables are those of another version."""


class Crowded(SQLAlchemyError):
    """So many transactions are under way that this one was not begun."""

    def __init__(self, connections: int, seconds: float) -> None:
        super().__init__(
            f"All {connections} connections to the chat's database have been in use for {seconds:g} seconds. Look for"
            " what holds them up, or allow more: Store(…, connections=…)."
        )


class Trouble:
    """Names what goes wrong with one database. Of an outage the log has its beginning and its end.

    A database that can be read may still not be written: another process has locked it, or its disk is full. That is
    over when something has been written.
    """

    def __init__(self) -> None:
        self._away_since: float | None = None
        self._blocked = False
        self._crowded_at = -math.inf

    def describe(self, error: Exception, *, writes: bool) -> BackendError:
        """Log a failure, and return what it means to anyone who asked."""
        if isinstance(error, Crowded | PoolTimeout):
            # Many find out at the same time.
            if time.monotonic() > self._crowded_at + _CROWD:
                self._crowded_at = time.monotonic()
                log.error("%s", error)
            return BackendUnavailable(CROWDED)
        if is_away(error):
            blocked = writes and not _is_unreachable(error)
            self._blocked = self._blocked or blocked
            if self._away_since is None:
                self._away_since = time.monotonic()
                what = "written" if blocked else "reached"
                log.error("The chat's database cannot be %s: %s: %s", what, type(error).__name__, error)
            return BackendUnavailable(AWAY)
        if isinstance(error, OtherTables):
            log.error("%s", error)
            return BackendError(OTHER_TABLES)
        log.error("The chat's database refuses: %s", error, exc_info=error)
        return BackendError(REFUSED)

    def over(self, *, writes: bool) -> None:
        """The database has done what it was asked to."""
        if self._away_since is not None and (writes or not self._blocked):
            log.warning("The chat's database is back after %.0f seconds.", time.monotonic() - self._away_since)
            self._away_since, self._blocked = None, False


def _is_unreachable(error: Exception) -> bool:
    return isinstance(error, OSError) or (isinstance(error, DBAPIError) and error.connection_invalidated)


def is_away(error: Exception) -> bool:
    """Return whether the same may succeed later, without anybody's doing."""
    if isinstance(error, OSError):
        return True
    if not isinstance(error, DBAPIError):
        return False
    code = str(getattr(error.orig, "sqlstate", None) or "")
    if code:
        return code.startswith(_PASSING)
    words = str(error.orig)
    return error.connection_invalidated or (
        isinstance(error, OperationalError | InterfaceError) and not any(each in words for each in _LASTING)
    )


def check_tables(db: Connection, tables: MetaData) -> None:
    """Refuse a database whose tables lack columns, or need some that this version does not write.

    Raises:
        OtherTables: It names the first.
    """
    there = inspect(db).get_multi_columns(filter_names=list(tables.tables))
    for (_, name), columns in there.items():
        table = tables.tables[name]
        found = {column["name"]: column for column in columns}
        for column in table.columns:
            if column.name not in found:
                raise OtherTables(
                    f"The chat's database was made by an older version of htmxchat: table {name} has no column"
                    f" {column.name}. Add it, or use a new database."
                )
        for other in found.keys() - table.columns.keys():
            if not found[other]["nullable"] and found[other].get("default") is None:
                raise OtherTables(
                    f"The chat's database was made by another version of htmxchat: table {name} needs a column"
                    f" {other} that this version does not know. Use that version, or a new database."
                )
