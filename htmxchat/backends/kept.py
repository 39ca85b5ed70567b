"""What a backend does with its store alone, whichever agent answers."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Sequence
from datetime import datetime

from ..archive import Archive, Outline
from ..feedback import Feedback, Rating
from ..files.file import File
from ..models import Conversation, ConversationPage, Turn, User
from ..sharing import SharedLink, SharedPage
from ..store import Store
from .archives import stored


class KeptByStore:
    """What is kept in a `Store`: pins, archived conversations, files, feedback, archives and shared pages."""

    _store: Store

    async def pin_conversation(self, user: User, conversation_id: str, pinned: bool) -> None:
        await self._store.conversations.pin_conversation(user.id, conversation_id, pinned)

    async def archive_conversation(self, user: User, conversation_id: str, archived: bool) -> None:
        await self._store.conversations.archive_conversation(user.id, conversation_id, archived)

    async def list_archived(
        self, user: User, query: str = "", *, limit: int = 30, cursor: str | None = None
    ) -> ConversationPage:
        return await self._store.conversations.list_archived(user.id, query, limit=limit, cursor=cursor)

    async def outline(self, user: User, conversation_id: str) -> Outline:
        return await self._store.archives.outline(user.id, conversation_id)

    async def read_turns(self, user: User, conversation_id: str, turn_ids: Sequence[str]) -> tuple[Turn, ...]:
        return await self._store.archives.read_turns(user.id, conversation_id, turn_ids)

    async def import_conversation(self, user: User, archive: Archive, *, most: int | None = None) -> Conversation:
        return await stored(self._store, user.id, archive, most)

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

    async def give_feedback(
        self, user: User, run_id: str, rating: Rating | None, comment: str | None = None
    ) -> Feedback | None:
        return await self._store.feedback.give(user.id, run_id, rating, comment)

    async def store_file(self, user: User, name: str, chunks: AsyncIterable[bytes], *, most: int | None = None) -> File:
        return await self._store.files.put(user.id, name, chunks, most=most)

    async def discard_file(self, user: User, file_id: str) -> None:
        await self._store.files.discard(user.id, file_id)

    async def find_files(self, user: User, file_ids: Sequence[str]) -> tuple[File, ...]:
        return await self._store.files.find(user.id, file_ids)

    async def open_file(
        self, user: User, file_id: str, *, start: int = 0, end: int | None = None
    ) -> tuple[File, AsyncGenerator[bytes, None]]:
        return await self._store.files.open(user.id, file_id, start, end)
