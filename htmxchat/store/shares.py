"""Which conversations anyone with a key may read, and what of them."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, insert, or_, select, update

from ..archive import writing
from ..errors import InvalidInput, NotFound
from ..events import FileSent
from ..files.file import File
from ..models import Turn
from ..sharing import SharedLink, SharedPage
from . import archives, branches, rows, script_rows
from . import tables as t
from .database import Database
from .files import KeptFiles

_BYTES = 24
_MOST = 200
_NOTHING = "There is no finished answer to share yet."


class Shares:
    """The users' shared conversations.

    A key is stored as it is, so that its owner is told it again, and found by its hash.
    """

    def __init__(self, database: Database, files: KeptFiles) -> None:
        self._database = database
        self._files = files

    async def put(
        self, user_id: str, conversation_id: str, *, steps: bool, files: bool, expires_at: datetime | None
    ) -> SharedLink:
        """Share a conversation as it is; one that is shared keeps its key.

        Raises:
            InvalidInput: No answer has ended yet.
        """
        key = secrets.token_urlsafe(_BYTES)

        def work(db: Connection) -> SharedLink:
            rows.lock_conversation(db, user_id, conversation_id)
            conversation = rows.find(db, user_id, conversation_id)
            path = _ended(branches.read_tree(db, conversation_id), conversation.head)
            if not path:
                raise InvalidInput(_NOTHING)
            now = rows.now()
            values = {
                "head": path[-1].id, "title": conversation.title, "steps": steps, "files": files,
                "updated_at": now, "expires_at": expires_at,
            }  # fmt: skip
            here = t.shares.c.conversation_id == conversation_id
            lasts = or_(t.shares.c.expires_at.is_(None), t.shares.c.expires_at > now)
            if not db.execute(update(t.shares).where(here, lasts).values(**values)).rowcount:
                db.execute(delete(t.shares).where(here))
                new = {"id": _digest(key), "key": key, "conversation_id": conversation_id, "created_at": now}
                db.execute(insert(t.shares).values(**new, **values))
            link = self._find(db, user_id, conversation_id)
            assert link is not None
            return link

        return await self._database.write(work)

    async def find(self, user_id: str, conversation_id: str) -> SharedLink | None:
        """Return how a conversation is shared."""
        return await self._database.read(lambda db: self._find(db, user_id, conversation_id))

    async def list(self, user_id: str) -> tuple[SharedLink, ...]:
        """Return a user's shared conversations, the latest first; at most 200."""
        these = _shared().where(rows.mine(user_id)).order_by(t.shares.c.updated_at.desc()).limit(_MOST)
        return await self._database.read(lambda db: tuple(_link(row) for row in db.execute(these).all()))

    async def revoke(self, user_id: str, conversation_id: str) -> None:
        """Forget a key."""

        def work(db: Connection) -> None:
            rows.find(db, user_id, conversation_id)
            db.execute(delete(t.shares).where(t.shares.c.conversation_id == conversation_id))

        await self._database.write(work)

    async def open(self, key: str) -> SharedPage:
        """Return what a key leads to.

        Raises:
            NotFound: It leads nowhere, or what it led to was deleted.
        """
        return await self._database.read(lambda db: _page(db, key)[0])

    async def read(self, page: SharedPage, turn_ids: Sequence[str]) -> tuple[Turn, ...]:
        """Return turns of a page, without what it does not show.

        Raises:
            NotFound: It is not there any more, or a turn is not its own.
        """
        if not set(page.turn_ids).issuperset(turn_ids):
            raise NotFound

        def work(db: Connection) -> tuple[Turn, ...]:
            row = _row(db, page.key)
            if (row.steps, row.files, row.updated_at) != (page.steps, page.files, page.shared_at):
                raise NotFound  # it is shared otherwise by now
            turns = archives.read_turns(db, row.conversation_id, turn_ids)
            if not page.steps:
                return tuple(_plain(turn, page) for turn in turns)
            scripts = script_rows.read(db, row.conversation_id)
            ended = tuple(each for each in scripts if each.ended_at and each.ended_at <= page.shared_at)
            return tuple(_plain(writing.with_results(turn, ended), page) for turn in turns)

        return await self._database.read(work)

    async def open_file(self, key: str, file_id: str) -> tuple[File, AsyncGenerator[bytes, None]]:
        """Return a file that a page shows, and its bytes.

        Raises:
            NotFound: It shows none, or not this one.
        """

        def work(db: Connection) -> str:
            page, owner = _page(db, key)
            known = rows.known_id(file_id)
            carried = db.scalars(select(t.turn_files.c.turn_id).where(t.turn_files.c.file_id == known)).all()
            sent = db.scalars(select(t.files.c.run_id).where(t.files.c.id == known)).all()
            if not page.files or not set(page.turn_ids) & {*carried, *sent}:
                raise NotFound
            return owner

        return await self._files.open(await self._database.read(work), file_id)

    def _find(self, db: Connection, user_id: str, conversation_id: str) -> SharedLink | None:
        conversation = rows.find(db, user_id, conversation_id)
        row = db.execute(_shared().where(t.shares.c.conversation_id == conversation_id)).one_or_none()
        if row is None:
            return None
        tree = branches.read_tree(db, conversation_id)
        if row.head not in tree.runs:
            return None
        shown, path = tree.path(row.head), _ended(tree, conversation.head)
        return replace(_link(row), turns=2 * len(shown), latest=bool(path) and path[-1].id == row.head)


def _shared() -> Select[Any]:
    """Select what is shared now, with what is said of its conversation."""
    both = t.shares.join(t.conversations, t.conversations.c.id == t.shares.c.conversation_id)
    lasts = or_(t.shares.c.expires_at.is_(None), t.shares.c.expires_at > rows.now())
    columns = t.conversations.c.user_id, t.conversations.c.imported_at
    return select(t.shares, *columns).select_from(both).where(t.conversations.c.deleted_at.is_(None), lasts)


def _row(db: Connection, key: str) -> Row[Any]:
    row = db.execute(_shared().where(t.shares.c.id == _digest(key))).one_or_none()
    if row is None:
        raise NotFound
    return row


def _page(db: Connection, key: str) -> tuple[SharedPage, str]:
    """Return a page, and whose conversation it is."""
    row = _row(db, key)
    tree = branches.read_tree(db, row.conversation_id)
    if row.head not in tree.runs:
        raise NotFound  # what was deleted of a conversation is not on its page either
    ids = tuple(id for run in tree.path(row.head) for id in (run.turn_id, run.id))
    page = SharedPage(row.key, row.title, ids, row.steps, row.files, row.updated_at, row.imported_at is not None)
    return page, row.user_id


def _ended(tree: branches.Tree, head: str | None) -> list[Row[Any]]:
    """Return the runs of the path to `head`, up to the last that has ended."""
    path = tree.path(head)
    while path and path[-1].active:
        path.pop()
    return path


def _plain(turn: Turn, page: SharedPage) -> Turn:
    turn = replace(writing.presentable(turn, tools=page.steps), feedback=None)
    if not page.steps:
        turn = writing.without_steps(turn)
    if page.files:
        return turn
    events = tuple(event for event in turn.events if not isinstance(event.body, FileSent))
    return replace(turn, files=(), events=events)


def _link(row: Row[Any]) -> SharedLink:
    return SharedLink(row.key, row.conversation_id, row.title, row.steps, row.files, row.updated_at, row.expires_at)


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()
