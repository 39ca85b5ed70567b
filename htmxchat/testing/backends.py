"""A scripted backend in memory, which can also fail on purpose. Runs on asyncio and trio."""

from __future__ import annotations

import math
import uuid
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, TypeAlias, cast, get_args

import anyio

from .. import checks
from ..compaction import compact
from ..errors import Busy, InvalidInput, NotFound
from ..events import (
    JSON,
    EventBody,
    InputAnswered,
    InputRequested,
    Outcome,
    RunEnded,
    RunEvent,
    RunStarted,
    RunStopping,
    TextDelta,
)
from ..kinds import check_fields
from ..models import Conversation, ConversationPage, Run, RunState, Transcript, Turn, User
from ..view import fold


@dataclass(frozen=True, slots=True)
class Delay:
    """Wait some seconds."""

    seconds: float

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, slots=True)
class Gate:
    """Wait for `ScriptedBackend.open_gate(name)`."""

    name: str = ""

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, slots=True)
class Stall:
    """Wait until the run is stopped."""


@dataclass(frozen=True, slots=True)
class Break:
    """Break the stream of readers here; the run continues.

    Attributes:
        error: The error that they get; with `None` the stream just ends, without a `RunEnded`.
        times: For how many readers; later readers pass.
    """

    error: Exception | None = None
    times: float = math.inf

    def __post_init__(self) -> None:
        check_fields(self)


Step: TypeAlias = str | EventBody | Delay | Gate | Stall | Break
"""A `str` is a `TextDelta`. An `InputRequested` waits for its answer."""


def _script(name: str, steps: Any) -> tuple[Step, ...]:
    return checks.items(name, steps, _step, 'such as ["Hello.", Delay(1), "Still there?"]')


def _step(name: str, step: Any) -> Step:
    if not isinstance(step, get_args(Step)):
        raise TypeError(f"{name} must be a str, an event, or a Delay, Gate, Stall or Break, not {checks.kind(step)}.")
    return cast(Step, step)


class ScriptedBackend:
    """A backend whose runs play a script: `RunStarted`, the steps, and `RunEnded` unless the steps have one.

    It needs no background task: each reader computes the events so far from the time.

    Args:
        steps: The script of every run.
        by_text: Scripts for particular messages of the user.
        first_seq: The number of each run's first event.
        seq_step: The step between numbers.

    Attributes:
        readers: The number of readers in `run_events`.
    """

    def __init__(
        self,
        steps: Sequence[Step] = ("Hello.",),
        *,
        by_text: Mapping[str, Sequence[Step]] | None = None,
        first_seq: int = 1,
        seq_step: int = 1,
    ) -> None:
        self.readers = 0
        self._steps = _script("steps", steps)
        if by_text is not None and not isinstance(by_text, Mapping):
            raise TypeError(f'by_text must be a dict, {{"Hello": ["Hi."]}}, not {checks.kind(by_text)}.')
        self._by_text = {text: _script(f"by_text[{text!r}]", steps) for text, steps in (by_text or {}).items()}
        self._first_seq = checks.whole("first_seq", first_seq)
        self._seq_step = checks.whole("seq_step", seq_step, least=1)
        self._conversations: dict[str, Conversation] = {}
        self._turns: dict[str, list[Turn]] = {}
        self._plays: dict[str, _Play] = {}
        self._open_gates: set[str] = set()

    def open_gate(self, name: str = "") -> None:
        """Open all gates of this name, permanently."""
        self._open_gates.add(name)
        for play in self._plays.values():
            play.wake()

    async def list_conversations(self, user: User, *, limit: int = 30, cursor: str | None = None) -> ConversationPage:
        mine = [self._present(item) for item in self._conversations.values() if item.user_id == user.id]
        mine.sort(key=lambda item: item.updated_at, reverse=True)
        try:
            start = int(cursor or 0)
        except ValueError:
            raise InvalidInput from None
        end = start + limit
        return ConversationPage(tuple(mine[start:end]), str(end) if end < len(mine) else None)

    async def get_conversation(self, user: User, conversation_id: str) -> Conversation:
        conversation = self._conversations.get(conversation_id)
        if conversation is None or conversation.user_id != user.id:
            raise NotFound
        return self._present(conversation)

    async def load_transcript(self, user: User, conversation_id: str) -> Transcript:
        conversation = await self.get_conversation(user, conversation_id)
        turns = []
        for turn in self._turns[conversation_id]:
            turns.append(turn)
            play = next(play for play in self._plays.values() if play.run.turn_id == turn.id)
            text = fold(play.log).text
            turns.append(Turn(play.run.id, "assistant", text, play.run.created_at, play.present(), compact(play.log)))
        return Transcript(conversation, tuple(turns))

    async def start_run(self, user: User, conversation_id: str | None, text: str) -> Run:
        now = datetime.now(UTC)
        if conversation_id is None:
            conversation_id = _new_id()
            self._turns[conversation_id] = []
            conversation = Conversation(conversation_id, user.id, text, now, now)
        else:
            conversation = await self.get_conversation(user, conversation_id)
        if any(play.advance() and play.run.conversation_id == conversation_id for play in self._plays.values()):
            raise Busy
        turn = Turn(_new_id(), "user", text, now)
        self._conversations[conversation_id] = replace(conversation, updated_at=now)
        self._turns[conversation_id].append(turn)
        run = Run(_new_id(), conversation_id, user.id, turn.id, RunState.RUNNING, now)
        steps = self._by_text.get(text, self._steps)
        self._plays[run.id] = _Play(run, (RunStarted(), *steps), self._open_gates, self._first_seq, self._seq_step)
        return run

    async def get_run(self, user: User, run_id: str) -> Run:
        return self._find(user, run_id).present()

    async def run_events(
        self, user: User, run_id: str, *, after: int | None = None
    ) -> AsyncGenerator[Sequence[RunEvent], None]:
        play = self._find(user, run_id)
        self.readers += 1
        try:
            seen = 0
            while True:
                live = play.advance()
                if play.breaks_at(seen):
                    return
                begin, seen = seen, play.next_break(seen)
                if events := [event for event in play.log[begin:seen] if after is None or event.seq > after]:
                    yield events
                if begin == seen:
                    if not live:
                        return
                    await play.wait()
        finally:
            self.readers -= 1

    async def stop_run(self, user: User, run_id: str) -> None:
        self._find(user, run_id).cancel()

    async def answer_request(self, user: User, run_id: str, request_id: str, answer: JSON) -> None:
        self._find(user, run_id).answer(request_id, answer)

    def _find(self, user: User, run_id: str) -> _Play:
        play = self._plays.get(run_id)
        if play is None or play.run.user_id != user.id:
            raise NotFound
        play.advance()
        return play

    def _present(self, conversation: Conversation) -> Conversation:
        runs = [play.present() for play in self._plays.values() if play.run.conversation_id == conversation.id]
        return replace(conversation, state=runs[-1].state if runs else None)


