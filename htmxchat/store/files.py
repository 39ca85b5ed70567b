"""Files in the store: saved and read as streams, found, and removed with the messages that carry them."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Sequence
from contextlib import aclosing
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Connection, delete, insert, select

from ..errors import BackendError, BackendUnavailable, InvalidInput, NotFound
from ..files.file import File
from ..files.names import clean_name
from ..files.types import HEAD, media_type
from ..models import Run
from . import file_rows, rows
from . import tables as t
from .database import Database, uncancelled
from .file_stores import CHUNK, ELSEWHERE, DatabaseFiles, Elsewhere, FileStore

log = logging.getLogger("htmxchat")
DRAFTS = timedelta(days=1)
_SWEPT = timedelta(minutes=1)
_AT_ONCE = 100
_AWAY = "Files cannot be kept or read right now. Try again in a moment."


class KeptFiles:
    """Files of users and of agents. The same bytes are kept once.

    A file belongs to its user alone until it is sent, and then to its conversation too. One that nothing carries goes
    after a day; bytes that no file has go with the next sweep.

    Args:
        place: Where the bytes are; by default in the database. `False`: this process does not know, and leaves them to
            those that do.
    """

    def __init__(self, database: Database, place: FileStore | Literal[False] | None = None) -> None:
        self._database = database
        self._place = DatabaseFiles(database) if place is None else place or Elsewhere()
        self._knows = place is not False
        self._swept_at: datetime | None = None
        self._tasks: set[asyncio.Task[Any]] = set()

    async def put(
        self,
        user_id: str,
        name: str,
        content: AsyncIterable[bytes],
        *,
        run: Run | None = None,
        most: int | None = None,
    ) -> File:
        """Keep a file as it comes. What raises, `content` included, leaves nothing behind.

        Args:
            run: The run whose agent sends it; without one, it is a draft of the user.
            most: How many bytes the user may have kept, this file included.

        Raises:
            FilesFull: There would be more.
            InvalidInput: A draft is empty.
            BackendUnavailable: Where files are kept cannot be reached.
        """
        rows.check_user(user_id)
        if not self._knows:
            raise BackendError(ELSEWHERE)
        name = clean_name(name)
        await self.sweep()
        blob_id = rows.new_id()

        def begin(db: Connection) -> None:
            file_rows.check_kept(db, user_id, 1, most)
            db.execute(insert(t.blobs).values(id=blob_id, created_at=rows.now()))

        await self._database.write(begin)
        try:
            incoming = _Incoming(content)
            await self._placed(blob_id, incoming)
            if not incoming.size and run is None:
                raise InvalidInput(f"“{name}” is empty.")
            file = await self._keep(user_id, name, blob_id, incoming, run, most)
        except BaseException:
            await uncancelled(self._tasks, self._give_up(blob_id))
            raise
        return file

    async def find(self, user_id: str, file_ids: Sequence[str]) -> tuple[File, ...]:
        """Return a user's files, in the order of their ids.

        Raises:
            NotFound: One does not exist, or is someone else's.
        """
        found = await self._database.read(lambda db: file_rows.find(db, user_id, file_ids))
        return tuple(map(file_rows.to_file, found))

    async def discard(self, user_id: str, file_id: str) -> None:
        """Remove a draft.

        Raises:
            NotFound: There is none of the user's with this id; what was sent is none any more.
        """

        def work(db: Connection) -> str:
            (row,) = file_rows.find(db, user_id, [file_id])
            draft = t.files.c.conversation_id.is_(None)
            if not db.execute(delete(t.files).where(t.files.c.id == file_id, draft)).rowcount:
                raise NotFound
            return str(row.blob_id)

        await self._remove(await self._database.write(work))

    async def drop(self, file_id: str) -> None:
        """Remove a file, whoever has it."""

        def work(db: Connection) -> str | None:
            blob_id = db.scalar(select(t.files.c.blob_id).where(t.files.c.id == file_id))
            db.execute(delete(t.files).where(t.files.c.id == file_id))
            return blob_id

        if (blob_id := await self._database.write(work)) is not None:
            await self._remove(blob_id)

    async def open(
        self, user_id: str, file_id: str, start: int = 0, end: int | None = None
    ) -> tuple[File, AsyncGenerator[bytes, None]]:
        """Return a file, and its bytes from `start` to before `end`, in pieces.

        Raises:
            NotFound: It does not exist, or is someone else's.
        """
        (row,) = await self._database.read(lambda db: file_rows.find(db, user_id, [file_id]))
        file = file_rows.to_file(row)
        end = file.size if end is None else min(end, file.size)
        return file, self._read(row.blob_id, min(max(start, 0), end), end)

    async def content(
        self, user_id: str, file_id: str, start: int = 0, end: int | None = None
    ) -> AsyncGenerator[bytes, None]:
        """Yield what `open` returns."""
        _, chunks = await self.open(user_id, file_id, start, end)
        async with aclosing(chunks):
            async for chunk in chunks:
                yield chunk

    async def sweep(self, *, now: bool = False) -> None:
        """Remove drafts that were never sent, and bytes that nothing has any more; at most once a minute.

        Args:
            now: Whether something was removed just now, so that it is not too early.
        """
        at = rows.now()
        if not self._knows:
            return
        if not now and self._swept_at is not None and at - self._swept_at < _SWEPT:
            return
        self._swept_at = at

        def work(db: Connection) -> Sequence[str]:
            file_rows.remove_drafts(db, at - DRAFTS)
            return db.scalars(file_rows.unused(at - 2 * DRAFTS, _AT_ONCE)).all()

        while found := await self._database.write(work):
            removed = [await self._remove(blob_id) for blob_id in found]
            if len(found) < _AT_ONCE or not any(removed):
                return

    async def remove_user(self, user_id: str) -> None:
        """Remove what a user has not sent, and the bytes of all that was removed."""
        await self._database.write(lambda db: db.execute(delete(t.files).where(t.files.c.user_id == user_id)))
        await self.sweep(now=True)

    async def _placed(self, blob_id: str, incoming: _Incoming) -> None:
        try:
            await self._place.put(blob_id, incoming.pieces())
        except OSError as error:
            if incoming.failed:
                raise
            log.exception("A file could not be kept.")
            raise BackendUnavailable(_AWAY) from error

    async def _keep(
        self, user_id: str, name: str, blob_id: str, incoming: _Incoming, run: Run | None, most: int | None
    ) -> File:
        kind, digest, size = media_type(incoming.head, name), incoming.digest, incoming.size
        file = File(rows.new_id(), name, kind, size, digest)

        def work(db: Connection) -> str:
            file_rows.check_kept(db, user_id, size, most)
            kept = file_rows.keep(db, blob_id, digest, size)
            values = {"conversation_id": run.conversation_id, "run_id": run.id} if run else {}
            values |= {"id": file.id, "user_id": user_id, "name": name, "media_type": kind}
            db.execute(insert(t.files).values(**values, blob_id=kept, created_at=rows.now()))
            return kept

        if await self._database.write(work) != blob_id:
            await self._remove(blob_id)
        return file

    async def _read(self, blob_id: str, start: int, end: int) -> AsyncGenerator[bytes, None]:
        try:
            async with aclosing(self._place.open(blob_id, start, end)) as chunks:
                async for chunk in chunks:
                    yield chunk
        except OSError as error:
            log.exception("A file could not be read.")
            raise BackendUnavailable(_AWAY) from error

    async def _give_up(self, blob_id: str) -> None:
        try:
            await self._remove(blob_id)
        except Exception:
            # A sweep removes it later.
            log.warning("What came of a file that was not kept could not be removed yet.", exc_info=True)

    async def _remove(self, blob_id: str) -> bool:
        """Remove the bytes of a blob that no file has. Returns whether none had."""
        if not await self._database.write(lambda db: file_rows.let_go(db, blob_id)):
            return False
        await self._place.delete(blob_id)
        await self._database.write(lambda db: db.execute(delete(t.blobs).where(t.blobs.c.id == blob_id)))
        return True


class _Incoming:
    """A file as it comes, cut into pieces of one size.

    Attributes:
        head: How it begins.
        size: How many bytes have come.
        failed: Whether it has broken off.
    """

    def __init__(self, content: AsyncIterable[bytes]) -> None:
        self.head = b""
        self.size = 0
        self.failed = False
        self._content = content
        self._hash = hashlib.sha256()

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()

    async def pieces(self) -> AsyncIterator[bytes]:
        held = bytearray()
        try:
            async for data in self._content:
                held += data
                while len(held) >= CHUNK:
                    piece = bytes(held[:CHUNK])
                    del held[:CHUNK]
                    yield self._count(piece)
        except BaseException:
            self.failed = True
            raise
        if held:
            yield self._count(bytes(held))

    def _count(self, piece: bytes) -> bytes:
        self.head += piece[: HEAD - len(self.head)]
        self.size += len(piece)
        self._hash.update(piece)
        return piece
