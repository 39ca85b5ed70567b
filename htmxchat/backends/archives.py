"""What `LocalBackend` does with whole conversations: export, import, share. It asks the store and nothing else."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import suppress
from datetime import datetime

from ..archive import Archive, ArchivedFile, Outline
from ..errors import ChatError
from ..files.file import File
from ..models import Conversation, Turn, User
from ..sharing import SharedLink, SharedPage
from ..store import Store

_PIECE = 256 * 1024


class WholeConversations:
    """The abilities `CanExport`, `CanImport` and `CanShare`."""

    _store: Store

    async def outline(self, user: User, conversation_id: str) -> Outline:
        return await self._store.archives.outline(user.id, conversation_id)

    async def read_turns(self, user: User, conversation_id: str, turn_ids: Sequence[str]) -> tuple[Turn, ...]:
        return await self._store.archives.read_turns(user.id, conversation_id, turn_ids)

    async def import_conversation(self, user: User, archive: Archive, *, most: int | None = None) -> Conversation:
        return await _stored(self._store, user.id, archive, most)

    async def share_conversation(
        self, user: User, conversation_id: str, *, steps: bool, files: bool, expires_at: datetime | None = None
    ) -> SharedLink:
        return await self._store.shares.put(user.id, conversation_id, steps=steps, files=files, expires_at=expires_at)

    async def find_share(self, user: User, conversation_id: str) -> SharedLink | None:
        return await self._store.shares.find(user.id, conversation_id)

    async def list_shares(self, user: User) -> tuple[SharedLink, ...]:
        """Return the user's shared conversations, the latest first; at most 200."""
        return await self._store.shares.list(user.id)

    async def revoke_share(self, user: User, conversation_id: str) -> None:
        await self._store.shares.revoke(user.id, conversation_id)

    async def open_share(self, key: str) -> SharedPage:
        return await self._store.shares.open(key)

    async def read_shared(self, page: SharedPage, turn_ids: Sequence[str]) -> tuple[Turn, ...]:
        return await self._store.shares.read(page, turn_ids)

    async def open_shared_file(self, key: str, file_id: str) -> tuple[File, AsyncGenerator[bytes, None]]:
        return await self._store.shares.open_file(key, file_id)


async def _stored(store: Store, user_id: str, archive: Archive, most: int | None) -> Conversation:
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
