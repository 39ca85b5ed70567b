"""The description of `run_python` for models: Python in the user's browser, through the approval queue."""

from __future__ import annotations

from ..events import JSON

NAME = "run_python"
DESCRIPTION = (
    "Run Python 3 in the user's browser, in a sandbox without network and files. The user reads the code first, may"
    " change it, and approves or rejects it. Each call starts fresh: nothing is kept from the one before. You get what"
    " it prints and the value of its last line."
)


def parameters() -> dict[str, JSON]:
    """Return the JSON Schema of its arguments."""
    return {
        "type": "object",
        "properties": {
            "code": {"type": "string", "description": "The Python code. End with an expression to get its value."},
            "title": {"type": "string", "description": "What it does, in a few words, for the user."},
        },
        "required": ["code"],
        "additionalProperties": False,
    }
