"""A column with what a run waits for, so that a list of conversations needs one query."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, and_, case

from ..models import RunState, Waiting
from ..scripts.result import ScriptState


def standing_of(state: Any, waits: ColumnElement[bool], script: Any, *, asks: Any) -> ColumnElement[str]:
    """Return a column with a run's state or with what it waits for; `parse_standing` decodes it.

    Args:
        state: The column with the run's state.
        waits: The condition that it waits for something.
        script: The column with the state of the script that it waits for; NULL without one.
        asks: The condition that it waits for an answer and not for a script.
    """
    by_script = case({each.value: Waiting.for_script(each).value for each in ScriptState}, value=script)
    live = and_(waits, state == RunState.RUNNING.value)
    return case(
        (and_(waits, asks, state.in_([RunState.RUNNING.value, RunState.SUSPENDED.value])), Waiting.ANSWER.value),
        (and_(live, script.is_(None)), Waiting.APPROVAL.value),
        (live, by_script),
        else_=state,
    )


def parse_standing(value: str | None) -> tuple[RunState | None, Waiting | None]:
    """Return a run's state, and what it waits for."""
    if value is None:
        return None, None
    if value in _WAITING:
        waiting = Waiting(value)
        return waiting.state, waiting
    return RunState(value), None


_WAITING = frozenset(Waiting)
