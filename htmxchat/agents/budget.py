"""Limits the history that a model receives. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence

from ..events import ScriptProposed, ToolFinished, ToolStarted
from ..models import Turn


def recent(turns: Sequence[Turn], most: int | None) -> tuple[Turn, ...]:
    """Return the latest turns with at most `most` characters in total, including tools and scripts.

    They begin with a user's turn, so that no answer is without its question.

    Args:
        most: The limit in characters; `None` for all turns.
    """
    if most is None:
        return tuple(turns)
    kept, left = len(turns), most
    for place in range(len(turns) - 1, -1, -1):
        left -= size(turns[place])
        if left < 0:
            break
        if turns[place].role == "user":
            kept = place
    return tuple(turns[kept:])


def size(turn: Turn) -> int:
    """Return the number of characters that a turn has for a model."""
    characters = len(turn.text)
    for event in turn.events:
        match event.body:
            case ToolStarted(arguments=said) | ToolFinished(result=said):
                characters += len(json.dumps(said, ensure_ascii=False))
            case ScriptProposed(code=code):
                characters += len(code)
    return characters
