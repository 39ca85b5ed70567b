"""Joins surrogate pairs that a server split: each half is a separate escape in JSON."""

from __future__ import annotations

import re

_SURROGATE = re.compile("[\ud800-\udfff]")


class Joiner:
    """Joins surrogate pairs across the pieces of a text. A lone surrogate becomes U+FFFD."""

    def __init__(self) -> None:
        self._held = ""

    def feed(self, piece: str) -> str:
        """Return the complete text so far."""
        if not self._held and (piece.isascii() or not _SURROGATE.search(piece)):
            return piece
        text = self._held + piece
        self._held = text[-1] if "\ud800" <= text[-1] <= "\udbff" else ""
        return whole(text[:-1] if self._held else text)

    def end(self) -> str:
        """Return U+FFFD if a surrogate is left."""
        held, self._held = self._held, ""
        return whole(held)


def whole(text: str) -> str:
    """Return `text` with surrogate pairs joined."""
    if text.isascii() or not _SURROGATE.search(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
