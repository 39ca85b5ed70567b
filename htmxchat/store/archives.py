"""Conversations that are taken along, and those that come from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, insert, select, update

from ..archive import Archive, ArchivedTurn, Outline, TurnNode
from ..events import FileSent, RunEvent, encode_body
from ..files.file import File
from ..models import Conversation, Turn
from ..text.cleaning import searchable
from ..view import fold
from . import branches, feedback, file_rows, rows, run_rows
from . import tables as t
from .database import Database

_AT_ONCE = 500
_TICK = timedelta(microseconds=1)


class Archives:
    """Reads whole conversations a few turns at a time, and stores them as new ones."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def outline(self, user_id: str, conversation_id: str) -> Outline:
        """Return a user's conversation with the places of all its turns."""

        def work(db: Connection) -> Outline:
            row = rows.find(db, user_id, conversation_id)
            conversation = rows.to_conversation(row, db.scalar(rows.latest_state(row.id)))
            return outline_of(conversation, branches.read_tree(db, conversation_id), row.head, row.imported_at)

        return await self._database.read(work)

    async def read_turns(self, user_id: str, conversation_id: str, turn_ids: Sequence[str]) -> tuple[Turn, ...]:
        """Return turns of a user's conversation in the order of their ids, without their versions."""

        def work(db: Connection) -> tuple[Turn, ...]:
            rows.find(db, user_id, conversation_id)
            return read_turns(db, conversation_id, turn_ids)

        return await self._database.read(work)

    async def put(self, user_id: str, archive: Archive, files: Mapping[str, File]) -> Conversation:
        """Store an archive as a new conversation.

        Args:
            files: The user's drafts that hold the archive's files, by what it calls them.
        """
        ids = {turn.node.id: rows.new_id() for turn in archive.turns}
        conversation_id = rows.new_id()

        def work(db: Connection) -> Conversation:
            rows.check_user(user_id)
            values = {
                "id": conversation_id,
                "user_id": user_id,
                "head": ids[archive.shown],
                "title": archive.title,
                "folded": searchable(archive.title),
                "renamed": True,
                "created_at": archive.created_at,
                "updated_at": archive.updated_at,
                "imported_at": rows.now(),
                "feedback": sum(turn.feedback is not None for turn in archive.turns),
            }
            db.execute(insert(t.conversations).values(**values))
            _put_turns(db, user_id, conversation_id, archive.turns, ids, files)
            for turn in archive.turns:
                file_rows.attach(
                    db, user_id, conversation_id, ids[turn.node.id], [files[each.id].id for each in turn.files]
                )
            for turn in archive.turns:
                for id in _sent(turn):
                    this = update(t.files).where(t.files.c.id == files[id].id, t.files.c.run_id.is_(None))
                    db.execute(this.values(conversation_id=conversation_id, run_id=ids[turn.node.id]))
            row = rows.find(db, user_id, conversation_id)
            return rows.to_conversation(row, db.scalar(rows.latest_state(row.id)))

        return await self._database.write(work)


def outline_of(conversation: Conversation, tree: branches.Tree, head: str | None, imported_at: Any = None) -> Outline:
    """Return the outline of a conversation whose shown branch ends with `head`."""
    nodes: list[TurnNode] = []
    left = [(None, turn.id) for turn in reversed(tree.turns.values()) if turn.follows is None]
    while left:
        follows, id = left.pop()
        is_answer = id in tree.runs
        nodes.append(TurnNode(id, "assistant" if is_answer else "user", follows))
        after = [turn.id for turn in tree.after(id)] if is_answer else tree.answers(id)
        left += [(id, each) for each in reversed(after)]
    shown = [id for run in tree.path(head) for id in (run.turn_id, run.id)]
    return Outline(conversation, tuple(nodes), tuple(shown), imported_at)


def read_turns(db: Connection, conversation_id: str, turn_ids: Sequence[str]) -> tuple[Turn, ...]:
    """Return turns of a conversation in the order of their ids, without their versions and without what was deleted."""
    here = t.turns.c.conversation_id == conversation_id, rows.STAYS
    asked = db.execute(select(t.turns).where(*here, t.turns.c.id.in_(turn_ids))).all()
    runs = select(*rows.RUN, t.runs.c.text, t.runs.c.log).join(*rows.TURN_OF_RUN)
    answered = db.execute(runs.where(*here, t.runs.c.id.in_(turn_ids))).all()
    sent = file_rows.read_sent(db, conversation_id, [row.id for row in asked])
    given = feedback.read(db, conversation_id) if answered else {}
    found = {row.id: branches.user_turn(row, row.text, (), sent.get(row.id, ())) for row in asked}
    for row in answered:
        answer = branches.run_turn(db, row, row if row.log is not None else None)
        found[row.id] = replace(answer, feedback=given.get(row.id))
    return tuple(found[id] for id in turn_ids if id in found)


def _put_turns(
    db: Connection,
    user_id: str,
    conversation_id: str,
    turns: Sequence[ArchivedTurn],
    ids: Mapping[str, str],
    files: Mapping[str, File],
) -> None:
    asked, runs, events = [], [], []
    times = _times(turns)
    for turn in turns:
        node, id = turn.node, ids[turn.node.id]
        follows = None if node.follows is None else ids[node.follows]
        values: dict[str, Any] = {"id": id, "conversation_id": conversation_id, "created_at": times[node.id]}
        if node.role == "user":
            asked.append({**values, "text": turn.text, "folded": searchable(turn.text), "follows": follows})
            continue
        log = [_with_file(event, files) for event in turn.events]
        view = fold(log)
        values |= {"turn_id": follows, "user_id": user_id, "state": turn.state.value, "text": view.text}
        values |= {"answered_by": view.agent or turn.agent or None, "folded": searchable(view.text)}
        runs.append({**values, "log": run_rows.write_log(log)})
        for event in log:
            name, data = encode_body(event.body)
            events.append({"run_id": id, "seq": event.seq, "at": event.at, "type": name, "data": data})
    given = [
        {"run_id": ids[turn.node.id], "conversation_id": conversation_id, **asdict(turn.feedback)}
        for turn in turns
        if turn.feedback
    ]
    for table, values_of in (t.turns, asked), (t.runs, runs), (t.events, events), (t.feedback, given):
        for start in range(0, len(values_of), _AT_ONCE):
            db.execute(insert(table), values_of[start : start + _AT_ONCE])


def _times(turns: Sequence[ArchivedTurn]) -> dict[str, Any]:
    """Return when each turn began; of one role no two at the same time, for that is their order."""
    times: dict[str, Any] = {}
    for role in "user", "assistant":
        last = None
        for turn in sorted((each for each in turns if each.node.role == role), key=lambda each: each.created_at):
            at = turn.created_at
            if last is not None and at <= last:
                at = last + _TICK
            times[turn.node.id] = last = at
    return times


def _sent(turn: ArchivedTurn) -> list[str]:
    return [event.body.file.id for event in turn.events if isinstance(event.body, FileSent)]


def _with_file(event: RunEvent, files: Mapping[str, File]) -> RunEvent:
    return replace(event, body=FileSent(files[event.body.file.id])) if isinstance(event.body, FileSent) else event
