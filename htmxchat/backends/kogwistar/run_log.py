"""What one live run has said so far: shown to readers here, kept in the store when it waits or ends."""

from __future__ import annotations

import asyncio
import math
from dataclasses import replace
from typing import TYPE_CHECKING

from ...errors import NotFound
from ...events import EventBody, InputRequested, RunEvent, StageChanged
from .broadcast import Broadcast
from .inquiry import gather
from .mapping import Translator
from .outcome import conclude
from .replies import ServerRun
from .run_memory import KnownRun, RunMemory
from .timing import Timing

if TYPE_CHECKING:
    from .client import Client


class RunLog(Broadcast):
    """The events of a live run: the server's, and what only this side knows.

    Nobody sees the end, or a question to the user, before it is in the store.

    Attributes:
        token: Of whoever asked last; all readers are the same user.
        known: The run as the store knows it, less its events.
    """

    def __init__(self, known: KnownRun, client: Client, memory: RunMemory, timing: Timing) -> None:
        super().__init__()
        self.id = known.run.id
        self.workflow = known.workflow
        self.token = ""
        self.known = known
        self._client = client
        self._memory = memory
        self._timing = timing
        self._take(known)

    def own(self, body: EventBody) -> RunEvent:
        """Return an event of this side, to be put after what there is."""
        return self.translator.own(body, self.events[-1] if self.events else None)

    async def sync(self) -> bool:
        """Take over what the store knows by now. Returns whether the run has ended, or has gone on, elsewhere."""
        known = await self._memory.look(self.id)
        if known is None:
            raise NotFound
        moved = known.phase != self.known.phase
        if moved and (known.ended or known.phase != "running"):
            self._take(known)
            self.announce()
        self.known = replace(known, events=())
        return moved

    async def until_moved(self, seconds: float = math.inf) -> None:
        """Wait until the run's phase has changed, here or elsewhere, or for some seconds."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while True:
            if await self.sync() or loop.time() >= deadline:
                return
            await asyncio.sleep(self._timing.tick)

    async def end(self, bodies: list[EventBody], assistant_turn_id: str = "") -> None:
        """End the run with these events; if somebody else has ended it, as they did."""
        last = [self.own(body) for body in bodies]
        if await self._memory.end(self.id, [*self.events, *last], assistant_turn_id):
            self.done = True
            self.append(last)
        else:
            await self.sync()

    async def conclude(self, run: ServerRun, *, remark: str = "") -> None:
        """Say what has become of a run that is over, as far as the server is concerned.

        Args:
            remark: What is said before a question to the user.
        """
        facts = await gather(self._client, self.token, run, self.translator.text, self.events)
        bodies, request = conclude(facts)
        if request is None:
            await self.end(bodies, facts.run.assistant_turn_id)
            return
        asked = [self.own(_remarked(body, remark)) for body in bodies]
        if await self._memory.wait(self.id, self.known.phase, request, [*self.events, *asked]):
            self.append(asked)
        await self.sync()

    def _take(self, known: KnownRun) -> None:
        if known.events:
            self.events = list(known.events)
        self.translator = Translator(self.events)
        self.done = known.ended
        self._over = None


def _remarked(body: EventBody, remark: str) -> EventBody:
    if isinstance(body, InputRequested):
        return replace(body, prompt=remark + body.prompt)
    return replace(body, name=remark + body.name) if isinstance(body, StageChanged) else body
