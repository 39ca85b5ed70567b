"""`python -m htmxchat db …`: look after a chat's database from the command line."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from contextlib import aclosing
from datetime import timedelta

from .errors import ChatError
from .store import Store


def main(arguments: Sequence[str]) -> int:
    """Carry out one command; return the exit status."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        store = Store(options.url, migrate=options.command == "upgrade")
        return asyncio.run(_run(store, options))
    except (ChatError, ValueError) as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 1


async def _run(store: Store, options: argparse.Namespace) -> int:
    try:
        match options.command:
            case "upgrade":
                await store.open()
                print("The database has the schema of this version.")
            case "prune":
                removed = await store.prune(timedelta(days=options.older_than))
                print(f"{removed} conversations removed.")
            case "export-user":
                async with aclosing(store.export_user(options.user)) as conversations:
                    async for conversation in conversations:
                        print(json.dumps(conversation, ensure_ascii=False))
            case "delete-user":
                removed = await store.delete_user(options.user)
                print(f"{removed} conversations removed, and all sign-ins.")
    finally:
        await store.close()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m htmxchat db", description="Look after a chat's database.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, what: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=what, description=what)
        added.add_argument("url", metavar="URL", help="the database, as Store takes it")
        return added

    command("upgrade", "Bring the database to the schema of this version.")
    prune = command("prune", "Remove conversations in which nothing has happened for some days.")
    prune.add_argument("--older-than", type=float, required=True, metavar="DAYS", help="for how many days")
    for name, what in (
        ("export-user", "Print a user's conversations, one JSON object a line."),
        ("delete-user", "Remove all that is kept of a user. It cannot be undone."),
    ):
        command(name, what).add_argument("user", metavar="USER", help="the user's id, as `identify` returns it")
    return parser
