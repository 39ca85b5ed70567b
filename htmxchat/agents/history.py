"""The history for an agent: turns that are not in its memory, as plain parts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..models import RunState, Turn
from ..parts import Text, ToolCall
from ..view import fold


def turns_after(history: Sequence[Turn], run_id: str | None) -> Sequence[Turn]:
    """Return the turns after a run: answers that were stopped or failed, and those of another agent.

    If the run is not among them, return all.
    """
    known = next((index for index, turn in enumerate(history, 1) if turn.id == run_id), 0)
    return history[known:]


def told(turn: Turn) -> Iterable[Text | ToolCall]:
    """Yield the texts and the ended tool calls of an answer, in order."""
    parts = fold(turn.events).parts if turn.events else (Text(turn.text),)
    ended = RunState.COMPLETED, RunState.FAILED
    for part in parts:
        if (isinstance(part, Text) and not part.blank) or (isinstance(part, ToolCall) and part.state in ended):
            yield part
