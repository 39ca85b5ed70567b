"""What a backend can do whose conversations can be shared."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from datetime import datetime
from typing import Protocol, runtime_checkable

from ..files.file import File
from ..models import Turn, User
from .link import SharedLink, SharedPage


@runtime_checkable
class CanShare(Protocol):
    """A backend that can let anyone who has a key read a conversation as it was.

    A conversation is shared once at a time. Deleting it ends that for good; deleting a message that is shared hides the
    page. The methods without a user are for readers, who need not be known: `KnowsUsers` is not asked for them. A key
    that was never given, was taken back or has expired raises the same `NotFound`, after the same work.
    """

    async def share_conversation(
        self, user: User, conversation_id: str, *, steps: bool, files: bool, expires_at: datetime | None = None
    ) -> SharedLink:
        """Share the branch that is shown, up to its last answer that has ended; one that is shared keeps its key.

        Raises:
            InvalidInput: No answer has ended yet.
        """
        ...

    async def find_share(self, user: User, conversation_id: str) -> SharedLink | None:
        """Return how a conversation is shared; `None` if it is not."""
        ...

    async def list_shares(self, user: User) -> tuple[SharedLink, ...]:
        """Return the user's shared conversations, the latest first."""
        ...

    async def revoke_share(self, user: User, conversation_id: str) -> None:
        """Have the key of a conversation lead nowhere, from now on and for good. Does nothing if it is not shared."""
        ...

    async def open_share(self, key: str) -> SharedPage:
        """Return what a key leads to.

        Raises:
            NotFound: Nothing.
        """
        ...

    async def read_shared(self, page: SharedPage, turn_ids: Sequence[str]) -> tuple[Turn, ...]:
        """Return turns of a page, without what the page does not show.

        Raises:
            NotFound: It has been taken back meanwhile, or a turn is not one of its own.
        """
        ...

    async def open_shared_file(self, key: str, file_id: str) -> tuple[File, AsyncGenerator[bytes, None]]:
        """Return a file that a page shows, and its bytes.

        Raises:
            NotFound: It shows none, or not this one.
        """
        ...
