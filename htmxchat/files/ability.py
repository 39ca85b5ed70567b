"""The ability to keep files: `KeepsFiles`."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Sequence
from typing import Protocol, runtime_checkable

from ..models import Run, User
from .file import File


@runtime_checkable
class KeepsFiles(Protocol):
    """A backend that keeps files, which users send and agents give back.

    Its `start_run`, and `start_run_once` if it has that, take `files`: the ids of what comes with the text, in their
    order, which may then be empty. They are drafts of the user, or files of the same conversation. With others, nothing
    is stored, and an `InvalidInput` says so. `Turn.files` has them then. `edit_turn`, if it has that, takes them
    too; with `None` the turn has the files of the one that it replaces.
    """

    async def store_file(self, user: User, name: str, chunks: AsyncIterable[bytes], *, most: int | None = None) -> File:
        """Keep a file as it comes, as a draft: it is the user's alone, and goes after a day if it is not sent.

        Whatever `chunks` raises is raised, and leaves nothing behind.

        Args:
            name: As a browser gives it.
            most: How many bytes the user may have kept, this file included.

        Raises:
            FilesFull: There would be more.
            InvalidInput: It is empty.
        """
        ...

    async def discard_file(self, user: User, file_id: str) -> None:
        """Remove a draft.

        Raises:
            NotFound: It was sent, or is not there any more.
        """
        ...

    async def find_files(self, user: User, file_ids: Sequence[str]) -> tuple[File, ...]:
        """Return files of the user in the order of their ids.

        Raises:
            NotFound: One is not there, or of a conversation that is not.
        """
        ...

    async def open_file(
        self, user: User, file_id: str, *, start: int = 0, end: int | None = None
    ) -> tuple[File, AsyncGenerator[bytes, None]]:
        """Return a file, and its bytes from `start` to before `end` as an async generator.

        Raises:
            NotFound: It is not there, or of a conversation that is not.
        """
        ...

    async def start_run(self, user: User, conversation_id: str | None, text: str, *, files: Sequence[str] = ()) -> Run:
        """Do what `Backend.start_run` does, with files."""
        ...
