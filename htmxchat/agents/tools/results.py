"""Converts a tool's result to JSON for the page and text for the model. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic_core import to_jsonable_python

from ...events import JSON
from ...scripts.result import Picture, ScriptResult
from ...text.cleaning import clean_json

MAX_LENGTH = 50_000
"""The most characters of a result for a model."""


@dataclass(frozen=True, slots=True)
class ToolResult:
    """The result of a call.

    Attributes:
        text: The text for the model.
        pictures: The pictures that a script drew.
    """

    call_id: str
    text: str
    failed: bool = False
    pictures: tuple[Picture, ...] = ()


def as_json(value: Any) -> JSON:
    """Return a tool's result as JSON; other types are converted by `str`."""
    return clean_json(to_jsonable_python(value, fallback=str, inf_nan_mode="strings", bytes_mode="base64"))


def as_text(value: JSON) -> str:
    """Return JSON as text for a model, cut if it is long."""
    text = "Done." if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if len(text) <= MAX_LENGTH:
        return text
    return f"{text[:MAX_LENGTH]}\n(cut: {len(text):,} characters in all)"


def of_script(call_id: str, proposed: str, result: ScriptResult) -> ToolResult:
    """Return a script's result for a model."""
    return ToolResult(call_id, words_of_script(proposed, result), not result.done, result.images)


def words_of_script(proposed: str, result: ScriptResult) -> str:
    """Return a script's result as text, with the code if the user changed it."""
    said = result.text or ("It ran and printed nothing." if result.done else "It did not complete.")
    if result.code and result.code.strip() != proposed.strip():
        said = f"The user changed the script before it ran:\n{result.code}\n\nIts result:\n{said}"
    return as_text(said)


def wrong_arguments(problems: Sequence[tuple[str, str]]) -> str:
    """Return a message for the model about its invalid arguments: places and problems."""
    lines = (f"- {place}: {problem}" if place else f"- {problem}" for place, problem in problems[:20])
    return "\n".join(("The arguments are wrong. Correct them and call again.", *lines))
