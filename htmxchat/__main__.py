"""`python -m htmxchat`: the demo host. The only place that reads the environment."""

from __future__ import annotations

import argparse
import contextlib
import socket
import sqlite3
import sys
from collections.abc import Sequence

from . import StubBackend, __version__, create_chat_app
from .store import Store


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve the chat on the embedded backend until Ctrl+C; return the exit status."""
    options = _parser().parse_args(arguments)
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
    store = Store(f"sqlite+aiosqlite:///{options.db}") if options.db else Store()
    app = create_chat_app(StubBackend(store), stream=options.stream, title="htmxchat")
    # Browsers keep their streams open: nobody waits for them when the demo stops.
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", timeout_graceful_shutdown=1))
    host, port = listener.getsockname()[:2]
    name = "localhost" if host in ("127.0.0.1", "0.0.0.0") else host
    print(f"The chat is at http://{name}:{port}/ (Ctrl+C stops it)", flush=True)
    with listener, contextlib.suppress(KeyboardInterrupt):
        server.run(sockets=[listener])
    return 0


def _unusable(file: str) -> str | None:
    """Return why a file cannot hold conversations; `None` if it can."""
    try:
        with contextlib.closing(sqlite3.connect(file)) as database:
            database.execute("PRAGMA user_version = 0")
    except sqlite3.Error as error:
        return f"The file {file} cannot be used for conversations ({error}). Choose another with --db."
    return None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m htmxchat", description="Serve the chat with a scripted agent.")
    parser.add_argument("--version", action="version", version=f"htmxchat {__version__}")
    parser.add_argument("--host", default="127.0.0.1", help="default: 127.0.0.1, this machine only")
    parser.add_argument("--port", type=int, default=8000, help="default: 8000; 0 takes a free one")
    parser.add_argument("--db", metavar="FILE", help="keep conversations in this SQLite file (default: in memory)")
    parser.add_argument("--stream", choices=("sse", "poll"), default="sse", help="how answers arrive")
    return parser


if __name__ == "__main__":
    sys.exit(main())
