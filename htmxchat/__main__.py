"""`python -m htmxchat`: the chat as a program. The only place that reads the environment."""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import socket
import sqlite3
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.routing import Mount

from . import StubBackend, __version__, chat_lifespan, create_chat_app, db
from .store import Store
from .store.engines import create_private

_INTRODUCTION = "A scripted demo without a model. Each suggestion shows something the chat can do."
_LEVELS = ("critical", "error", "warning", "info", "debug")


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve the chat until Ctrl+C, or look after its database; return the exit status."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments[:1] == ["db"]:
        return db.main(arguments[1:])
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        _add_variables(options, os.environ)
        app = _app(options)
    except (argparse.ArgumentTypeError, ValueError) as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 2
    except ImportError as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 1
    return _serve(app, options)


def _serve(app: Starlette, options: argparse.Namespace) -> int:
    try:
        import uvicorn
    except ImportError:
        print("The demo needs uvicorn: pip install 'htmxchat[server]'", file=sys.stderr)
        return 1
    if options.db and (reason := _unusable(options.db)):
        print(reason, file=sys.stderr)
        return 1
    try:
        listener = socket.create_server((options.host, options.port))
    except OSError as error:
        place = f"Port {options.port} on {options.host}"
        print(f"{place} cannot be used ({error.strerror}). Choose another, or --port 0.", file=sys.stderr)
        return 1
    if options.log_level:
        logging.basicConfig(format="%(levelname)s:     %(name)s: %(message)s")
        logging.getLogger("htmxchat").setLevel(options.log_level.upper())
    if options.backend == "kogwistar":
        from .agents.kogwistar.transport.probe import doubt

        # The chat starts nevertheless: the server may come later.
        if said := doubt(options.url):
            print(said, file=sys.stderr)
    # Browsers keep their streams open: nobody waits for them when the program stops.
    config = uvicorn.Config(app, log_level=options.log_level or "critical", timeout_graceful_shutdown=1)
    host, port = listener.getsockname()[:2]
    name = "localhost" if host in ("127.0.0.1", "0.0.0.0") else host
    print(f"The chat is at {options.app_url or f'http://{name}:{port}'}/ (Ctrl+C stops it)", flush=True)
    with listener, contextlib.suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[listener])
    return 0


def _unusable(file: str) -> str | None:
    """Return why a file cannot hold conversations; `None` if it can."""
    create_private(file)
    try:
        with contextlib.closing(sqlite3.connect(file)) as database:
            database.execute("BEGIN IMMEDIATE")
    except sqlite3.Error as error:
        return f"The file {file} cannot be used for conversations ({error}). Choose another with --db."
    return None


def _app(options: argparse.Namespace) -> Starlette:
    """Return the chat, mounted at the path of its public address."""
    store = Store(f"sqlite:///{options.db}") if options.db else Store()
    common: dict[str, Any] = {
        "stream": options.stream,
        "poll_interval": options.poll_interval / 1000,
        "title": "htmxchat",
    }
    if options.backend == "kogwistar":
        chat = _kogwistar(options, store, common)
    else:
        for name in ("url", "public_url", "provider", "workflow"):
            if getattr(options, name) is not None:
                option = f"--{name.replace('_', '-')}"
                raise argparse.ArgumentTypeError(f"{option} goes with --backend kogwistar only")
        chat = create_chat_app(StubBackend(store), introduction=_INTRODUCTION, **common)
    path = urlsplit(options.app_url or "").path
    return Starlette(routes=[Mount(path, chat)], lifespan=chat_lifespan(chat)) if path else chat


