"""Classifies a failed transaction: the database is unreachable, has the wrong tables, or rejects the statement."""

from __future__ import annotations

import logging
import math
import time

from sqlalchemy import Connection, MetaData, inspect
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from ..errors import BackendError, BackendUnavailable

AWAY = "The chat's database cannot be reached right now. Try again in a moment."
BUSY = "The chat's database is too busy right now. Try again in a moment."
REFUSED = "The chat's database reported an error. The server's log has the details."
OTHER_TABLES = "The chat's database belongs to another version of htmxchat. The server's log has the details."

log = logging.getLogger("htmxchat")
_QUIET = 10.0
# SQLSTATE classes: connection, insufficient resources, operator intervention, transaction rollback; and read-only, as
# during a cluster's failover.
_TRANSIENT = ("08", "53", "57", "40", "25006")
_PERMANENT = ("no such table", "no such column", "has no column", "already exists", "syntax error")


class OtherTables(SQLAlchemyError):
    """The tables belong to another version."""


class PoolExhausted(SQLAlchemyError):
    """All connections were in use for too long."""

    def __init__(self, connections: int, seconds: float) -> None:
        super().__init__(
            f"All {connections} connections to the chat's database have been in use for {seconds:g} seconds. Find"
            " what blocks them, or allow more: Store(…, connections=…)."
        )


class Failures:
    """Classifies and logs the failures of one database. Of an outage, it logs the beginning and the end.

    A readable database may not be writable: another process has locked it, or its disk is full. Such an outage is over
    after a write.
    """

    def __init__(self) -> None:
        self._away_since: float | None = None
        self._blocked = False
        self._busy_at = -math.inf

    def describe(self, error: Exception, *, writes: bool) -> BackendError:
        """Log a failure, and return the error to raise."""
        if isinstance(error, PoolExhausted | PoolTimeout):
            # Many requests fail at the same time.
            if time.monotonic() > self._busy_at + _QUIET:
                self._busy_at = time.monotonic()
                log.error("%s", error)
            return BackendUnavailable(BUSY)
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
        log.error("The chat's database reported an error: %s", error, exc_info=error)
        return BackendError(REFUSED)

    def over(self, *, writes: bool) -> None:
        """Record a successful transaction."""
        if self._away_since is not None and (writes or not self._blocked):
            log.warning("The chat's database is back after %.0f seconds.", time.monotonic() - self._away_since)
            self._away_since, self._blocked = None, False


def _is_unreachable(error: Exception) -> bool:
    return isinstance(error, OSError) or (isinstance(error, DBAPIError) and error.connection_invalidated)


def is_away(error: Exception) -> bool:
    """Return whether a retry may succeed later."""
    if isinstance(error, OSError):
        return True
    if not isinstance(error, DBAPIError):
        return False
    code = str(getattr(error.orig, "sqlstate", None) or "")
    if code:
        return code.startswith(_TRANSIENT)
    words = str(error.orig)
    return error.connection_invalidated or (
        isinstance(error, OperationalError | InterfaceError) and not any(each in words for each in _PERMANENT)
    )


def check_tables(db: Connection, tables: MetaData) -> None:
    """Reject a database whose tables lack columns, or require columns that this version does not write.

    Raises:
        OtherTables: It names the first such column.
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
