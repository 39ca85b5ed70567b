"""Conversations in the store: list, search, read, rename, delete, restore."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Integer, Select, String, and_, bindparam, case, delete, select, union_all, update

from ..errors import InvalidInput, NotFound
from ..events import RunEvent
from ..models import Conversation, ConversationPage, Overview, Transcript
from ..text.cleaning import one_line, searchable
from . import branches, feedback, rows, run_rows, script_rows, searching
from . import tables as t
from .database import Database
from .passages import read_passages
from .turns import purge_turns

MAX_PAGE = 200


def _overview() -> Select[Any]:
    c = t.conversations.c
    mine, is_open = and_(c.user_id == bindparam("user"), c.deleted_at.is_(None)), c.id == bindparam("open")
    listed = select(c.id).where(mine, rows.on_shelf(archived=False)).order_by(*rows.LATEST)
    latest = listed.limit(bindparam("most", type_=Integer)).subquery()
    # Not "or": PostgreSQL would then look at all conversations of the user.
    wanted = union_all(select(latest.c.id), select(bindparam("open", type_=String)))
    return (
        select(
            *(
                c[name]
                for name in ("id", "user_id", "title", "created_at", "updated_at", "revision", "shelf", "feedback")
            ),
            rows.latest_state(c.id).scalar_subquery().label("state"),
            case((is_open, rows.begun_head(c.id, c.head))).label("begun"),
            case((is_open, script_rows.queue_number(c.id, bindparam("now", type_=t.Moment)))).label("queue"),
        )
        .where(mine, c.id.in_(wanted))
        .order_by(*rows.LATEST)
    )


# Built once: building it takes longer than executing it.
_OVERVIEW = _overview()


class Conversations:
    """The users' conversations. All other rows belong to one.

    Args:
        keep_deleted: For how long a deletion can be undone.
        removed: Called after some have been removed for good.
    """

    def __init__(self, database: Database, keep_deleted: timedelta, removed: Callable[..., Awaitable[None]]) -> None:
        self._database = database
        self._keep_deleted = keep_deleted
        self._removed = removed
        self._purged_at: datetime | None = None

    async def list_conversations(
        self, user_id: str, query: str = "", *, limit: int = 30, cursor: str | None = None, archived: bool = False
    ) -> ConversationPage:
        """Return a page of the user's conversations: the pinned ones, then the others, the last changed first.

        Args:
            query: Words that must all occur in the title, in what the user wrote or in finished answers, in any
                letter case.
            limit: The most conversations to return, clamped to 1 to 200.
            archived: Whether to return the archived ones, and only those.

        Raises:
            InvalidInput: The cursor is invalid, or the query has more than 500 characters.
        """
        limit = max(1, min(limit, MAX_PAGE))
        words = searching.words_of(query)
        looked_at = and_(rows.mine(user_id), rows.on_shelf(archived=archived), rows.following(cursor))

        def work(db: Connection) -> ConversationPage:
            found_rows = searching.find(db, user_id, looked_at, words, limit + 1)
            shown = found_rows[:limit]
            # A title that has all words needs no passage.
            lacking = {row.id: [word for word in words if word not in row.folded] for row in shown}
            ids = [id for id, lacks in lacking.items() if lacks]
            searched = [word for word in words if any(word in each for each in lacking.values())]
            passages = read_passages(db, ids, searched)
            items = tuple(rows.to_conversation(row, row.state, *passages.get(row.id, ())) for row in shown)
            return ConversationPage(items, rows.cursor_after(items[-1]) if len(found_rows) > limit else None)

        return await self._database.read(work)

    async def list_archived(
        self, user_id: str, query: str = "", *, limit: int = 30, cursor: str | None = None
    ) -> ConversationPage:
        """Return a page of the archived conversations, like `list_conversations`."""
        return await self.list_conversations(user_id, query, limit=limit, cursor=cursor, archived=True)

    async def get_conversation(self, user_id: str, conversation_id: str) -> Conversation:
        """Return a conversation without its turns."""

        def work(db: Connection) -> Conversation:
            row = rows.find(db, user_id, conversation_id)
            return rows.to_conversation(row, db.scalar(rows.latest_state(row.id)))

        return await self._database.read(work)

    async def overview(self, user_id: str, conversation_id: str | None, *, limit: int = 30) -> Overview:
        """Return the user's latest conversations and the state of the open one. It is one cheap query, for polling.

        Args:
            limit: As for `list_conversations`.
        """
        limit = max(1, min(limit, MAX_PAGE))
        rows.check_user(user_id)
        values = {"user": user_id, "open": conversation_id or "", "most": limit + 1, "now": rows.now()}
        found = await self._database.read(lambda db: db.execute(_OVERVIEW, values).all())
        items = [rows.to_conversation(row, row.state) for row in found]
        # An open conversation that is archived comes last, after those of the list.
        listed = [item for item in items if not item.archived]
        latest = ConversationPage(
            tuple(listed[:limit]), rows.cursor_after(listed[limit - 1]) if listed[limit:] else None
        )
        for row, item in zip(found, items, strict=True):
            if item.id == conversation_id:
                return Overview(latest, item, row.begun, row.queue, row.revision, row.feedback)
        return Overview(latest)

    async def load_transcript(
        self, user_id: str, conversation_id: str, *, live: Mapping[str, Sequence[RunEvent]] | None = None
    ) -> Transcript:
        """Return a conversation with the turns that are shown; the events of each are compacted.

        Args:
            live: Events of active runs by run id, if the caller has them; these are not read from the database.
        """

        def work(db: Connection) -> Transcript:
            row = rows.find(db, user_id, conversation_id)
            tree = branches.read_tree(db, conversation_id)
            given = feedback.read(db, row.id) if row.feedback else {}
            turns = branches.read_turns(db, tree, tree.path(row.head), live, given)
            state = db.scalar(rows.latest_state(row.id))
            shown = rows.to_conversation(row, state)
            return Transcript(shown, tuple(turns), revision=row.revision, feedback=row.feedback)

        return await self._database.read(work)

    async def rename_conversation(self, user_id: str, conversation_id: str, title: str) -> None:
        """Set the title: one line, white space collapsed, cut to 200 characters. Agents do not change it any more.

        Raises:
            InvalidInput: The title is empty.
        """
        line = one_line(title, rows.MAX_TITLE)
        if not line:
            raise InvalidInput("A conversation needs a title.")

        def work(db: Connection) -> None:
            rows.find(db, user_id, conversation_id)
            change = update(t.conversations).where(t.conversations.c.id == conversation_id)
            db.execute(change.values(title=line, folded=searchable(line), renamed=True))

        await self._database.write(work)

    async def pin_conversation(self, user_id: str, conversation_id: str, pinned: bool) -> None:
        """Pin a conversation or not. One that is archived comes back into the list by being pinned."""
        await self._shelve(user_id, conversation_id, rows.PINNED, pinned)

    async def archive_conversation(self, user_id: str, conversation_id: str, archived: bool) -> None:
        """Archive a conversation, which ends its pin, or bring it back into the list."""
        await self._shelve(user_id, conversation_id, rows.ARCHIVED, archived)

    async def _shelve(self, user_id: str, conversation_id: str, shelf: int, there: bool) -> None:
        """Put a conversation on a shelf, or off that one and into the list."""

        def work(db: Connection) -> None:
            row = rows.find(db, user_id, conversation_id)
            if there or row.shelf == shelf:
                this = update(t.conversations).where(t.conversations.c.id == conversation_id)
                db.execute(this.values(shelf=shelf if there else rows.LISTED))

        await self._database.write(work)

    async def delete_conversation(self, user_id: str, conversation_id: str) -> str | None:
        """Hide a conversation until it is restored or purged, and stop its active run. Returns that run's id."""

        def work(db: Connection) -> str | None:
            rows.find(db, user_id, conversation_id)
            this = t.conversations.c.id == conversation_id
            db.execute(update(t.conversations).where(this).values(deleted_at=rows.now()))
            db.execute(delete(t.shares).where(t.shares.c.conversation_id == conversation_id))
            live = select(t.runs.c.id).where(t.runs.c.conversation_id == conversation_id, t.runs.c.active == 1)
            run_id: str | None = db.scalar(live)
            if run_id is not None:
                run_rows.request_stop(db, run_id)
            return run_id

        await self.purge()
        return await self._database.write(work)

    async def restore_conversation(self, user_id: str, conversation_id: str) -> None:
        """Undo a deletion.

        Raises:
            NotFound: Also if it is too late, or if it was not deleted.
        """
        deleted = and_(
            rows.mine(user_id, deleted=True),
            t.conversations.c.id == rows.known_id(conversation_id),
            t.conversations.c.deleted_at >= rows.now() - self._keep_deleted,
        )
        undo = update(t.conversations).where(deleted).values(deleted_at=None)
        await self.purge()
        if not await self._database.write(lambda db: db.execute(undo).rowcount):
            raise NotFound

    async def purge(self) -> None:
        """Remove conversations whose time to undo has passed; at most once a minute."""
        now = rows.now()
        if self._purged_at is not None and now - self._purged_at < min(self._keep_deleted, timedelta(minutes=1)):
            return
        self._purged_at = now
        gone = t.conversations.c.deleted_at < now - self._keep_deleted

        def work(db: Connection) -> int:
            db.execute(delete(t.shares).where(t.shares.c.expires_at < now))
            script_rows.remove(db, gone)
            removed = purge_turns(db, now - self._keep_deleted)
            return db.execute(delete(t.conversations).where(gone)).rowcount + removed

        await self._removed(now=await self._database.write(work) > 0)
