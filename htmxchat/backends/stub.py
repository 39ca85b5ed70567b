"""The demo: `LocalBackend` with a scripted agent."""

from __future__ import annotations

from functools import partial

from .. import checks
from ..agents.stub import STARTERS, respond_stub
from ..journal import Timing
from ..store import Store
from .local import LocalBackend


class StubBackend(LocalBackend):
    """A complete backend that needs no model: one deterministic answer for each of its starters.

    Args:
        store: As for `LocalBackend`.
        pace: Seconds between two words; the slow answer takes 25 times as long.
    """

    def __init__(self, store: Store | None = None, *, pace: float = 0.02) -> None:
        checks.seconds("pace", pace, zero=True)
        # A scripted answer need not finish at a shutdown.
        timing = Timing(finish=0)
        super().__init__(partial(respond_stub, pace=pace), store, starters=STARTERS, timing=timing)
