"""Stores an archive, its files first."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress

from ..archive import Archive, ArchivedFile
from ..errors import ChatError
from ..files.file import File
from ..models import Conversation
from ..store import Store

_PIECE = 256 * 1024


async def stored(store: Store, user_id: str, archive: Archive, most: int | None) -> Conversation:
    """Store an archive as a new conversation of a user: all of it, or nothing."""
    files: dict[str, File] = {}
    try:
        for each in dict.fromkeys([*(file for turn in archive.turns for file in turn.files), *archive.sent]):
            if each.id not in files:
                files[each.id] = await store.files.put(user_id, each.name, _pieces(each), most=most)
        return await store.archives.put(user_id, archive, files)
    except BaseException:
        for file in files.values():
            with suppress(ChatError):
                await store.files.discard(user_id, file.id)
        raise


async def _pieces(file: ArchivedFile) -> AsyncIterator[bytes]:
    for start in range(0, len(file.content), _PIECE):
        yield file.content[start : start + _PIECE]
