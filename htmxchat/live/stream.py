"""One reader's live stream: what has come is shown frame by frame, until the run ends."""

from __future__ import annotations

import logging

import anyio
from anyio.abc import TaskGroup

from ..http.sse import Emit, ServerSentEvent
from .follower import Follower
from .kept import KeptPages, PageKey
from .page import LivePage, catch_up
from .patches import render_patches

_log = logging.getLogger("htmxchat")

_REST = 10
DELAYED = "The answer is delayed: it cannot be read or saved right now. It will continue on its own."


class LiveStream:
    """Follows a run and shows it.

    The caller of `run` reads the run; a task of its own shows what has come, and is there only while there is something
    to show. Thousands of streams are idle at a time, and a task that waits would cost each of them six kilobytes.

    Args:
        after: The last event that the page shows.
        tasks: Where the task runs. Cancelled when the run cannot be shown any more.
        kept: Where the page is kept for a reader who comes back, and its key there.
        resumed: Whether the page comes from there.
    """

    def __init__(
        self,
        page: LivePage,
        follower: Follower,
        after: int | None,
        emit: Emit,
        tasks: TaskGroup,
        *,
        kept: tuple[KeptPages, PageKey],
        resumed: bool,
    ) -> None:
        self._page = page
        self._follower = follower
        self._after = after
        self._emit = emit
        self._tasks = tasks
        self._kept, self._key = kept
        self._resumed = resumed
        self._caught_up = False  # whether the reader has what came before it
        self._showing = False
        self._ended: anyio.Event | None = None
        self._over = False

    async def run(self, acknowledged: int | None) -> None:
        """Return when the page has been told that the run has ended, or when another process has to tell it.

        Args:
            acknowledged: The id of the first message, which shows the page that the stream gets through before there
                is anything to say.
        """
        await self._emit(ServerSentEvent(id=None if acknowledged is None else str(acknowledged)))
        try:
            await self._follower.follow(self._wake)
            if self._follower.moved:
                self._tasks.cancel_scope.cancel()
            if not self._over:
                self._ended = anyio.Event()
                await self._ended.wait()
        finally:
            if self._resumed or self._caught_up:
                self._kept.keep(self._key, self._page)

    def _wake(self) -> None:
        if not self._showing and not self._over:
            self._showing = True
            self._tasks.start_soon(self._show)

    async def _show(self) -> None:
        try:
            self._over = await self._draw_frames()
        except Exception:
            # Nothing escapes after the headers: the browser would connect again, and fail again, for ever.
            _log.exception("Run %s could not be shown", self._page.run_id)
            await self._say_lost("This answer cannot be shown.")
            self._tasks.cancel_scope.cancel()
        self._showing = False
        if self._over and self._ended is not None:
            self._ended.set()

    async def _draw_frames(self) -> bool:
        """Show what comes until nothing more is there; return whether the run has ended."""
        page, follower, timing = self._page, self._follower, self._follower.timing
        if follower.troubled:
            await self._tell_trouble()
        if self._caught_up:
            events = await follower.take() if follower.waiting else []
            await page.look_at_queue(events)
            patches = await page.advance(events) if events else []
        else:
            patches = await catch_up(page, follower, self._after)
            self._caught_up = True
        while True:
            if patches:
                await self._emit(ServerSentEvent(render_patches(patches), id=str(page.view.last_seq)))
                self._kept.keep_copy(self._key, page, timing.copy)
            if follower.moved:
                return False  # Another process continues: the page connects to it, and is told nothing.
            if follower.lost is not None:
                await self._say_lost(follower.lost)
                return True
            if not page.view.state.live:
                await self._say_end()
                return True
            # What is expensive to draw is drawn less often, so that no answer takes the server from other people.
            await anyio.sleep(max(timing.frame, _REST * page.cost))
            if not follower.waiting and not page.held:
                return False
            events = await follower.take(timing.pause)
            await page.look_at_queue(events)
            patches = await page.advance(events, pause=not events)

    async def _tell_trouble(self) -> None:
        """Say that the answer is delayed, and when it is not any more. That is no part of the turn, and has no id."""
        await self._emit(ServerSentEvent(DELAYED, event="delayed"))
        while self._follower.troubled and not self._follower.waiting:  # noqa: ASYNC110
            await anyio.sleep(self._follower.timing.pause)
        if not self._follower.waiting:
            await self._emit(ServerSentEvent())

    async def _say_lost(self, sentence: str) -> None:
        await self._emit(ServerSentEvent(render_patches(self._page.lost(sentence, gone=self._follower.gone))))
        await self._say_end()

    async def _say_end(self) -> None:
        await self._emit(ServerSentEvent(self._page.view.state.value, event="end"))
