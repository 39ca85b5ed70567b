"""The types of the command line's options."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import click


class Address(click.ParamType[str]):
    """The URL of a server: scheme, host, port and path."""

    name = "url"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            parts = urlsplit(value)
            whole = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        except ValueError:
            whole = False
        if not whole or parts.query or parts.fragment or parts.username or not value.isprintable() or " " in value:
            self.fail(f"{value!r} is not a URL like http://localhost:8000", param, ctx)
        return value.rstrip("/")


class AgentName(click.Choice[str]):
    """One of the included agents, or `module:object`."""

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        return value if ":" in value else super().convert(value, param, ctx)

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        return f"[{'|'.join(self.choices)}|MODULE:OBJECT]"


class AgentOption(click.Option):
    """An option of some agents, rejected with any other.

    Args:
        agents: The agents, each with the option's environment variable, if it has one.
    """

    def __init__(self, *args: Any, agents: Mapping[str, str | None], **settings: Any) -> None:
        self._agents = agents
        variables = [variable for variable in agents.values() if variable]
        super().__init__(*args, envvar=variables or None, callback=self._check, **settings)

    def resolve_envvar_value(self, ctx: click.Context) -> str | None:
        variable = self._agents.get(ctx.params["agent"])
        return os.environ.get(variable) or None if variable else None

    def _check(self, ctx: click.Context, _: click.Parameter, value: Any) -> Any:
        if value is not None and ctx.params["agent"] not in self._agents:
            raise click.UsageError(f"{self.opts[0]} works only with --agent {' or '.join(self._agents)}", ctx)
        return value
