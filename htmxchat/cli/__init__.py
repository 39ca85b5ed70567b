"""The command line: `python -m htmxchat` serves a chat, `python -m htmxchat db` looks after its database.

This room alone reads the environment. It needs click, which comes with the extra `server`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from .database import database
from .serve import serve

_NAME = "python -m htmxchat"


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out a command; return the exit status: 2 for what cannot be used, 1 for what failed."""
    arguments = [*sys.argv[1:]] if arguments is None else [*arguments]
    # Not a subcommand: variables for serving must not stand in the way of a database.
    command, name = (database, f"{_NAME} db") if arguments[:1] == ["db"] else (serve, _NAME)
    try:
        status = command.main(arguments[command is database :], prog_name=name, standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        return 1
    return status or 0
