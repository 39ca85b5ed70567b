"""What a person sees of a run: one pure fold over its events.

The live stream, a reload, polling, history and export all render the same `RunView`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from . import checks
from .events import (
    Custom,
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
from .models import RunState, Waiting
from .parts import CustomPart, Part, ProposedScript, Question, Reasoning, Text, ToolCall, joined, replaced
from .scripts.excerpt import Excerpt, excerpt_of, excerpts
from .scripts.models import Script
from .scripts.result import ScriptState


@dataclass(frozen=True, slots=True)
class RunView:
    """Everything that a run shows.

    Attributes:
        parts: What the answer is made of, in the order in which it began. A part keeps its place for good: its index is
            its number on the page.
        written: Whether there is any text to read.
        stage: What the agent does now; `None` when it said nothing or is done.
        request: What the agent waits for.
        awaited: The scripts whose results it waits for.
        last_seq: The number of the last event folded in.
        queue: What the queue says of the scripts, by their ids; see `with_queue`. Of those that are not in it, the log
            alone is known.
    """

    state: RunState = RunState.QUEUED
    parts: tuple[Part, ...] = ()
    written: bool = False
    stage: str | None = None
    sources: tuple[Source, ...] = ()
    request: InputRequested | None = None
    awaited: tuple[ScriptProposed, ...] = ()
    usage: UsageReported | None = None
    error: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    last_seq: int | None = None
    queue: Mapping[str, Excerpt] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The answer so far, Markdown: its texts, with an empty line between two of them."""
        return joined(part.text for part in self.parts if isinstance(part, Text))

    @property
    def writing(self) -> bool:
        """Whether the agent writes text: it is live, and the last thing that it did was to write."""
        last = self.parts[-1] if self.parts else None
        return self.state is RunState.RUNNING and isinstance(last, Text) and not last.blank

    @property
    def awaited_script(self) -> ScriptProposed | None:
        """The script whose result the run waits for."""
        return self.awaited[0] if self.awaited and self.state.live else None

    @property
    def waiting(self) -> Waiting | None:
        """What the run waits for, if it does. One that is being stopped waits for nothing."""
        if self.state is RunState.STOPPING:
            return None
        if self.request is not None:
            return Waiting.ANSWER
        script = self.awaited_script
        return Waiting.for_script(self.script(ProposedScript(script)).state) if script else None

    def script(self, part: ProposedScript) -> Excerpt:
        """Return how a script stands that the agent proposed, and what came of it."""
        if (known := self.queue.get(part.script.script_id)) is not None:
            return known
        if part.finished is not None:
            return excerpt_of(part.finished.state, part.finished.result)
        # What a run that is over waited for is withdrawn.
        return Excerpt(ScriptState.QUEUED if self.state.live or not part.script.awaited else ScriptState.CANCELLED)


def fold(events: Iterable[RunEvent], view: RunView | None = None) -> RunView:
    """Return `view` (or an empty one) after `events`.

    The state only moves forward: nothing changes once the run has ended, and an event that was folded before is
    skipped. Folding a log in pieces gives the same view as folding it at once. The cost is linear in the events.
    """
    if not isinstance(events, Iterable):
        raise TypeError(f"events is a list of RunEvent, [event async for event in …], not {checks.kind(events)}.")
    if view is not None:
        checks.instance("view", view, RunView, "what fold returned before")
    folding = Folding(view or RunView())
    return folding.add(events)


def with_queue(view: RunView, run_id: str, queue: Iterable[Script]) -> RunView:
    """Return `view` with what the queue says now of the scripts that the run proposed."""
    return replace(view, queue=excerpts(run_id, queue))


