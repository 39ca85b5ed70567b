"""`python -m htmxchat db …`: look after a chat's database."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from datetime import timedelta

import click

from .. import ChatError, Store

_url = click.argument("url")
_user = click.argument("user")


@click.group()
def database() -> None:
    """Look after a chat's database. URL is the database, as Store takes it; USER is an id that `identify` returned."""


@database.command()
@_url
def upgrade(url: str) -> None:
    """Bring the database to the schema of this version."""
    _run(url, lambda store: store.open(), migrate=True)
    click.echo("The database has the schema of this version.")


@database.command()
@_url
@click.option(
    "--older-than", type=click.FloatRange(0, 36_500), required=True, metavar="DAYS", help="For how many days."
)
def prune(url: str, older_than: float) -> None:
    """Remove conversations in which nothing has happened for some days."""

    async def work(store: Store) -> None:
        click.echo(f"{await store.prune(timedelta(days=older_than))} conversations removed.")

    _run(url, work)


@database.command()
@_url
@_user
def export_user(url: str, user: str) -> None:
    """Print a user's conversations, one JSON object a line."""

    async def work(store: Store) -> None:
        async with aclosing(store.export_user(user)) as conversations:
            async for conversation in conversations:
                click.echo(json.dumps(conversation, ensure_ascii=False))

    _run(url, work)


@database.command()
@_url
@_user
def delete_user(url: str, user: str) -> None:
    """Remove all that is kept of a user. It cannot be undone."""

    async def work(store: Store) -> None:
        click.echo(f"{await store.delete_user(user)} conversations removed, and all sign-ins.")

    _run(url, work)


def _run(url: str, work: Callable[[Store], Awaitable[None]], *, migrate: bool = False) -> None:
    async def run() -> None:
        store = Store(url, migrate=migrate, files=False)  # the chat knows where they are
        try:
            await work(store)
        finally:
            await store.close()

    try:
        asyncio.run(run())
    except (ChatError, ValueError) as error:
        raise click.ClickException(str(error)) from None
