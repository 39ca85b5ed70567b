"""The agents for `--agent`, and the backend for each."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

import click

from .. import Backend, LocalBackend, Login, Store, StubBackend


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options of the command line.

    Attributes:
        poll_interval: In milliseconds.
    """

    agent: str
    url: str | None
    model: str | None
    python: bool | None
    public_url: str | None
    provider: str | None
    workflow: str | None
    host: str
    port: int
    app_url: str | None
    db: str | None
    files: str | None
    stream: Literal["sse", "poll"]
    poll_interval: int
    log_level: str | None


@dataclass(frozen=True, slots=True)
class Answering:
    """The chat's backend and login, and an introduction."""

    backend: Backend
    login: Login | None = None
    introduction: str = ""


def stub(options: Options, store: Store) -> Answering:
    """The scripted agent of the demo."""
    introduction = "A scripted demo without a model. Each suggestion shows something the chat can do."
    return Answering(StubBackend(store), introduction=introduction)


def kogwistar(options: Options, store: Store) -> Answering:
    """The agent of a kogwistar server, which also signs users in."""
    if options.url is None:
        raise click.UsageError("--agent kogwistar needs --url, or GRAPHRAG_SERVER_URL")
    from ..agents.kogwistar import KogwistarBackend, KogwistarLogin
    from ..agents.kogwistar.transport.probe import doubt

    # The chat starts anyway: the server may come up later.
    if said := doubt(options.url):
        click.echo(said, err=True)
    origin = "{0.scheme}://{0.netloc}".format(urlsplit(options.app_url)) if options.app_url else None
    workflow: dict[str, Any] = {"workflow_id": options.workflow} if options.workflow else {}
    backend = KogwistarBackend(options.url, store=store, stream=options.stream, **workflow)
    login = KogwistarLogin(options.url, store, app_url=origin, public_url=options.public_url, provider=options.provider)
    return Answering(backend, login)


def openai(options: Options, store: Store) -> Answering:
    """A model behind an OpenAI-compatible server."""
    for name, variable in {"url": "OPENAI_BASE_URL", "model": "OPENAI_MODEL"}.items():
        if getattr(options, name) is None:
            raise click.UsageError(f"--agent openai needs --{name}, or {variable}")
    from ..agents import openai as agent
    from ..agents import run_python

    # The command line is visible to all users of the machine, so the key is not an option.
    key = os.environ.get("OPENAI_API_KEY") or None
    tools = [run_python] if options.python else []
    made = agent(str(options.url), model=str(options.model), api_key=key, api="auto", tools=tools)
    return Answering(LocalBackend(made, store))


def ag_ui(options: Options, store: Store) -> Answering:
    """An agent that speaks AG-UI."""
    if options.url is None:
        raise click.UsageError("--agent ag-ui needs --url")
    from ..agents import ag_ui as agent

    return Answering(LocalBackend(agent(options.url), store))


AGENTS: Mapping[str, Callable[[Options, Store], Answering]] = {
    "stub": stub,
    "openai": openai,
    "ag-ui": ag_ui,
    "kogwistar": kogwistar,
}
