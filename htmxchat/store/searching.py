"""Search: the conversations that hold every word somewhere, as any part of the text.

Words that are common are found among the latest conversations, one by one. For the others there is an index of
trigrams: of SQLite's FTS5, kept by triggers, or of PostgreSQL's pg_trgm. It may be missing, and it does not know words
of fewer than three characters; then all conversations of the user are read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Row,
    Select,
    and_,
    column,
    exists,
    func,
    literal_column,
    or_,
    select,
    table,
    union_all,
)

from ..errors import InvalidInput
from ..text.cleaning import searchable
from . import rows
from . import tables as t

MAX_QUERY = 500
_LATEST = 200
"""How many conversations are read before the index is asked. A page of matches among them needs no index."""
_SIZE = 3
_MOST = 40
"""How many trigrams of a word SQLite is asked for. What they find is compared with the word in any case."""

# These are not in every database, so they are no tables of the store.
_searched = table("htmxchat_searched", column("id"), column("user_id"), column("conversation_id"))
_trigrams = table("htmxchat_trigrams", column("rowid"))


def words_of(query: str) -> list[str]:
    """Return the words of a query, folded.

    Raises:
        InvalidInput: It is too long.
    """
    if len(query) > MAX_QUERY:
        raise InvalidInput(f"Search for less: {MAX_QUERY} characters are allowed.")
    return list(dict.fromkeys(searchable(query).split()))


def find(
    db: Connection, user_id: str, condition: ColumnElement[bool], words: Sequence[str], most: int
) -> Sequence[Row[Any]]:
    """Return the first `most` of a user's conversations that hold every word, with the states of their latest runs.

    Args:
        condition: Which conversations of the user are looked at.
        words: Folded, as `words_of` returns them.
    """
    listed = select(t.conversations).where(condition).order_by(*rows.LATEST)
    if not words:
        return db.execute(_with_states(listed.limit(most).subquery(), most)).all()
    latest = listed.limit(_LATEST).subquery()
    found = db.execute(_with_states(latest, most).where(_holds(latest, words))).all()
    if len(found) == most:
        return found
    in_index = [_in_index(db, user_id, word) for word in words if _indexed(db, word)] if _has_index(db) else []
    candidates = select(t.conversations).where(condition, *in_index).subquery()
    return db.execute(_with_states(candidates, most).where(_holds(candidates, words))).all()


def _with_states(conversations: FromClause, most: int) -> Select[Any]:
    state = rows.latest_state(conversations.c.id).scalar_subquery().label("state")
    return select(conversations, state).order_by(*rows.latest_of(conversations)).limit(most)


def _holds(conversations: FromClause, words: Sequence[str]) -> ColumnElement[bool]:
    """The condition for conversations that hold every word."""
    c = conversations.c
    return and_(
        *(
            or_(
                c.folded.contains(word, autoescape=True),
                exists().where(t.turns.c.conversation_id == c.id, t.turns.c.folded.contains(word, autoescape=True)),
                exists().where(t.runs.c.conversation_id == c.id, t.runs.c.folded.contains(word, autoescape=True)),
            )
            for word in words
        )
    )


def _has_index(db: Connection) -> bool:
    if db.dialect.name == "postgresql":
        return db.scalar(select(func.to_regclass("htmxchat_runs_trigrams").is_not(None))) is True
    schema = table("sqlite_master", column("name"))
    return db.scalar(select(schema.c.name).where(schema.c.name == _searched.name)) is not None


def _indexed(db: Connection, word: str) -> bool:
    """Return whether the index knows parts of a word. PostgreSQL's has only letters and digits."""
    known = str.isalnum if db.dialect.name == "postgresql" else bool
    return any(known(part) for part in _parts(word))


def _parts(word: str) -> Iterator[str]:
    return (word[start : start + _SIZE] for start in range(len(word) - _SIZE + 1))


def _in_index(db: Connection, user_id: str, word: str) -> ColumnElement[bool]:
    """The condition for conversations of a user that may hold a word."""
    return t.conversations.c.id.in_(
        _postgresql(user_id, word) if db.dialect.name == "postgresql" else _sqlite(user_id, word)
    )


def _postgresql(user_id: str, word: str) -> Any:
    conversations, turns, runs = t.conversations.alias().c, t.turns.c, t.runs.c
    return union_all(
        select(conversations.id).where(
            conversations.user_id == user_id, conversations.folded.contains(word, autoescape=True)
        ),
        select(turns.conversation_id).where(turns.folded.contains(word, autoescape=True)),
        select(runs.conversation_id).where(runs.user_id == user_id, runs.folded.contains(word, autoescape=True)),
    )


def _sqlite(user_id: str, word: str) -> Any:
    parts = [*dict.fromkeys(_parts(word))][:_MOST]
    # What is indexed begins with both ends of the user's id: with many users, most of a word's matches are others'.
    parts += [user_id[:_SIZE], user_id[-_SIZE:]] if len(user_id) >= _SIZE else []
    query = " ".join('"' + part.replace('"', '""') + '"' for part in parts)
    ids = select(_trigrams.c.rowid).where(literal_column(_trigrams.name).op("MATCH")(query))
    return select(_searched.c.conversation_id).where(_searched.c.user_id == user_id, _searched.c.id.in_(ids))
