"""Recordings of AG-UI servers, byte for byte, and a server that plays them, or events of ours, on a real socket.

They lie beside the checkout, not in it: what needs them is skipped where they are not.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).resolve().parents[2].parent / "shared" / "agui" / "recordings"
FILES = {file.name[:3]: file for file in sorted(FOLDER.glob("*.http"))}
needs_recordings = pytest.mark.skipif(not FILES, reason=f"there are no recordings in {FOLDER}")


@dataclass(frozen=True)
class Exchange:
    """A request and its answer.

    Attributes:
        how: eof when the server ended the answer as it should; else how it was cut.
        sizes: Of the pieces in which the answer came.
    """

    request: bytes
    head: bytes
    body: bytes
    how: str = "eof"
    sizes: Sequence[int] = ()

    @property
    def sent(self) -> dict[str, Any]:
        """What was sent."""
        sent: dict[str, Any] = json.loads(self.request.partition(b"\r\n\r\n")[2] or b"{}")
        return sent

    @property
    def streams(self) -> bool:
        return b"text/event-stream" in self.head.lower() and b" 200 " in self.head[:20]

    @property
    def pieces(self) -> list[bytes]:
        pieces, at = [], 0
        for size in self.sizes or [len(self.body)]:
            pieces.append(self.body[at : at + size])
            at += size
        return pieces


@dataclass
class Played:
    """What was asked while a server played."""

    url: str = ""
    requests: list[dict[str, Any]] = field(default_factory=list)
    heads: list[bytes] = field(default_factory=list)
    closed: asyncio.Event = field(default_factory=asyncio.Event)


def exchanges(number: str) -> list[Exchange]:
    """Return what a recording has."""
    raw, at = FILES[number].read_bytes(), 0
    found: list[dict[str, Any]] = []
    while at < len(raw):
        end = raw.index(b"\n", at)
        line, at = raw[at:end].decode(), end + 1
        if block := re.match(r"(>>>|<<<) \w+ \d+ bytes=(\d+)(?: end=(\w+))?", line):
            size = int(block[2])
            data, at = raw[at : at + size], at + size + 1
            if block[1] == ">>>":
                found.append({"request": data})
            else:
                head, _, body = data.partition(b"\r\n\r\n")
                found[-1] |= {"head": head, "body": body, "how": block[3]}
        elif line.startswith("--- TIMING"):
            sizes = []
            while at < len(raw) and raw[at : at + 1].isdigit():
                end = raw.index(b"\n", at)
                sizes.append(int(raw[at:end].split()[2]))
                at = end + 1
            found[-1]["sizes"] = sizes
    return [Exchange(**each) for each in found]


def runs(number: str) -> list[Exchange]:
    """Return the runs of a recording: what was answered by an event stream."""
    return [each for each in exchanges(number) if each.streams and each.request.startswith(b"POST")]


def events(body: bytes) -> list[dict[str, Any]]:
    """Return the events of a stream, read in another way than ours."""
    found = []
    for block in re.split(rb"\r\n\r\n|\n\n|\r\r", body.removeprefix(b"\xef\xbb\xbf")):
        lines = [line[5:].removeprefix(b" ") for line in re.split(rb"\r\n|\n|\r", block) if line.startswith(b"data:")]
        try:
            found.append(json.loads(b"\n".join(lines)))
        except ValueError:
            continue
    return [each for each in found if isinstance(each, dict)]


def stream(*told: dict[str, Any], how: str = "eof") -> Exchange:
    """Return a run that tells these events."""
    pieces = [b"data: " + json.dumps(each).encode() + b"\n\n" for each in told]
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked"
    return Exchange(b"", head, b"".join(pieces), how, [*map(len, pieces)])


def run(*told: dict[str, Any], **end: Any) -> Exchange:
    """Return a run with a beginning and an end."""
    return stream({"type": "RUN_STARTED"}, *told, {"type": "RUN_FINISHED", **end})


def says(text: str, id: str = "m") -> list[dict[str, Any]]:
    """Return the events of a message."""
    words = [{"type": "TEXT_MESSAGE_CONTENT", "messageId": id, "delta": word} for word in re.findall(r"\S+\s*", text)]
    return [
        {"type": "TEXT_MESSAGE_START", "messageId": id, "role": "assistant"},
        *words,
        {"type": "TEXT_MESSAGE_END", "messageId": id},
    ]


def calls(name: str, arguments: Any, id: str = "c1") -> list[dict[str, Any]]:
    """Return the events of a call."""
    return [
        {"type": "TOOL_CALL_START", "toolCallId": id, "toolCallName": name},
        {"type": "TOOL_CALL_ARGS", "toolCallId": id, "delta": json.dumps(arguments)},
        {"type": "TOOL_CALL_END", "toolCallId": id},
    ]


def asks(*interrupts: dict[str, Any]) -> dict[str, Any]:
    """Return the outcome of a run that waits."""
    return {"type": "interrupt", "interrupts": list(interrupts)}


def refusal(status: int, body: str = "{}", **headers: str) -> Exchange:
    """Return an answer that is no success."""
    lines = "".join(f"\r\n{name.replace('_', '-')}: {value}" for name, value in headers.items())
    head = f"HTTP/1.1 {status} No\r\nContent-Type: application/json\r\nContent-Length: {len(body.encode())}{lines}"
    return Exchange(b"", head.encode(), body.encode())


@asynccontextmanager
async def playing(answers: Iterable[Exchange], *, hold: bool = False, port: int = 0) -> AsyncIterator[Played]:
    """Answer one POST after the other; the last answer again and again.

    Args:
        hold: Do not end the last answer: keep the connection until the client closes it.
    """
    left, played = list(answers), Played()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: *(\d+)", head)
        body = await reader.readexactly(int(length[1]) if length else 0)
        played.requests.append(json.loads(body or b"{}"))
        played.heads.append(head)
        answer = left.pop(0) if len(left) > 1 else left[0]
        chunked = b"transfer-encoding: chunked" in answer.head.lower()
        try:
            writer.write(
                answer.head + (b"" if b"onnection: close" in answer.head else b"\r\nConnection: close") + b"\r\n\r\n"
            )
            for piece in answer.pieces:
                writer.write(b"%x\r\n%s\r\n" % (len(piece), piece) if chunked and piece else piece)
                await writer.drain()
            if hold and len(left) == 1:
                await reader.read()
                played.closed.set()
            elif chunked and answer.how == "eof":
                writer.write(b"0\r\n\r\n")
            await writer.drain()
        except ConnectionError:
            played.closed.set()
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", port)
    async with server:
        played.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/agent"
        yield played
