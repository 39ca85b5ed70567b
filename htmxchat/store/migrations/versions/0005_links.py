"""Moves data of kogwistar servers into the tables that all agents share."""

import hashlib
import json
import time
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid5

import sqlalchemy as sa
from alembic.operations import Operations

revision = "0005"
down_revision = "0004"

_TIME = sa.DateTime(timezone=True)
_AGENT = "kogwistar"


def _table(name: str, text: str, *others: sa.ColumnClause[Any]) -> sa.TableClause:
    return sa.table(f"htmxchat_{name}", *[sa.column(each) for each in text.split()], *others)


_OLD_CONVERSATIONS = _table(
    "kogwistar_conversations", "id user_id title folded verified",
    sa.column("created_at", _TIME), sa.column("updated_at", _TIME), sa.column("hidden_at", _TIME),
)  # fmt: skip
_OLD_TURNS = _table("kogwistar_turns", "conversation_id id place text folded", sa.column("created_at", _TIME))
_OLD_RUNS = _table(
    "kogwistar_runs", "id conversation_id turn_id place workflow workflow_id state phase active assistant_turn_id text",
    sa.column("folded"), sa.column("since", _TIME), sa.column("created_at", _TIME), sa.column("stop_asked_at", _TIME),
    sa.column("request", sa.JSON), sa.column("log", sa.JSON), sa.column("shown", sa.JSON),
)  # fmt: skip
_CONVERSATIONS = _table(
    "conversations", "id user_id title folded head",
    sa.column("created_at", _TIME), sa.column("updated_at", _TIME), sa.column("deleted_at", _TIME),
)  # fmt: skip
_TURNS = _table("turns", "id conversation_id text folded follows", sa.column("created_at", _TIME))
_RUNS = _table(
    "runs", "id conversation_id turn_id user_id state agent checkpoint_seq deaths stop_requested waiting active text",
    sa.column("folded"), sa.column("created_at", _TIME), sa.column("released_at", _TIME),
    sa.column("checkpoint", sa.JSON(none_as_null=True)), sa.column("log", sa.JSON(none_as_null=True)),
)  # fmt: skip
_EVENTS = _table(
    "events", "run_id seq type", sa.column("at", _TIME), sa.column("data", sa.JSON),
    sa.column("raw", sa.JSON(none_as_null=True)),
)  # fmt: skip
_SCRIPTS = _table("scripts", "conversation_id run_id")
_LINKS = _table("links", "id conversation_id server_id answer_id workflow_id")


def upgrade(op: Operations) -> None:
    key = sa.ForeignKey("htmxchat_conversations.id", ondelete="CASCADE")
    op.create_table(
        "htmxchat_links",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("conversation_id", sa.String(32), key, index=True),
        sa.Column("server_id", sa.Text, nullable=False),
        sa.Column("answer_id", sa.Text, nullable=False),
        sa.Column("workflow_id", sa.Text, nullable=False),
    )
    db = op.get_bind()
    if not sa.inspect(db).has_table("htmxchat_kogwistar_conversations"):
        return
    for conversation in db.execute(sa.select(_OLD_CONVERSATIONS)).all():
        _move(db, conversation)
    for name in ("runs", "turns", "conversations"):
        op.drop_table(f"htmxchat_kogwistar_{name}")


def _own_id(server_id: str) -> str:
    try:
        return UUID(server_id).hex
    except ValueError:
        return hashlib.sha256(json.dumps(["kogwistar", server_id]).encode()).hexdigest()[:32]


def _link(db: sa.Connection, id: str, conversation: str | None, server: str, answer: str = "", flow: str = "") -> None:
    values = {"id": id, "conversation_id": conversation, "server_id": server}
    db.execute(sa.insert(_LINKS).values(**values, answer_id=answer, workflow_id=flow))


def _move(db: sa.Connection, old: sa.Row[Any]) -> None:
    """Write one conversation with all that is in it."""
    if not old.verified and old.hidden_at is None:
        return  # nothing is known of it but that it was in a list; it is found there again
    id = _own_id(old.id)
    _link(db, id, None, old.id)
    times = {"created_at": old.created_at, "updated_at": old.updated_at, "deleted_at": old.hidden_at}
    names = {"user_id": old.user_id, "title": old.title, "folded": old.folded}
    db.execute(sa.insert(_CONVERSATIONS).values(id=id, head=None, **names, **times))
    turns = db.execute(sa.select(_OLD_TURNS).where(_OLD_TURNS.c.conversation_id == old.id)).all()
    runs = db.execute(sa.select(_OLD_RUNS).where(_OLD_RUNS.c.conversation_id == old.id)).all()
    head = _write(db, id, old.user_id, _pairs(turns, runs))
    db.execute(sa.update(_CONVERSATIONS).where(_CONVERSATIONS.c.id == id).values(head=head))


