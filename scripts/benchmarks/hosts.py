"""The servers that are measured, each in a process of its own: `python -m scripts.benchmarks.hosts chat`.

Prints its port. Ends with the process that started it: when its standard input closes.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import socket
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import suppress

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request as HttpRequest
from starlette.responses import HTMLResponse, Response, StreamingResponse
from starlette.routing import Mount, Route

from htmxchat import (
    EventBody,
    Limits,
    LocalBackend,
    Request,
    StageChanged,
    Store,
    ToolFinished,
    ToolStarted,
    User,
    chat_lifespan,
    create_chat_app,
)
from htmxchat.http.assets import Assets
from scripts.benchmarks.texts import BETWEEN_TOOLS, KINDS, markdown_words, pieces, plain_words

BARE_PAGE = """<!doctype html><meta charset="utf-8"><title>Bare</title>
<script src="/static/x/vendor/htmx.min.js"></script>
<script src="/static/x/vendor/hx-sse.min.js"></script>
<div id="answer" hx-sse:connect="/stream/{kind}/{count}/{pause}" hx-sse:close="end" hx-swap="beforeend"
 hx-trigger="begin" style="white-space: pre-wrap">Begin. </div>"""
MANY = Limits(streams_per_user=100_000, requests_per_user=100_000)
WORDS = {"plain": plain_words, "markdown": markdown_words}


async def respond(request: Request) -> AsyncIterator[str | EventBody]:
    """Answer `words KIND COUNT PAUSE`, `text SIZE KIND` as fast as possible, or `silent` with one word.

    `stages COUNT PAUSE` has COUNT events, every other one a word of the answer.
    """
    match request.text.split(maxsplit=2):
        case ["words", kind, numbers]:
            count, pause = numbers.split()
            async for word in paced(WORDS[kind](int(count)), float(pause)):
                yield word
        case ["text", size, kind]:
            for number, piece in enumerate(pieces(KINDS[kind](int(size)))):
                if kind == BETWEEN_TOOLS and piece.startswith("\n\n"):
                    yield ToolStarted(str(number), "read_file", f"file {number}", {"path": f"data/{number}.csv"})
                    yield ToolFinished(str(number), "12 lines", "a,b,c")
                yield piece
        case ["stages", count, pause]:
            async for word in paced([str(number) for number in range(int(count))], float(pause)):
                yield StageChanged(f"Stage {word}") if int(word) % 2 else f"word{word} "
        case ["silent"]:
            yield "Listening."
            await asyncio.Event().wait()


async def paced(words: list[str], pause: float) -> AsyncIterator[str]:
    """Yield one word every `pause` seconds, however long the consumer takes."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    for number, word in enumerate(words, 1):
        await asyncio.sleep(max(0.0, began + number * pause - loop.time()))
        yield word


def chat(db: str | None) -> Starlette:
    """The chat at `/chat`, for one user with as many streams as wanted."""

    async def identify(request: HttpRequest) -> User:
        return User("benchmark")

    backend = LocalBackend(respond, Store(f"sqlite:///{db}") if db else Store())
    app = create_chat_app(backend, identify=identify, limits=MANY)
    return Starlette(routes=[Mount("/chat", app)], lifespan=chat_lifespan(app))


def bare(db: str | None) -> Starlette:
    """What one writes first: a page and a stream that sends each word as a message of its own."""

    async def page(request: HttpRequest) -> Response:
        return HTMLResponse(BARE_PAGE.format(**request.path_params))

    async def stream(request: HttpRequest) -> Response:
        path = request.path_params

        async def messages() -> AsyncIterator[str]:
            async for word in paced(WORDS[path["kind"]](int(path["count"])), float(path["pause"])):
                yield "".join(f"data: {line}\n" for line in word.split("\n")) + "\n"
            yield "event: end\ndata: completed\n\n"

        return StreamingResponse(messages(), media_type="text/event-stream")

    async def idle(request: HttpRequest) -> Response:
        async def nothing() -> AsyncIterator[str]:
            yield ":\n\n"
            await asyncio.Event().wait()

        return StreamingResponse(nothing(), media_type="text/event-stream")

    return Starlette(
        routes=[
            Route("/page/{kind}/{count}/{pause}", page),
            Route("/stream/{kind}/{count}/{pause}", stream),
            Route("/idle", idle),
            Mount("/static", Assets()),
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("host", choices=["chat", "bare"])
    parser.add_argument("--db")
    options = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    app = {"chat": chat, "bare": bare}[options.host](options.db)
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    config = uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=1, backlog=4_096)
    uvicorn.Server(config).run(sockets=[listener])


def _end_with_parent() -> None:
    with suppress(OSError):
        sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main()
