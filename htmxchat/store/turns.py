"""Deletion of turns with all that follows them: hide, restore, remove for good."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import Connection, delete, select, update

from ..errors import NotFound
from ..text.cleaning import searchable
from . import branches, rows, run_rows
from . import tables as t
from .database import Database

if TYPE_CHECKING:
    from .conversations import Conversations

_AT_ONCE = 500


class Turns:
    """Deletes and restores turns of a conversation.

    Args:
        keep_deleted: For how long a deletion can be undone.
    """

    def __init__(self, database: Database, conversations: Conversations, keep_deleted: timedelta) -> None:
        self._database = database
        self._conversations = conversations
        self._keep_deleted = keep_deleted

    async def delete_turn(self, user_id: str, conversation_id: str, turn_id: str) -> None:
        """Hide a user's turn with all that follows it until it is restored or purged.

        Raises:
            NotFound: There is no such turn.
            Busy: The conversation has an active run.
        """

        def work(db: Connection) -> None:
            at, head = rows.lock_conversation(db, user_id, conversation_id)
            run_rows.check_idle(db, conversation_id)
            tree = branches.read_tree(db, conversation_id)
            if turn_id not in tree.turns:
                raise NotFound
            shown = any(run.turn_id == turn_id for run in tree.path(head))
            if shown:
                other = tree.beside(turn_id)
                head = tree.turns[turn_id].follows if other is None else tree.last_run_of(other)
            _mark(db, tree.from_turn(turn_id), at)
            branches.show(db, conversation_id, head)

        await self._conversations.purge()
        await self._database.write(work)

    async def restore_turn(self, user_id: str, conversation_id: str, turn_id: str) -> None:
        """Undo a deletion, and show the turn.

        Raises:
            NotFound: It is too late, or what it followed was deleted too.
            Busy: The conversation has an active run.
        """

        def work(db: Connection) -> None:
            rows.lock_conversation(db, user_id, conversation_id)
            tree = branches.read_tree(db, conversation_id)
            if turn_id in tree.turns:
                return
            run_rows.check_idle(db, conversation_id)
            here = t.turns.c.conversation_id == conversation_id
            this = select(t.turns).where(here, t.turns.c.id == rows.known_id(turn_id))
            turn = db.execute(this).one_or_none()
            lost = turn is None or turn.deleted_at is None or turn.deleted_at < rows.now() - self._keep_deleted
            if turn is None or lost or (turn.follows is not None and turn.follows not in tree.runs):
                raise NotFound
            together = select(t.turns.c.id).where(here, t.turns.c.deleted_at == turn.deleted_at)
            _mark(db, db.scalars(together).all(), None)
            branches.show(db, conversation_id, branches.read_tree(db, conversation_id).last_run_of(turn_id))

        await self._conversations.purge()
        await self._database.write(work)


def purge_turns(db: Connection, before: datetime) -> int:
    """Remove what was deleted before a time. The rows of the turns stay: they say that something followed.

    Returns how many turns lost all else.
    """
    gone = select(t.turns.c.id).where(t.turns.c.deleted_at < before, t.turns.c.text != "").limit(_AT_ONCE)
    ids = db.scalars(gone).all()
    if not ids:
        return 0
    runs = select(t.runs.c.id).where(t.runs.c.turn_id.in_(ids))
    db.execute(delete(t.scripts).where(t.scripts.c.run_id.in_(runs)))
    db.execute(delete(t.runs).where(t.runs.c.turn_id.in_(ids)))
    carried = db.scalars(select(t.turn_files.c.file_id).where(t.turn_files.c.turn_id.in_(ids))).all()
    db.execute(delete(t.turn_files).where(t.turn_files.c.turn_id.in_(ids)))
    still = select(t.turn_files.c.file_id)
    db.execute(delete(t.files).where(t.files.c.id.in_(carried), t.files.c.id.not_in(still)))
    db.execute(update(t.turns).where(t.turns.c.id.in_(ids)).values(text="", folded=""))
    return len(ids)


def _mark(db: Connection, turn_ids: Sequence[str], at: datetime | None) -> None:
    """Have turns deleted at a time, or not. A search does not find what is deleted."""
    for start in range(0, len(turn_ids), _AT_ONCE):
        some = turn_ids[start : start + _AT_ONCE]
        db.execute(update(t.turns).where(t.turns.c.id.in_(some)).values(deleted_at=at))
        for table, these in (t.turns, t.turns.c.id.in_(some)), (t.runs, t.runs.c.turn_id.in_(some)):
            if at is not None:
                db.execute(update(table).where(these).values(folded=""))
                continue
            for row in db.execute(select(table.c.id, table.c.text).where(these)).all():
                db.execute(update(table).where(table.c.id == row.id).values(folded=searchable(row.text)))
