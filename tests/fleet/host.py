"""What each process of the fleet serves: a chat whose agent can resume, and one whose agent is a plain generator."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator

from starlette.applications import Starlette
from starlette.requests import HTTPConnection
from starlette.routing import Mount

from htmxchat import (
    JSON,
    Agent,
    Checkpoint,
    LocalBackend,
    Request,
    Responder,
    Said,
    Store,
    User,
    chat_lifespan,
    create_chat_app,
)
from tests.browser.hosts import words

AGENTS = "resumable", "plain"
_CHECKPOINT = 10


async def paced(text: str, first: int) -> AsyncGenerator[tuple[int, str], None]:
    """Yield the words that `words COUNT RATE` asks for, RATE a second, from one on, and how many came with each."""
    _, count, rate = text.split()
    now = asyncio.get_running_loop().time
    began = now()
    for number, word in enumerate(words(int(count))[first:], 1):
        await asyncio.sleep(max(0.0, began + number / float(rate) - now()))
        yield first + number, word


class Resumable:
    """Writes its words, and says after each tenth where it is."""

    async def answer(self, request: Request) -> AsyncGenerator[Said, None]:
        async for said in self.resume(request, 0):
            yield said

    async def resume(self, request: Request, checkpoint: JSON) -> AsyncGenerator[Said, None]:
        async for written, word in paced(request.text, checkpoint if isinstance(checkpoint, int) else 0):
            yield word
            if written % _CHECKPOINT == 0:
                yield Checkpoint(written)


async def plain(request: Request) -> AsyncGenerator[str, None]:
    """Write the words."""
    async for _, word in paced(request.text, 0):
        yield word


async def identify(connection: HTTPConnection) -> User | None:
    name = connection.headers.get("x-who")
    return User(name) if name else None


def make(database: str) -> Starlette:
    """Return the application. It prints which run it has."""
    logging.basicConfig(format="%(process)d %(message)s", level=logging.INFO)
    agents: tuple[Agent | Responder, ...] = Resumable(), plain
    chats = {
        name: create_chat_app(LocalBackend(agent, Store(database)), identify=identify)
        for name, agent in zip(AGENTS, agents, strict=True)
    }
    mounts = [Mount(f"/chat/{name}", chat) for name, chat in chats.items()]
    return Starlette(routes=mounts, lifespan=chat_lifespan(*chats.values()))
