"""A chat that takes files of 4 GB, for `files.py`: `python -m scripts.benchmarks.files_process PLACE FOLDER`."""

from __future__ import annotations

import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import uvicorn

from htmxchat import Files, FolderFiles, LocalBackend, Request, Store, create_chat_app

MOST = 4 * 1024**3


async def respond(request: Request) -> AsyncIterator[str]:
    """Read what was sent, in pieces."""
    for file in request.files:
        size = 0
        async for piece in file.open():
            size += len(piece)
        yield f"{size} bytes"


def main(place: str, folder: str) -> None:
    files = FolderFiles(Path(folder) / "files") if place == "folder" else None
    store = Store(f"sqlite:///{folder}/chat.db", files=files)
    app = create_chat_app(LocalBackend(respond, store), files=Files(max_size=MOST, max_kept=4 * MOST))
    listening = socket.create_server(("127.0.0.1", 0))
    print(listening.getsockname()[1], flush=True)
    uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listening])


if __name__ == "__main__":
    main(*sys.argv[1:])
