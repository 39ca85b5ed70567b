"""Functions over one connection, from which the store's transactions on files are built."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, delete, exists, func, insert, or_, select, update

from ..errors import InvalidInput, NotFound
from ..files.file import File
from ..files.settings import check_room
from . import rows
from . import tables as t

FILE = (*(t.files.c[name] for name in ("id", "name", "media_type")), t.blobs.c.size, t.blobs.c.digest)
_JOINED = t.files.join(t.blobs, t.blobs.c.id == t.files.c.blob_id)
_NOT_THERE = "A file of this message is not there any more. Attach it again."
# What even an empty file costs.
_LEAST = 4096


def to_file(row: Row[Any]) -> File:
    return File(row.id, row.name, row.media_type, row.size, row.digest)


def select_files(*more: Any) -> Select[Any]:
    return select(*FILE, *more).select_from(_JOINED)


def find(db: Connection, user_id: str, file_ids: Sequence[str]) -> list[Row[Any]]:
    """Return a user's files in the order of their ids, each with its blob and conversation.

    Raises:
        NotFound: One does not exist, is someone else's, or what had it was deleted.
    """
    rows.check_user(user_id)
    known = [rows.known_id(id) for id in file_ids]
    conversation = t.conversations.c.id == t.files.c.conversation_id, t.conversations.c.deleted_at.is_(None)
    sent = t.turns.join(t.turn_files, t.turn_files.c.turn_id == t.turns.c.id)
    given = t.turns.join(t.runs, t.runs.c.turn_id == t.turns.c.id)
    there = or_(
        t.files.c.conversation_id.is_(None),
        and_(
            exists().where(*conversation),
            or_(
                exists()
                .select_from(sent)
                .where(t.turn_files.c.file_id == t.files.c.id, t.turns.c.deleted_at.is_(None)),
                exists().select_from(given).where(t.runs.c.id == t.files.c.run_id, t.turns.c.deleted_at.is_(None)),
            ),
        ),
    )
    these = select_files(t.files.c.blob_id, t.files.c.conversation_id).where(
        t.files.c.user_id == user_id, t.files.c.id.in_(known), there
    )
    found = {row.id: row for row in db.execute(these)}
    if any(id not in found for id in known):
        raise NotFound
    return [found[id] for id in known]


def attach(db: Connection, user_id: str, conversation_id: str, turn_id: str, file_ids: Sequence[str]) -> None:
    """Have a turn carry files: drafts, or files of the same conversation.

    Raises:
        InvalidInput: One is neither.
    """
    if not file_ids:
        return
    ids = list(dict.fromkeys(file_ids))
    mine = and_(
        t.files.c.user_id == user_id,
        or_(t.files.c.conversation_id.is_(None), t.files.c.conversation_id == conversation_id),
    )
    lock = select(t.files.c.id).where(t.files.c.id.in_(ids), mine).order_by(t.files.c.id).with_for_update()
    if len(db.scalars(lock).all()) != len(ids):
        raise InvalidInput(_NOT_THERE)
    db.execute(update(t.files).where(t.files.c.id.in_(ids)).values(conversation_id=conversation_id))
    links = [{"turn_id": turn_id, "position": place, "file_id": id} for place, id in enumerate(ids)]
    db.execute(insert(t.turn_files), links)


def names(db: Connection, user_id: str, file_ids: Sequence[str]) -> str:
    """Return what files are called, as a title of what is only files."""
    these = select(t.files.c.id, t.files.c.name).where(t.files.c.user_id == user_id, t.files.c.id.in_(file_ids))
    found = {row.id: row.name for row in db.execute(these)}
    return ", ".join(found[id] for id in file_ids if id in found)


def sent_with(db: Connection, turn_id: str) -> Sequence[str]:
    """Return the ids of the files that came with a turn."""
    these = select(t.turn_files.c.file_id).where(t.turn_files.c.turn_id == turn_id)
    return db.scalars(these.order_by(t.turn_files.c.position)).all()


def read_sent(
    db: Connection, conversation_id: str, turn_ids: Sequence[str] | None = None
) -> dict[str, tuple[File, ...]]:
    """Return what was sent with the turns of a conversation, or with some of them, by their ids."""
    links = t.turn_files.join(t.files, t.files.c.id == t.turn_files.c.file_id)
    these = select(t.turn_files.c.turn_id, *FILE).select_from(links.join(t.blobs, t.blobs.c.id == t.files.c.blob_id))
    order = t.turn_files.c.turn_id, t.turn_files.c.position
    sent: dict[str, list[File]] = defaultdict(list)
    if turn_ids is not None:
        these = these.where(t.turn_files.c.turn_id.in_(turn_ids))
    for row in db.execute(these.where(t.files.c.conversation_id == conversation_id).order_by(*order)):
        sent[row.turn_id].append(to_file(row))
    return {turn_id: tuple(files) for turn_id, files in sent.items()}


def check_kept(db: Connection, user_id: str, more: int, most: int | None) -> None:
    """Refuse what would make a user have more than `most` bytes kept.

    Raises:
        FilesFull: It would.
    """
    if most is None:
        return
    each = func.greatest if db.dialect.name == "postgresql" else func.max
    kept = select(func.sum(each(t.blobs.c.size, _LEAST))).select_from(_JOINED).where(t.files.c.user_id == user_id)
    check_room(int(db.scalar(kept) or 0), more, most)


def keep(db: Connection, blob_id: str, digest: str, size: int) -> str:
    """Say that all bytes of a blob are there, and return the one that has them: another, if they were there before."""
    known = db.scalar(select(t.blobs.c.id).where(t.blobs.c.digest == digest).with_for_update())
    if known is not None:
        return str(known)
    db.execute(update(t.blobs).where(t.blobs.c.id == blob_id).values(digest=digest, size=size))
    return blob_id


def remove_drafts(db: Connection, before: datetime) -> None:
    """Remove files that nothing carries, and that were sent or given before a time."""
    carried = or_(t.files.c.run_id.is_not(None), exists().where(t.turn_files.c.file_id == t.files.c.id))
    db.execute(delete(t.files).where(t.files.c.created_at < before, ~carried))


def let_go(db: Connection, blob_id: str) -> bool:
    """See to it that nothing can refer to a blob any more. Returns whether nothing does."""
    # What follows has to see what others have written who held it.
    if db.scalar(select(t.blobs.c.id).where(t.blobs.c.id == blob_id).with_for_update()) is None:
        return False
    if db.scalar(select(t.files.c.id).where(t.files.c.blob_id == blob_id).limit(1)) is not None:
        return False
    db.execute(update(t.blobs).where(t.blobs.c.id == blob_id).values(digest=None))
    return True


def unused(before: datetime, most: int) -> Select[str]:
    """The blobs that nothing refers to: those that are whole, and those that were begun before a time."""
    used = exists().where(t.files.c.blob_id == t.blobs.c.id)
    over = or_(t.blobs.c.digest.is_not(None), t.blobs.c.created_at < before)
    return select(t.blobs.c.id).where(~used, over).order_by(t.blobs.c.created_at).limit(most)
