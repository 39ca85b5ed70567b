"""The data of a file."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from ..errors import BackendError, FileTooLarge
from ..kinds import check_fields

OpenFile: TypeAlias = Callable[[str, int, int | None], AsyncGenerator[bytes, None]]
"""Opens a file by its id, from one byte to before another; `None` is its end."""

PICTURES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "image/avif"})
"""What browsers draw and cannot be made to run."""

_TEXTS = frozenset({"application/json", "application/xml", "application/x-ndjson", "image/svg+xml"})
_MOST_READ = 32 * 1024 * 1024
_DAMAGED = "A file that belongs to this conversation is damaged. Send it again."


@dataclass(frozen=True, slots=True)
class File:
    """A file that someone has sent.

    Attributes:
        id: Random. A request for it must nevertheless come from its owner.
        name: Of at most 200 characters, without a path or anything that is not to be seen.
        media_type: What its content says that it is: "image/png". Its name decides only among those that begin alike.
        size: In bytes.
        digest: Its SHA-256, in hex.
    """

    id: str
    name: str
    media_type: str
    size: int
    digest: str
    _open: OpenFile | None = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        check_fields(self)

    @property
    def is_picture(self) -> bool:
        """Whether a page can show it as a picture."""
        return self.media_type in PICTURES

    @property
    def is_text(self) -> bool:
        """Whether it is text in UTF-8."""
        return self.media_type.startswith("text/") or self.media_type in _TEXTS

    def attached(self, open: OpenFile) -> File:
        """Return the same with its content at hand."""
        twin = replace(self)
        object.__setattr__(twin, "_open", open)  # frozen, but not before it is complete
        return twin

    def open(self, start: int = 0, end: int | None = None) -> AsyncGenerator[bytes, None]:
        """Yield its content, a piece at a time, however large it is: from one byte to before another.

        Raises:
            RuntimeError: Only its description is here: a page has it. What an agent is given can be opened.
        """
        if self._open is None:
            raise RuntimeError("This is only what is known of the file. Open the one that the agent's Request has.")
        return self._open(self.id, start, end)

    async def read(self, limit: int = _MOST_READ) -> bytes:
        """Return all of it.

        Args:
            limit: How many bytes are not too many to have in memory at once.

        Raises:
            FileTooLarge: It has more. `open` gives it in pieces.
            BackendError: It is not what was sent.
        """
        if self.size > limit:
            raise FileTooLarge(self.name, self.size, limit)
        content = b"".join([piece async for piece in self.open()])
        if hashlib.sha256(content).hexdigest() != self.digest:
            raise BackendError(_DAMAGED)
        return content
