"""The abilities of a backend to arrange a user's conversations: pins and an archive."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from .models import ConversationPage, User


@runtime_checkable
class CanPin(Protocol):
    """A backend whose conversations can be pinned: in lists, they come before all others."""

    async def pin_conversation(self, user: User, conversation_id: str, pinned: bool) -> None:
        """Pin a conversation, or end its pin. One that is archived comes back into the list by being pinned."""
        ...


@runtime_checkable
class CanArchive(Protocol):
    """A backend whose conversations can be archived: they are in no list and in no result of a search but their own.

    An archived conversation comes back into the list when it is continued.
    """

    async def archive_conversation(self, user: User, conversation_id: str, archived: bool) -> None:
        """Archive a conversation, which ends its pin, or bring it back into the list."""
        ...

    async def list_archived(
        self, user: User, query: str = "", *, limit: int = 30, cursor: str | None = None
    ) -> ConversationPage:
        """Return archived conversations that match every word of `query`, latest first; without words, all."""
        ...
