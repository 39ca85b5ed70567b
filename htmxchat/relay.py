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

The inspector's rows ride on the same stream, when the page asks for them with `rows=`, the last event that its rows
show. They obey law 4 by one rule: a message vouches for both, the turn and the rows, up to its id. So

- a page whose first connection asks with `after=A&rows=R` gets the turn after A and the rows after R;
- one that connects again with `Last-Event-ID: L` has all rows up to L too: it gets those after the larger of R and L;
- the empty first message, which vouches for nothing new, has an id only when R is not behind it;
- rows of text that is held back (law 3) are held back with it;
- a page that has paused gets no rows but their number, counted from R whatever it saw of the turn; it goes on by asking
  again with the same R. Nothing is lost or said twice, because R only moves with rows.

A page that does not ask gets no bytes about rows. One that is far behind gets the last 200 and the way to the others.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace

import anyio
from anyio.abc import TaskGroup

from .backend import Backend
from .errors import BackendUnavailable
from .follower import Follower
from .fragments.turn_context import TurnContext
from .live_page import LivePage, catch_up
from .live_rows import RowsWanted
from .live_stream import LiveStream
from .models import User
from .patches import Patch, render_patches
from .sse import Emit, ServerSentEvent

_POLL_WAIT = 2.0
_POLLERS = 64


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
        self._pollers: OrderedDict[tuple[str, str, int | None, RowsWanted | None], LivePage] = OrderedDict()

    async def stream(
        self,
        user: User,
        run_id: str,
        after: int | None,
        context: TurnContext,
        emit: Emit,
        tasks: TaskGroup,
        rows: RowsWanted | None = None,
    ) -> None:
        """Emit what changes after the event `after`, until the run ends.

        Args:
            tasks: Where what has come is shown. Cancelled when the run cannot be shown any more.
        """
        # An id here would vouch for rows that the page does not have.
        vouched = None if rows is not None and (rows.after or 0) < (after or 0) else after
        # Shows the page that the stream gets through, before there is anything to say.
        await emit(ServerSentEvent(id=None if vouched is None else str(vouched)))
        follower = Follower(self._backend, user, run_id, after=None, patience=self._patience)
        await LiveStream(LivePage(run_id, context, rows), follower, after, emit, tasks).run()

    async def poll(
        self, user: User, run_id: str, after: int | None, context: TurnContext, rows: RowsWanted | None = None
    ) -> PollAnswer:
        """Return what changed after the event `after`, waiting up to two seconds for the first change.

        The turn of the last poll is kept, so that a poll costs what is new. When it is not there (another process, or
        long ago), it is folded again from the log.
        """
        kept = self._pollers.pop((user.id, run_id, after, rows), None)
        turn = kept or LivePage(run_id, context, rows)
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
            self._keep((user.id, run_id, shown, rows), turn)
        return PollAnswer(render_patches(patches), shown, ended, rows)

    def _keep(self, key: tuple[str, str, int | None, RowsWanted | None], turn: LivePage) -> None:
        self._pollers[key] = turn
        while len(self._pollers) > _POLLERS:
            self._pollers.popitem(last=False)
