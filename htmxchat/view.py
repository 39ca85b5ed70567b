"""The view of a run: one pure fold over its events.

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
    FileSent,
    InputAnswered,
    InputRequested,
    Outcome,
    ReasoningDelta,
    RunEnded,
    RunEvent,
    RunStarted,
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
from .files.file import File
from .models import RunState, Waiting
from .part_list import PartList
from .parts import CustomPart, Part, ProposedScript, Question, Reasoning, SentFiles, Text, ToolCall, joined
from .scripts.excerpt import Excerpt, excerpt_of, excerpts
from .scripts.models import Script
from .scripts.result import ScriptState


@dataclass(frozen=True, slots=True)
class RunView:
    """Everything that a run shows.

    Attributes:
        agent: As `Run.agent`.
        parts: What the answer is made of, in the order in which it began. A part keeps its place for good: its index is
            its number on the page.
        written: Whether there is any text to read.
        stage: What the agent does now; `None` when it said nothing or is done.
        request: What the agent waits for.
        awaited: The scripts whose results it waits for.
        waiting_since: When it began to wait for an answer or a script, while it does.
        waited: Seconds that it has waited so, before that.
        last_seq: The number of the last event folded in.
        queue: What the queue says of the scripts, by their ids; see `with_queue`. Of those that are not in it, the log
            alone is known.
    """

    state: RunState = RunState.QUEUED
    agent: str = ""
    parts: tuple[Part, ...] = ()
    written: bool = False
    stage: str | None = None
    sources: tuple[Source, ...] = ()
    request: InputRequested | None = None
    awaited: tuple[ScriptProposed, ...] = ()
    waiting_since: datetime | None = None
    waited: float = 0.0
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
        """Return how a script stands that the agent proposed, and its result."""
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
        raise TypeError(f"events must be a list of RunEvent, [event async for event in …], not {checks.kind(events)}.")
    if view is not None:
        checks.instance("view", view, RunView, "what fold returned before")
    folding = Folding(view or RunView())
    return folding.add(events)


def with_queue(view: RunView, run_id: str, queue: Iterable[Script]) -> RunView:
    """Return `view` with what the queue says now of the scripts that the run proposed."""
    return replace(view, queue=excerpts(run_id, queue))


class Folding:
    """A view under construction, for anyone who gets a log in pieces: it costs what is new, not what is there.

    Attributes:
        queue: As `RunView.queue`.
    """

    def __init__(self, view: RunView | None = None) -> None:
        self._view = view or RunView()
        self._state = self._view.state
        self._seq = self._view.last_seq
        self._parts = PartList(self._view.parts)
        self._sources = list(self._view.sources)
        self._awaited = {script.script_id: script for script in self._view.awaited}
        self._waiting_since, self._waited = self._view.waiting_since, self._view.waited
        self.queue: Mapping[str, Excerpt] = dict(self._view.queue)
        self._changes: dict[str, Any] = {}
        # The calls that are not finished: those without an id, and those beside which no other has begun yet.
        running = {place: part for place, part in enumerate(self._view.parts) if _runs(part)}
        # Thousands of pages are idle at a time: an empty dictionary takes 64 bytes, a set 216, a deque 760.
        self._running = dict.fromkeys(running)
        self._alone = dict.fromkeys(place for place in running if not self._call(place).parallel)
        unnamed = deque(place for place in running if not self._call(place).call_id)
        self._unnamed = unnamed or None

    @property
    def changed(self) -> set[int]:
        """The places of the parts that the last `add` has changed or added."""
        return set(self._parts.changed)

    def copy(self) -> Folding:
        """Return another that continues from here."""
        return type(self)(self.view())

    def view(self) -> RunView:
        """Return what was folded so far."""
        self._view = replace(
            self._view,
            state=self._state,
            parts=self._parts.all(),
            written=self._parts.written,
            sources=tuple(self._sources),
            awaited=tuple(self._awaited.values()),
            waiting_since=self._waiting_since,
            waited=self._waited,
            queue=self.queue,
            last_seq=self._seq,
            **self._changes,
        )
        self._changes.clear()
        return self._view

    def add(self, events: Iterable[RunEvent]) -> RunView:
        """Fold more events, and return the view after them."""
        self._parts.changed = []
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
        self._time_waiting(event.at)

    def _time_waiting(self, at: datetime) -> None:
        asked = self._changes.get("request", self._view.request) is not None
        waits = self._state.live and (asked or bool(self._awaited))
        if waits and self._waiting_since is None:
            self._waiting_since = at
        elif not waits and self._waiting_since is not None:
            self._waited += max(0.0, (at - self._waiting_since).total_seconds())
            self._waiting_since = None

    def _apply(self, event: RunEvent) -> None:
        match event.body:
            case RunStarted(agent=agent):
                self._changes["agent"] = agent
            case TextDelta(text=text) if text:
                if not isinstance(self._parts.last, Text):
                    self._parts.append(Text(""))
                self._parts.grow(text)
            case ReasoningDelta(text=text):
                last = self._parts.last
                if not (isinstance(last, Reasoning) and last.ended_at is None):
                    self._parts.append(Reasoning("", started_at=event.at))
                self._parts.grow(text)
            case TextReplaced(text=text):
                self._parts.replace_text(text)
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
            case FileSent(file=file):
                self._put_file(file)
            case Custom() as custom:
                self._put_custom(CustomPart(custom.name, custom.data, custom.key))
            case ScriptProposed() as script:
                # One that is proposed again is the one that is in the queue already.
                if self._parts.place(ProposedScript, script.script_id) is None:
                    self._parts.append(ProposedScript(script))
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

    def _end_reasoning(self, at: datetime) -> None:
        if isinstance(last := self._parts.last, Reasoning) and last.ended_at is None:
            self._parts.change(len(self._parts) - 1, ended_at=at)

    def _start_tool(self, started: ToolStarted, at: datetime) -> None:
        """Add a call, or bring the one that has this id up to date: agents repeat a call that had to be approved."""
        call = ToolCall(started.call_id, started.name, started.summary, started.arguments, started_at=at)
        place = self._parts.place(ToolCall, started.call_id) if started.call_id else None
        if place is not None and self._call(place).name != started.name:
            # Another tool is another call. The result of the one before, if it is not known, will not be.
            self._stop_call(place, at)
            place = None
        if place is None:
            for other in self._alone:
                self._parts.change(other, parallel=True)
            self._alone.clear()
            place = self._parts.append(replace(call, parallel=bool(self._running)))
            if not call.call_id:
                self._unnamed = self._unnamed or deque()
                self._unnamed.append(place)
        else:
            before = self._call(place)
            # Not before what was shown of it, whatever the agent's clock says.
            began = max(at, before.started_at, before.ended_at) if before.ended_at else before.started_at
            self._parts.set(place, replace(call, started_at=began, parallel=before.parallel))
        self._running[place] = None
        if not self._call(place).parallel:
            self._alone[place] = None

    def _call(self, place: int) -> ToolCall:
        call = self._parts[place]
        assert isinstance(call, ToolCall)
        return call

    def _finish_tool(self, finished: ToolFinished, at: datetime) -> None:
        if finished.call_id:
            place = self._parts.place(ToolCall, finished.call_id)
        else:
            place = self._unnamed.popleft() if self._unnamed else None
        if place is None:
            return
        state = RunState.FAILED if finished.failed else RunState.COMPLETED
        self._parts.change(place, state=state, found=finished.summary, result=finished.result, ended_at=at)
        self._running.pop(place, None)
        self._alone.pop(place, None)

    def _stop_call(self, place: int, at: datetime) -> None:
        """A call will not come back, if it has not yet."""
        if place in self._running:
            self._parts.change(place, state=RunState.CANCELLED, ended_at=at)
        self._running.pop(place, None)
        self._alone.pop(place, None)

    def _put_file(self, file: File) -> None:
        if isinstance(last := self._parts.last, SentFiles):
            self._parts.change(len(self._parts) - 1, files=(*last.files, file))
        else:
            self._parts.append(SentFiles((file,)))

    def _put_custom(self, part: CustomPart) -> None:
        place = self._parts.place(CustomPart, part.name, part.key)
        if place is None:
            self._parts.append(part)
        elif self._parts[place] != part:
            self._parts.set(place, part)

    def _finish_script(self, result: ScriptFinished) -> None:
        # What the queue said was before that.
        if result.script_id in self.queue:
            self.queue = {id: known for id, known in self.queue.items() if id != result.script_id}
        self._awaited.pop(result.script_id, None)
        place = self._parts.place(ProposedScript, result.script_id)
        if place is not None:
            self._parts.change(place, finished=result)

    def _ask(self, request: InputRequested, at: datetime) -> None:
        place = self._parts.place(Question, request.request_id)
        question = Question(request, at)
        self._withdraw(at)
        # What someone has answered stays on record, even if the same id is asked for again.
        if place is None or self._answered(place):
            self._parts.append(question)
        else:
            self._parts.set(place, question)
        self._changes["request"] = request

    def _answer(self, answered: InputAnswered, at: datetime) -> None:
        waiting = self._waiting()
        place = self._parts.place(Question, answered.request_id)
        place = waiting if place is None else place
        if place is not None and not self._answered(place):
            self._parts.change(
                place, state="answered", answer=answered.answer, answered_by=answered.user_id, settled_at=at
            )
        if place == waiting:
            self._changes["request"] = None

    def _answered(self, place: int) -> bool:
        part = self._parts[place]
        return isinstance(part, Question) and part.state == "answered"

    def _waiting(self) -> int | None:
        """Return where the question is that waits for its answer."""
        request = self._changes.get("request", self._view.request)
        return None if request is None else self._parts.place(Question, request.request_id)

    def _withdraw(self, at: datetime) -> None:
        """The question that waits, if one does, will not be answered."""
        if (waiting := self._waiting()) is not None:
            self._parts.change(waiting, state="withdrawn", settled_at=at)
            self._changes["request"] = None

    def _end(self, outcome: Outcome, error: str | None, at: datetime) -> None:
        for place in list(self._running):
            self._stop_call(place, at)
        self._state = RunState.after(outcome)
        # A suspended run keeps its request: that is what it waits for.
        if outcome is not Outcome.SUSPENDED:
            self._withdraw(at)
        self._changes |= {"stage": None, "error": error, "ended_at": at}


def _runs(part: Part) -> bool:
    return isinstance(part, ToolCall) and part.ended_at is None
