"""Characters that a server cut in two: each half is an escape of its own in JSON."""

from __future__ import annotations

import re

_SURROGATE = re.compile("[\ud800-\udfff]")


class Joiner:
    """Joins halves of characters over the pieces of a text. A half that stays alone is U+FFFD."""

    def __init__(self) -> None:
        self._held = ""

    def feed(self, piece: str) -> str:
        """Return what is whole so far."""
        if not self._held and (piece.isascii() or not _SURROGATE.search(piece)):
            return piece
        text = self._held + piece
        self._held = text[-1] if "\ud800" <= text[-1] <= "\udbff" else ""
        return whole(text[:-1] if self._held else text)

    def end(self) -> str:
        """Return what stands for a half that is left."""
        held, self._held = self._held, ""
        return whole(held)


def whole(text: str) -> str:
    """Return `text` with the halves of characters joined."""
    if text.isascii() or not _SURROGATE.search(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
