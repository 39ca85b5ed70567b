"""The progress of a run, which the agent's checkpoints contain."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ...agent import Checkpoint
from .translation.waiting import Request


@dataclass
class Progress:
    """All that any process needs to continue a run.

    Attributes:
        phase: new, sending, doubt (sent, not confirmed), arrived (waits for its answer), running, waiting (for the
            user) or resuming (the user has answered).
        since: When the phase began, in seconds since 1970.
        run: The server's id of the run.
        turn: The server's id of the user's turn.
        after: The number of the last event of the server that was passed on.
        asked: How often the run has asked the user.
        request: What the run waits for.
        signed_out: Whether the process released the run because it had no token of the user.
    """

    phase: str = "new"
    since: float = field(default_factory=time.time)
    run: str = ""
    turn: str = ""
    after: int = 0
    asked: int = 0
    request: Request | None = None
    signed_out: bool = False

    @classmethod
    def read(cls, checkpoint: Any) -> Progress:
        progress = cls(**checkpoint) if isinstance(checkpoint, Mapping) else cls()
        if isinstance(progress.request, Mapping):
            progress.request = Request(**progress.request)
        return progress

    def enter(self, phase: str) -> None:
        self.phase, self.since = phase, time.time()

    @property
    def age(self) -> float:
        """Seconds since the phase began."""
        return time.time() - self.since

    def checkpoint(self, *, wait: bool = False) -> Checkpoint:
        return Checkpoint(asdict(self), wait)
