"""Files that a server sends: parts of messages and of tool results that hold their bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from ....agent import SendFile
from ....events import JSON
from ...attachments import decoded, media_file
from .fields import known, mapping

_KINDS = frozenset({"image", "audio", "video", "document", "binary"})
_MOST = 20


class Media:
    """The files of one turn. Each is shown once, however often the server repeats it."""

    def __init__(self) -> None:
        self._seen: set[bytes] = set()
        self._waiting: list[SendFile] = []

    def see(self, content: JSON) -> None:
        """Take the files of a content. A file that is only an address or a handle is not fetched."""
        for part in map(mapping, content if isinstance(content, list) else ()):
            found = _bytes(part) if known(part.get("type")) in _KINDS and len(self._seen) < _MOST else None
            if found is None or not found[1] or (digest := hashlib.sha256(found[1]).digest()) in self._seen:
                continue
            self._seen.add(digest)
            self._waiting.append(SendFile(_name(part) or media_file(len(self._seen), found[0]), found[1]))

    def take(self) -> list[SendFile]:
        """Return the files since the last call."""
        taken, self._waiting = self._waiting, []
        return taken


def _bytes(part: Mapping[str, Any]) -> tuple[str, bytes] | None:
    source = mapping(part.get("source"))
    value = part.get("data") if part.get("type") == "binary" else source.get("value")
    if part.get("type") != "binary" and source.get("type") != "data":
        return None
    kind = known(source.get("mimeType")) or known(part.get("mimeType")) or "application/octet-stream"
    return decoded(f"data:{kind};base64,{known(value)}")


def _name(part: Mapping[str, Any]) -> str:
    return known(mapping(part.get("metadata")).get("filename")) or known(part.get("filename"))
