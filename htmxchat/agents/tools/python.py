"""`run_python`: a model's code interpreter in the user's browser."""

from __future__ import annotations

from dataclasses import dataclass, field

from ...events import JSON
from .. import python_tool
from .function import WrongArguments, arguments_of
from .results import wrong_arguments


@dataclass(frozen=True, slots=True)
class RunPython:
    """The tool that runs Python in the user's browser.

    Attributes:
        description: What the model is told of it. Say there which packages your users' browsers have.
    """

    name: str = python_tool.NAME
    description: str = python_tool.DESCRIPTION
    parameters: dict[str, JSON] = field(default_factory=python_tool.parameters, repr=False)

    def read(self, written: str) -> tuple[str, str]:
        """Return the code and the title that a model wrote.

        Raises:
            WrongArguments: There is no code.
        """
        arguments = arguments_of(written)
        assert isinstance(arguments, dict)
        code, title = arguments.get("code"), arguments.get("title", "")
        if not isinstance(code, str) or not code.strip():
            raise WrongArguments(wrong_arguments([("code", "Write the Python that is to run.")]))
        return code, title if isinstance(title, str) else ""


run_python = RunPython()
"""For `tools=[run_python]`."""
