"""What a backend does with its store alone, whichever agent answers."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Sequence

from ..archive import Archive, Outline
from ..feedback import Feedback, Rating
from ..files.file import File
from ..models import Conversation, ConversationPage, Turn, User
from ..store import Store
from .archives import stored


class KeptByStore:
    """Pins, archived conversations, files, feedback and archives, for a backend that keeps them in a `Store`."""

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
