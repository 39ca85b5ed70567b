"""`python -m htmxchat`: serve the chat."""

from __future__ import annotations

import contextlib
import logging
import socket
import sqlite3
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import click
from starlette.applications import Starlette
from starlette.routing import Mount

from .. import FolderFiles, Limits, Look, Share, Store, __version__, chat_lifespan, create_chat_app
from ..store.engines import create_private
from .agents import AGENTS, Options
from .objects import python_object
from .options import Address, AgentName, AgentOption
from .styleguide import style_guide

_option = partial(click.option, show_envvar=True)
_agent_option = partial(_option, cls=AgentOption)
_agents = AgentName([*AGENTS])
_streams = click.Choice(["sse", "poll"], case_sensitive=False)
_milliseconds = click.IntRange(100, 60_000)
_levels = click.Choice(["critical", "error", "warning", "info", "debug"], case_sensitive=False)


@click.command(
    context_settings={"show_default": True, "max_content_width": 120},
    epilog="Options fall back to their environment variable. `python -m htmxchat db` maintains a chat's database.",
)
@click.version_option(__version__, message="htmxchat %(version)s")
@_option("--agent", type=_agents, default="stub", is_eager=True, help="The agent.")
@_agent_option(
    "--url",
    agents={"openai": "OPENAI_BASE_URL", "ag-ui": None, "kogwistar": "GRAPHRAG_SERVER_URL"},
    type=Address(),
    help="The URL of the agent's server.",
)
@_agent_option("--model", agents={"openai": "OPENAI_MODEL"}, help="The model's name; the API key is OPENAI_API_KEY.")
@_agent_option(
    "--python", agents={"openai": None}, is_flag=True, default=None, help="Let the model run Python in the browser."
)
@_agent_option("--public-url", agents={"kogwistar": None}, type=Address(), help="The server's URL for browsers.")
@_agent_option("--provider", agents={"kogwistar": None}, help="The server's OpenID Connect provider for sign-in.")
@_agent_option("--workflow", agents={"kogwistar": "CHAT_WORKFLOW_ID"}, help="The workflow that answers.")
@_option("--host", default="127.0.0.1", help="The host to listen on.")
@_option("--port", envvar="CHAT_APP_PORT", type=click.IntRange(0, 65_535), default=8000, help="0 for any free port.")
@_option("--app-url", envvar="CHAT_APP_URL", type=Address(), help="The chat's URL for browsers.")
@_option("--db", metavar="FILE", help="Store conversations and sign-ins in this SQLite file instead of memory.")
@_option("--files", metavar="FOLDER", help="Store the bytes of files in this folder instead of the database.")
@_option("--stream", envvar="CHAT_STREAM_MODE", type=_streams, default="sse", help="How answers arrive.")
@_option("--poll-interval", envvar="CHAT_POLL_INTERVAL_MS", type=_milliseconds, default=700, help="In milliseconds.")
@_option(
    "--log-level", envvar="CHAT_LOG_LEVEL", type=_levels, help="The log level on standard error.  [default: critical]"
)
def serve(**values: Any) -> None:
    """Serve the chat until Ctrl+C: with a scripted agent, or with your own agent."""
    options = Options(**values)
    try:
        import uvicorn
    except ImportError:
        raise click.ClickException("Serving needs uvicorn: pip install 'htmxchat[server]'") from None
    app = make_app(options)
    listener = _listen(options)
    if options.log_level:
        logging.basicConfig(format="%(levelname)s:     %(name)s: %(message)s")
        logging.getLogger("htmxchat").setLevel(options.log_level.upper())
    # Browsers keep their streams open, so do not wait long for them at shutdown.
    config = uvicorn.Config(app, log_level=options.log_level or "critical", timeout_graceful_shutdown=1)
    host, port = listener.getsockname()[:2]
    name = "localhost" if host in ("127.0.0.1", "0.0.0.0") else host
    click.echo(f"The chat is at {options.app_url or f'http://{name}:{port}'}/ (Ctrl+C stops it)")
    with listener, contextlib.suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[listener])


def make_app(options: Options) -> Starlette:
    """Return the chat, mounted at the path of its public URL."""
    if options.files and not options.db:
        raise click.UsageError("--files works only with --db, which stores whose files they are")
    try:
        store = Store(
            f"sqlite:///{options.db}" if options.db else None,
            files=FolderFiles(options.files) if options.files else None,
        )
        answering = AGENTS.get(options.agent, python_object)(options, store)
    except ImportError as error:
        raise click.ClickException(str(error)) from None
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    chat = create_chat_app(
        answering.backend,
        login=answering.login,
        title="htmxchat",
        stream=options.stream,
        share=Share() if options.agent == "stub" else None,
        look=Look(introduction=answering.introduction),
        limits=Limits(poll_interval=options.poll_interval / 1000),
    )
    path = urlsplit(options.app_url or "").path
    guide = style_guide(path, chat.state.chat.assets.version) if options.agent == "stub" else []
    if not path and not guide:
        return chat
    return Starlette(routes=[*guide, Mount(path, chat)], lifespan=chat_lifespan(chat))


def _listen(options: Options) -> socket.socket:
    """Return the listening socket, after a check that the database file is usable."""
    if options.db:
        create_private(options.db)
        try:
            with contextlib.closing(sqlite3.connect(options.db)) as database:
                database.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            sentence = f"The file {options.db} cannot be used for conversations ({error}). Choose another with --db."
            raise click.ClickException(sentence) from None
    try:
        return socket.create_server((options.host, options.port))
    except OSError as error:
        place = f"Port {options.port} on {options.host}"
        sentence = f"{place} cannot be used ({error.strerror}). Choose another, or --port 0."
        raise click.ClickException(sentence) from None
