"""Small functions over one connection, from which the store's transactions are built."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Row,
    Select,
    and_,
    bindparam,
    exists,
    func,
    insert,
    or_,
    select,
    true,
    update,
)

from ..errors import InvalidInput, NotFound
from ..events import (
    RunEvent,
    decode_body,
)
from ..models import Conversation, Run, RunState
from ..text.cleaning import one_line, searchable, storable, title_of
from . import tables as t
from .waiting import parse_standing, standing_of

MAX_TITLE = 200
_ID = re.compile("[0-9a-f]{32}")
_SET_TIME = (
    update(t.conversations).where(t.conversations.c.id == bindparam("conversation")).values(updated_at=bindparam("at"))
)
_WAS_DELETED = "This message was sent before, and {} was deleted. Reload the page to send it again."
TURN_OF_RUN = t.turns, t.turns.c.id == t.runs.c.turn_id
STAYS = t.turns.c.deleted_at.is_(None)
"""The condition for a turn that was not deleted."""
_DELETED = select(t.turns.c.deleted_at).where(t.turns.c.id == t.runs.c.turn_id).correlate(t.runs)
# Not a join: without statistics, PostgreSQL would read all turns for each conversation.
_TURN_STAYS = _DELETED.scalar_subquery().is_(None)
# A run without its log.
RUN = [t.runs.c[name] for name in ("id", "conversation_id", "user_id", "turn_id", "state", "created_at", "answered_by")]


def now() -> datetime:
    return datetime.now(UTC)


def new_id() -> str:
    return uuid.uuid4().hex


def id_of(*about: str | None) -> str:
    """Return an id that is derived from these words: the same words give the same id."""
    return hashlib.sha256(json.dumps(about).encode()).hexdigest()[:32]


# Conditions


def check_user(user_id: str) -> None:
    """Reject a user id that a database cannot store."""
    if not storable(user_id):
        raise InvalidInput("This user id cannot be used.")


def mine(user_id: str, *, deleted: bool = False) -> ColumnElement[bool]:
    """The condition for a user's conversations."""
    check_user(user_id)
    hidden = t.conversations.c.deleted_at
    return and_(t.conversations.c.user_id == user_id, hidden.is_not(None) if deleted else hidden.is_(None))


PINNED, LISTED, ARCHIVED = 1, 0, -1
"""Where a conversation stands: its `shelf`."""


def latest_of(conversations: FromClause) -> tuple[ColumnElement[Any], ...]:
    """The order of a list: pinned conversations, then the others, the last changed first."""
    c = conversations.c
    return c.shelf.desc(), c.updated_at.desc(), c.id.desc()


LATEST = latest_of(t.conversations)


def on_shelf(*, archived: bool) -> ColumnElement[bool]:
    """The condition for conversations that are archived, or for those that are not."""
    shelf = t.conversations.c.shelf
    return shelf == ARCHIVED if archived else shelf >= LISTED


def following(cursor: str | None) -> ColumnElement[bool]:
    """The condition for conversations that come after a page."""
    if cursor is None:
        return true()
    try:
        shelf, at, conversation_id = json.loads(base64.urlsafe_b64decode(cursor.encode("ascii")))
        at, conversation_id = datetime.fromisoformat(at).astimezone(UTC), known_id(conversation_id)
        if shelf not in (PINNED, LISTED, ARCHIVED):
            raise ValueError
    except (ValueError, TypeError, OverflowError, RecursionError, binascii.Error, NotFound):
        raise InvalidInput("This page of the history does not exist. Start again from the first.") from None
    changed = t.conversations.c.updated_at
    before = or_(changed < at, and_(changed == at, t.conversations.c.id < conversation_id))
    this = t.conversations.c.shelf
    return or_(this < int(shelf), and_(this == int(shelf), before))


def cursor_after(item: Conversation) -> str:
    shelf = PINNED if item.pinned else ARCHIVED if item.archived else LISTED
    return base64.urlsafe_b64encode(json.dumps([shelf, item.updated_at.isoformat(), item.id]).encode()).decode()


def known_id(value: str) -> str:
    """Return an id with the right format; raise `NotFound` for others without a query."""
    if not _ID.fullmatch(value):
        raise NotFound
    return value


# Reading


def find(db: Connection, user_id: str, conversation_id: str) -> Row[Any]:
    this = select(t.conversations).where(mine(user_id), t.conversations.c.id == known_id(conversation_id))
    row = db.execute(this).one_or_none()
    if row is None:
        raise NotFound
    return row


def find_run(db: Connection, user_id: str, run_id: str) -> Run:
    whole = select(*RUN).join(t.conversations, t.conversations.c.id == t.runs.c.conversation_id).join(*TURN_OF_RUN)
    owned = whole.where(mine(user_id), STAYS, t.runs.c.id == known_id(run_id))
    row = db.execute(owned).one_or_none()
    if row is None:
        raise NotFound
    return to_run(row)


