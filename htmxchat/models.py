"""The nouns of the chat, as plain frozen data. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal, TypeAlias

from .events import JSON, Outcome, RunEvent

Role: TypeAlias = Literal["user", "assistant"]


class RunState(StrEnum):
    """Where a run is. Everything from `COMPLETED` on is final."""

    QUEUED = "queued"
    RUNNING = "running"
    STOPPING = "stopping"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    FAILED = "failed"
    SUSPENDED = "suspended"

    @property
    def live(self) -> bool:
        """Whether more events can come."""
        return self in (RunState.QUEUED, RunState.RUNNING, RunState.STOPPING)

    @classmethod
    def after(cls, outcome: Outcome) -> RunState:
        """The state of a run that ended with `outcome`."""
        return cls(outcome.value)


class ScriptState(StrEnum):
    """Where a script is. Everything from `DONE` on is over, unless it is edited or run again."""

    QUEUED = "queued"
    APPROVED = "approved"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    TIMED_OUT = "timed-out"

    @property
    def over(self) -> bool:
        """Whether nothing happens to it by itself any more."""
        return self not in (ScriptState.QUEUED, ScriptState.APPROVED, ScriptState.RUNNING)


@dataclass(frozen=True, slots=True)
class User:
    """Who asks.

    Attributes:
        id: The owner's key: conversations and runs belong to exactly this string.
        name: What the page shows, if anything.
        token: A credential that the backend may need. Never shown or logged, and stored only with a sign-in that the
            chat itself looks after.
        expires_at: When the sign-in ends, if that is known: live streams end then too.
    """

    id: str
    name: str | None = None
    token: str | None = field(default=None, repr=False)
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class PendingSignIn:
    """A sign-in that a browser has begun and not finished.

    Attributes:
        back: The path that the person came from.
        with_state: Whether what comes back must carry the state that it began with.
        expires_at: When it is too late to finish it.
        problem: Why it came to nothing: one sentence, to be said on the next page.
    """

    back: str
    with_state: bool
    expires_at: datetime
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Starter:
    """Something to begin with that an empty page offers.

    Attributes:
        title: A few words, shown.
        text: What is sent.
    """

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Conversation:
    """A list of turns that belongs to one user.

    Attributes:
        state: The state of its latest run, suspended also while that waits for the user; `None` before the first.
        updated_at: When its latest turn began or ended; the history is sorted by it.
    """

    id: str
    user_id: str
    title: str
    created_at: datetime
    updated_at: datetime
    state: RunState | None = None


@dataclass(frozen=True, slots=True)
class ConversationPage:
    """A stretch of the history, newest first.

    Attributes:
        cursor: Opaque; give it back to get what follows. `None` on the last page.
    """

    items: tuple[Conversation, ...]
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """One attempt to answer a turn.

    Attributes:
        turn_id: The user turn that it answers.
    """

    id: str
    conversation_id: str
    user_id: str
    turn_id: str
    state: RunState
    created_at: datetime


@dataclass(frozen=True, slots=True)
class RunSummary:
    """A run as a list of runs shows it.

    Attributes:
        question: What the user wrote.
        ended_at: When it ended; `None` while it is live, or when nobody knows.
        workflow: What the backend calls the program that ran.
    """

    run: Run
    question: str = ""
    ended_at: datetime | None = None
    workflow: str = ""


@dataclass(frozen=True, slots=True)
class RunStep:
    """One step of a run, as the backend counts them.

    Attributes:
        number: Of the step, and of the checkpoint after it.
        name: What it does.
        state: completed, failed or suspended.
        seconds: How long it took, if that is known.
        detail: What went wrong, or what it waits for: one plain sentence.
        update: What it changed in the run's state.
        next: The steps that follow.
    """

    number: int
    name: str
    state: RunState
    seconds: float | None = None
    detail: str = ""
    update: JSON = None
    next: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RunSteps:
    """How a run went inside.

    Attributes:
        checkpoints: The numbers of the steps whose state is kept.
        waits_for: What the run waits for, if it does: one plain sentence.
        request: What exactly it asks.
        workflow: What the backend calls the program that ran.
    """

    steps: tuple[RunStep, ...] = ()
    checkpoints: tuple[int, ...] = ()
    waits_for: str = ""
    request: JSON = None
    workflow: str = ""


@dataclass(frozen=True, slots=True)
class Turn:
    """What one side said.

    Attributes:
        id: Unique in the conversation. The turn that a run writes has the run's id.
        text: Markdown for the assistant, plain text for the user.
        run: The run that wrote an assistant turn; `None` for a user turn.
        events: What `htmxchat.view.fold` needs to show the run; may be compacted (`htmxchat.view.compact`).
    """

    id: str
    role: Role
    text: str
    created_at: datetime
    run: Run | None = None
    events: tuple[RunEvent, ...] = ()


@dataclass(frozen=True, slots=True)
class Transcript:
    """A conversation with its turns, oldest first. A turn that was tried again shows its latest run.

    Attributes:
        refreshing: Whether the backend is still reading what is new, so that the page soon looks again.
    """

    conversation: Conversation
    turns: tuple[Turn, ...] = ()
    refreshing: bool = False

    @property
    def live_turn(self) -> Turn | None:
        """The turn that a run is still writing, if there is one."""
        return next((turn for turn in reversed(self.turns) if turn.run is not None and turn.run.state.live), None)

    @property
    def live_run(self) -> Run | None:
        """The run that is still writing, if there is one."""
        return self.live_turn.run if self.live_turn else None


@dataclass(frozen=True, slots=True)
class ScriptResult:
    """What came of a script.

    Attributes:
        state: done, failed, rejected, cancelled or timed-out.
        value: What its last line is worth: `None`, or an object with a `kind` (text, table, image) and its data.
        pictures: The figures that it left open, objects as for a value of the kind image.
        error: `None`, or an object with `origin` (python or sandbox), `type`, `message` and `traceback`.
        seconds: How long it ran.
        truncated: Whether some output was left out.
        code: What ran: what was proposed, unless the user edited it. Empty when nothing ran.
    """

    state: ScriptState
    stdout: str = ""
    stderr: str = ""
    value: JSON = None
    pictures: tuple[JSON, ...] = ()
    error: JSON = None
    seconds: float = 0.0
    truncated: bool = False
    code: str = ""

    @property
    def done(self) -> bool:
        """Whether it ran to its end."""
        return self.state is ScriptState.DONE

    @property
    def images(self) -> tuple[JSON, ...]:
        """All pictures, that of the value first."""
        is_image = isinstance(self.value, dict) and self.value.get("kind") == "image"
        return (self.value, *self.pictures) if is_image else self.pictures

    @property
    def text(self) -> str:
        """All that can be said in words: what a model should read."""
        parts = [self.stdout, self.stderr]
        match self.value:
            case {"kind": "text", "text": str(text)}:
                parts.append(text)
            case {"kind": "table", "columns": list(columns), "rows": list(rows)}:
                parts += ["\t".join(map(str, row)) for row in [columns, *rows]]
        if count := len(self.images):
            parts.append(f"({count} picture{'s' * (count > 1)}, shown to the user)")
        parts.append(self._trouble)
        return "\n".join(part.rstrip("\n") for part in parts if part.strip())

    @property
    def reason(self) -> str:
        """Why it did not run to its end, without its output: how its traceback ends, or a sentence. Empty if it did."""
        if self.done:
            return ""
        match self.error:
            case {"origin": "python", "type": str(type), "message": str(message)} if self.state is ScriptState.FAILED:
                return f"{type}: {message}" if message else type
        return self._trouble

    @property
    def explanation(self) -> str:
        """What went wrong or what to do about it, in a sentence that the traceback does not have; often empty."""
        error = self.error if isinstance(self.error, dict) else {}
        traceback, message = str(error.get("traceback") or ""), str(error.get("message") or "")
        # Python's own message ends its traceback, and may have several lines, or be cut.
        begin = message.split("\n")[0][:1_000]
        return "" if error.get("origin") == "python" and begin in traceback else message

    @property
    def _trouble(self) -> str:
        error = self.error if isinstance(self.error, dict) else {}
        traceback = str(error.get("traceback") or "").rstrip("\n")
        said = "\n".join(part for part in (traceback, self.explanation) if part)
        if self.state is ScriptState.CANCELLED:
            return "The user cancelled the script."
        if self.state is ScriptState.REJECTED and not said:
            return "The user rejected the script. It did not run."
        return said


@dataclass(frozen=True, slots=True)
class Script:
    """Python from an answer, in the queue of its conversation.

    Attributes:
        origin: `proposal:` and the proposal's `script_id`, or `block:` and the number of the answer's Python block.
        position: Its place in the queue; rises with time.
        awaited: Whether its run waits for the result.
        edited: Whether the user changed the text.
        approved: The SHA-256 of the text that was approved.
        trusted: Whether it was approved without anybody looking.
        revision: Rises with every change.
        runner: The page that runs it, or ran it last.
        lease_until: When that page counts as gone unless it says something.
        cleared: Whether the user has put it out of sight.
    """

    id: str
    conversation_id: str
    run_id: str
    origin: str
    title: str
    code: str
    state: ScriptState
    position: int
    created_at: datetime
    awaited: bool = False
    edited: bool = False
    approved: str | None = None
    trusted: bool = False
    revision: int = 0
    approved_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    runner: str | None = None
    lease_until: datetime | None = None
    result: ScriptResult | None = None
    cleared: bool = False
