"""A conversation as the messages of a chat completion."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

from ...models import Turn

Message: TypeAlias = dict[str, Any]


def of_history(turns: Iterable[Turn]) -> list[Message]:
    """Return what was said before, oldest first."""
    return [{"role": turn.role, "content": turn.text} for turn in turns if turn.text]


def system(prompt: str) -> Sequence[Message]:
    """Return the message with the system prompt; none of an empty one."""
    return [{"role": "system", "content": prompt}] if prompt.strip() else []


def user(text: str) -> Message:
    """Return what the user wrote."""
    return {"role": "user", "content": text}
