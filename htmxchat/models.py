"""The chat's data classes, all frozen. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Literal, TypeAlias

from .checks import text
from .events import JSON, Outcome, RunEvent
from .feedback.given import Feedback
from .files.file import File
from .kinds import check_fields
from .scripts.result import ScriptState

Role: TypeAlias = Literal["user", "assistant"]


class RunState(StrEnum):
    """The state of a run. States from `COMPLETED` on are final."""

    QUEUED = "queued"
    RUNNING = "running"
    STOPPING = "stopping"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    FAILED = "failed"
    SUSPENDED = "suspended"

    @property
    def live(self) -> bool:
        """Whether the run is active."""
        return self in (RunState.QUEUED, RunState.RUNNING, RunState.STOPPING)

    @classmethod
    def after(cls, outcome: Outcome) -> RunState:
        """Return the state of a run that ended with `outcome`."""
        return cls(outcome.value)


class Waiting(StrEnum):
    """What a run waits for.

    Attributes:
        ANSWER: The user's answer to a question.
        APPROVAL: The user's approval of a script.
        APPROVED: An approved script that has not begun.
        SCRIPT: A running script.
    """

    ANSWER = "answer"
    APPROVAL = "approval"
    APPROVED = "approved"
    SCRIPT = "script"

    @property
    def state(self) -> RunState:
        """Suspended if only the user can end it, else running."""
        return RunState.SUSPENDED if self in (Waiting.ANSWER, Waiting.APPROVAL) else RunState.RUNNING

    @classmethod
    def for_script(cls, state: ScriptState) -> Waiting:
        """Return what a run waits for if it awaits a script in this state."""
        known = {ScriptState.QUEUED: cls.APPROVAL, ScriptState.APPROVED: cls.APPROVED}
        return known.get(state, cls.SCRIPT)


@dataclass(frozen=True, slots=True)
class User:
    """A user.

    Attributes:
        id: The owner of conversations and runs: they belong to exactly this string.
        name: The name that the page shows, if any.
        token: A credential for the backend. Never shown or logged, and stored only in sessions of the chat's own
            sign-in.
        expires_at: When the sign-in expires, if known. Live streams end then too.
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
    """A sign-in in progress.

    Attributes:
        back: The path to return to.
        with_state: Whether the callback must carry the sign-in's `state`.
        expires_at: When it expires.
        problem: Why it failed: one sentence for the next page.
    """

    back: str
    with_state: bool
    expires_at: datetime
    problem: str = ""

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, slots=True)
class Starter:
    """A suggested first message on the empty page.

    Attributes:
        title: A few words, shown.
        text: The message that is sent.
    """

    title: str
    text: str

    def __post_init__(self) -> None:
        check_fields(self)
        text("Starter.title", self.title, empty=False)
        text("Starter.text", self.text, empty=False)


UNDATED = datetime(1970, 1, 1, tzinfo=UTC)
"""An unknown time. Pages show neither it nor earlier times."""


def is_dated(at: datetime) -> bool:
    """Return whether a time is known."""
    return at > UNDATED


