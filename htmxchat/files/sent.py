"""The event of a file that an agent sent, and its form in the log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..kinds import check_fields
from .file import File

_KEPT = "id", "name", "media_type", "size", "digest"


@dataclass(frozen=True, slots=True)
class FileSent:
    """The agent gave the user a file. An agent yields `SendFile`, which keeps the file and writes this.

    Attributes:
        file: What is known of it. What an agent finds in its `Request.history` can be opened.
    """

    file: File

    def __post_init__(self) -> None:
        check_fields(self)


def encode_file(file: File) -> dict[str, Any]:
    """Return what a log keeps of a file."""
    return {name: getattr(file, name) for name in _KEPT}


def decode_file(data: Mapping[str, Any]) -> File:
    """Undo `encode_file`.

    Raises:
        KeyError, TypeError: It is not that.
    """
    return File(*(data[name] for name in _KEPT))
