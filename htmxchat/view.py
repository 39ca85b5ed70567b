"""What a person sees of a run: one pure fold over its events.

The live stream, a reload, polling, history and export all render the same `RunView`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeAlias

from . import checks
from .events import (
    JSON,
    InputAnswered,
    InputRequested,
    Outcome,
    ReasoningDelta,
    RunEnded,
    RunEvent,
    RunStopping,
    ScriptFinished,
    ScriptProposed,
    Source,
    SourcesFound,
    StageChanged,
    TextDelta,
    TextReplaced,
    ToolFinished,
    ToolStarted,
    UsageReported,
)
from .models import RunState, RunSummary, Transcript, Waiting
from .scripts.models import Script
from .scripts.result import ScriptState


@dataclass(frozen=True, slots=True)
class Reasoning:
    """A stretch of reasoning."""

    text: str
    started_at: datetime
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool call. `state` is running, completed or failed; cancelled when the run ended first.

    Attributes:
        problem: What one that failed gave back.
    """

    call_id: str
    name: str
    summary: str
    arguments: JSON
    started_at: datetime
    state: RunState = RunState.RUNNING
    found: str = ""
    ended_at: datetime | None = None
    problem: JSON = None


Step: TypeAlias = Reasoning | ToolCall


@dataclass(frozen=True, slots=True)
class RunView:
    """Everything that a run shows.

    Attributes:
        text: The answer so far, Markdown.
        stage: What the agent does now; `None` when it said nothing or is done.
        steps: Reasoning and tool calls, in order.
        scripts: What the agent proposed to run.
        finished: What became of these, so far as the run was told; of one that ran again, the last.
        request: What the agent waits for.
        unanswered: What it waited for when the run ended.
        last_seq: The number of the last event folded in.
        queue: What the queue says of the scripts, by their ids, where that is newer than the log; see `with_queue`.
    """

    state: RunState = RunState.QUEUED
    text: str = ""
    stage: str | None = None
    steps: tuple[Step, ...] = ()
    sources: tuple[Source, ...] = ()
    scripts: tuple[ScriptProposed, ...] = ()
    finished: tuple[ScriptFinished, ...] = ()
    request: InputRequested | None = None
    unanswered: InputRequested | None = None
    usage: UsageReported | None = None
    error: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    last_seq: int | None = None
    queue: Mapping[str, ScriptState] = field(default_factory=dict)

    @property
    def awaited_script(self) -> ScriptProposed | None:
        """The script whose result the run waits for."""
        over = {each.script_id for each in self.finished}
        waiting = (each for each in self.scripts if each.awaited and each.script_id not in over)
        return next(waiting, None) if self.state.live else None

    @property
    def waiting(self) -> Waiting | None:
        """What the run waits for, if it does. One that is being stopped waits for nothing."""
        if self.state is RunState.STOPPING:
            return None
        if self.request is not None:
            return Waiting.ANSWER
        script = self.awaited_script
        return Waiting.for_script(self.script_state(script)) if script else None

    def script_state(self, script: ScriptProposed) -> ScriptState:
        """Return where a script is that the agent proposed."""
        return next(self._script_states([script]))

    def script_states(self) -> Iterator[ScriptState]:
        """Yield where each of the scripts is."""
        return self._script_states(self.scripts)

    def _script_states(self, scripts: Iterable[ScriptProposed]) -> Iterator[ScriptState]:
        told = {each.script_id: each.state for each in self.finished}
        for script in scripts:
            if script.script_id in self.queue:
                yield self.queue[script.script_id]
            elif script.script_id in told:
                yield told[script.script_id]
            else:
                # What a run that is over waited for is withdrawn.
                yield ScriptState.QUEUED if self.state.live or not script.awaited else ScriptState.CANCELLED


def fold(events: Iterable[RunEvent], view: RunView | None = None) -> RunView:
    """Return `view` (or an empty one) after `events`.

    The state only moves forward: nothing changes once the run has ended, and an event that was folded before is
    skipped. Folding a log in pieces gives the same view as folding it at once. The cost is linear in the events.
    """
    if not isinstance(events, Iterable):
        raise TypeError(f"events is a list of RunEvent, [event async for event in …], not {checks.kind(events)}.")
    if view is not None:
        checks.instance("view", view, RunView, "what fold returned before")
    draft = _Draft(view or RunView())
    for event in events:
        if not isinstance(event, RunEvent):
            checks.instance("each of events", event, RunEvent, "with a number and a time")
        draft.add(event)
    return draft.view()


def with_queue(view: RunView, run_id: str, queue: Iterable[Script]) -> RunView:
    """Return `view` with what the queue says now of the scripts that the run proposed."""
    mine = {each.proposal: each.state for each in queue if each.run_id == run_id and each.proposal}
    return replace(view, queue=mine)


def compact(events: Iterable[RunEvent]) -> tuple[RunEvent, ...]:
    """Return a shorter log that folds to the same view: neighbouring deltas become one."""
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


def _joined(deltas: list[RunEvent]) -> RunEvent:
    bodies = [delta.body for delta in deltas if isinstance(delta.body, TextDelta | ReasoningDelta)]
    body = type(bodies[0])("".join(each.text for each in bodies))
    return replace(deltas[0], seq=deltas[-1].seq, body=body)


