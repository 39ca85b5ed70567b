"""The live runs that this process watches."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Literal

from ...errors import ChatError
from .live_run import LiveRun
from .run_memory import KnownRun, RunMemory
from .timing import Timing

if TYPE_CHECKING:
    from .client import Client

_MOST_IDLE = 100


class LiveRuns:
    """One `LiveRun` a run, made when somebody asks for it, and kept for a while so that nothing is read twice."""

    def __init__(self, client: Client, memory: RunMemory, timing: Timing, stream: Literal["sse", "poll"]) -> None:
        self._client = client
        self._memory = memory
        self._timing = timing
        self._stream: Literal["sse", "poll"] = stream
        self._live: dict[str, LiveRun] = {}

    def get(self, known: KnownRun, token: str) -> LiveRun:
        """Return the live run; from now on it reads with this token."""
        live = self._live.get(known.run.id)
        if live is None:
            self._forget()
            live = LiveRun(known, self._client, self._memory, self._timing, self._stream)
            self._live[known.run.id] = live
        live.token = token
        return live

    async def look_at(self, known: KnownRun, token: str) -> LiveRun:
        """Return a live run with the events that it has by now."""
        live = self.get(known, token)
        await live.glance(self._timing.glance)
        return live

    async def close(self, failure: ChatError) -> None:
        """End all reading; readers get `failure`. The runs go on."""
        lives = list(self._live.values())
        self._live.clear()
        for live in lives:
            await live.close(failure)
        resuming = {live.resuming for live in lives if live.resuming is not None}
        if resuming:
            await asyncio.wait(resuming, timeout=self._timing.glance)
        for task in resuming:
            task.cancel()

    def _forget(self) -> None:
        idle = [id for id, live in self._live.items() if live.idle]
        for number, id in enumerate(idle):
            if self._live[id].done or len(idle) - number > _MOST_IDLE:
                del self._live[id]
