"""A TCP proxy on loopback that misbehaves on demand."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Awaitable, Callable
from types import TracebackType

_UNAVAILABLE = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Proxy:
    """Forwards connections to `port` until told otherwise. Use it as a context manager."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._loop = asyncio.new_event_loop()
        self._connections: set[asyncio.StreamWriter] = set()
        self._mode = "forward"
        self._after = 0
        self._changed = asyncio.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.port = 0

    def __enter__(self) -> Proxy:
        self._thread.start()
        self._ready.wait(5)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(5)

    def cut(self) -> None:
        """Drop every connection and take no new one."""
        self._loop.call_soon_threadsafe(self._switch, "cut")

    def unavailable(self) -> None:
        """Drop every connection and answer each new one with a 503."""
        self._loop.call_soon_threadsafe(self._switch, "unavailable")

    def buffer(self) -> None:
        """Hold back streams until they end, as a buffering proxy does."""
        self._loop.call_soon_threadsafe(self._set, "buffer")

    def hold(self, after: int = 1_000_000) -> None:
        """Take only so many bytes of what a connection sends, and the rest when it is to behave again."""
        self._after = after
        self._loop.call_soon_threadsafe(self._set, "hold")

    def forward(self) -> None:
        """Behave again."""
        self._loop.call_soon_threadsafe(self._set, "forward")

    def _set(self, mode: str) -> None:
        self._mode = mode
        self._changed.set()
        self._changed = asyncio.Event()

    def to(self, port: int) -> None:
        """Forward new connections to another port; those that there are stay where they are."""
        self._target = port

    def _switch(self, mode: str) -> None:
        self._set(mode)
        for writer in self._connections:
            writer.transport.abort()
        self._connections.clear()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        self._stop = asyncio.Event()
        # What it does not take waits at the client, not in the kernel.
        listening = socket.socket()
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        listening.bind(("127.0.0.1", 0))
        server = await asyncio.start_server(self._accept, sock=listening, limit=65_536)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        self._switch("cut")
        await asyncio.sleep(0.05)

    async def _held_back(self, sent: int) -> None:
        """Wait for as long as no more is taken of a connection that has sent so much."""
        while self._mode == "hold" and sent > self._after:
            await self._changed.wait()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._mode == "cut":
            writer.transport.abort()
            return
        if self._mode == "unavailable":
            with contextlib.suppress(OSError):
                writer.write(_UNAVAILABLE)
                await writer.drain()
                writer.close()
            return
        try:
            upstream_reader, upstream_writer = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.transport.abort()
            return
        self._connections |= {writer, upstream_writer}
        await asyncio.gather(
            _pump(reader, upstream_writer, lambda _: False, self._held_back),
            _pump(upstream_reader, writer, lambda data: self._mode == "buffer" and b"text/event-stream" in data),
        )
        self._connections -= {writer, upstream_writer}


async def _pump(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    is_held: Callable[[bytes], bool],
    wait: Callable[[int], Awaitable[None]] | None = None,
) -> None:
    held, sent = b"", 0
    with contextlib.suppress(OSError):
        while data := await reader.read(65_536):
            sent += len(data)
            if wait:
                await wait(sent)
            if held or is_held(data):
                held += data
                continue
            writer.write(data)
            await writer.drain()
        writer.write(held)
    with contextlib.suppress(OSError):
        writer.close()
