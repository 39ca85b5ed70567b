"""What the server calls what is in the journal."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, delete, insert, select, update

from ...models import Run
from ...store import Store
from ...store import tables as t


@dataclass(frozen=True, slots=True)
class RunLink:
    """A run on the server.

    Attributes:
        answer_id: What the server calls its answer, once there is one.
    """

    server_id: str
    answer_id: str = ""
    workflow_id: str = ""


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

    async def conversation(self, id: str) -> str | None:
        """Return what the server calls a conversation; `None` if it was never there."""
        this = select(t.links.c.server_id).where(t.links.c.id == id, t.links.c.conversation_id.is_(None))
        return await self._store.read(lambda db: db.scalar(this))

    async def new_conversations(self, server_ids: Iterable[str]) -> list[str]:
        """Return which of some conversations have never been here."""
        ids = {own_id(each): each for each in server_ids}
        these = select(t.links.c.id).where(t.links.c.id.in_(ids))
        known = await self._store.read(lambda db: set(db.scalars(these)))
        return [server_id for id, server_id in ids.items() if id not in known]

    async def run(self, id: str) -> RunLink | None:
        """Return a run on the server; `None` when the server does not know it."""
        this = select(t.links).where(t.links.c.id == id, t.links.c.conversation_id.is_not(None))
        row = await self._store.read(lambda db: db.execute(this).one_or_none())
        return None if row is None else RunLink(row.server_id, row.answer_id, row.workflow_id)

    async def workflows(self, conversation_id: str) -> dict[str, str]:
        """Return which workflow each run of a conversation is of."""
        here = select(t.links.c.id, t.links.c.workflow_id).where(t.links.c.conversation_id == conversation_id)
        return {row.id: row.workflow_id for row in await self._store.read(lambda db: db.execute(here).all())}

    async def turns(self, conversation_id: str, before: str) -> set[str]:
        """Return what the server calls all that is known of a conversation but the turn that a run answers."""
        own = select(t.runs.c.turn_id).where(t.runs.c.id == before).scalar_subquery()
        here = select(t.links.c.server_id).where(t.links.c.conversation_id == conversation_id, t.links.c.id != own)
        return set(await self._store.read(lambda db: db.scalars(here).all()))

    async def add_conversation(self, id: str, server_id: str) -> None:
        await self._store.write(lambda db: put(db, id, server_id=server_id))

    async def add_run(self, run_id: str, link: RunLink, turn: str = "") -> None:
        """Remember a run, and what the server calls the turn that it answers, if it has one of its own."""

        def work(db: Connection) -> None:
            this = select(t.runs.c.conversation_id, t.runs.c.turn_id).where(t.runs.c.id == run_id)
            if (run := db.execute(this).one_or_none()) is None:
                return  # its conversation is gone
            here = {"conversation_id": run.conversation_id}
            kept = {"server_id": link.server_id, "answer_id": link.answer_id, "workflow_id": link.workflow_id}
            put(db, run_id, **here, **{name: value for name, value in kept.items() if value})
            if turn:
                put(db, run.turn_id, **here, server_id=turn)

        await self._store.write(work)

    async def take_back(self, run: Run, *, conversation: bool) -> None:
        """Remove a message that the server did not take, and the conversation with it if it was the first."""

        def work(db: Connection) -> None:
            turn = db.execute(select(t.turns.c.follows).where(t.turns.c.id == run.turn_id)).one_or_none()
            this = t.conversations.c.id == run.conversation_id
            db.execute(update(t.conversations).where(this).values(head=turn.follows if turn else None))
            db.execute(delete(t.links).where(t.links.c.id.in_([run.id, run.turn_id])))
            db.execute(delete(t.turns).where(t.turns.c.id == run.turn_id))
            if conversation:
                db.execute(delete(t.conversations).where(this))

        await self._store.write(work)


def put(db: Connection, id: str, **values: Any) -> None:
    """Write a link, or more of one that is there."""
    if not values or not db.execute(update(t.links).where(t.links.c.id == id).values(**values)).rowcount:
        db.execute(insert(t.links).values(id=id, **values))
