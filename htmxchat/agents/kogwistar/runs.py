"""The journal with the kogwistar agent."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import and_, select, update

from ...backends.local import LocalBackend
from ...models import User
from ...store import Started, Store
from ...store import tables as t
from .agent import KogwistarAgent
from .credentials import Credentials
from .progress import Progress


class Runs(LocalBackend):
    """Goes on with the runs of those whose token this process knows; others wait for a process that does."""

    def __init__(self, agent: KogwistarAgent, store: Store, credentials: Credentials) -> None:
        super().__init__(agent, store)
        self._kogwistar = agent
        agent.hand_back = self._hand_back
        self._credentials = credentials

    async def phase(self, conversation_id: str | None) -> str:
        """Return how far the live run of a conversation has come."""
        live = t.runs.c.conversation_id == conversation_id, t.runs.c.active == 1
        checkpoint = await self._store.read(lambda db: db.scalar(select(t.runs.c.checkpoint).where(*live)))
        return Progress.read(checkpoint).phase

    async def settled(self, run_id: str) -> None:
        """Wait until a run of this process is over."""
        while (active := self._journal.runs.get(run_id)) is not None:
            await active.more(len(active.events))
            await asyncio.sleep(0)

    async def cancel_run(self, user: User, run_id: str) -> None:
        """Stop a run. One that no process has is taken over first: the server is to be told."""
        this = select(t.runs.c.id).where(t.runs.c.id == run_id, t.runs.c.active == 1, t.runs.c.user_id == user.id)
        left = this.where(t.runs.c.owner.is_(None), t.runs.c.waiting.is_(None))
        if await self._store.read(lambda db: db.scalar(left)) is not None:
            await self._take_over([run_id], datetime.now(UTC) - timedelta(seconds=self._timing.orphan))
        await super().cancel_run(user, run_id)

    def _hand_back(self, run_id: str) -> None:
        if run_id in self._journal.runs:
            self._journal.runs[run_id].prepare_to_leave()

    def _drive(self, user: User, started: Started, *, resumed: bool = False) -> None:
        if not resumed:
            self._kogwistar.sending.expect(started.run.id)
        super()._drive(user, started, resumed=resumed)

    async def _take_over(self, run_ids: Sequence[str], orphans_since: datetime) -> None:
        others = t.runs.c.agent.is_distinct_from(self._agent_name).label("other")
        these = select(t.runs.c.id, t.runs.c.user_id, t.runs.c.released_at, others).where(t.runs.c.id.in_(run_ids))
        rows = await self._store.read(lambda db: db.execute(these).all())
        known = await self._credentials.known({row.user_id for row in rows if not row.other})
        mine = {row.id for row in rows if row.other or row.user_id in known}
        soon = orphans_since + timedelta(seconds=self._timing.orphan / 2)
        if kept := [row.id for row in rows if row.id not in mine and row.released_at and row.released_at < soon]:
            # Their agent is there, so no other may end them.
            left = and_(t.runs.c.id.in_(kept), t.runs.c.owner.is_(None))
            await self._store.write(
                lambda db: db.execute(update(t.runs).where(left).values(released_at=datetime.now(UTC)))
            )
        await super()._take_over([id for id in run_ids if id in mine], orphans_since)