class _Draft:
    """A view under construction. Text is joined once and the view built once, so a log costs what it is long."""

    def __init__(self, view: RunView) -> None:
        self._view = view
        self._state = view.state
        self._seq = view.last_seq
        self._steps: list[Step] = []
        # Where the calls are: by their ids, and those without one that are not finished.
        self._calls: dict[str, int] = {}
        self._unnamed: deque[int] = deque()
        for step in view.steps:
            self._add_step(step)
        self._sources = list(view.sources)
        self._scripts = {script.script_id: script for script in view.scripts}
        self._finished = {result.script_id: result for result in view.finished}
        self._queue = dict(view.queue)
        self._text = [view.text]
        self._thoughts: list[str] = []
        self._changes: dict[str, Any] = {}

    def view(self) -> RunView:
        self._join_thoughts()
        return replace(
            self._view,
            state=self._state,
            text="".join(self._text),
            steps=tuple(self._steps),
            sources=tuple(self._sources),
            scripts=tuple(self._scripts.values()),
            finished=tuple(self._finished.values()),
            queue=self._queue,
            last_seq=self._seq,
            **self._changes,
        )

    def add(self, event: RunEvent) -> None:
        if not self._state.live or (self._seq is not None and event.seq <= self._seq):
            return
        self._seq = event.seq
        if self._state is RunState.QUEUED:
            self._state = RunState.RUNNING
            self._changes["started_at"] = event.at
        if not isinstance(event.body, ReasoningDelta):
            self._end_reasoning(event.at)
        self._apply(event)

    def _apply(self, event: RunEvent) -> None:
        match event.body:
            case TextDelta(text=text):
                self._text.append(text)
            case ReasoningDelta(text=text):
                self._reason(text, event.at)
            case TextReplaced(text=text):
                self._text = [text]
            case RunStopping():
                self._state = RunState.STOPPING
            case StageChanged(name=name):
                self._changes["stage"] = name
            case ToolStarted() as started:
                self._start_tool(started, event.at)
            case ToolFinished() as finished:
                self._finish_tool(finished, event.at)
            case SourcesFound(sources=sources):
                self._sources += sources
            case ScriptProposed() as script:
                # One that is proposed again is the one that is in the queue already.
                self._scripts.setdefault(script.script_id, script)
            case ScriptFinished() as result:
                self._queue.pop(result.script_id, None)
                self._finished.pop(result.script_id, None)
                self._finished[result.script_id] = result
            case InputRequested() as request:
                self._changes["request"] = request
            case InputAnswered():
                self._changes["request"] = None
            case UsageReported() as usage:
                self._changes["usage"] = usage
            case RunEnded(outcome=outcome, error=error):
                self._end(outcome, error, event.at)

    def _reason(self, text: str, at: datetime) -> None:
        last = self._steps[-1] if self._steps else None
        if not (isinstance(last, Reasoning) and last.ended_at is None):
            self._add_step(Reasoning("", started_at=at))
        self._thoughts.append(text)

    def _join_thoughts(self) -> None:
        if self._thoughts:
            last = self._steps[-1]
            assert isinstance(last, Reasoning)
            self._steps[-1] = replace(last, text=last.text + "".join(self._thoughts))
            self._thoughts.clear()

    def _end_reasoning(self, at: datetime) -> None:
        last = self._steps[-1] if self._steps else None
        if isinstance(last, Reasoning) and last.ended_at is None:
            self._join_thoughts()
            self._steps[-1] = replace(self._steps[-1], ended_at=at)

    def _start_tool(self, started: ToolStarted, at: datetime) -> None:
        """Add a call, or bring the one that has this id up to date: agents repeat a call that had to be approved."""
        call = ToolCall(started.call_id, started.name, started.summary, started.arguments, started_at=at)
        place = self._calls.get(started.call_id)
        if place is None:
            self._add_step(call)
            return
        before = self._steps[place]
        assert isinstance(before, ToolCall)
        self._steps[place] = call if before.ended_at else replace(call, started_at=before.started_at)

    def _finish_tool(self, finished: ToolFinished, at: datetime) -> None:
        if finished.call_id:
            place = self._calls.get(finished.call_id)
        else:
            place = self._unnamed.popleft() if self._unnamed else None
        if place is None:
            return
        call = self._steps[place]
        assert isinstance(call, ToolCall)
        state = RunState.FAILED if finished.failed else RunState.COMPLETED
        problem = finished.result if finished.failed else None
        self._steps[place] = replace(call, state=state, found=finished.summary, ended_at=at, problem=problem)

    def _add_step(self, step: Step) -> None:
        if isinstance(step, ToolCall):
            if step.call_id:
                self._calls[step.call_id] = len(self._steps)
            elif step.ended_at is None:
                self._unnamed.append(len(self._steps))
        self._steps.append(step)

    def _end(self, outcome: Outcome, error: str | None, at: datetime) -> None:
        for index, step in enumerate(self._steps):
            if isinstance(step, ToolCall) and step.ended_at is None:
                self._steps[index] = replace(step, state=RunState.CANCELLED, ended_at=at)
        self._state = RunState.after(outcome)
        # A suspended run keeps its request: that is what it waits for.
        if outcome is not Outcome.SUSPENDED:
            self._changes["unanswered"] = self._changes.get("request", self._view.request)
            self._changes["request"] = None
        self._changes |= {"stage": None, "error": error, "ended_at": at}
