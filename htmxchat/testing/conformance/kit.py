"""The base class of the tests: the backend to test and its attributes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import pytest

from ...backend import Backend, KnowsUsers, Managed
from ...events import JSON, RunEnded, RunEvent
from ...models import Run, User
from ..reading import each_event


class Kit:
    """A backend to test, and helpers; `BackendConformance` documents the attributes."""

    pytestmark = pytest.mark.anyio

    prompt = "Hello"
    long_prompt: str | None = None
    asking_prompt: str | None = None
    answer = "yes"
    form_prompt: str | None = None
    form_answer: JSON = None
    proposing_prompt: str | None = None
    user = User("conformance-user")
    other_user = User("conformance-other")
    unknown_id = "0" * 32
    patience = 20.0
    runs_outlive_close = False

    async def make_backend(self) -> Backend:
        """Return the backend to test, without conversations of the two users."""
        raise NotImplementedError

    @asynccontextmanager
    async def _backend(self) -> AsyncIterator[Backend]:
        backend = await self.make_backend()
        if isinstance(backend, Managed):
            await backend.open()
        if isinstance(backend, KnowsUsers):
            self.user, self.other_user = [await backend.account(user) for user in (self.user, self.other_user)]
        try:
            yield backend
        finally:
            if isinstance(backend, Managed):
                await backend.close()

    async def _all(self, backend: Backend, run: Run, *, after: int | None = None) -> list[RunEvent]:
        with anyio.fail_after(self.patience):
            return [event async for event in each_event(backend, self.user, run.id, after=after)]

    async def _answered(self, backend: Backend, conversation_id: str | None = None) -> Run:
        run = await backend.start_run(self.user, conversation_id, self.prompt)
        await self._all(backend, run)
        return run

    async def _long_run(self, backend: Backend) -> Run:
        if self.long_prompt is None:
            pytest.skip("no long_prompt was given")
        return await backend.start_run(self.user, None, self.long_prompt)


def assert_whole(events: list[RunEvent]) -> None:
    numbers = [event.seq for event in events]
    assert numbers == sorted(set(numbers)), "seq rises strictly"
    assert [isinstance(event.body, RunEnded) for event in events] == [False] * (len(events) - 1) + [True]
