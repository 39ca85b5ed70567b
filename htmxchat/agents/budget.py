"""How much of a conversation a model is given. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence

from ..events import ScriptProposed, ToolFinished, ToolStarted
from ..models import Turn


def recent(turns: Sequence[Turn], most: int | None) -> tuple[Turn, ...]:
    """Return the latest turns that have at most so many characters together, tools and scripts included.

    They begin with a turn of the user's, so that no answer stands without its question.

    Args:
        most: In characters; `None` for all turns.
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
    """Return how many characters a turn has for a model."""
    characters = len(turn.text)
    for event in turn.events:
        match event.body:
            case ToolStarted(arguments=said) | ToolFinished(result=said):
                characters += len(json.dumps(said, ensure_ascii=False))
            case ScriptProposed(code=code):
                characters += len(code)
    return characters
