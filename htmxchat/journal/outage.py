"""Records whether the database is unreachable, for all writers of this process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

_DELAY = 0.3


class Outage:
    """Records failures and successes. Failures for longer than 0.3 seconds are an outage.

    Args:
        on_change: Called when an outage begins and when it ends.

    Attributes:
        begun: Whether there is an outage.
    """

    def __init__(self, on_change: Callable[[], None]) -> None:
        self.begun = False
        self._on_change = on_change
        self._since: float | None = None

    @property
    def suspected(self) -> bool:
        """Whether the last access failed."""
        return self._since is not None

    def failed(self) -> None:
        """The database could not be reached, or does not answer."""
        now = asyncio.get_running_loop().time()
        self._since = self._since or now
        if now - self._since >= _DELAY and not self.begun:
            self.begun = True
            self._on_change()

    def over(self) -> None:
        """An access succeeded."""
        self._since = None
        if self.begun:
            self.begun = False
            self._on_change()
