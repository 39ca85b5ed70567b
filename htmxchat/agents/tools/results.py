"""The result of a tool: JSON for the page, words for the model. Pure."""

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
"""The most characters of a result that a model is given."""


@dataclass(frozen=True, slots=True)
class ToolResult:
    """The result of a call.

    Attributes:
        text: For the model.
        pictures: What a script drew.
    """

    call_id: str
    text: str
    failed: bool = False
    pictures: tuple[Picture, ...] = ()


def as_json(value: Any) -> JSON:
    """Return what a tool gave back as JSON; what JSON cannot say becomes its `str`."""
    return clean_json(to_jsonable_python(value, fallback=str, inf_nan_mode="strings", bytes_mode="base64"))


def as_text(value: JSON) -> str:
    """Return JSON as a model reads it: text as it is, cut when it is long."""
    text = "Done." if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if len(text) <= MAX_LENGTH:
        return text
    return f"{text[:MAX_LENGTH]}\n(cut: {len(text):,} characters in all)"


def of_script(call_id: str, proposed: str, result: ScriptResult) -> ToolResult:
    """Return what a model is told of a script."""
    return ToolResult(call_id, words_of_script(proposed, result), not result.done, result.images)


def words_of_script(proposed: str, result: ScriptResult) -> str:
    """Return a script's result in words, also that the user changed it."""
    said = result.text or ("It ran and printed nothing." if result.done else "It did not run to its end.")
    if result.code and result.code.strip() != proposed.strip():
        said = f"The user changed the script before it ran:\n{result.code}\n\nWhat came of it:\n{said}"
    return as_text(said)


def wrong_arguments(problems: Sequence[tuple[str, str]]) -> str:
    """Return for the model what is wrong with its arguments: places and problems."""
    lines = (f"- {place}: {problem}" if place else f"- {problem}" for place, problem in problems[:20])
    return "\n".join(("The arguments are wrong. Correct them and call again.", *lines))