def _kogwistar(options: argparse.Namespace, store: Store, common: dict[str, Any]) -> Starlette:
    from .agents.kogwistar import KogwistarBackend, KogwistarLogin

    if options.url is None:
        raise argparse.ArgumentTypeError("--backend kogwistar needs --url, or GRAPHRAG_SERVER_URL")
    origin = "{0.scheme}://{0.netloc}".format(urlsplit(options.app_url)) if options.app_url else None
    workflow = {"workflow_id": options.workflow} if options.workflow else {}
    backend = KogwistarBackend(options.url, store=store, stream=options.stream, **workflow)
    login = KogwistarLogin(options.url, store, app_url=origin, public_url=options.public_url, provider=options.provider)
    return create_chat_app(backend, login=login, **common)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m htmxchat",
        description="Serve the chat with a scripted agent, or in front of a kogwistar server.",
        epilog="An option that names a variable takes its value from there when it is not given."
        " `%(prog)s db` looks after a chat's database.",
    )
    add = parser.add_argument
    add("--version", action="version", version=f"htmxchat {__version__}")
    add("--backend", choices=("stub", "kogwistar"), default="stub", help="the agent; default: stub, the scripted one")
    add("--url", type=_address, help="the kogwistar server (GRAPHRAG_SERVER_URL)")
    add("--public-url", type=_address, metavar="URL", help="the same as browsers reach it, if that is another address")
    add("--provider", metavar="NAME", help="which of its OpenID Connect providers signs people in")
    add("--workflow", metavar="ID", help="the workflow that answers (CHAT_WORKFLOW_ID)")
    add("--host", default="127.0.0.1", help="default: 127.0.0.1, this machine only")
    add("--port", type=_port, help="default: 8000; 0 takes a free one (CHAT_APP_PORT)")
    add("--app-url", type=_address, metavar="URL", help="the chat as browsers reach it (CHAT_APP_URL)")
    add("--db", metavar="FILE", help="keep conversations and sign-ins in this SQLite file (default: in memory)")
    add("--stream", choices=("sse", "poll"), help="how answers arrive; default: sse (CHAT_STREAM_MODE)")
    add("--poll-interval", type=_interval, metavar="MS", help="between two polls; default: 700 (CHAT_POLL_INTERVAL_MS)")
    add("--log-level", choices=_LEVELS, help="default: critical (CHAT_LOG_LEVEL)")
    return parser


def _add_variables(options: argparse.Namespace, environment: Mapping[str, str]) -> None:
    """Take options that were not given from the environment, else from the defaults. Empty variables are not set."""
    if options.backend == "kogwistar":
        _take(options, environment, "url", "GRAPHRAG_SERVER_URL", _address)
        _take(options, environment, "workflow", "CHAT_WORKFLOW_ID", str)
    _take(options, environment, "port", "CHAT_APP_PORT", _port, 8000)
    _take(options, environment, "app_url", "CHAT_APP_URL", _address)
    _take(options, environment, "stream", "CHAT_STREAM_MODE", _one_of("sse", "poll"), "sse")
    _take(options, environment, "poll_interval", "CHAT_POLL_INTERVAL_MS", _interval, 700)
    _take(options, environment, "log_level", "CHAT_LOG_LEVEL", _one_of(*_LEVELS))


def _take(
    options: argparse.Namespace,
    environment: Mapping[str, str],
    name: str,
    variable: str,
    read: Callable[[str], object],
    default: object = None,
) -> None:
    if getattr(options, name) is not None:
        return
    text = environment.get(variable, "").strip()
    try:
        setattr(options, name, read(text) if text else default)
    except argparse.ArgumentTypeError as error:
        raise argparse.ArgumentTypeError(f"{variable}: {error}") from None


def _one_of(*words: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text.lower() not in words:
            raise argparse.ArgumentTypeError(f"{text!r} is none of {', '.join(words)}")
        return text.lower()

    return read


def _between(least: int, most: int, unit: str) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) < 10 and least <= int(text) <= most):
            raise argparse.ArgumentTypeError(f"{text!r} is no {unit} from {least} to {most}")
        return int(text)

    return read


_port = _between(0, 65_535, "port")
_interval = _between(100, 60_000, "number of milliseconds")


def _address(text: str) -> str:
    try:
        parts = urlsplit(text)
        whole = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        whole = False
    if not whole or parts.query or parts.fragment or parts.username or not text.isprintable() or " " in text:
        raise argparse.ArgumentTypeError(f"{text!r} is no address like http://localhost:8000")
    return text.rstrip("/")


if __name__ == "__main__":
    sys.exit(main())
