"""The text and reasoning of a reply under construction, for all APIs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ...errors import BackendError
from ...events import JSON, ReasoningDelta
from ...text.cleaning import read_json
from .reply import Piece
from .surrogates import Joiner
from .thinking import Thinking, without_opening, without_repetition

UNREADABLE = "The model's server sent something that cannot be read. Try again."


class Writing:
    """Collects text and reasoning. Other and empty values are ignored."""

    def __init__(self) -> None:
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._joiners = Joiner(), Joiner()
        self._thinking = Thinking()

    def __bool__(self) -> bool:
        return bool(self._text or self._reasoning)

    @property
    def text(self) -> str:
        """The whole text, final only at the end."""
        return without_opening(without_repetition(self._text))[1]

    @property
    def reasoning(self) -> str:
        """The whole reasoning."""
        return "".join(self._reasoning) + without_opening(without_repetition(self._text))[0]

    def write(self, text: object) -> Iterator[Piece]:
        """Add text, which may contain reasoning."""
        if isinstance(text, str) and text:
            yield from self._tell_apart(self._thinking.feed(self._joiners[0].feed(text)))

    def think(self, text: object) -> Iterator[Piece]:
        """Add reasoning."""
        if isinstance(text, str) and text:
            yield from self._reason(self._joiners[1].feed(text))

    def end(self) -> Sequence[Piece]:
        """Return the buffered rest."""
        reasoning = self._joiners[1].end()
        found = [*self._thinking.feed(self._joiners[0].end()), *self._thinking.end()]
        return [*self._reason(reasoning), *self._tell_apart(found)]

    def _tell_apart(self, found: Sequence[tuple[bool, str]]) -> Iterator[Piece]:
        for is_thought, text in found:
            if is_thought:
                yield from self._reason(text)
            elif text:
                self._text.append(text)
                yield text

    def _reason(self, text: str) -> Iterator[Piece]:
        if text:
            self._reasoning.append(text)
            yield ReasoningDelta(text)


def read_data(data: str) -> list[dict[str, Any]] | None:
    """Return the objects in an event's data; `None` for the end mark.

    Raises:
        BackendError: It is not JSON.
    """
    data = data.strip()
    while data.startswith("data:"):  # some proxies add the prefix twice
        data = data[5:].lstrip()
    if data == "[DONE]":
        return None
    if not data:
        return []
    try:
        value: JSON = read_json(data)
    except ValueError:
        raise BackendError(UNREADABLE) from None
    return dicts(value if isinstance(value, list) else [value])


def dicts(value: object) -> list[dict[str, Any]]:
    """Return the objects of a list; for other values, an empty list."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def text_of(value: object) -> str:
    """Return a text; for other values, an empty one."""
    return value if isinstance(value, str) else ""


def count_of(value: object) -> int:
    """Return a number of tokens; for other values, 0."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
