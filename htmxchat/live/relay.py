"""Follows a run for a page: by one stream, or by polling."""

from __future__ import annotations

from collections.abc import Coroutine
from dataclasses import dataclass, replace
from typing import Any

import anyio
from anyio.abc import TaskGroup

from ..backend import Backend
from ..errors import BackendUnavailable
from ..fragments.turns.context import TurnContext
from ..http.sse import Emit
from ..models import User
from .follower import Follower
from .kept import KeptPages
from .page import LivePage, Look, catch_up
from .patches import Patch, render_patches
from .rows import RowsWanted
from .stream import LiveStream
from .timing import Timing


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
        kept: What is kept for readers who poll or come back.
        timing: How long things take.
    """

    def __init__(self, backend: Backend, *, kept: KeptPages | None = None, timing: Timing | None = None) -> None:
        self._backend = backend
        self._timing = timing or Timing()
        self._kept = KeptPages() if kept is None else kept

    def stream(
        self,
        user: User,
        run_id: str,
        after: int | None,
        context: TurnContext,
        emit: Emit,
        tasks: TaskGroup,
        rows: RowsWanted | None = None,
        look: Look | None = None,
    ) -> Coroutine[Any, Any, None]:
        """Emit what changes after the event `after`, until the run ends.

        Args:
            tasks: Where what has come is shown. Cancelled when the run cannot be shown any more.
            look: Says how the scripts stand that the run proposed.
        """
        # An id here would acknowledge for rows that the page does not have.
        vouched = None if rows is not None and (rows.after or 0) < (after or 0) else after
        page, resumed = self._open(user, run_id, after, context, rows, look)
        follower = Follower(self._backend, user, run_id, after=page.view.last_seq, timing=self._timing)
        kept = self._kept, (user.id, run_id, context)
        return LiveStream(page, follower, after, emit, tasks, kept=kept, resumed=resumed).run(vouched)

    async def poll(
        self,
        user: User,
        run_id: str,
        after: int | None,
        context: TurnContext,
        rows: RowsWanted | None = None,
        look: Look | None = None,
    ) -> PollAnswer:
        """Return what changed after the event `after`, waiting up to `Timing.poll` seconds for the first change.

        It costs what is new, as long as the answer is kept. When it is not (another process, or long ago), it is folded
        again from the log.
        """
        page, _ = self._open(user, run_id, after, context, rows, look)
        seen = page.view.last_seq
        timing = replace(self._timing, patience=self._timing.poll)
        follower = Follower(self._backend, user, run_id, after=seen, timing=timing)
        caught_up, patches = seen is not None and after is not None and seen >= after, list[Patch]()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(follower.follow)
            with anyio.move_on_after(timing.poll):
                if not caught_up:
                    patches = await catch_up(page, follower, after)
                    caught_up = True
                if not patches:
                    events = await follower.take()
                    await page.look_at_queue(events)
                    patches = await page.advance(events)
            tasks.cancel_scope.cancel()
        if not patches and page.held:
            patches = await page.advance([], pause=True)
        if follower.lost is not None and not patches:
            raise BackendUnavailable(follower.lost)
        shown = page.view.last_seq if patches else after
        ended = bool(patches) and not page.view.state.live
        if patches and rows is not None:
            rows = replace(rows, after=shown)
        if caught_up:
            self._kept.keep((user.id, run_id, context), page, shown)
        return PollAnswer(render_patches(patches), shown, ended, rows)

    def _open(
        self,
        user: User,
        run_id: str,
        after: int | None,
        context: TurnContext,
        rows: RowsWanted | None,
        look: Look | None,
    ) -> tuple[LivePage, bool]:
        """Return a page that shows nothing that the reader's does not, and whether it shows anything already."""
        seen = after if after is None or rows is None else min(after, rows.after or 0)
        page = self._kept.find((user.id, run_id, context), seen, rows)
        if page is None:
            return LivePage(run_id, context, rows, look), False
        page.look = look
        return page, True
