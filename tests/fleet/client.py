"""HTTP on bare sockets: hundreds of readers are to cost the machine little beside what they measure."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

_NO_ANSWER = 0


class Connection:
    """One request and its response. HTTP/1.0, so a body continues until the connection ends.

    Attributes:
        status: 0 when there was no answer.
    """

    def __init__(self, port: int) -> None:
        self.status = _NO_ANSWER
        self.headers: dict[str, str] = {}
        self._port = port
        self._reader = asyncio.StreamReader()
        self._writer: asyncio.StreamWriter | None = None

    async def open(self, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> None:
        """Ask, and wait for the status."""
        try:
            self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
            lines = [f"{method} {path} HTTP/1.0", *(f"{name}: {value}" for name, value in headers.items())]
            self._writer.write("\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body)
            head = (await self._reader.readuntil(b"\r\n\r\n")).decode()
        except (OSError, asyncio.IncompleteReadError):
            return
        status, *fields = head.strip().split("\r\n")
        self.headers = {name.lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)}
        self.status = int(status.split()[1])

    async def read(self) -> bytes:
        """Return what has come; nothing when the connection has ended."""
        try:
            return await self._reader.read(1 << 16)
        except OSError:
            return b""

    def close(self) -> None:
        """Leave, also in the middle."""
        if self._writer is not None:
            self._writer.transport.abort()


@dataclass(frozen=True, slots=True)
class Response:
    """A whole response.

    Attributes:
        status: 0 when there was none.
    """

    status: int
    headers: dict[str, str]
    body: str


async def ask(port: int, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> Response:
    """Return a response. One that breaks off is none."""
    connection, parts = Connection(port), list[bytes]()
    try:
        await connection.open(method, path, headers, body)
        while part := await connection.read():
            parts.append(part)
    finally:
        connection.close()
    whole = b"".join(parts)
    length = connection.headers.get("content-length")
    status = connection.status if length is None or len(whole) == int(length) else _NO_ANSWER
    return Response(status, connection.headers, whole.decode(errors="replace"))
