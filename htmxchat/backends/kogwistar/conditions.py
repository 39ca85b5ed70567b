"""Which conversations are meant: parts of queries."""

from __future__ import annotations

import base64
import binascii
import json
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, or_, select, true

from ...cleaning import searchable
from ...errors import InvalidInput
from ...models import Conversation
from ...store.tables import scripts
from ...store.waiting import standing_of
from . import tables as t

LONGEST_QUERY = 500


def latest_state() -> ColumnElement[Any]:
    """How a conversation's latest run stands, as a column that `told` reads."""
    mine = t.runs.c.conversation_id == t.conversations.c.id
    awaited = and_(scripts.c.run_id == t.runs.c.id, scripts.c.awaited)
    script = select(scripts.c.state).where(awaited).order_by(scripts.c.position.desc()).limit(1)
    kind = t.runs.c.request["kind"].as_string()
    asks = or_(kind.is_(None), kind != "script")
    waits = t.runs.c.phase == "waiting"
    state = standing_of(t.runs.c.state, waits, script.correlate(t.runs).scalar_subquery(), asks=asks)
    latest = select(state).where(mine).order_by(t.runs.c.place.desc()).limit(1)
    return latest.scalar_subquery().label("state")


def mine(user_id: str, *, hidden: bool = False) -> ColumnElement[bool]:
    """The condition for a user's conversations that are not hidden, or that are."""
    at = t.conversations.c.hidden_at
    return and_(t.conversations.c.user_id == user_id, at.is_not(None) if hidden else at.is_(None))


def matching(query: str) -> ColumnElement[bool]:
    """The condition for conversations that hold every word of `query`."""
    if len(query) > LONGEST_QUERY:
        raise InvalidInput(f"Search for less: {LONGEST_QUERY} characters are allowed.")
    this, found = t.conversations.c.id, []
    for word in dict.fromkeys(searchable(query).split()):
        here = [table.c.folded.contains(word, autoescape=True) for table in (t.turns, t.runs)]
        said = exists().where(t.turns.c.conversation_id == this, here[0])
        answered = exists().where(t.runs.c.conversation_id == this, here[1])
        found.append(or_(t.conversations.c.folded.contains(word, autoescape=True), said, answered))
    return and_(true(), *found)


def following(cursor: str | None) -> ColumnElement[bool]:
    """The condition for conversations that come after a page."""
    if cursor is None:
        return true()
    try:
        at, id = json.loads(base64.urlsafe_b64decode(cursor.encode("ascii")))
        at, id = datetime.fromisoformat(at).astimezone(UTC), str(id)
    except (ValueError, TypeError, OverflowError, RecursionError, binascii.Error):
        raise InvalidInput("This page of the history does not exist. Start again from the first.") from None
    changed = t.conversations.c.updated_at
    return or_(changed < at, and_(changed == at, t.conversations.c.id < id))


def cursor_after(item: Conversation) -> str:
    return base64.urlsafe_b64encode(json.dumps([item.updated_at.isoformat(), item.id]).encode()).decode()