@dataclass
class _Play:
    """A run and the progress of its script."""

    run: Run
    steps: tuple[Step, ...]
    open_gates: set[str]
    first_seq: int
    seq_step: int
    log: list[RunEvent] = field(default_factory=list)
    _position: int = 0
    _due: float = field(default_factory=anyio.current_time)
    _waits_for: str | None = None
    _breaks: dict[int, Break] = field(default_factory=dict)
    _broken: dict[int, int] = field(default_factory=dict)
    _woken: anyio.Event = field(default_factory=anyio.Event)

    def present(self) -> Run:
        self.advance()
        return replace(self.run, state=fold(self.log).state)

    def advance(self) -> bool:
        """Play the steps that are due. Returns whether the run is active."""
        while not self._ended and self._waits_for is None and self._due <= anyio.current_time():
            if self._position == len(self.steps):
                self._append(RunEnded(Outcome.COMPLETED))
                break
            step = self.steps[self._position]
            if isinstance(step, Stall) or (isinstance(step, Gate) and step.name not in self.open_gates):
                break
            self._position += 1
            if isinstance(step, Delay):
                self._due = max(self._due, anyio.current_time() - step.seconds) + step.seconds
            elif isinstance(step, Break):
                self._breaks[len(self.log)] = step
            elif not isinstance(step, Gate):
                self._append(TextDelta(step) if isinstance(step, str) else step)
        return not self._ended

    def next_break(self, position: int) -> int:
        """Return the position of the next break after `position`, or the end of the log."""
        return min((at for at in self._breaks if at > position), default=len(self.log))

    def breaks_at(self, position: int) -> bool:
        """Return whether the stream breaks for a reader at this position; raise the break's error, if it has one."""
        found = self._breaks.get(position)
        if found is None or self._broken.get(position, 0) >= found.times:
            return False
        self._broken[position] = self._broken.get(position, 0) + 1
        if found.error is not None:
            raise found.error
        return True

    async def wait(self) -> None:
        """Wait until the next step may be due."""
        left = self._due - anyio.current_time()
        with anyio.move_on_after(left if left > 0 else math.inf):
            await self._woken.wait()

    def wake(self) -> None:
        self._woken.set()
        self._woken = anyio.Event()

    def cancel(self) -> None:
        if not self._ended:
            self._append(RunStopping())
            self._append(RunEnded(Outcome.CANCELLED))
            self.wake()

    def answer(self, request_id: str, answer: JSON) -> None:
        if self._ended or self._waits_for != request_id:
            raise NotFound
        self._append(InputAnswered(request_id, answer))
        self._due = anyio.current_time()
        self._waits_for = None
        self.wake()

    @property
    def _ended(self) -> bool:
        return bool(self.log) and isinstance(self.log[-1].body, RunEnded)

    def _append(self, body: EventBody) -> None:
        seq = self.first_seq + self.seq_step * len(self.log)
        self.log.append(RunEvent(seq, datetime.now(UTC), body))
        if isinstance(body, InputRequested):
            self._waits_for = body.request_id


def _new_id() -> str:
    return uuid.uuid4().hex
