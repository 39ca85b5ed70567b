"""Asks the server from time to time for conversations and turns of its other clients."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from ...errors import BackendUnavailable, ChatError, NotFound
from ...latest import Latest
from ...models import User
from ...store import Store
from . import reconcile
from .background import Background
from .job import Setup

_MAX_READ = 10_000


class Learning:
    """Copies conversations of other clients, their titles and their turns into the journal."""

    def __init__(self, setup: Setup, store: Store) -> None:
        self._client = setup.client
        self._links = setup.links
        self._timing = setup.timing
        self._store = store
        self._background = Background()
        self._read: Latest[str, bool] = Latest(_MAX_READ)

    async def close(self) -> None:
        await self._background.close(self._timing.glance)

    async def adopt(self, me: User, server_id: str, place: int = 0) -> None:
        """Write a conversation of the user's that was never here.

        Args:
            place: Where it stands in the server's list.

        Raises:
            NotFound: It belongs to another user, or does not exist.
        """
        try:
            there = await self._client.conversation(me.token or "", server_id)
        except NotFound:
            raise NotFound from None  # the same as for another user's: without its request id
        if there.user_id != me.id or there.id != server_id:
            raise NotFound
        await self._store.database.write(lambda db: reconcile.add_conversation(db, me.id, server_id, place))

    async def conversations(self, me: User, *, empty: bool) -> bool:
        """Read the server's list. Returns whether there is news now.

        Args:
            empty: Whether the page has nothing else to show.

        Raises:
            ChatError: It could not be read, and the page has nothing else to show.
        """
        work, wait = partial(self._read_list, me), 10 * self._timing.glance * empty
        return await self._background.read(f"list {me.id}", self._timing.list, wait, work, needed=empty)

    async def titles(self, me: User, ids: Sequence[str]) -> bool:
        """Read conversations, each once, for their first messages, which become their titles. Returns as the others."""
        ids = [id for id in ids if id not in self._read]
        if not ids:
            return False
        for id in ids:
            self._read.put(id, True)
        return await self._background.read(f"titles {ids}", 0, self._timing.glance, partial(self._read_titles, me, ids))

    async def turns(self, me: User, id: str, *, empty: bool) -> bool:
        """Read the turns of a conversation. Returns whether there is news now.

        Args:
            empty: Whether the page has nothing else to show.

        Raises:
            ChatError: They could not be read, and the page has nothing else to show.
        """
        work, wait = partial(self._read_turns, me, id), self._timing.glance * (100 if empty else 1)
        return await self._background.read(f"turns {id}", self._timing.turns, wait, work, needed=empty)

    def reads_turns(self, id: str) -> bool:
        """Return whether the turns of a conversation are being read."""
        return self._background.running(f"turns {id}")

    def forget_turns(self, id: str) -> None:
        """Something may have come that is not known: read the turns at the next look."""
        self._background.forget(f"turns {id}")

    async def _read_list(self, me: User) -> None:
        """The list does not prove whose the conversations in it are: each that is new is asked."""
        listed = [item.id for item in await self._client.conversations(me.token or "")]
        for id in await self._links.new_conversations(listed):
            try:
                await self.adopt(me, id, listed.index(id))
            except BackendUnavailable:
                raise
            except ChatError:
                continue

    async def _read_titles(self, me: User, ids: Sequence[str]) -> None:
        for id in ids:
            try:
                await self._read_turns(me, id)
            except BackendUnavailable:
                for unread in ids:
                    self._read.pop(unread)
                raise
            except ChatError:
                continue

    async def _read_turns(self, me: User, id: str) -> None:
        turns = await self._client.turns(me.token or "", await self._links.server_id(id) or id)
        await self._store.database.write(lambda db: reconcile.learn_turns(db, id, turns))
