"""The events that a run has now, for endpoints that do not follow it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing

from ..events import RunEvent
from ..inspection import Ordinals
from ..live.reading import each_of
from ..models import RunSummary, Transcript
from ..view import fold
from .call import Call


async def run_log(call: Call, *, through: int | None = None) -> list[RunEvent]:
    """Return a run's events: all when it has ended, else those so far.

    Args:
        through: Only those up to the end of this row.
    """
    return await call.backend.ask(_collect(call, through))


async def each_event(call: Call) -> AsyncGenerator[RunEvent, None]:
    """Yield a run's events as the backend reads them: all when it has ended, else those so far."""
    run = call.run
    if run.state.live:
        # The log of an active run does not end. The transcript has what is known of it, at once.
        transcript = await call.transcript()
        for turn in transcript.turns:
            if turn.id == run.id:
                for event in turn.events:
                    yield event
                return
    async with aclosing(each_of(await call.backend.run_events(run.id))) as events:
        async for event in events:
            yield event


async def _collect(call: Call, through: int | None) -> list[RunEvent]:
    found: list[RunEvent] = []
    ordinals = Ordinals()
    async with aclosing(each_event(call)) as events:
        async for event in events:
            if through is not None and ordinals.add(event) > through:
                break
            found.append(event)
    return found


def run_summaries(transcript: Transcript, workflows: Mapping[str, str] | None = None) -> list[RunSummary]:
    """Return the runs that a transcript tells of, latest first.

    Args:
        workflows: What the backend calls the programs that ran, by the runs' ids.
    """
    found: list[RunSummary] = []
    question = ""
    for turn in transcript.turns:
        if turn.run is None:
            question = turn.text
        else:
            workflow = (workflows or {}).get(turn.run.id, "")
            view = fold(turn.events)
            found.append(RunSummary(turn.run, question, view.ended_at, workflow, view.waiting))
    return found[::-1]
