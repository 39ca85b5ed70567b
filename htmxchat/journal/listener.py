"""Hears from the database what other processes write, where it tells."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from ..store import Notice
from ..store.listening import Listening

log = logging.getLogger("htmxchat")
_DELAYS = (0.1, 0.3, 1.0, 3.0, 10.0)


class Listener:
    """Listens again whenever it was cut off. Meanwhile anyone who wants news looks for it.

    Args:
        heard: Called with a notice and the runs that it is about, `None` for any.
        on_change: Called when hearing begins and ends; notices before may have been missed.

    Attributes:
        hearing: Whether the database tells.
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
        """Listen, until cancelled. Returns at once where the database cannot tell."""
        while self._listening.notifies:
            reason: object = "the connection was lost"
            try:
                await self._listening.listen(self._ready, self._heard)
            except Exception as error:
                reason = f"{type(error).__name__}: {error}"
            finally:
                self._change(False)
            if self._failures == 1:
                log.warning("The database does not tell what other processes write, so it is looked for: %s", reason)
            await asyncio.sleep(_DELAYS[min(self._failures, len(_DELAYS) - 1)])
            self._failures += 1

    def _ready(self) -> None:
        self._failures = 0
        self._change(True)

    def _change(self, hearing: bool) -> None:
        if hearing != self.hearing:
            self.hearing = hearing
            self._on_change()
