"""Whose a conversation or a run is. The server serves both to anybody who is signed in, so it is checked here."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING, TypeVar

from ...errors import NotFound
from ...models import Conversation
from .memory import ConversationMemory
from .run_memory import KnownRun, RunMemory

if TYPE_CHECKING:
    from .client import Client

T = TypeVar("T")
# Any other id in an answer run makes the server build a copy of the second one under that name.
ANSWERING = frozenset({"debug.rag.v1", "agentic_answering.v2"})


class Ownership:
    """Finds what belongs to a user; what is not remembered is asked of the server, and remembered.

    Everything takes the server's id of the user, which must be the one in the conversation and in the run. What
    belongs to somebody else raises `NotFound`, as what does not exist.
    """

    def __init__(self, client: Client, conversations: ConversationMemory, runs: RunMemory) -> None:
        self._client = client
        self._conversations = conversations
        self._runs = runs

    async def conversation(self, me: str, token: str, id: str) -> Conversation:
        """Return a conversation of the user's."""
        found = await self._conversations.find(me, id)
        if found is None:
            there = await _looked_up(self._client.conversation(token, id))
            if there.user_id is None or there.id != id:
                raise NotFound
            await self._conversations.verify(there.user_id, id)
            if there.user_id != me:
                raise NotFound
            await self._conversations.add(me, id)
            found = await self._conversations.find(me, id)
        if found is None:
            raise NotFound
        return found

    async def run(self, me: str, token: str, id: str) -> KnownRun:
        """Return a run of the user's, in a conversation of the user's."""
        found = await self._runs.find(me, id)
        if found is None:
            there = await _looked_up(self._client.run(token, id))
            if there.user_id != me or there.id != id:
                raise NotFound
            await self.conversation(me, token, there.conversation_id)
            await self._runs.adopt(me, there, workflow=there.workflow_id not in ANSWERING)
            found = await self._runs.find(me, id)
        if found is None:
            raise NotFound
        return found


async def _looked_up(asked: Awaitable[T]) -> T:
    """Return what the server says. What it does not know is told as what is somebody else's: without its request id."""
    try:
        return await asked
    except NotFound:
        raise NotFound from None
