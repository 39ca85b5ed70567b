"""Run events -> frames for the browser: the streaming law.

1. One stream carries a turn; the turn itself opens it.
2. Messages are unnamed and hold self-addressed fragments; one named event, `end`, closes the connection. `id:` is the
   seq of the last event folded in.
3. Settled blocks are sent once; only the open block changes. Events within one frame become one message.
4. A reader resumes after the last id it saw. Without one, or with one the run does not know, the turn is drawn anew.
5. A finished run answers with its final turn and `end`.
6. A backend that fails is read again from the last seq. When that does not help, the turn says so and the stream ends.
7. A reader that leaves is closed at once; the run does not notice (`htmxchat.sse`).
8. Polling obeys the same law with the same fold.
"""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from dataclasses import dataclass

import anyio

from .backend import Backend
from .errors import BackendUnavailable
from .events import RunEvent
from .follower import Follower
from .fragments.transcript import TurnContext
from .live_turn import LiveTurn
from .models import User
from .patches import Patch, render_patches
from .sse import Emit, ServerSentEvent

_log = logging.getLogger("htmxchat")

_FRAME = 0.04
_REST = 10
_PAUSE = 0.25
_BACKLOG = 0.5
_POLL_WAIT = 2.0
_POLLERS = 64


@dataclass(frozen=True, slots=True)
class PollAnswer:
    """What changed since the last poll.

    Attributes:
        html: Fragments for the page; empty when nothing changed.
        after: The seq to ask from next time.
        ended: Whether the run has ended, so that no next time is needed.
    """

    html: str
    after: int | None
    ended: bool


class Relay:
    """Turns runs into what the browser understands.

    Args:
        patience: For how many seconds a failing backend is tried again.
    """

    def __init__(self, backend: Backend, *, patience: float = 30.0) -> None:
        self._backend = backend
        self._patience = patience
        self._pollers: OrderedDict[tuple[str, str, int | None], LiveTurn] = OrderedDict()

    async def stream(self, user: User, run_id: str, after: int | None, context: TurnContext, emit: Emit) -> None:
        """Emit what changes after the event `after`, until the run ends."""
        turn = LiveTurn(run_id, context)
        try:
            await self._stream(turn, user, run_id, after, emit)
        except Exception:
            # Nothing escapes after the headers: the browser would connect again, and fail again, for ever.
            _log.exception("Run %s could not be shown", run_id)
            await emit(ServerSentEvent(render_patches(turn.lost("This answer cannot be shown."))))
            await emit(ServerSentEvent(turn.view.state.value, event="end"))

    async def _stream(self, turn: LiveTurn, user: User, run_id: str, after: int | None, emit: Emit) -> None:
        follower = Follower(self._backend, user, run_id, after=None, patience=self._patience)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(follower.follow)
            # Shows the page that the stream gets through, before there is anything to say.
            await emit(ServerSentEvent(id=None if after is None else str(after)))
            patches, cost = await _catch_up(turn, follower, after), 0.0
            while True:
                if patches:
                    await emit(ServerSentEvent(render_patches(patches), id=str(turn.view.last_seq)))
                if follower.lost is not None:
                    await emit(ServerSentEvent(render_patches(turn.lost(follower.lost))))
                if follower.lost is not None or not turn.view.state.live:
                    await emit(ServerSentEvent(turn.view.state.value, event="end"))
                    break
                # What is dear to draw is drawn less often, so that no answer takes the server from other people.
                await anyio.sleep(max(_FRAME, _REST * cost))
                events = await follower.take(_PAUSE if turn.held else None)
                began = time.perf_counter()
                patches = turn.advance(events, pause=not events)
                cost = time.perf_counter() - began
            tasks.cancel_scope.cancel()

    async def poll(self, user: User, run_id: str, after: int | None, context: TurnContext) -> PollAnswer:
        """Return what changed after the event `after`, waiting up to two seconds for the first change.

        The turn of the last poll is kept, so that a poll costs what is new. When it is not there (another process, or
        long ago), it is folded again from the log.
        """
        kept = self._pollers.pop((user.id, run_id, after), None)
        turn = kept or LiveTurn(run_id, context)
        follower = Follower(self._backend, user, run_id, after=turn.view.last_seq, patience=_POLL_WAIT)
        caught_up, patches = kept is not None, list[Patch]()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(follower.follow)
            with anyio.move_on_after(_POLL_WAIT):
                if not caught_up:
                    patches = await _catch_up(turn, follower, after)
                    caught_up = True
                if not patches:
                    patches = turn.advance(await follower.take())
            tasks.cancel_scope.cancel()
        if not patches and turn.held:
            patches = turn.advance([], pause=True)
        if follower.lost is not None and not patches:
            raise BackendUnavailable(follower.lost)
        shown = turn.view.last_seq if patches else after
        ended = bool(patches) and not turn.view.state.live
        if caught_up and not ended:
            self._keep(user, run_id, shown, turn)
        return PollAnswer(render_patches(patches), shown, ended)

    def _keep(self, user: User, run_id: str, shown: int | None, turn: LiveTurn) -> None:
        self._pollers[user.id, run_id, shown] = turn
        while len(self._pollers) > _POLLERS:
            self._pollers.popitem(last=False)


async def _catch_up(turn: LiveTurn, follower: Follower, after: int | None) -> list[Patch]:
    """Fold what the reader has seen, and return what it has not: all of it, when `after` is not an event of the run."""
    if after is None:
        turn.advance(await follower.take())
        return turn.redraw()
    patient_until = anyio.current_time() + 4 * _BACKLOG
    while True:
        events = await follower.take(_BACKLOG)
        seen = [event for event in events if event.seq <= after]
        turn.advance(seen)
        fresh: list[RunEvent] = events[len(seen) :]
        if turn.view.last_seq == after and turn.view.state.live:
            turn.advance([], pause=True)
            return turn.advance(fresh)
        waited = not events or anyio.current_time() > patient_until
        if fresh or follower.done or (waited and turn.view.last_seq is not None):
            turn.advance(fresh)
            return turn.redraw()
