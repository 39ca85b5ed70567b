"""Receives the database's notifications of what other processes write."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from ..store import Notice
from ..store.listening import Listening

log = logging.getLogger("htmxchat")
_DELAYS = (0.1, 0.3, 1.0, 3.0, 10.0)


class Listener:
    """Reconnects whenever the connection is lost. Without it, readers poll.

    Args:
        heard: Called with a notice and the runs it concerns; `None` means any run.
        on_change: Called when `hearing` changes; earlier notices may have been lost.

    Attributes:
        hearing: Whether notifications arrive.
    """

    def __init__(
        self,
        listening: Listening,
        heard: Callable[[Notice, frozenset[str] | None], None],
        on_change: Callable[[], None],
    ) -> None:
        self.hearing = False
        self._listening = listening
        self._heard = heard
        self._on_change = on_change
        self._failures = 0

    async def keep(self) -> None:
        """Listen, until cancelled. Returns at once if the database cannot send notifications."""
        while self._listening.notifies:
            reason: object = "the connection was lost"
            try:
                await self._listening.listen(self._ready, self._heard)
            except Exception as error:
                reason = f"{type(error).__name__}: {error}"
            finally:
                self._change(False)
            if self._failures == 1:
                log.warning("No notifications arrive from the database, so it is polled: %s", reason)
            await asyncio.sleep(_DELAYS[min(self._failures, len(_DELAYS) - 1)])
            self._failures += 1

    def _ready(self) -> None:
        self._failures = 0
        self._change(True)

    def _change(self, hearing: bool) -> None:
        if hearing != self.hearing:
            self.hearing = hearing
            self._on_change()
