"""How a page follows a run: by one stream, or by polling."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import TypeAlias

import anyio
from anyio.abc import TaskGroup

from ..backend import Backend
from ..errors import BackendUnavailable
from ..fragments.turn_context import TurnContext
from ..models import User
from ..patches import Patch, render_patches
from ..sse import Emit, ServerSentEvent
from .follower import Follower
from .page import LivePage, Look, catch_up
from .rows import RowsWanted
from .stream import LiveStream

_POLL_WAIT = 2.0
_POLLERS = 64

# With what it was drawn: the user may have lost the right to inspect, or come by another proxy.
_PollKey: TypeAlias = tuple[str, str, int | None, RowsWanted | None, TurnContext]


@dataclass(frozen=True, slots=True)
class PollAnswer:
    """What changed since the last poll.

    Attributes:
        html: Fragments for the page; empty when nothing changed.
        after: The seq to ask from next time.
        ended: Whether the run has ended, so that no next time is needed.
        rows: Which rows to ask for next time.
    """

    html: str
    after: int | None
    ended: bool
    rows: RowsWanted | None = None


class Relay:
    """Turns runs into what the browser understands.

    Args:
        patience: For how many seconds a failing backend is tried again.
    """

    def __init__(self, backend: Backend, *, patience: float = 30.0) -> None:
        self._backend = backend
        self._patience = patience
        self._pollers: OrderedDict[_PollKey, LivePage] = OrderedDict()

    async def stream(
        self,
        user: User,
        run_id: str,
        after: int | None,
        context: TurnContext,
        emit: Emit,
        tasks: TaskGroup,
        rows: RowsWanted | None = None,
        look: Look | None = None,
    ) -> None:
        """Emit what changes after the event `after`, until the run ends.

        Args:
            tasks: Where what has come is shown. Cancelled when the run cannot be shown any more.
            look: Brings a view up to date with the queue of scripts.
        """
        # An id here would vouch for rows that the page does not have.
        vouched = None if rows is not None and (rows.after or 0) < (after or 0) else after
        # Shows the page that the stream gets through, before there is anything to say.
        await emit(ServerSentEvent(id=None if vouched is None else str(vouched)))
        follower = Follower(self._backend, user, run_id, after=None, patience=self._patience)
        await LiveStream(LivePage(run_id, context, rows, look), follower, after, emit, tasks).run()

    async def poll(
        self,
        user: User,
        run_id: str,
        after: int | None,
        context: TurnContext,
        rows: RowsWanted | None = None,
        look: Look | None = None,
    ) -> PollAnswer:
        """Return what changed after the event `after`, waiting up to two seconds for the first change.

        The turn of the last poll is kept, so that a poll costs what is new. When it is not there (another process, or
        long ago), it is folded again from the log.
        """
        kept = self._pollers.pop((user.id, run_id, after, rows, context), None)
        turn = kept or LivePage(run_id, context, rows, look)
        follower = Follower(self._backend, user, run_id, after=turn.view.last_seq, patience=_POLL_WAIT)
        caught_up, patches = kept is not None, list[Patch]()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(follower.follow)
            with anyio.move_on_after(_POLL_WAIT):
                if not caught_up:
                    patches = await catch_up(turn, follower, after)
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
        if patches and rows is not None and not rows.paused:
            rows = replace(rows, after=shown)
        if caught_up and not ended:
            self._keep((user.id, run_id, shown, rows, context), turn)
        return PollAnswer(render_patches(patches), shown, ended, rows)

    def _keep(self, key: _PollKey, turn: LivePage) -> None:
        self._pollers[key] = turn
        while len(self._pollers) > _POLLERS:
            self._pollers.popitem(last=False)