def turn_sent(db: Connection, turn_id: str) -> Run | str | None:
    """Return the latest run that answers a user turn, or a sentence if the turn was deleted; `None` if never sent."""
    turns = select(t.turns.c.deleted_at, t.conversations.c.deleted_at.label("whole_at")).join(t.conversations)
    turn = db.execute(turns.where(t.turns.c.id == turn_id)).one_or_none()
    if turn is None:
        return None
    if turn.whole_at or turn.deleted_at:
        return _WAS_DELETED.format("its conversation" if turn.whole_at else "it")
    answers = select(*RUN).where(t.runs.c.turn_id == turn_id)
    return to_run(db.execute(answers.order_by(t.runs.c.created_at.desc()).limit(1)).one())


def to_conversation(row: Row[Any], state: str | None, passage: str = "", found: str = "") -> Conversation:
    standing = parse_standing(state)
    return Conversation(
        row.id, row.user_id, row.title, row.created_at, row.updated_at, *standing, passage, found,
        pinned=row.shelf == PINNED, archived=row.shelf == ARCHIVED,
    )  # fmt: skip


def to_run(row: Any) -> Run:
    of = row.id, row.conversation_id, row.user_id, row.turn_id
    return Run(*of, RunState(row.state), row.created_at, row.answered_by or "")


def read_events(db: Connection, run_id: str, after: int, most: int | None = None) -> list[RunEvent]:
    found = select(t.events).where(t.events.c.run_id == run_id, t.events.c.seq > after).limit(most)
    return [event for _, event in events_of(db, found)]


def events_of(db: Connection, found: Select[*tuple[Any, ...]]) -> Iterator[tuple[str, RunEvent]]:
    """Yield selected events in the order of their logs, each with the id of its run."""
    for row in db.execute(found.order_by(t.events.c.run_id, t.events.c.seq)):
        yield row.run_id, RunEvent(row.seq, row.at, decode_body(row.type, row.data), row.raw)


# Writing. Transactions that write a conversation and a run lock the conversation first: the other order can deadlock.


def add_conversation(db: Connection, user_id: str, id: str, text: str) -> datetime:
    """Insert a conversation with a title from its first text; return its time."""
    at = now()
    title = title_of(text)
    values = {"user_id": user_id, "title": title, "folded": searchable(title), "created_at": at, "updated_at": at}
    mine(user_id)
    db.execute(insert(t.conversations).values(id=id, **values))
    return at


def lock_conversation(db: Connection, user_id: str, conversation_id: str) -> tuple[datetime, str | None]:
    """Lock a user's conversation; return a time later than every time in it, and its head."""
    this = and_(mine(user_id), t.conversations.c.id == known_id(conversation_id))
    columns = t.conversations.c.updated_at, t.conversations.c.head
    row = db.execute(select(*columns).where(this).with_for_update()).one_or_none()
    if row is None:
        raise NotFound
    return max(now(), row.updated_at + timedelta(microseconds=1)), row.head


def entitle(db: Connection, titles: Mapping[str, str]) -> None:
    """Give locked conversations the titles that agents suggest, except where the user has set one."""
    for conversation_id, title in titles.items():
        if line := one_line(title, MAX_TITLE):
            this = t.conversations.c.id == conversation_id, t.conversations.c.renamed.is_(False)
            db.execute(update(t.conversations).where(*this).values(title=line, folded=searchable(line)))


def tick(db: Connection, times: Mapping[str, datetime]) -> None:
    """Advance the times of locked conversations, even if the clock went back."""
    these = select(t.conversations.c.id, t.conversations.c.updated_at).where(t.conversations.c.id.in_(times))
    moved = [
        {"conversation": row.id, "at": max(times[row.id], row.updated_at + timedelta(microseconds=1))}
        for row in db.execute(these).all()
    ]
    db.execute(_SET_TIME, moved)


def latest_state(conversation_id: Any) -> Select[str]:
    """The state of a conversation's latest run, for `waiting.parse_standing`."""
    mine = t.runs.c.conversation_id == conversation_id
    return select(run_standing()).where(mine, _TURN_STAYS).order_by(t.runs.c.created_at.desc()).limit(1)


def run_standing() -> ColumnElement[str]:
    """The state of a run, for `waiting.parse_standing`."""
    awaited = and_(t.scripts.c.run_id == t.runs.c.id, t.scripts.c.proposal == t.runs.c.waiting)
    script = select(t.scripts.c.state).where(awaited).correlate(t.runs).scalar_subquery()
    return standing_of(t.runs.c.state, t.runs.c.waiting.is_not(None), script, asks=script.is_(None))


def begun_head(conversation_id: Any, head: Any) -> ColumnElement[str | None]:
    """The last run on a conversation's shown path, if it has events."""
    latest = select(t.runs.c.id).where(t.runs.c.conversation_id == conversation_id, _TURN_STAYS)
    latest = latest.order_by(t.runs.c.created_at.desc(), t.runs.c.id.desc()).limit(1)
    newest = latest.correlate_except(t.runs).scalar_subquery()
    shown = t.runs.alias()
    begun = or_(shown.c.log.is_not(None), exists().where(t.events.c.run_id == shown.c.id))
    return select(shown.c.id).where(shown.c.id == func.coalesce(head, newest), begun).scalar_subquery()
