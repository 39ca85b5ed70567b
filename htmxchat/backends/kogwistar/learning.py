"""Learns the server's turns: what other clients wrote, and what became of a message that may have arrived."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from sqlalchemy import ColumnElement, Connection, Row, Table, and_, delete, insert, select, update

from ...events import Outcome, RunEnded, RunEvent, TextReplaced
from ...models import UNDATED
from . import logs
from . import tables as t
from .mapping import SPAN
from .problems import NOT_CONFIRMED
from .replies import ServerTurn
from .writing import add_turn, ended, lock

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
_SUBMITTING = timedelta(seconds=120)
_UNANSWERED = timedelta(seconds=120)


def learn(db: Connection, id: str, turns: Sequence[ServerTurn]) -> bool:
    """Remember turns that are not known yet, in the server's order. Returns whether anything has changed."""
    place = lock(db, id)
    settled = _settle(db, id, turns)
    if is_submitting(db, id):
        return False  # one of the server's turns is, or may be, the message that keeps its place
    asked = set(db.scalars(select(t.turns.c.id).where(t.turns.c.conversation_id == id)))
    here = select(t.runs.c.turn_id, t.runs.c.assistant_turn_id, t.runs.c.active, t.runs.c.text)
    runs = db.execute(here.where(t.runs.c.conversation_id == id)).all()
    written = {run.assistant_turn_id for run in runs}
    # A run's answer has no name before it is over, and may have none after; it is not learned a second time.
    busy = {run.turn_id for run in runs if run.active or not run.assistant_turn_id}
    texts = {(run.turn_id, run.text) for run in runs}
    before, learned = "", settled
    for turn in turns:
        if turn.role == "user":
            before = turn.id
            if turn.id not in asked:
                asked.add(turn.id)
                place += 1
                add_turn(db, id, turn.id, turn.text, place, UNDATED)
                learned = True
        elif turn.id not in written and before not in busy and (before, turn.text) not in texts:
            written.add(turn.id)
            place += 1
            _adopt(db, id, before, turn, place)
            learned = True
    return _put_in_order(db, id, turns) or learned


def in_doubt() -> ColumnElement[bool]:
    """The condition for a message whose sending has come to no end, or whose process died while it was sent."""
    return and_(t.runs.c.phase == "submitting", t.runs.c.since < logs.now() - _SUBMITTING)


def is_submitting(db: Connection, id: str) -> bool:
    """Return whether a message is being sent into a conversation."""
    here = and_(t.runs.c.conversation_id == id, t.runs.c.phase == "submitting")
    return db.scalar(select(t.runs.c.id).where(here)) is not None


def _settle(db: Connection, id: str, turns: Sequence[ServerTurn]) -> bool:
    """Give up a message in doubt: the server's turns have it if it has arrived. For workflows they have nothing.

    One that has arrived and has no answer keeps its place for a while: a second run beside its own, whose id nobody
    has told, would spoil both.
    """
    row = db.execute(select(t.runs).where(t.runs.c.conversation_id == id, in_doubt())).one_or_none()
    if row is None:
        return False
    if not row.workflow and row.created_at > logs.now() - _UNANSWERED and _is_unanswered(db, row, turns):
        return False
    this = t.runs.c.id == row.id
    if row.workflow:
        log = [RunEvent(1, logs.now(), RunEnded(Outcome.FAILED, NOT_CONFIRMED))]
        db.execute(update(t.runs).where(this).values(phase="ended", since=logs.now(), **ended(log)))
    else:
        db.execute(delete(t.runs).where(this))
        db.execute(delete(t.turns).where(t.turns.c.conversation_id == id, t.turns.c.id == row.id))
    return True


def _is_unanswered(db: Connection, run: Row[Any], turns: Sequence[ServerTurn]) -> bool:
    """Return whether the server's last turn is the message that a run was to answer."""
    if not turns or turns[-1].role != "user":
        return False
    here = t.turns.c.conversation_id == run.conversation_id
    if db.scalar(select(t.turns.c.id).where(here, t.turns.c.id == turns[-1].id)) is not None:
        return False  # an older one, which is known
    sent = db.scalar(select(t.turns.c.text).where(here, t.turns.c.id == run.id)) or ""
    # The server strips what it stores.
    return turns[-1].text.strip() == sent.strip()


def _put_in_order(db: Connection, id: str, turns: Sequence[ServerTurn]) -> bool:
    """Give everything its place in the server's order. What the server does not know stays behind what it follows."""
    there: dict[str, int] = {}
    for number, turn in enumerate(turns):
        there.setdefault(turn.id, number)
    asked = db.execute(select(t.turns.c.id, t.turns.c.place).where(t.turns.c.conversation_id == id)).all()
    columns = t.runs.c.id, t.runs.c.place, t.runs.c.turn_id, t.runs.c.assistant_turn_id
    tried = db.execute(select(*columns).where(t.runs.c.conversation_id == id)).all()
    known: list[tuple[Table, Any, tuple[str, ...]]] = [(t.turns, row, (row.id,)) for row in asked]
    known += [(t.runs, row, (row.assistant_turn_id, row.turn_id)) for row in tried]
    known.sort(key=lambda item: (item[1].place, item[0] is t.runs))
    numbers, number = [], -1
    for _, _, names in known:
        number = next((there[name] for name in names if name in there), number)
        numbers.append(number)
    if numbers == sorted(numbers):
        return False
    ordered = sorted(zip(numbers, known, strict=True), key=lambda each: each[0])
    for place, (_, (table, row, _)) in enumerate(ordered, 1):
        this = and_(table.c.conversation_id == id, table.c.id == row.id)
        db.execute(update(table).where(this).values(place=place))
    return True


def _adopt(db: Connection, conversation_id: str, turn_id: str, turn: ServerTurn, place: int) -> None:
    """Remember an answer whose run is not known as a run of its own, so that it is shown and found as any other."""
    id = uuid5(NAMESPACE_OID, f"{conversation_id}\n{turn.id}").hex
    log = [RunEvent(SPAN, UNDATED, TextReplaced(turn.text)), RunEvent(SPAN + 1, UNDATED, RunEnded(Outcome.COMPLETED))]
    values: dict[str, Any] = {"id": id, "conversation_id": conversation_id, "turn_id": turn_id, "place": place}
    values |= {"workflow": False, "phase": "ended", "since": logs.now(), "created_at": UNDATED}
    values["assistant_turn_id"] = turn.id
    db.execute(insert(t.runs).values(**values, **ended(log)))
