"""The index of trigrams for the search. `searching` asks it."""

from __future__ import annotations

from contextlib import suppress

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError, OperationalError


def make_search_index(db: Connection) -> None:
    """Make the index of what the tables have, where the database can have one."""
    if db.dialect.name == "postgresql":
        _postgresql(db)
    elif db.dialect.name == "sqlite":
        _sqlite(db)


def _postgresql(db: Connection) -> None:
    # Without the right to make extensions, the search goes on without an index.
    with suppress(DBAPIError), db.begin_nested():
        db.execute(text("CREATE EXTENSION IF NOT EXISTS pg_trgm"))
    if db.scalar(text("SELECT 1 FROM pg_extension WHERE extname = 'pg_trgm'")):
        for name in "turns", "runs":
            index = f"CREATE INDEX htmxchat_{name}_trigrams ON htmxchat_{name} USING gin (folded gin_trgm_ops)"
            db.execute(text(index))


# SQLite: the rows of the index have numbers, so a table has the number of every text that is in it. `columnsize` and
# `detail`: only which texts have which trigrams is of interest.
_TABLES = (
    "CREATE TABLE htmxchat_searched (id INTEGER PRIMARY KEY, kind SMALLINT NOT NULL, source VARCHAR(32) NOT NULL,"
    " conversation_id VARCHAR(32) NOT NULL, user_id TEXT NOT NULL, UNIQUE (source, kind))",
    "CREATE VIRTUAL TABLE htmxchat_trigrams USING fts5"
    " (text, content='', columnsize=0, detail=none, tokenize='trigram case_sensitive 1')",
)
# The ends of the user's id narrow what is found to few users.
_TEXT = "substr(s.user_id, 1, 3) || ' ' || substr(s.user_id, -3) || ' ' || {row}.folded"
_KINDS = {
    "conversations": ("id", "user_id"),
    "turns": ("conversation_id", "(SELECT user_id FROM htmxchat_conversations WHERE id = {row}.conversation_id)"),
    "runs": ("conversation_id", "user_id"),
}


def _sqlite(db: Connection) -> None:
    try:
        with db.begin_nested():
            for statement in reversed(_TABLES):
                db.exec_driver_sql(statement)
    except OperationalError:
        return  # this SQLite has no FTS5, or none with trigrams
    for kind, (table, (conversation, user)) in enumerate(_KINDS.items()):
        own = f"kind = {kind} AND source = "
        take = (
            "INSERT INTO htmxchat_trigrams (htmxchat_trigrams, rowid, text)"
            f" SELECT 'delete', s.id, {_TEXT.format(row='old')} FROM htmxchat_searched AS s WHERE {own}old.id;"
            f" DELETE FROM htmxchat_searched WHERE {own}old.id;"
        )
        who = user.format(row="new") if "{" in user else f"new.{user}"
        number = (
            "INSERT INTO htmxchat_searched (kind, source, conversation_id, user_id)"
            f" SELECT {kind}, new.id, new.{conversation}, {who} WHERE new.folded <> '';"
        )
        give = (
            "INSERT INTO htmxchat_trigrams (rowid, text)"
            f" SELECT s.id, {_TEXT.format(row='new')} FROM htmxchat_searched AS s WHERE {own}new.id;"
        )
        for event, body in ("INSERT", number + give), ("UPDATE OF folded", take + number + give), ("DELETE", take):
            name = f"htmxchat_{table}_{event.split()[0].lower()}"
            db.exec_driver_sql(f"CREATE TRIGGER {name} AFTER {event} ON htmxchat_{table} BEGIN {body} END")
        db.exec_driver_sql(
            "INSERT INTO htmxchat_searched (kind, source, conversation_id, user_id)"
            f" SELECT {kind}, new.id, new.{conversation}, {who} FROM htmxchat_{table} AS new WHERE new.folded <> ''"
        )
        db.exec_driver_sql(
            f"INSERT INTO htmxchat_trigrams (rowid, text) SELECT s.id, {_TEXT.format(row='new')}"
            f" FROM htmxchat_searched AS s JOIN htmxchat_{table} AS new ON new.id = s.source"
            f" WHERE s.kind = {kind}"
        )
