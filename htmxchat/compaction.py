"""Shortens a log without changing what it shows. Standard library only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from .events import ReasoningDelta, RunEvent, TextDelta


def compact(events: Iterable[RunEvent]) -> tuple[RunEvent, ...]:
    """Return a shorter log that folds to the same view: consecutive deltas are joined."""
    compacted: list[RunEvent] = []
    deltas: list[RunEvent] = []
    for event in events:
        is_delta = isinstance(event.body, TextDelta | ReasoningDelta)
        if deltas and type(deltas[0].body) is not type(event.body):
            compacted.append(_joined(deltas))
            deltas = []
        (deltas if is_delta else compacted).append(event)
    if deltas:
        compacted.append(_joined(deltas))
    return tuple(compacted)


def _joined(deltas: list[RunEvent]) -> RunEvent:
    bodies = [delta.body for delta in deltas if isinstance(delta.body, TextDelta | ReasoningDelta)]
    body = type(bodies[0])("".join(each.text for each in bodies))
    return replace(deltas[0], seq=deltas[-1].seq, body=body)
