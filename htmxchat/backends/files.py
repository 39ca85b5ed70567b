"""Files on their way to an agent and from it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

from ..events import FileSent
from ..files.file import OpenFile
from ..models import Turn

_PIECE = 256 * 1024


def at_hand(turn: Turn, opened: OpenFile) -> Turn:
    """Return a turn whose files can be opened: those that came with it, and those that its events name."""
    events = turn.events
    if any(isinstance(event.body, FileSent) for event in events):
        events = tuple(
            replace(event, body=FileSent(event.body.file.attached(opened)))
            if isinstance(event.body, FileSent)
            else event
            for event in events
        )
    files = tuple(file.attached(opened) for file in turn.files)
    return replace(turn, files=files, events=events)


async def pieces(content: bytes | str | os.PathLike[str] | AsyncIterable[bytes]) -> AsyncGenerator[bytes, None]:
    """Yield what an agent gives as the content of a file."""
    if isinstance(content, str):
        content = content.encode("utf-8", "replace")
    if isinstance(content, bytes):
        yield content
    elif isinstance(content, os.PathLike):
        async with aclosing(_read(Path(content))) as parts:
            async for part in parts:
                yield part
    else:
        async for part in content:
            yield part


async def _read(path: Path) -> AsyncGenerator[bytes, None]:
    file = await asyncio.to_thread(path.open, "rb")
    try:
        while part := await asyncio.to_thread(file.read, _PIECE):
            yield part
    finally:
        await asyncio.to_thread(file.close)
