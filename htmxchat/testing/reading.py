"""Reads a run's events in a test."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from .. import checks
from ..backend import Backend
from ..events import RunEvent
from ..live.reading import each_of, read_run
from ..models import User


def each_event(
    backend: Backend, user: User, run_id: str, *, after: int | None = None
) -> AsyncGenerator[RunEvent, None]:
    """Yield what `backend.run_events` yields, one event at a time."""
    if isinstance(backend, type) or not isinstance(backend, Backend):
        raise TypeError(f"backend must be a Backend, LocalBackend(respond), not {checks.kind(backend)}.")
    checks.instance("user", user, User, 'User("ann")')
    checks.text("run_id", run_id, empty=False)
    if after is not None:
        checks.whole("after", after)
    return each_of(read_run(backend, user, run_id, after))
