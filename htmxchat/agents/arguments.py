"""The arguments with which a model calls a tool."""

from __future__ import annotations

from typing import Any

from ..text.cleaning import read_json


def read_arguments(written: str) -> dict[str, Any] | None:
    """Return the arguments that a model wrote; `None` when they are no JSON object. Nothing stands for none."""
    try:
        value = read_json(written) if written.strip() else {}
        if isinstance(value, str):  # written as JSON twice
            value = read_json(value)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
