"""Recordings of OpenAI-compatible servers, byte for byte, and a server that plays them on a real socket.

They lie beside the checkout, not in it: what needs them is skipped where they are not.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2].parent / "shared" / "openai" / "recordings"
FILES = {file.name[:3]: file for file in sorted(FOLDER.glob("*.http"))}
needs_recordings = pytest.mark.skipif(not FILES, reason=f"there are no recordings in {FOLDER}")


@dataclass(frozen=True)
class Recording:
    """What a server sent: its head, its packets, and how the connection ended."""

    head: bytes
    packets: tuple[bytes, ...]
    how: str

    @property
    def body(self) -> bytes:
        return b"".join(self.packets)


@dataclass
class Played:
    """What was asked while a server played, and how its connections ended."""

    url: str = ""
    requests: list[bytes] = field(default_factory=list)
    closed: asyncio.Event = field(default_factory=asyncio.Event)


def recording(number: str) -> Recording:
    raw, at = FILES[number].read_bytes(), 0
    head, packets, how = b"", [], ""
    while at < len(raw):
        end = raw.index(b"\n", at)
        line, at = raw[at:end].decode(), end + 1
        if line.startswith("%% end"):
            how = line.split("how=", 1)[1]
        elif found := re.match(r"%% (\w+).* n=(\d+)$", line):
            block, at = raw[at : at + int(found[2])], at + int(found[2]) + 1
            if found[1] == "head":
                head = block
            elif found[1] == "data":
                packets.append(block)
    return Recording(head, tuple(packets), how)


def answer(text: str, finish: str = "stop") -> Recording:
    """Return a stream that says this."""
    return stream(
        *(f'data: {{"choices":[{{"delta":{{"content":"{word} "}}}}]}}' for word in text.split()),
        f'data: {{"choices":[{{"delta":{{}},"finish_reason":"{finish}"}}]}}',
        "data: [DONE]",
    )


def stream(*events: str) -> Recording:
    """Return a stream of these events."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
    return Recording(head, tuple(f"{event}\n\n".encode() for event in events), "complete")


def refusal(status: int, body: str = "", **headers: str) -> Recording:
    """Return an answer that is no success."""
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    head = f"HTTP/1.1 {status} No\r\nContent-Type: application/json\r\n{lines}\r\n"
    return Recording(head.encode(), (body.encode(),), "complete")


@asynccontextmanager
async def playing(
    *played: Recording,
    cut: Callable[[bytes], Sequence[bytes]] | None = None,
    hold: bool = False,
) -> AsyncIterator[Played]:
    """Serve recordings, one a request; the last one also for all that follow.

    Args:
        cut: Makes packets of the body in another way.
        hold: Leave the connection open after the last packet, until the client closes it.
    """
    told = Played()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            asked = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"(?i)content-length:\s*(\d+)", asked)
            asked += await reader.readexactly(int(length[1]) if length else 0)
            each = played[min(len(told.requests), len(played) - 1)]
            told.requests.append(asked)
            head = re.sub(rb"(?im)^(transfer-encoding|connection|keep-alive|content-length):[^\r]*\r\n", b"", each.head)
            writer.write(head[:-2] + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n")
            for packet in cut(each.body) if cut else each.packets:
                if packet:
                    writer.write(b"%x\r\n%b\r\n" % (len(packet), packet))
                    await writer.drain()
            if hold:
                await reader.read()
                told.closed.set()
            elif each.how not in ("eof", "reset"):
                writer.write(b"0\r\n\r\n")
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            told.closed.set()
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        told.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        yield told
