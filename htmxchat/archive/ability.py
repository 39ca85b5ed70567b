"""What a backend can do whose conversations can be taken along, and brought back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from ..models import Conversation, Turn, User
from .archive import Archive, Outline


@runtime_checkable
class CanExport(Protocol):
    """A backend that can read all branches of a conversation, a few turns at a time."""

    async def outline(self, user: User, conversation_id: str) -> Outline:
        """Return a conversation with the places of all its turns, without what they hold."""
        ...

    async def read_turns(self, user: User, conversation_id: str, turn_ids: Sequence[str]) -> tuple[Turn, ...]:
        """Return turns of a conversation in the order of their ids; `Turn.versions` is empty.

        One that has gone meanwhile is left out.
        """
        ...


@runtime_checkable
class CanImport(Protocol):
    """A backend that can store a conversation that was held elsewhere."""

    async def import_conversation(self, user: User, archive: Archive, *, most: int | None = None) -> Conversation:
        """Store an archive as a new conversation of the user. All of it is stored, or nothing.

        Everything gets new ids. Nothing of it runs: no agent is called, and no script is queued.

        Args:
            most: How many bytes of files the user may have kept, those of the archive included.

        Raises:
            FilesFull: There would be more.
        """
        ...
