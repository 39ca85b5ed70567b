"""`python -m htmxchat db …`: maintain a chat's database."""

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
    """Maintain a chat's database. URL is the database's URL, as for Store; USER is a User.id from `identify`."""


@database.command()
@_url
def upgrade(url: str) -> None:
    """Migrate the database to this version's schema."""
    _run(url, lambda store: store.open(), migrate=True)
    click.echo("The database has the schema of this version.")


@database.command()
@_url
@click.option(
    "--older-than", type=click.FloatRange(0, 36_500), required=True, metavar="DAYS", help="Days without activity."
)
def prune(url: str, older_than: float) -> None:
    """Delete conversations without activity for some days."""

    async def work(store: Store) -> None:
        click.echo(f"{await store.prune(timedelta(days=older_than))} conversations deleted.")

    _run(url, work)


@database.command()
@_url
@_user
def export_user(url: str, user: str) -> None:
    """Print a user's conversations, one JSON object per line."""

    async def work(store: Store) -> None:
        async with aclosing(store.export_user(user)) as conversations:
            async for conversation in conversations:
                click.echo(json.dumps(conversation, ensure_ascii=False))

    _run(url, work)


@database.command()
@_url
@_user
def delete_user(url: str, user: str) -> None:
    """Delete all data of a user. This cannot be undone."""

    async def work(store: Store) -> None:
        click.echo(f"{await store.delete_user(user)} conversations deleted, and all sign-ins.")

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
