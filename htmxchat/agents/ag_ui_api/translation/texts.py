"""Joins text messages, of which several can be open at a time, to the one text of an answer."""

from __future__ import annotations

from collections.abc import Collection

from ....events import EventBody, TextDelta, TextReplaced
from ....parts import joined


class Texts:
    """The texts of a turn, in the order in which their messages began.

    More of the last one is shown as it comes. More of an earlier one is shown when that is closed: all of the text is
    then put in place of what was shown.

    Args:
        before: The texts that are shown already.

    Attributes:
        parted: Whether something else was shown since the last text.
    """

    def __init__(self, before: list[str]) -> None:
        self._pieces: dict[str, list[str]] = {f"\0{number}": [each] for number, each in enumerate(before)}
        self._open: set[str] = set()
        self._late: set[str] = set()
        self._last = ""
        self.parted = True

    @property
    def any_open(self) -> bool:
        return bool(self._open)

    def start(self, id: str) -> None:
        self._pieces.setdefault(id, [])
        self._open.add(id)

    def more(self, id: str, delta: str) -> list[EventBody]:
        if not delta:
            return []
        begun = bool(self._pieces.setdefault(id, []))
        self._open.add(id)
        if not begun and id != self._last:
            # Its place is where its first text is shown.
            self._pieces[id] = self._pieces.pop(id)
            apart = "" if self.parted or not self._last else "\n\n"
            self._last = id
        elif id == self._last:
            apart = ""
        else:
            self._pieces[id].append(delta)
            self._late.add(id)
            return []
        self._pieces[id].append(delta)
        self.parted = False
        return [TextDelta(apart + delta)]

    def end(self, id: str) -> list[EventBody]:
        self._open.discard(id)
        if id not in self._late:
            return []
        self._late.clear()
        return [TextReplaced(self.whole)]

    def finish(self) -> list[EventBody]:
        """The run ended: close all messages."""
        self._open.clear()
        late, self._late = self._late, set()
        return [TextReplaced(self.whole)] if late else []

    def forget(self, kept: Collection[str]) -> list[EventBody]:
        """Remove all messages except these."""
        gone = [id for id, pieces in self._pieces.items() if id not in kept and any(pieces)]
        for id in gone:
            del self._pieces[id]
            self._open.discard(id)
        self._last = "" if self._last in gone else self._last
        return [TextReplaced(self.whole)] if gone else []

    @property
    def whole(self) -> str:
        return joined("".join(pieces) for pieces in self._pieces.values())

    def is_open(self, id: str) -> bool:
        return id in self._open

    @property
    def all(self) -> dict[str, str]:
        return {id: "".join(pieces) for id, pieces in self._pieces.items()}

    def correct(self, id: str, text: str) -> list[EventBody]:
        """Replace the text of a message that differs from the stream."""
        self._pieces[id] = [text]
        return [TextReplaced(self.whole)]
