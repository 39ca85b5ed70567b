"""`run_python`: a model's code interpreter in the user's browser."""

from __future__ import annotations

from dataclasses import dataclass, field

from ...events import JSON
from .function import WrongArguments, read_arguments
from .results import wrong_arguments

_DESCRIPTION = (
    "Run Python 3 in the user's browser, in a sandbox without network and files. The user reads the code first, may"
    " change it, and approves or rejects it. Each call begins anew: nothing is kept from the one before. You get what"
    " it prints and the value of its last line."
)


@dataclass(frozen=True, slots=True)
class RunPython:
    """The tool that runs Python in the user's browser.

    Attributes:
        description: What the model is told of it. Say there which packages your users' browsers have.
    """

    name: str = "run_python"
    description: str = _DESCRIPTION
    parameters: dict[str, JSON] = field(default_factory=lambda: _schema(), repr=False)

    def read(self, written: str) -> tuple[str, str]:
        """Return the code and the title that a model wrote.

        Raises:
            WrongArguments: There is no code.
        """
        arguments = read_arguments(written)
        assert isinstance(arguments, dict)
        code, title = arguments.get("code"), arguments.get("title", "")
        if not isinstance(code, str) or not code.strip():
            raise WrongArguments(wrong_arguments([("code", "Write the Python that is to run.")]))
        return code, title if isinstance(title, str) else ""


def _schema() -> dict[str, JSON]:
    return {
        "type": "object",
        "properties": {
            "code": {"type": "string", "description": "The Python code. End with an expression to get its value."},
            "title": {"type": "string", "description": "What it does, in a few words, for the user."},
        },
        "required": ["code"],
        "additionalProperties": False,
    }


run_python = RunPython()
"""For `tools=[run_python]`."""
