"""Answers in a process of their own: prints the seconds of CPU that one costs.

models_process.py openai WORDS PAUSE serve    a model's server, on a free port that it prints
models_process.py openai WORDS PAUSE URL      an answer from that server
models_process.py ag_ui WORDS PAUSE serve     an agent's server, on a free port that it prints
models_process.py ag_ui WORDS PAUSE URL       an answer from that server
models_process.py bare WORDS PAUSE            the same answer, which a generator writes
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
EVENT = b'data: {"type":"%b"}\n\n'
RUN = b'","threadId":"t","runId":"r'
WORDS = {
    "openai": (
        b"",
        CHUNK % b'{"index":0,"delta":{"content":"word "},"finish_reason":null}',
        CHUNK % b'{"index":0,"delta":{},"finish_reason":"stop"}' + b"data: [DONE]\n\n",
    ),
    "ag_ui": (
        EVENT % (b"RUN_STARTED" + RUN) + EVENT % b'TEXT_MESSAGE_START","role":"assistant","messageId":"m',
        EVENT % b'TEXT_MESSAGE_CONTENT","messageId":"m","delta":"word ',
        EVENT % b'TEXT_MESSAGE_END","messageId":"m' + EVENT % (b"RUN_FINISHED" + RUN),
    ),
}
"""What comes before the words, each word, and what comes after them."""
ANN = User("ann")


async def serve(what: str, words: int, pause: float) -> None:
    """Answer every request with the same stream."""

    first, word, last = WORDS[what]
    packets = [first + word, *[word] * (words - 1), last]

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(HEAD)
        with suppress(ConnectionError):
            for packet in packets:
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


def remote(what: str, url: str) -> LocalBackend:
    """Return a backend whose agent is another server."""
    from htmxchat.agents import ag_ui, openai

    return LocalBackend(openai(url, model="m") if what == "openai" else ag_ui(url))


async def measure(backend: LocalBackend) -> float:
    """Return the seconds of CPU that an answer costs with one reader, the least of three; one before warms up."""
    seconds = []
    for _ in range(4):
        begun = time.process_time()
        run = await backend.start_run(ANN, None, "Go")
        async for _event in each_event(backend, ANN, run.id):
            pass
        seconds.append(time.process_time() - begun)
    await backend.close()
    return min(seconds[1:])


def main() -> None:
    what, words, pause, url = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), "".join(sys.argv[4:])
    if url == "serve":
        asyncio.run(serve(what, words, pause))
    else:
        print(asyncio.run(measure(remote(what, url) if url else bare(words, pause))))


if __name__ == "__main__":
    main()
