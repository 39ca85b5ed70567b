"""The parts of an answer while they come. Standard library only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from .parts import CustomPart, Part, ProposedScript, Question, Reasoning, Text, ToolCall, kept


class PartList:
    """Parts in the order in which they began. Each change costs what is new, however many there are.

    Attributes:
        changed: The places of the parts that were changed or added, until someone sets it again. Some more than once.
    """

    def __init__(self, parts: Iterable[Part]) -> None:
        self.changed: list[int] = []
        self._parts = list(parts)
        self._more: list[str] = []  # of the text or the reasoning that is the last part
        self._places: dict[tuple[type[Part], *tuple[str, ...]], int] = {}  # of what has an id
        self._texts: list[int] = []  # where the texts are that are not blank
        for place, part in enumerate(self._parts):
            self._index(place, part)

    def __len__(self) -> int:
        return len(self._parts)

    def __getitem__(self, place: int) -> Part:
        return self._parts[place]

    @property
    def last(self) -> Part | None:
        return self._parts[-1] if self._parts else None

    @property
    def written(self) -> bool:
        """Whether there is any text to read."""
        return bool(self._texts)

    def all(self) -> tuple[Part, ...]:
        """Return the parts, with all that they have grown by."""
        self._join()
        return tuple(self._parts)

    def place(self, kind: type[Part], *id: str) -> int | None:
        """Return where the latest part with this id is."""
        return self._places.get((kind, *id))

    def append(self, part: Part) -> int:
        """Add a part, and return its place."""
        self._join()
        place = len(self._parts)
        self._parts.append(part)
        self.changed.append(place)
        self._index(place, part)
        return place

    def set(self, place: int, part: Part) -> None:
        """Put a part in the place of another of its kind and id."""
        self._join()
        self._set(place, part)

    def change(self, place: int, **changes: Any) -> None:
        """Change some of what a part is."""
        self._join()
        self._set(place, replace(self._parts[place], **changes))

    def grow(self, more: str) -> None:
        """Add to the last part, which is a text or reasoning."""
        self._more.append(more)

    def replace_text(self, whole: str) -> None:
        """Replace all text. What does not change stays where it is; the rest stands in the last text or after it.

        Only if the rest is the beginning of the first text that changes, it stays in that one.
        """
        self._join()
        shown, last = self._texts, len(self._parts) - 1
        count, at = kept([self._text(place) for place in shown], whole, closed=not shown or shown[-1] != last)
        changing, rest = shown[count:], whole[at:]
        del shown[count:]
        if changing:
            target = changing[0] if self._text(changing[0]).lstrip("\n").startswith(rest) else changing[-1]
            for place in changing:
                self._set_text(place, rest if place == target else "")
        elif rest and isinstance(self.last, Text):
            self._set_text(last, rest)
        elif rest:
            self.append(Text(rest))

    def _join(self) -> None:
        if not self._more:
            return
        place, last = len(self._parts) - 1, self._parts[-1]
        assert isinstance(last, Text | Reasoning)
        text = "".join([last.text, *self._more])
        self._more.clear()
        if isinstance(last, Text):
            self._set_text(place, text)
        else:
            self._set(place, replace(last, text=text))

    def _text(self, place: int) -> str:
        part = self._parts[place]
        assert isinstance(part, Text)
        return part.text

    def _set_text(self, place: int, text: str) -> None:
        before = self._parts[place]
        assert isinstance(before, Text)
        after = Text(text)
        if after.blank and (before.emptied or not before.blank):
            after = Text(text, emptied=True)
        if after != before:
            self._set(place, after)
        self._index(place, after)

    def _set(self, place: int, part: Part) -> None:
        self._parts[place] = part
        self.changed.append(place)

    def _index(self, place: int, part: Part) -> None:
        match part:
            case Text():
                # One that is blank can get words only while it is the last part.
                if not part.blank and self._texts[-1:] != [place]:
                    self._texts.append(place)
            case ToolCall(call_id=id) if id:
                self._places[ToolCall, id] = place
            case ProposedScript(script=script):
                self._places[ProposedScript, script.script_id] = place
            case CustomPart(name=name, key=key) if key:
                self._places[CustomPart, name, key] = place
            case Question(request=request):
                self._places[Question, request.request_id] = place
