"""What the server calls what is in the journal."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, delete, insert, select, update

from ...models import Run
from ...store import Store
from ...store import tables as t


def own_id(server_id: str) -> str:
    """Return the journal's id for something that the server calls so. Its ids are UUIDs, but may be any text."""
    try:
        return UUID(server_id).hex
    except ValueError:
        return hashlib.sha256(json.dumps(["kogwistar", server_id]).encode()).hexdigest()[:32]


class Links:
    """The table of names. A conversation's stays when the conversation is removed, so it does not come back."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def server_id(self, id: str) -> str | None:
        """Return what the server calls a conversation, a turn or a run; `None` if it was never there."""
        this = select(t.links.c.server_id).where(t.links.c.id == id)
        return await self._store.database.read(lambda db: db.scalar(this))

    async def new_conversations(self, server_ids: Iterable[str]) -> list[str]:
        """Return which of some conversations have never been here."""
        ids = {own_id(each): each for each in server_ids}
        these = select(t.links.c.id).where(t.links.c.id.in_(ids))
        known = await self._store.database.read(lambda db: set(db.scalars(these)))
        return [server_id for id, server_id in ids.items() if id not in known]

    async def workflows(self, conversation_id: str) -> dict[str, str]:
        """Return which workflow each run of a conversation is of."""
        here = select(t.links.c.id, t.links.c.workflow_id).where(t.links.c.conversation_id == conversation_id)
        return {row.id: row.workflow_id for row in await self._store.database.read(lambda db: db.execute(here).all())}

    async def turns(self, conversation_id: str, before: str) -> set[str]:
        """Return the server's ids of all turns and runs of a conversation, except the turn that a run answers."""
        own = select(t.runs.c.turn_id).where(t.runs.c.id == before).scalar_subquery()
        here = select(t.links.c.server_id).where(t.links.c.conversation_id == conversation_id, t.links.c.id != own)
        return set(await self._store.database.read(lambda db: db.scalars(here).all()))

    async def add_conversation(self, id: str) -> None:
        """Remember that the server has a conversation, by the same id."""
        await self._store.database.write(lambda db: put(db, id, server_id=id))

    async def add_run(self, run_id: str, turn: str, **names: str) -> None:
        """Remember a run.

        Args:
            turn: The server's id of the turn that the run answers, if it has one of its own.
            names: The known ones of `server_id`, `answer_id` and `workflow_id`.
        """

        def work(db: Connection) -> None:
            this = select(t.runs.c.conversation_id, t.runs.c.turn_id).where(t.runs.c.id == run_id)
            if (run := db.execute(this).one_or_none()) is None:
                return  # its conversation is gone
            here = {"conversation_id": run.conversation_id}
            put(db, run_id, **here, **{name: value for name, value in names.items() if value})
            if turn:
                put(db, run.turn_id, **here, server_id=turn)

        await self._store.database.write(work)

    async def take_back(self, run: Run, *, conversation: bool) -> None:
        """Remove a message that the server did not accept, and also its conversation if it was the first one."""

        def work(db: Connection) -> None:
            this, turn = t.conversations.c.id == run.conversation_id, t.turns.c.id == run.turn_id
            before = db.scalar(select(t.turns.c.follows).where(turn))
            db.execute(update(t.conversations).where(this).values(head=before))
            db.execute(delete(t.links).where(t.links.c.id.in_([run.id, run.turn_id])))
            db.execute(delete(t.turns).where(turn))
            if conversation:
                db.execute(delete(t.conversations).where(this))

        await self._store.database.write(work)


def put(db: Connection, id: str, **values: Any) -> None:
    """Insert or update a link."""
    if not values or not db.execute(update(t.links).where(t.links.c.id == id).values(**values)).rowcount:
        db.execute(insert(t.links).values(id=id, **values))
