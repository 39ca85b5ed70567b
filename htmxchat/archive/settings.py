"""What may be imported: what a host may choose."""

from __future__ import annotations

from dataclasses import dataclass

from .. import checks
from ..kinds import check_fields

_MEGABYTE = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Imports:
    """Which conversations users may import, where the backend can store them.

    Attributes:
        max_size: The largest file, in bytes. It is read into memory, and takes several times as much there.
        max_turns: The most messages and answers of a conversation.

    Raises:
        ValueError: A setting cannot be used.
    """

    max_size: int = 16 * _MEGABYTE
    max_turns: int = 10_000

    def __post_init__(self) -> None:
        check_fields(self)
        checks.whole("Imports.max_size", self.max_size, least=1)
        checks.whole("Imports.max_turns", self.max_turns, least=2)
