"""What htmxchat needs from an agent: the `Backend` protocol, and smaller ones for what only some can do.

The promises below are executable: `htmxchat.testing.conformance` checks any backend against them.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Protocol, runtime_checkable

from .events import JSON, RunEvent, Source
from .models import Conversation, ConversationPage, Overview, Run, RunSteps, RunSummary, Starter, Transcript, User
from .observing import Observer
from .scripts.actions import ScriptAction
from .scripts.models import Script


@runtime_checkable
class Backend(Protocol):
    """An agent with a memory.

    Every method takes the user who asks, as the host knows them, or as a backend that `KnowsUsers` does. An id that
    belongs to someone else raises `NotFound`, exactly as an id that never existed. A backend that cannot be reached
    raises `BackendUnavailable`; other failures are `BackendError`.
    """

    async def list_conversations(self, user: User, *, limit: int = 30, cursor: str | None = None) -> ConversationPage:
        """Return up to `limit` of the user's conversations, latest first, from where `cursor` points."""
        ...

    async def get_conversation(self, user: User, conversation_id: str) -> Conversation:
        """Return one conversation without its turns."""
        ...

    async def load_transcript(self, user: User, conversation_id: str) -> Transcript:
        """Return a conversation with its turns, the live one included."""
        ...

    async def start_run(self, user: User, conversation_id: str | None, text: str) -> Run:
        """Store the user's turn and begin to answer it; without an id, in a new conversation.

        Returns as soon as the run exists. The run does not depend on anybody who reads it.

        Raises:
            Busy: The conversation has an active run; nothing was stored.
        """
        ...

    async def get_run(self, user: User, run_id: str) -> Run:
        """Return one run with its present state."""
        ...

    def run_events(
        self, user: User, run_id: str, *, after: int | None = None
    ) -> AsyncGenerator[Sequence[RunEvent], None]:
        """Yield the run's events whose `seq` is larger than `after`, then those to come, until the run has ended.

        An async generator that yields lists (or tuples) of events, none of them empty: what is there is one batch, and
        so is what comes at once. `seq` rises strictly, from batch to batch too. There is exactly one `RunEnded` and it
        is the last event. Two readers see the same events, cut into batches in whatever way. Closing the generator
        never affects the run.
        """
        ...

    async def stop_run(self, user: User, run_id: str) -> None:
        """Ask a run to stop and return; its `RunEnded` says how it went. Does nothing to a run that has ended."""
        ...

    async def answer_request(self, user: User, run_id: str, request_id: str, answer: JSON) -> None:
        """Give the run what its `InputRequested` (or `ScriptProposed`) waits for.

        Raises:
            NotFound: The run does not wait for this request, or it was answered before.
        """
        ...


@runtime_checkable
class CanStartOnce(Protocol):
    """A backend that knows a submission again, in whichever process it came: pressed twice, or sent again because the
    answer to it was lost. For other backends the chat remembers the latest submissions of its own process.
    """

    async def start_run_once(self, user: User, conversation_id: str | None, text: str, submission: str) -> Run:
        """Do what `start_run` does, once: the same text with the same `submission` returns the run that it started.

        Args:
            submission: Made by the page, for one message: up to 64 letters, digits, `-` and `_`.
        """
        ...


@runtime_checkable
class CanRename(Protocol):
    """A backend that keeps titles."""

    async def rename_conversation(self, user: User, conversation_id: str, title: str) -> None:
        """Set the title."""
        ...


@runtime_checkable
class CanDelete(Protocol):
    """A backend whose conversations can be deleted, and for a while restored.

    An attribute `deletion_notice` says it in other words than "Conversation deleted.": for a backend that keeps what it
    takes out of the list.
    """

    async def delete_conversation(self, user: User, conversation_id: str) -> None:
        """Take the conversation out of every list. An active run is cancelled."""
        ...

    async def restore_conversation(self, user: User, conversation_id: str) -> None:
        """Undo a deletion.

        Raises:
            NotFound: It is too late, or it was never deleted.
        """
        ...


@runtime_checkable
class CanSearch(Protocol):
    """A backend that can find conversations by words in titles and turns."""

    async def search_conversations(
        self, user: User, query: str, *, limit: int = 30, cursor: str | None = None
    ) -> ConversationPage:
        """Return what matches every word of `query`, latest first.

        A backend that knows where a word was found says so with the conversation's `passage`.
        """
        ...


@runtime_checkable
class CanRetry(Protocol):
    """A backend that can answer the same turn again."""

    async def retry_run(self, user: User, run_id: str) -> Run:
        """Begin a new run for the turn that `run_id` answered; it takes that run's place in the transcript.

        With a backend that `CanBranch`, this can be any turn: what follows the earlier answer stays on its branch.

        Raises:
            Busy: The conversation has an active run.
            InvalidInput: It was not the conversation's latest turn, and the backend knows no branches.
        """
        ...


@runtime_checkable
class CanBranch(Protocol):
    """A backend whose conversations are trees: what is shown is one branch, and no other is lost.

    `Turn.versions` names what stands in the same place on other branches.
    """

    async def edit_turn(
        self, user: User, conversation_id: str, turn_id: str, text: str, submission: str | None = None
    ) -> Run:
        """Begin to answer `text` in the place of what the user wrote in a turn. The new branch is shown.

        Args:
            submission: As for `CanStartOnce`: the same edit with the same one returns the run that it started.

        Raises:
            Busy: The conversation has an active run; nothing was stored.
        """
        ...

    async def show_version(self, user: User, conversation_id: str, version: str) -> None:
        """Show the branch that has this turn, to its end: the newest, where it divides again.

        Raises:
            Busy: The conversation has an active run.
        """
        ...


