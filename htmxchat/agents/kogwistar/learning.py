"""Copies conversations of the server's other clients, their titles and their turns into the journal.

The server is asked in the background, from time to time, while pages show what is in the journal.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from ...errors import BackendUnavailable, ChatError, NotFound
from ...latest import Latest
from ...models import User
from ...store import Store
from . import reconcile
from .job import Setup

log = logging.getLogger("htmxchat")
_MAX_READS = 10_000


class Learning:
    """Reads from the server, each at most once in a while. One that has failed is due again at once."""

    def __init__(self, setup: Setup, store: Store) -> None:
        self._client = setup.client
        self._links = setup.links
        self._timing = setup.timing
        self._store = store
        self._due: Latest[str, float] = Latest(_MAX_READS)
        self._titles: Latest[str, bool] = Latest(_MAX_READS)
        self._running: dict[str, asyncio.Task[ChatError | None]] = {}

    async def close(self) -> None:
        """Wait a moment for reads that are running, then cancel them."""
        if tasks := set(self._running.values()):
            await asyncio.wait(tasks, timeout=self._timing.glance)
        for task in tasks:
            task.cancel()

    async def adopt(self, me: User, server_id: str, place: int = 0) -> None:
        """Write a conversation of the user's that was never here.

        Args:
            place: Where it stands in the server's list.

        Raises:
            NotFound: It belongs to another user, or does not exist.
        """
        try:
            found = await self._client.conversation(me.token or "", server_id)
        except NotFound:
            raise NotFound from None  # the same as for another user's: without its request id
        if found != (server_id, me.id):
            raise NotFound
        await self._store.database.write(lambda db: reconcile.add_conversation(db, me.id, server_id, place))

    async def conversations(self, me: User, *, empty: bool) -> bool:
        """Read the server's list. Returns whether there is news now.

        Args:
            empty: Whether the page has nothing else to show.

        Raises:
            ChatError: It could not be read, and the page has nothing else to show.
        """
        wait = 10 * self._timing.glance if empty else 0
        return await self._read(f"list {me.id}", self._timing.list, wait, partial(self._read_list, me), needed=empty)

    async def titles(self, me: User, ids: Sequence[str]) -> bool:
        """Read conversations, each once, for their first messages, which become their titles. Returns as the others."""
        ids = [id for id in ids if id not in self._titles]
        for id in ids:
            self._titles.put(id, True)
        work = partial(self._read_titles, me, ids)
        return bool(ids) and await self._read(f"titles {ids}", 0, self._timing.glance, work)

    async def turns(self, me: User, id: str, *, empty: bool) -> bool:
        """Read the turns of a conversation; as `conversations`."""
        work, wait = partial(self._read_turns, me, id), self._timing.glance * (100 if empty else 1)
        return await self._read(f"turns {id}", self._timing.turns, wait, work, needed=empty)

    def reads_turns(self, id: str) -> bool:
        """Return whether the turns of a conversation are being read."""
        return f"turns {id}" in self._running

    def forget_turns(self, id: str) -> None:
        """Something may have come that is not known: read the turns at the next look."""
        self._due.pop(f"turns {id}")

    async def _read(
        self, name: str, every: float, wait: float, work: Callable[[], Awaitable[None]], *, needed: bool = False
    ) -> bool:
        """Begin to read unless it runs or is not due, and wait up to `wait` seconds. Returns whether it has succeeded.

        Raises:
            ChatError: It is needed, and has failed.
        """
        now = asyncio.get_running_loop().time()
        if name in self._running or now < (self._due.get(name) or 0):
            return False
        self._due.put(name, now + every)
        task = self._running[name] = asyncio.create_task(self._try(name, work), name=f"kogwistar {name}")
        task.add_done_callback(lambda _: self._running.pop(name))
        await asyncio.wait({task}, timeout=wait)
        failure = task.result() if task.done() and not task.cancelled() else None
        if needed and failure is not None:
            raise failure
        return task.done() and failure is None

    async def _try(self, name: str, work: Callable[[], Awaitable[None]]) -> ChatError | None:
        try:
            await work()
        except ChatError as error:
            log.info("A read in the background failed: %s", error)
            self._due.pop(name)
            return error
        return None

    async def _read_list(self, me: User) -> None:
        """The list does not prove whose the conversations in it are: each that is new is asked."""
        listed = await self._client.conversations(me.token or "")
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
                    self._titles.pop(unread)
                raise
            except ChatError:
                continue

    async def _read_turns(self, me: User, id: str) -> None:
        turns = await self._client.turns(me.token or "", await self._links.server_id(id) or id)
        await self._store.database.write(lambda db: reconcile.learn_turns(db, id, turns))
