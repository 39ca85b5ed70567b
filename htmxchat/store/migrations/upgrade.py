"""Alembic without its command line: no configuration file, and none of its global proxies (`alembic.op`), because two
stores of one process may be migrated at the same time.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Column, Connection, MetaData, String, Table, insert, inspect, select, text

from ...errors import OtherSchema
from ..search_index import make_search_index
from ..tables import metadata

HEAD = "0014"
"""The schema that this version of the store reads and writes."""

_FIRST = "0001"
# The advisory lock of processes that migrate one PostgreSQL database: any number that nothing else uses.
_LOCK = 0x68746D78
_VERSION_TABLE = "htmxchat_schema"
_version = Table(_VERSION_TABLE, MetaData(), Column("version_num", String(32), primary_key=True))


def prepare(db: Connection, *, migrate: bool) -> None:
    """Create the tables, or migrate existing ones, in the connection's transaction.

    Args:
        migrate: Whether existing tables may be migrated. In an empty database, tables are always created.

    Raises:
        OtherSchema: The database has an older schema and `migrate` is off, or it has a newer one.
    """
    found = _revision(db)
    if found == HEAD:
        return
    if found is not None and not migrate:
        raise OtherSchema(found, HEAD)
    _lock(db)
    found = _revision(db)
    if found is None:
        _create(db)
    else:
        _upgrade(db, found)


def _revision(db: Connection) -> str | None:
    """Return the number of the schema; `None` for a database without the chat's tables."""
    tables = inspect(db)
    if tables.has_table(_VERSION_TABLE):
        number: str | None = db.scalar(select(_version.c.version_num))
        return number
    # The first schema had no version table.
    return _FIRST if tables.has_table("htmxchat_conversations") else None


def _lock(db: Connection) -> None:
    if db.dialect.name == "postgresql":
        db.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    elif db.dialect.name == "sqlite":
        db.exec_driver_sql("BEGIN IMMEDIATE")


def _create(db: Connection) -> None:
    metadata.create_all(db)
    make_search_index(db)
    _version.create(db)
    db.execute(insert(_version).values(version_num=HEAD))


def _upgrade(db: Connection, found: str) -> None:
    from alembic.migration import MigrationContext
    from alembic.operations import Operations
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory(Path(__file__).parent)
    steps = {script.revision: script for script in scripts.walk_revisions()}
    if found not in steps:
        raise OtherSchema(found, HEAD)
    context = MigrationContext.configure(db, opts={"version_table": _VERSION_TABLE})
    operations = Operations(context)
    if found == _FIRST:
        context.stamp(scripts, _FIRST)
    for number in sorted(steps):
        if number > found:
            steps[number].module.upgrade(operations)
            context.stamp(scripts, number)
