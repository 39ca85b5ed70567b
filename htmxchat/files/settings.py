"""The host's settings for files."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .. import checks
from ..errors import FileRefused, FilesFull, FileTooLarge, TooManyFiles
from ..kinds import check_fields

_MEGABYTE = 1024 * 1024
_TYPE = re.compile(r"[a-z0-9][a-z0-9.+-]*/([a-z0-9][a-z0-9.+-]*|\*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """What files users may send with their messages, where the backend keeps files.

    Attributes:
        max_size: The largest file, in bytes.
        max_number: How many a message may have.
        types: Which media types: `("image/*", "application/pdf")`. Empty: all. What a file is, its content says.
        max_kept: How many bytes of a user may be kept, in all conversations and of all that was sent by either side.
        timeout: Seconds that an upload may take. One that makes no progress for `Limits.body_timeout` ends before.

    Raises:
        ValueError: A setting cannot be used.
    """

    max_size: int = 25 * _MEGABYTE
    max_number: int = 10
    types: tuple[str, ...] = ()
    max_kept: int = 1024 * _MEGABYTE
    timeout: float = 3_600.0

    def __post_init__(self) -> None:
        checks.items("Files.types", self.types, _check_type, '["image/*", "application/pdf"]')
        check_fields(self)
        checks.whole("Files.max_size", self.max_size, least=1)
        checks.whole("Files.max_number", self.max_number, least=1)
        if self.max_number > 100:
            raise ValueError(f"Files.max_number is 100 at most, not {self.max_number:,}.")
        checks.seconds("Files.timeout", self.timeout)
        if self.max_kept < self.max_size:
            raise ValueError(
                f"Files.max_kept is what all files of a user may have: make it at least Files.max_size, which is "
                f"{self.max_size:,}. It is {self.max_kept:,}."
            )

    @property
    def accept(self) -> str:
        """What a file input offers to choose: its attribute `accept`."""
        return ",".join(self.types)

    def allows(self, media_type: str) -> bool:
        """Return whether files of a type may be sent."""
        return not self.types or media_type in self.types or f"{media_type.partition('/')[0]}/*" in self.types

    def check_type(self, name: str, media_type: str) -> None:
        """Refuse a file of a type that is not allowed.

        Raises:
            FileRefused: It is.
        """
        if not self.allows(media_type):
            raise FileRefused(name, media_type, self.types)

    def check_size(self, name: str, size: int) -> None:
        """Refuse a file that has more bytes than allowed, or has got so many already.

        Raises:
            FileTooLarge: It has.
        """
        if size > self.max_size:
            raise FileTooLarge(name, size, self.max_size)

    def check_number(self, number: int) -> None:
        """Refuse a message with more files than allowed.

        Raises:
            TooManyFiles: It has.
        """
        if number > self.max_number:
            raise TooManyFiles(self.max_number)

    @property
    def most_bytes(self) -> int:
        """How many bytes the files of one message may have."""
        return self.max_number * self.max_size


def check_room(files: int, more: int, most: int) -> None:
    """Refuse what would make a user have more bytes kept than `most`.

    Raises:
        FilesFull: It would.
    """
    if files + more > most:
        raise FilesFull(most)


def _check_type(name: str, value: object) -> str:
    text = checks.text(name, value)
    if not _TYPE.fullmatch(text):
        raise ValueError(f'{name} is a media type, "application/pdf" or "image/*", not {checks.shown(value)}.')
    return text