def _pairs(turns: Sequence[Any], runs: Sequence[Any]) -> list[tuple[Any, list[Any]]]:
    """Return each turn with the runs that answer it, in order. A run whose turn is not there has `None`."""
    pairs: dict[str, tuple[Any, list[Any]]] = {turn.id: (turn, []) for turn in sorted(turns, key=lambda row: row.place)}
    for run in sorted(runs, key=lambda row: row.place):
        pairs.setdefault(run.turn_id, (None, []))[1].append(run)
    return sorted(pairs.values(), key=lambda pair: pair[0].place if pair[0] is not None else pair[1][0].place)


def _write(db: sa.Connection, conversation: str, user: str, pairs: Iterable[tuple[Any, list[Any]]]) -> str | None:
    before = None
    for turn, runs in pairs:
        first = turn if turn is not None else runs[0]
        server_turn = turn.id if turn is not None else runs[0].turn_id
        turn_id = _own_id(f"{conversation} {server_turn or runs[0].id}")
        text, folded = (turn.text, turn.folded) if turn is not None else ("", "")
        values = {"id": turn_id, "conversation_id": conversation, "text": text, "folded": folded, "follows": before}
        db.execute(sa.insert(_TURNS).values(**values, created_at=first.created_at))
        if not (runs and (runs[0].workflow or runs[0].phase == "submitting")):
            _link(db, turn_id, conversation, server_turn)
        place = {"conversation_id": conversation, "user_id": user, "turn_id": turn_id}
        for run in runs:
            before = _write_run(db, place, run)
        if not runs:
            before = _own_id(f"{conversation} answer to {turn_id}")
            values = {"id": before, "state": "completed", "created_at": turn.created_at, "log": [], **place}
            db.execute(sa.insert(_RUNS).values(**values, **_NOTHING))
            _link(db, before, conversation, "")
    return before


_NOTHING = {"checkpoint_seq": 0, "deaths": 0, "stop_requested": False, "text": "", "folded": ""}


def _write_run(db: sa.Connection, place: dict[str, Any], run: Any) -> str:
    id = _own_id(run.id)
    begun = [1, run.created_at.isoformat(), "RunStarted", {}]
    log = run.log or [begun]
    numbers = {seq: number for number, (seq, *_) in enumerate(log, 1)}
    values = {"id": id, "state": run.state, "created_at": run.created_at, **place, **_NOTHING}
    values |= {"text": run.text, "folded": run.folded, "active": run.active, "stop_requested": bool(run.stop_asked_at)}
    if run.phase == "ended":
        values |= {"log": [[numbers.get(seq, seq), *rest] for seq, *rest in run.shown or []]}
    else:
        phase = {"submitting": "sending"}.get(run.phase, run.phase)
        asked = [data for _, _, name, data, *_ in log if name == "InputRequested" or name == "ScriptProposed"]
        progress = {"phase": phase, "since": time.time(), "turn": "" if run.workflow else run.turn_id, "after": 0}
        progress |= {"run": "" if phase == "sending" else run.id, "asked": len(asked), "request": run.request}
        values |= {"agent": _AGENT, "released_at": datetime.now().astimezone(), "checkpoint": progress}
        values |= {"checkpoint_seq": len(log), "stop_requested": False}
        values |= {"waiting": run.request["id"] if phase == "waiting" and run.request else None}
    db.execute(sa.insert(_RUNS).values(**values))
    rows = [
        {
            "run_id": id,
            "seq": numbers[seq],
            "at": datetime.fromisoformat(at),
            "type": name,
            "data": data,
            "raw": raw[0] if raw else None,
        }
        for seq, at, name, data, *raw in log
    ]
    db.execute(sa.insert(_EVENTS), rows)
    scripts = sa.update(_SCRIPTS).where(_SCRIPTS.c.run_id == run.id)
    db.execute(scripts.values(run_id=id, conversation_id=place["conversation_id"]))
    known = run.phase != "submitting" and not _is_made_up(run)
    _link(db, id, place["conversation_id"], run.id if known else "", run.assistant_turn_id, run.workflow_id)
    return id


def _is_made_up(run: Any) -> bool:
    """Whether its id is the chat's own: an answer whose run no one has told."""
    return bool(run.id == uuid5(NAMESPACE_OID, f"{run.conversation_id}\n{run.assistant_turn_id}").hex)