@runtime_checkable
class CanLimitRuns(Protocol):
    """A backend that can hold each user to a number of active runs, over all processes that serve its conversations."""

    def limit_runs(self, most: int) -> None:
        """From now on let `start_run` and `retry_run` raise `TooManyRuns` where a user would have more than `most`.

        Called when a chat is made of the backend, with `Limits.runs_per_user`. Of several numbers the least holds.
        """
        ...


@runtime_checkable
class CanBeObserved(Protocol):
    """A backend that tells an `Observer` of its runs."""

    def observe(self, observer: Observer) -> None:
        """From now on tell `observer` of runs, of those that wait, and of outages. The latest is told, no other.

        Called when a chat is made of the backend with an observer.
        """
        ...


@runtime_checkable
class KeepsScripts(Protocol):
    """A backend that keeps the queue of scripts that users run in their browsers.

    What the agent proposes by `ScriptProposed` joins the queue by itself. When a proposal is `awaited`, the run
    continues with its result.
    """

    async def list_scripts(self, user: User, conversation_id: str) -> tuple[Script, ...]:
        """Return the scripts of a conversation in the order in which they came."""
        ...

    async def queue_block(self, user: User, run_id: str, number: int, code: str, title: str = "") -> Script:
        """Queue a Python block of an answer; the same block again is the same script.

        Raises:
            InvalidInput: It cannot be run: too long, empty, or one too many.
        """
        ...

    async def change_script(self, user: User, run_id: str, script_id: str, action: ScriptAction) -> Script:
        """Carry out an action as `htmxchat.scripts.states.step` says, seen at once by everyone.

        Raises:
            Conflict: The script cannot do that now, or its text is not the one that the action means.
            InvalidInput: The edited text cannot be used.
        """
        ...

    async def clear_scripts(self, user: User, conversation_id: str) -> None:
        """Put the scripts that are over out of sight. Nothing is lost."""
        ...


@runtime_checkable
class TellsChanges(Protocol):
    """A backend that can tell at little cost how everything stands that a page shows.

    Every visible page asks it every other second, so that it shows what other tabs and devices have changed. Pages of
    other backends ask `list_conversations` and `get_conversation`, and only when they are looked at again.
    """

    async def overview(self, user: User, conversation_id: str | None, *, limit: int = 30) -> Overview:
        """Return up to `limit` of the latest conversations, and how one of them stands that is open."""
        ...


@runtime_checkable
class CanListRuns(Protocol):
    """A backend that can tell all runs of a conversation, also those that another took the place of."""

    async def list_runs(self, user: User, conversation_id: str, *, limit: int = 100) -> tuple[RunSummary, ...]:
        """Return up to `limit` runs of a conversation, latest first."""
        ...


@runtime_checkable
class CanInspect(Protocol):
    """A backend that can tell how a run went inside. Everything is asked for when the user looks at it."""

    async def run_steps(self, user: User, run_id: str) -> RunSteps:
        """Return the steps of a run, and what it waits for."""
        ...

    async def run_checkpoint(self, user: User, run_id: str, number: int) -> JSON:
        """Return the state of a run after the step with this number.

        Raises:
            NotFound: There is no such checkpoint.
        """
        ...

    async def run_evidence(self, user: User, run_id: str) -> tuple[Source, ...]:
        """Return what the run's answer rests on."""
        ...


@runtime_checkable
class KnowsUsers(Protocol):
    """A backend that has users of its own, and knows by what the host says of one who that is."""

    async def account(self, user: User) -> User:
        """Return the user as the backend knows them. The chat asks this once a request, before anything else, and
        gives what is returned to all other methods; `user_id` of conversations and runs is that of the account.

        Raises:
            NotSignedIn: The backend does not know the user.
        """
        ...


@runtime_checkable
class KeepsIdentityKey(Protocol):
    """A backend that keeps the key with which the chat signs what it issues to browsers, beside their conversations.

    Without it they are forgotten when the process ends, unless `create_chat_app` is given a `secret`.
    """

    async def identity_key(self) -> bytes | None:
        """Return 32 random bytes, made once: the same in every process that serves these conversations, for good.

        `None` when the conversations themselves end with this process.
        """
        ...


@runtime_checkable
class HasStarters(Protocol):
    """A backend that offers something to begin with.

    Attributes:
        starters: What an empty page offers to send; may be empty.
    """

    @property
    def starters(self) -> tuple[Starter, ...]: ...


@runtime_checkable
class TellsReadiness(Protocol):
    """A backend that can tell whether it could serve someone now."""

    async def check_ready(self) -> None:
        """Return when it could.

        Raises:
            BackendError: It could not; the sentence, which everyone may read, says why.
        """
        ...


@runtime_checkable
class CanDrain(Protocol):
    """A backend that can get ready for the end of its process while pages are still open."""

    async def drain(self) -> None:
        """Begin nothing new, and return when nothing is under way any more.

        Runs that can continue elsewhere are handed over at once: reading them raises `ServerStopping`, so that pages
        connect again, to another process. Others may finish within a grace time. Called when the server begins to
        stop, at the latest before `close`, and perhaps more than once.
        """
        ...


@runtime_checkable
class Managed(Protocol):
    """A backend that wants to be told when its host starts and stops."""

    async def open(self) -> None:
        """Get ready. Calling it is optional: everything also starts when first used."""
        ...

    async def close(self) -> None:
        """End active runs as interrupted and free connections. Returns within a second or two.

        Runs that live elsewhere continue; those who read them get a `BackendUnavailable`.
        """
        ...
