"""The nouns of the chat, as plain frozen data. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Literal, TypeAlias

from .checks import text
from .events import JSON, Outcome, RunEvent
from .files.file import File
from .kinds import check_fields
from .scripts.result import ScriptState

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


class Waiting(StrEnum):
    """What a run waits for.

    Attributes:
        ANSWER: The user's answer to a question.
        APPROVAL: The user's approval of a script.
        APPROVED: A script that is approved and has not begun.
        SCRIPT: A script that runs.
    """

    ANSWER = "answer"
    APPROVAL = "approval"
    APPROVED = "approved"
    SCRIPT = "script"

    @property
    def state(self) -> RunState:
        """Suspended when only the user can end it, else running."""
        return RunState.SUSPENDED if self in (Waiting.ANSWER, Waiting.APPROVAL) else RunState.RUNNING

    @classmethod
    def for_script(cls, state: ScriptState) -> Waiting:
        """What a run waits for that awaits a script in this state."""
        known = {ScriptState.QUEUED: cls.APPROVAL, ScriptState.APPROVED: cls.APPROVED}
        return known.get(state, cls.SCRIPT)


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

    def __post_init__(self) -> None:
        check_fields(self)
        text("User.id", self.id, empty=False)


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

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, slots=True)
class Starter:
    """Something to begin with that an empty page offers.

    Attributes:
        title: A few words, shown.
        text: What is sent.
    """

    title: str
    text: str

    def __post_init__(self) -> None:
        check_fields(self)
        text("Starter.title", self.title, empty=False)
        text("Starter.text", self.text, empty=False)


UNDATED = datetime(1970, 1, 1, tzinfo=UTC)
"""Stands for a time that a backend does not know. No page shows it, or anything before it, as a date."""


def is_dated(at: datetime) -> bool:
    """Return whether a time is known."""
    return at > UNDATED


@dataclass(frozen=True, slots=True)
class Conversation:
    """A list of turns that belongs to one user.

    Attributes:
        state: The state of its latest run, suspended also while that waits for the user; `None` before the first.
        updated_at: When its latest turn began or ended; the history is sorted by it. See `UNDATED`.
        waiting: What its latest run waits for, if that is known.
        passage: Where a search found it, as plain text; empty when its title says so, or when nothing was searched for.
    """

    id: str
    user_id: str
    title: str
    created_at: datetime
    updated_at: datetime
    state: RunState | None = None
    waiting: Waiting | None = None
    passage: str = ""

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, slots=True)
class ConversationPage:
    """A stretch of the history, newest first.

    Attributes:
        cursor: Opaque; give it back to get what follows. `None` on the last page.
    """

    items: tuple[Conversation, ...]
    cursor: str | None = None

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, slots=True)
class Overview:
    """How everything stands that a page shows, without what was written.

    Attributes:
        latest: The user's latest conversations.
        conversation: The one that is open; `None` when none is, or when it is not there any more.
        head: The last run of what is shown of it, once that has begun; `None` where it is not known.
        queue: A number that rises with every change of its queue of scripts; `None` where it is not known.
    """

    latest: ConversationPage
    conversation: Conversation | None = None
    head: str | None = None
    queue: int | None = None

    def __post_init__(self) -> None:
        check_fields(self)


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

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, slots=True)
class RunSummary:
    """A run as a list of runs shows it.

    Attributes:
        question: What the user wrote.
        ended_at: When it ended; `None` while it is live, or when that is unknown.
        workflow: What the backend calls the program that ran.
        waiting: What it waits for, if that is known.
    """

    run: Run
    question: str = ""
    ended_at: datetime | None = None
    workflow: str = ""
    waiting: Waiting | None = None

    def __post_init__(self) -> None:
        check_fields(self)


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

    def __post_init__(self) -> None:
        check_fields(self)


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

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, slots=True)
class Turn:
    """What one side said.

    Attributes:
        id: Unique in the conversation. The turn that a run writes has the run's id.
        text: Markdown for the assistant, plain text for the user.
        run: The run that wrote an assistant turn; `None` for a user turn.
        events: What `htmxchat.view.fold` needs to show the run; may be compacted (`htmxchat.compaction.compact`).
        versions: The ids of the turns that stand for each other in this place, the first first, this one among them:
            the attempts to answer the same turn, or what a user wrote after the same answer. Empty if it is the only.
        files: What a user sent with it. What an agent sends is in the events.
    """

    id: str
    role: Role
    text: str
    created_at: datetime
    run: Run | None = None
    events: tuple[RunEvent, ...] = ()
    versions: tuple[str, ...] = ()
    files: tuple[File, ...] = ()

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, slots=True)
class Transcript:
    """A conversation as it is shown: the turns of one branch, oldest first. `Turn.versions` says where others begin.

    Attributes:
        refreshing: Whether the backend is still reading what is new, so that the page soon looks again.
    """

    conversation: Conversation
    turns: tuple[Turn, ...] = ()
    refreshing: bool = False

    def __post_init__(self) -> None:
        check_fields(self)

    @property
    def live_turn(self) -> Turn | None:
        """The turn that a run is still writing, if there is one."""
        return next((turn for turn in reversed(self.turns) if turn.run is not None and turn.run.state.live), None)

    @property
    def live_run(self) -> Run | None:
        """The run that is still writing, if there is one."""
        return self.live_turn.run if self.live_turn else None
