"""The command line: `python -m htmxchat` serves a chat, `python -m htmxchat db` maintains its database.

Only this package reads environment variables. It needs click, from the extra `server`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from .database import database
from .serve import serve

_NAME = "python -m htmxchat"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return the exit status: 2 for wrong usage, 1 for a failure."""
    arguments = [*sys.argv[1:]] if arguments is None else [*arguments]
    # Two commands, not subcommands: invalid variables for serving must not break `db`.
    command, name = (database, f"{_NAME} db") if arguments[:1] == ["db"] else (serve, _NAME)
    try:
        status = command.main(arguments[command is database :], prog_name=name, standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        return 1
    return status or 0
