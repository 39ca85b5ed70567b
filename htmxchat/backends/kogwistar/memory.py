"""What the store remembers of conversations and turns: so that pages need not wait for the server to read its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Row, and_, select, update

from ...cleaning import one_line, searchable
from ...errors import InvalidInput, NotFound
from ...events import RunEvent
from ...models import UNDATED, Conversation, ConversationPage, RunState, Transcript, Turn
from ...store import Store
from ...store.waiting import told
from ...view import compact, fold
from . import conditions, learning, logs, writing
from . import tables as t
from .replies import ServerConversation, ServerTurn

LONGEST_TITLE, LARGEST_PAGE = 200, 200


class ConversationMemory:
    """Conversations and their turns. A `user_id` is the server's; `NotFound` is raised for what is not theirs.

    What somebody removed from their list stays here, hidden, so that it does not come back with the server's list.
    """

    def __init__(self, store: Store) -> None:
        store.use(t.metadata)
        self._store = store

    async def list(self, user_id: str, query: str = "", *, limit: int, cursor: str | None) -> ConversationPage:
        """Return a page of conversations that hold every word of `query`, the last changed first."""
        limit = max(1, min(limit, LARGEST_PAGE))
        found = and_(conditions.mine(user_id), conditions.matching(query), conditions.following(cursor))
        latest = t.conversations.c.updated_at.desc(), t.conversations.c.id.desc()
        statement = select(t.conversations, conditions.latest_state()).where(found).order_by(*latest).limit(limit + 1)
        rows = await self._store.read(lambda db: db.execute(statement).all())
        items = tuple(_conversation(row) for row in rows[:limit])
        return ConversationPage(items, conditions.cursor_after(items[-1]) if len(rows) > limit else None)

    async def find(self, user_id: str, id: str) -> Conversation | None:
        """Return a conversation; `None` if nothing certain is remembered of it.

        Raises:
            NotFound: It is somebody else's, or hidden.
        """
        this = select(t.conversations, conditions.latest_state()).where(t.conversations.c.id == id)
        row = await self._store.read(lambda db: db.execute(this).one_or_none())
        if row is None or not row.verified:
            return None
        if row.user_id != user_id or row.hidden_at is not None:
            raise NotFound
        return _conversation(row)

    async def transcript(self, user_id: str, id: str, live: Mapping[str, Sequence[RunEvent]]) -> Transcript:
        """Return all turns, with the events of live runs as the caller knows them.

        A message that is being sent has no answer yet: it is `refreshing`.
        """

        def work(db: Connection) -> Transcript:
            this = and_(conditions.mine(user_id), t.conversations.c.id == id)
            row = db.execute(select(t.conversations, conditions.latest_state()).where(this)).one_or_none()
            if row is None:
                raise NotFound
            turns = tuple(_turns(db, id, user_id, live))
            return Transcript(_conversation(row), turns, refreshing=learning.is_submitting(db, id))

        return await self._store.read(work)

    async def learn_list(self, user_id: str, items: Iterable[ServerConversation]) -> Sequence[str]:
        """Remember conversations that are not known yet. What is known stays as it is.

        The list does not prove whose they are: before more than their ids is shown, `verify` is to be called.

        Returns:
            The ids that are in somebody else's list as well, with no proof on either side.
        """

        def work(db: Connection) -> list[str]:
            disputed = []
            for number, item in enumerate(items):
                row = db.execute(select(t.conversations).where(t.conversations.c.id == item.id)).one_or_none()
                if row is None:
                    # The server tells no times.
                    at = UNDATED - timedelta(seconds=number)
                    writing.add(db, user_id, item.id, "", at, verified=False)
                elif row.user_id != user_id and not row.verified:
                    disputed.append(item.id)
            return disputed

        return await self._store.write(work)

    async def verify(self, owner: str, id: str) -> None:
        """Remember whose a listed conversation is: the server has said so."""
        listed = and_(t.conversations.c.id == id, t.conversations.c.verified.is_(False))
        values = {"user_id": owner, "verified": True}
        await self._store.write(lambda db: db.execute(update(t.conversations).where(listed).values(**values)))

    async def add(self, user_id: str, id: str, text: str = "") -> None:
        """Remember a conversation, named after its first message. One that was begun elsewhere has no date.

        One that is known stays as it is.
        """
        at = logs.now() if text else UNDATED

        def work(db: Connection) -> None:
            if db.scalar(select(t.conversations.c.id).where(t.conversations.c.id == id)) is None:
                writing.add(db, user_id, id, text, at)

        await self._store.write(work)

    async def rename(self, user_id: str, id: str, title: str) -> None:
        line = one_line(title, LONGEST_TITLE)
        if not line:
            raise InvalidInput("A conversation needs a title.")
        await self._change(user_id, id, title=line, folded=searchable(line), titled=True)

    async def hide(self, user_id: str, id: str) -> str | None:
        """Take a conversation out of every list. Returns the id of a live run that is to be stopped.

        A message that is being sent has no run yet; it is stopped when there is one.
        """
        await self._change(user_id, id, hidden_at=logs.now())
        live = and_(t.runs.c.conversation_id == id, t.runs.c.active == 1)
        known = select(t.runs.c.id).where(live, t.runs.c.phase != "submitting")
        return await self._store.read(lambda db: db.scalar(known))

    async def restore(self, user_id: str, id: str) -> None:
        await self._change(user_id, id, hidden=True, hidden_at=None)

    async def _change(self, user_id: str, id: str, *, hidden: bool = False, **values: Any) -> None:
        this = update(t.conversations).where(conditions.mine(user_id, hidden=hidden), t.conversations.c.id == id)
        if not await self._store.write(lambda db: db.execute(this.values(**values)).rowcount):
            raise NotFound

    async def learn_turns(self, id: str, turns: Sequence[ServerTurn]) -> bool:
        """Remember turns that are not known yet, in the server's order. Returns whether anything has changed.

        A message that may or may not have arrived is settled: it is among them, or it is not.
        """
        return await self._store.write(lambda db: learning.learn(db, id, turns))


def _turns(db: Connection, id: str, user_id: str, live: Mapping[str, Sequence[RunEvent]]) -> Iterable[Turn]:
    asked = db.execute(select(t.turns).where(t.turns.c.conversation_id == id)).all()
    columns = [column for column in t.runs.c if column.name not in ("log", "folded")]
    # Before the server has taken the message, nobody can ask it about the run.
    known = and_(t.runs.c.conversation_id == id, t.runs.c.phase != "submitting")
    tried = db.execute(select(*columns).where(known)).all()
    for row in sorted([*asked, *tried], key=lambda row: (row.place, hasattr(row, "phase"))):
        if not hasattr(row, "phase"):
            yield Turn(row.id, "user", row.text, row.created_at)
            continue
        events = logs.read(row.shown) if row.phase == "ended" else compact(live.get(row.id) or logs.read(row.shown))
        view = fold(events)
        state = RunState(row.state) if view.state.live else view.state
        yield Turn(row.id, "assistant", view.text, row.created_at, writing.to_run(row, user_id, state), tuple(events))


def _conversation(row: Row[Any]) -> Conversation:
    return Conversation(row.id, row.user_id, row.title, row.created_at, row.updated_at, *told(row.state))
