"""Answers in a process of their own: prints the seconds of CPU that one costs.

models_process.py serve WORDS PAUSE     a model's server, on a free port that it prints
models_process.py bare WORDS PAUSE      an answer that a generator writes
models_process.py model WORDS PAUSE URL    the same answer, from that server
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import suppress

from htmxchat import LocalBackend, Request, User
from htmxchat.testing import each_event

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
CHUNK = b'data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"m","choices":[%b]}\n\n'
WORD = CHUNK % b'{"index":0,"delta":{"content":"word "},"finish_reason":null}'
LAST = CHUNK % b'{"index":0,"delta":{},"finish_reason":"stop"}' + b"data: [DONE]\n\n"
ANN = User("ann")


async def serve(words: int, pause: float) -> None:
    """Answer every request with the same stream."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(HEAD)
        with suppress(ConnectionError):
            for packet in [WORD] * words + [LAST]:
                writer.write(b"%x\r\n%b\r\n" % (len(packet), packet))
                await writer.drain()
                await asyncio.sleep(pause)
            writer.write(b"0\r\n\r\n")
            await writer.drain()
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


def bare(words: int, pause: float) -> LocalBackend:
    """Return a backend whose agent is a generator."""

    async def respond(request: Request) -> AsyncIterator[str]:
        for _ in range(words):
            await asyncio.sleep(pause)
            yield "word "

    return LocalBackend(respond)


def model(url: str) -> LocalBackend:
    """Return a backend whose agent is a model."""
    from htmxchat.agents import openai

    return LocalBackend(openai(url, model="m"))


async def measure(backend: LocalBackend) -> float:
    """Return the seconds of CPU that an answer costs with one reader; the first one warms up."""
    seconds = 0.0
    for _ in range(2):
        begun = time.process_time()
        run = await backend.start_run(ANN, None, "Go")
        async for _event in each_event(backend, ANN, run.id):
            pass
        seconds = time.process_time() - begun
    await backend.close()
    return seconds


def main() -> None:
    what, words, pause = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    if what == "serve":
        asyncio.run(serve(words, pause))
    else:
        print(asyncio.run(measure(bare(words, pause) if what == "bare" else model(sys.argv[4]))))


if __name__ == "__main__":
    main()