class Folding:
    """A view under construction, for whoever gets a log in pieces: it costs what is new, not what is there.

    Attributes:
        queue: As `RunView.queue`.
        changed: The places of the parts that the last `add` has changed or added.
    """

    def __init__(self, view: RunView | None = None) -> None:
        self._view = view or RunView()
        self._state = self._view.state
        self._seq = self._view.last_seq
        self._parts = list(self._view.parts)
        self._sources = list(self._view.sources)
        self._awaited = {script.script_id: script for script in self._view.awaited}
        self.queue: Mapping[str, Excerpt] = dict(self._view.queue)
        self.changed: set[int] = set()
        self._changes: dict[str, Any] = {}
        # More of the text or the reasoning that is the last part.
        self._more: list[str] = []
        # Where what has an id is; and calls without one that are not finished.
        self._places: dict[tuple[type[Part], *tuple[str, ...]], int] = {}
        self._unnamed: deque[int] = deque()
        for place, part in enumerate(self._parts):
            self._index(place, part)
        self._running = {place for place, part in enumerate(self._parts) if _runs(part)}
        # Those of them beside which no other has begun yet.
        self._alone = {place for place in self._running if not self._call(place).parallel}

    def copy(self) -> Folding:
        """Return another that goes on from here."""
        return type(self)(self.view())

    def view(self) -> RunView:
        """Return what was folded so far."""
        self._join()
        self._view = replace(
            self._view,
            state=self._state,
            parts=tuple(self._parts),
            sources=tuple(self._sources),
            awaited=tuple(self._awaited.values()),
            queue=self.queue,
            last_seq=self._seq,
            **self._changes,
        )
        self._changes.clear()
        return self._view

    def add(self, events: Iterable[RunEvent]) -> RunView:
        """Fold more events, and return the view after them."""
        self.changed = set()
        for event in events:
            if not isinstance(event, RunEvent):
                checks.instance("each of events", event, RunEvent, "with a number and a time")
            self._add(event)
        return self.view()

    def _add(self, event: RunEvent) -> None:
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
            case TextDelta(text=text) if text:
                if not self._last_is(Text):
                    self._append(Text(""))
                self._more.append(text)
            case ReasoningDelta(text=text):
                last = self._parts[-1] if self._parts else None
                if not (isinstance(last, Reasoning) and last.ended_at is None):
                    self._append(Reasoning("", started_at=event.at))
                self._more.append(text)
            case TextReplaced(text=text):
                self._replace_text(text)
            case RunStopping():
                self._state = RunState.STOPPING
                self._withdraw(event.at)
            case StageChanged(name=name):
                self._changes["stage"] = name
            case ToolStarted() as started:
                self._start_tool(started, event.at)
            case ToolFinished() as finished:
                self._finish_tool(finished, event.at)
            case SourcesFound(sources=sources):
                self._sources += sources
            case Custom() as custom:
                self._put_custom(CustomPart(custom.name, custom.data, custom.key))
            case ScriptProposed() as script:
                # One that is proposed again is the one that is in the queue already.
                if (ProposedScript, script.script_id) not in self._places:
                    self._append(ProposedScript(script))
                    if script.awaited:
                        self._awaited[script.script_id] = script
            case ScriptFinished() as result:
                self._finish_script(result)
            case InputRequested() as request:
                self._ask(request, event.at)
            case InputAnswered() as answered:
                self._answer(answered, event.at)
            case UsageReported() as usage:
                self._changes["usage"] = usage
            case RunEnded(outcome=outcome, error=error):
                self._end(outcome, error, event.at)

    def _append(self, part: Part) -> None:
        self._join()
        self._set(len(self._parts), part)
        self._index(len(self._parts) - 1, part)

    def _index(self, place: int, part: Part) -> None:
        match part:
            case ToolCall(call_id=""):
                if part.ended_at is None:
                    self._unnamed.append(place)
            case ToolCall(call_id=id):
                self._places[ToolCall, id] = place
            case ProposedScript(script=script):
                self._places[ProposedScript, script.script_id] = place
            case CustomPart(name=name, key=key) if key:
                self._places[CustomPart, name, key] = place
            case Question(request=request):
                self._places[Question, request.request_id] = place

    def _last_is(self, kind: type[Part]) -> bool:
        return bool(self._parts) and isinstance(self._parts[-1], kind)

    def _join(self) -> None:
        if self._more:
            last = self._parts[-1]
            assert isinstance(last, Text | Reasoning)
            self._set(len(self._parts) - 1, replace(last, text="".join([last.text, *self._more])))
            self._more.clear()

    def _end_reasoning(self, at: datetime) -> None:
        last = self._parts[-1] if self._parts else None
        if isinstance(last, Reasoning) and last.ended_at is None:
            self._join()
            self._change(len(self._parts) - 1, ended_at=at)

    def _replace_text(self, whole: str) -> None:
        self._join()
        places = [place for place, part in enumerate(self._parts) if isinstance(part, Text)]
        closed = not self._last_is(Text)
        before = [part.text for part in self._parts if isinstance(part, Text)]
        after = replaced(before, whole, closed=closed)
        for place, old, new in zip(places, before, after, strict=False):
            if old != new:
                self._set(place, Text(new))
        if len(after) > len(places):
            self._append(Text(after[-1]))
        self._changes["written"] = bool(whole.strip())

    def _start_tool(self, started: ToolStarted, at: datetime) -> None:
        """Add a call, or bring the one that has this id up to date: agents repeat a call that had to be approved."""
        call = ToolCall(started.call_id, started.name, started.summary, started.arguments, started_at=at)
        place = self._places.get((ToolCall, started.call_id)) if started.call_id else None
        if place is None:
            place = len(self._parts)
            for other in self._alone:
                self._change(other, parallel=True)
            self._alone.clear()
            self._append(replace(call, parallel=bool(self._running)))
        else:
            before = self._call(place)
            began = at if before.ended_at else before.started_at
            self._set(place, replace(call, started_at=began, parallel=before.parallel))
        self._running.add(place)
        if not self._call(place).parallel:
            self._alone.add(place)

    def _call(self, place: int) -> ToolCall:
        call = self._parts[place]
        assert isinstance(call, ToolCall)
        return call

    def _finish_tool(self, finished: ToolFinished, at: datetime) -> None:
        if finished.call_id:
            place = self._places.get((ToolCall, finished.call_id))
        else:
            place = self._unnamed.popleft() if self._unnamed else None
        if place is None:
            return
        state = RunState.FAILED if finished.failed else RunState.COMPLETED
        self._change(place, state=state, found=finished.summary, result=finished.result, ended_at=at)
        self._running.discard(place)
        self._alone.discard(place)

    def _put_custom(self, part: CustomPart) -> None:
        place = self._places.get((CustomPart, part.name, part.key))
        if place is None:
            self._append(part)
        elif self._parts[place] != part:
            self._set(place, part)

    def _finish_script(self, result: ScriptFinished) -> None:
        # What the queue said was before that.
        self.queue = {id: known for id, known in self.queue.items() if id != result.script_id}
        self._awaited.pop(result.script_id, None)
        place = self._places.get((ProposedScript, result.script_id))
        if place is not None:
            self._change(place, finished=result)

    def _ask(self, request: InputRequested, at: datetime) -> None:
        place = self._places.get((Question, request.request_id))
        question = Question(request, at)
        self._withdraw(at)
        # What somebody has answered stays on record, even if the same id is asked for again.
        if place is None or self._answered(place):
            self._append(question)
        else:
            self._set(place, question)
        self._changes["request"] = request

    def _answer(self, answered: InputAnswered, at: datetime) -> None:
        waiting = self._waiting()
        place = self._places.get((Question, answered.request_id), waiting)
        if place is not None and not self._answered(place):
            self._change(place, state="answered", answer=answered.answer, answered_by=answered.user_id, settled_at=at)
        if place == waiting:
            self._changes["request"] = None

    def _answered(self, place: int) -> bool:
        part = self._parts[place]
        return isinstance(part, Question) and part.state == "answered"

    def _waiting(self) -> int | None:
        """Return where the question is that waits for its answer."""
        request = self._changes.get("request", self._view.request)
        return None if request is None else self._places[Question, request.request_id]

    def _withdraw(self, at: datetime) -> None:
        """The question that waits, if one does, will not be answered."""
        if (waiting := self._waiting()) is not None:
            self._change(waiting, state="withdrawn", settled_at=at)
            self._changes["request"] = None

    def _change(self, place: int, **changes: Any) -> None:
        self._set(place, replace(self._parts[place], **changes))

    def _set(self, place: int, part: Part) -> None:
        self._parts[place : place + 1] = [part]
        self.changed.add(place)
        if isinstance(part, Text) and not part.blank:
            self._changes["written"] = True

    def _end(self, outcome: Outcome, error: str | None, at: datetime) -> None:
        self._join()
        for place in self._running:
            self._change(place, state=RunState.CANCELLED, ended_at=at)
        self._running.clear()
        self._alone.clear()
        self._state = RunState.after(outcome)
        # A suspended run keeps its request: that is what it waits for.
        if outcome is not Outcome.SUSPENDED:
            self._withdraw(at)
        self._changes |= {"stage": None, "error": error, "ended_at": at}


def _runs(part: Part) -> bool:
    return isinstance(part, ToolCall) and part.ended_at is None