@dataclass(frozen=True, slots=True)
class Conversation:
    """A user's conversation, without its turns.

    Attributes:
        state: The state of its latest run, also suspended while that waits for the user; `None` before the first.
        updated_at: When its latest turn began or ended; the history is sorted by it. See `UNDATED`.
        waiting: What its latest run waits for, if known.
        passage: The text where a search matched; empty if the title matched or there was no search.
        found: The turn with the passage, on any branch; empty if unknown.
        pinned: Whether it stands before all others.
        archived: Whether it is out of the list; it is then not pinned.
    """

    id: str
    user_id: str
    title: str
    created_at: datetime
    updated_at: datetime
    state: RunState | None = None
    waiting: Waiting | None = None
    passage: str = ""
    found: str = ""
    pinned: bool = False
    archived: bool = False

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, slots=True)
class ConversationPage:
    """A page of the history: pinned conversations, then the others, each newest first.

    Attributes:
        cursor: Opaque; pass it to get the next page. `None` on the last page.
    """

    items: tuple[Conversation, ...]
    cursor: str | None = None

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, slots=True)
class Overview:
    """The state of everything that a page shows, without texts.

    Attributes:
        latest: The user's latest conversations.
        conversation: The open conversation; `None` without one, or if it no longer exists.
        head: The last run of its shown path, once that has begun; `None` if unknown.
        queue: A number that rises with every change of its queue of scripts; `None` if unknown.
        revision: As `Transcript.revision`; `None` if unknown.
        feedback: As `Transcript.feedback`; `None` if unknown.
    """

    latest: ConversationPage
    conversation: Conversation | None = None
    head: str | None = None
    queue: int | None = None
    revision: int | None = None
    feedback: int | None = None

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, slots=True)
class Run:
    """One attempt to answer a turn.

    Attributes:
        turn_id: The user turn that it answers.
        agent: The name of the agent that answers, from a backend that names its agents (`HasAgents`).
    """

    id: str
    conversation_id: str
    user_id: str
    turn_id: str
    state: RunState
    created_at: datetime
    agent: str = ""

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, slots=True)
class RunSummary:
    """An entry of a list of runs.

    Attributes:
        question: What the user wrote.
        ended_at: When it ended; `None` while it is active, or if unknown.
        workflow: The backend's name for the workflow.
        waiting: What it waits for, if known.
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
    """One step of a run's workflow.

    Attributes:
        number: The number of the step and of the checkpoint after it.
        name: Its name.
        state: completed, failed or suspended.
        seconds: How long it took, if known.
        detail: Its error, or what it waits for: one sentence.
        update: Its change of the run's state.
        next: The names of the next steps.
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
    """The steps of a run's workflow.

    Attributes:
        checkpoints: The numbers of the steps whose state is stored.
        waits_for: What the run waits for, if it does: one sentence.
        request: The request that it waits for, as JSON.
        workflow: The backend's name for the workflow.
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
    """A message of the user, or an answer.

    Attributes:
        id: Unique in the conversation. An assistant turn has its run's id.
        text: Markdown for the assistant, plain text for the user.
        run: The run that wrote an assistant turn; `None` for a user turn.
        events: The run's events, for `htmxchat.view.fold`; may be compacted (`htmxchat.compaction.compact`).
        versions: The ids of all alternatives of this turn, oldest first and including it: the runs that answer the same
            turn, or the user turns after the same answer. Empty if there is no other.
        files: What a user sent with it. What an agent sends is in the events.
        feedback: What the user thinks of an answer; `None`: nothing was said.
    """

    id: str
    role: Role
    text: str
    created_at: datetime
    run: Run | None = None
    events: tuple[RunEvent, ...] = ()
    versions: tuple[str, ...] = ()
    files: tuple[File, ...] = ()
    feedback: Feedback | None = None

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, slots=True)
class Transcript:
    """A conversation and the turns of its shown branch, oldest first. `Turn.versions` shows where other branches begin.

    Attributes:
        refreshing: Whether the backend is still loading new turns, so that the page asks again soon.
        revision: A number that rises when another branch is shown or a part of this one is deleted: whenever more than
            its end changes.
        feedback: A number that rises with every change of feedback in the conversation; 0 before the first.
    """

    conversation: Conversation
    turns: tuple[Turn, ...] = ()
    refreshing: bool = False
    revision: int = 0
    feedback: int = 0

    def __post_init__(self) -> None:
        check_fields(self)

    @property
    def live_turn(self) -> Turn | None:
        """The turn of the active run, if there is one."""
        return next((turn for turn in reversed(self.turns) if turn.run is not None and turn.run.state.live), None)

    @property
    def live_run(self) -> Run | None:
        """The active run, if there is one."""
        return self.live_turn.run if self.live_turn else None
