"""Stores the bytes of files: in the database, in a folder, or in any object with three methods."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from sqlalchemy import Connection, Executable, Select, delete, insert, select

from .. import checks
from ..errors import BackendError
from . import tables as t
from .database import Database

CHUNK = 256 * 1024
"""So many bytes are written and read at a time."""

ELSEWHERE = "This process does not know where files are."
_DELETED_AT_ONCE = 64
_KEY = re.compile("[0-9a-f]{32}")
# A link that someone has put in the place of a file is not followed.
_FLAGS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)


class FileStore(Protocol):
    """A place for bytes: a folder, a bucket. Who owns them, and that the same are kept once, is not its concern."""

    async def put(self, key: str, chunks: AsyncIterator[bytes]) -> None:
        """Keep bytes as they come. When `chunks` raises, or the caller is cancelled, `delete` is called next.

        Args:
            key: 32 random hexadecimal digits, never used before.
            chunks: Pieces of 256 KB, the last one smaller.
        """
        ...

    def open(self, key: str, start: int, end: int) -> AsyncGenerator[bytes, None]:
        """Yield the bytes from `start` to before `end`, in pieces: an async generator."""
        ...

    async def delete(self, key: str) -> None:
        """Remove what there is under a key, all or a part of it. Nothing happens when there is nothing."""
        ...


class DatabaseFiles:
    """Bytes in the store's own database, in rows of 256 KB, each written by a transaction of its own.

    So the one writer that SQLite has is never held up for longer than that takes, however large a file is.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, key: str, chunks: AsyncIterator[bytes]) -> None:
        number = 0
        async for data in chunks:
            row = insert(t.chunks).values(blob_id=key, number=number, data=data)
            await self._database.write(partial(_execute, row))
            number += 1

    async def open(self, key: str, start: int, end: int) -> AsyncGenerator[bytes, None]:
        for number in range(start // CHUNK, -(-end // CHUNK)):
            this = select(t.chunks.c.data).where(t.chunks.c.blob_id == key, t.chunks.c.number == number)
            data = await self._database.read(partial(_scalar, this))
            if data is None:
                return
            first = number * CHUNK
            yield data[max(0, start - first) : end - first]

    async def delete(self, key: str) -> None:
        mine = select(t.chunks.c.number).where(t.chunks.c.blob_id == key).limit(_DELETED_AT_ONCE)
        some = delete(t.chunks).where(t.chunks.c.blob_id == key, t.chunks.c.number.in_(mine.scalar_subquery()))
        while await self._database.write(lambda db: db.execute(some).rowcount):
            pass


class Elsewhere:
    """Bytes of which this process does not know where they are."""

    async def put(self, key: str, chunks: AsyncIterator[bytes]) -> None:
        raise BackendError(ELSEWHERE)

    async def open(self, key: str, start: int, end: int) -> AsyncGenerator[bytes, None]:
        raise BackendError(ELSEWHERE)
        yield b""

    async def delete(self, key: str) -> None:
        raise BackendError(ELSEWHERE)


class FolderFiles:
    """Bytes in a folder of this machine, or one that all machines mount: `Store(url, files=FolderFiles("files"))`.

    Only the owner of the process can read what it makes there. Nothing there is named by users.

    Args:
        path: The folder; it is made when it is not there.

    Raises:
        ValueError: There is something else, or it cannot be made.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        if not isinstance(path, str | os.PathLike):
            raise TypeError(f'path is a folder, "files" or a Path, not {checks.kind(path)}.')
        self._path = Path(path)
        if not str(path):
            raise ValueError('path is empty. Write the name of a folder: FolderFiles("files").')
        try:
            self._path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise ValueError(
                f"path cannot be used as a folder: {error.strerror}. It is {checks.shown(str(path))}."
            ) from None

    async def put(self, key: str, chunks: AsyncIterator[bytes]) -> None:
        file = await asyncio.to_thread(self._create, key)
        try:
            async for data in chunks:
                await asyncio.to_thread(file.write, data)
            await asyncio.to_thread(_sync, file)
        finally:
            await asyncio.to_thread(file.close)

    async def open(self, key: str, start: int, end: int) -> AsyncGenerator[bytes, None]:
        file = await asyncio.to_thread(self._open, key, start)
        try:
            while start < end and (data := await asyncio.to_thread(file.read, min(CHUNK, end - start))):
                start += len(data)
                yield data
        finally:
            file.close()

    async def delete(self, key: str) -> None:
        await asyncio.to_thread(self._delete, key)

    def _create(self, key: str) -> BinaryIO:
        return os.fdopen(os.open(self._place(key), os.O_WRONLY | os.O_CREAT | os.O_EXCL | _FLAGS, 0o600), "wb")

    def _open(self, key: str, start: int) -> BinaryIO:
        file = os.fdopen(os.open(self._place(key), os.O_RDONLY | _FLAGS), "rb", buffering=0)
        file.seek(start)
        return file

    def _delete(self, key: str) -> None:
        with suppress(FileNotFoundError):
            self._place(key).unlink()

    def _place(self, key: str) -> Path:
        if not _KEY.fullmatch(key):
            raise ValueError("Not a key of a file.")
        return self._path / key


def _sync(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _execute(statement: Executable, db: Connection) -> None:
    db.execute(statement)


def _scalar(statement: Select[Any], db: Connection) -> Any:
    return db.scalar(statement)
