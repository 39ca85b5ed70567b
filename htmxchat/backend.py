"""The interface of backends: the `Backend` protocol, and optional protocols for further abilities.

`htmxchat.testing.conformance` tests any backend against these contracts.
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
    """An agent with stored conversations.

    Every method takes the user: the host's, or that of a `KnowsUsers` backend. An id that belongs to another user
    raises `NotFound`, exactly as an id that never existed. If the backend cannot be reached, methods raise
    `BackendUnavailable`; for other failures, `BackendError`.
    """

    async def list_conversations(self, user: User, *, limit: int = 30, cursor: str | None = None) -> ConversationPage:
        """Return up to `limit` of the user's conversations, pinned ones first, then the latest, from `cursor` on."""
        ...

    async def get_conversation(self, user: User, conversation_id: str) -> Conversation:
        """Return one conversation without its turns."""
        ...

    async def load_transcript(self, user: User, conversation_id: str) -> Transcript:
        """Return a conversation with its turns, including the active one."""
        ...

    async def start_run(self, user: User, conversation_id: str | None, text: str) -> Run:
        """Store the user's turn and start a run; without a `conversation_id`, in a new conversation.

        Returns as soon as the run exists. The run does not depend on its readers.

        Raises:
            Busy: The conversation has an active run; nothing was stored.
        """
        ...

    async def get_run(self, user: User, run_id: str) -> Run:
        """Return one run with its current state."""
        ...

    def run_events(
        self, user: User, run_id: str, *, after: int | None = None
    ) -> AsyncGenerator[Sequence[RunEvent], None]:
        """Yield the run's events with a `seq` larger than `after`: existing ones, then new ones, until the run ends.

        An async generator that yields non-empty lists (or tuples) of events: existing events in one batch, and new
        events that arrive together in one. `seq` rises strictly, also across batches. There is exactly one `RunEnded`,
        the last event. All readers get the same events; the batches may differ. Closing the generator never affects the
        run.
        """
        ...

    async def stop_run(self, user: User, run_id: str) -> None:
        """Request a stop and return; the run's `RunEnded` has the outcome. For an ended run, it does nothing."""
        ...

    async def answer_request(self, user: User, run_id: str, request_id: str, answer: JSON) -> None:
        """Give the run the answer to its `InputRequested` (or `ScriptProposed`).

        Raises:
            NotFound: The run does not wait for this request, or it is already answered.
        """
        ...


@runtime_checkable
class CanStartOnce(Protocol):
    """A backend that recognizes a repeated submission, in any process: a button pressed twice, or a request repeated
    because the response was lost. For other backends the chat remembers the latest submissions of its own process.
    """

    async def start_run_once(self, user: User, conversation_id: str | None, text: str, submission: str) -> Run:
        """Start a run like `start_run`; for the same text and `submission`, return the run that they started.

        Args:
            submission: The page's idempotency key for a message: up to 64 letters, digits, `-` and `_`.
        """
        ...


@runtime_checkable
class CanRename(Protocol):
    """A backend whose conversations can be renamed."""

    async def rename_conversation(self, user: User, conversation_id: str, title: str) -> None:
        """Set the title."""
        ...


@runtime_checkable
class CanDelete(Protocol):
    """A backend whose conversations can be deleted, and restored for some time.

    The attribute `deletion_notice` replaces the notice "Conversation deleted.", for a backend that only hides
    conversations.
    """

    async def delete_conversation(self, user: User, conversation_id: str) -> None:
        """Remove the conversation from all lists and stop its active run."""
        ...

    async def restore_conversation(self, user: User, conversation_id: str) -> None:
        """Undo a deletion.

        Raises:
            NotFound: It is too late, or it was not deleted.
        """
        ...


@runtime_checkable
class CanSearch(Protocol):
    """A backend that can search titles and turns."""

    async def search_conversations(
        self, user: User, query: str, *, limit: int = 30, cursor: str | None = None
    ) -> ConversationPage:
        """Return the conversations that match every word of `query`, latest first.

        A backend may set a conversation's `passage` to the text that matched.
        """
        ...


@runtime_checkable
class CanRetry(Protocol):
    """A backend that can answer the same turn again."""

    async def retry_run(self, user: User, run_id: str) -> Run:
        """Start another run for the turn that `run_id` answered; it replaces that run in the transcript.

        With a `CanBranch` backend, this can be any turn; the turns after the earlier answer stay on its branch.

        Raises:
            Busy: The conversation has an active run.
            InvalidInput: It is not the conversation's latest turn, and the backend is not `CanBranch`.
        """
        ...


@runtime_checkable
class CanBranch(Protocol):
    """A backend whose conversations are trees: one branch is shown, and the others are kept.

    `Turn.versions` has the alternatives of a turn on other branches.
    """

    async def edit_turn(
        self, user: User, conversation_id: str, turn_id: str, text: str, submission: str | None = None
    ) -> Run:
        """Start a run for `text` instead of the text of a turn, on a new branch, which is then shown.

        Args:
            submission: As for `CanStartOnce`: the same edit with the same submission returns the run that it started.

        Raises:
            Busy: The conversation has an active run; nothing was stored.
        """
        ...

    async def show_version(self, user: User, conversation_id: str, version: str) -> None:
        """Show the branch with this turn, to its end, taking the newest at each fork.

        Raises:
            Busy: The conversation has an active run.
        """
        ...


@runtime_checkable
class CanDeleteTurns(Protocol):
    """A backend that can delete a message with all that follows it, and for a while bring it back."""

    async def delete_turn(self, user: User, conversation_id: str, turn_id: str) -> None:
        """Delete a turn of the user's, and all that follow it. Other versions of it stay, and the nearest is shown.

        What was deleted is in no agent's `history` or `memory` any more.

        Raises:
            NotFound: There is no such turn.
            Busy: The conversation has an active run.
        """
        ...

    async def restore_turn(self, user: User, conversation_id: str, turn_id: str) -> None:
        """Undo a deletion, and show the branch. Does nothing to a turn that is there.

        Raises:
            NotFound: It is too late, or what it followed was deleted too.
            Busy: The conversation has an active run.
        """
        ...


@runtime_checkable
class CanLimitRuns(Protocol):
    """A backend that can limit the number of a user's active runs, over all processes."""

    def limit_runs(self, most: int) -> None:
        """From now on, `start_run` and `retry_run` raise `TooManyRuns` if a user would have more than `most`.

        Called by `create_chat_app` with `Limits.runs_per_user`. The smallest of several numbers applies.
        """
        ...


@runtime_checkable
class CanBeObserved(Protocol):
    """A backend that notifies an `Observer` of its runs."""

    def observe(self, observer: Observer) -> None:
        """From now on, notify `observer` of runs, waiting and outages, instead of an earlier observer.

        Called by `create_chat_app`, if it has an observer.
        """
        ...


@runtime_checkable
class KeepsScripts(Protocol):
    """A backend that stores the queue of scripts that users run in their browsers.

    It queues the scripts that agents propose by `ScriptProposed`. If a proposal is `awaited`, the run continues with
    its result.
    """

    async def list_scripts(self, user: User, conversation_id: str) -> tuple[Script, ...]:
        """Return the scripts of a conversation in queue order, those of other branches marked as `elsewhere`."""
        ...

    async def queue_block(self, user: User, run_id: str, number: int, code: str, title: str = "") -> Script:
        """Queue a Python block of an answer; for a block in the queue, return its script.

        Raises:
            InvalidInput: The code is empty or too long, or the answer has too many scripts.
        """
        ...

    async def change_script(self, user: User, run_id: str, script_id: str, action: ScriptAction) -> Script:
        """Apply an action with `htmxchat.scripts.states.step`, at once for all readers.

        Raises:
            Conflict: The action does not apply to the script's state, or its text has changed.
            InvalidInput: The edited text cannot be used.
        """
        ...

    async def clear_scripts(self, user: User, conversation_id: str) -> None:
        """Hide finished scripts of the branch that is shown. They stay stored."""
        ...


@runtime_checkable
class TellsChanges(Protocol):
    """A backend that can return the state of everything that a page shows, cheaply.

    Every visible page asks for it every 1.4 seconds, to show what other tabs and devices have changed. With other
    backends, pages use `list_conversations` and `get_conversation`, and only when they become visible.
    """

    async def overview(self, user: User, conversation_id: str | None, *, limit: int = 30) -> Overview:
        """Return up to `limit` of the latest conversations, and the state of the open one."""
        ...


@runtime_checkable
class CanListRuns(Protocol):
    """A backend that can list the runs of a conversation without their events."""

    async def list_runs(self, user: User, conversation_id: str, *, limit: int = 100) -> tuple[RunSummary, ...]:
        """Return up to `limit` runs of the branch that is shown, latest first."""
        ...


@runtime_checkable
class CanInspect(Protocol):
    """A backend that can return the steps of a run. They are requested when the user opens them."""

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
        """Return the sources of the run's answer."""
        ...


@runtime_checkable
class KnowsUsers(Protocol):
    """A backend with its own users, which maps the host's users to them."""

    async def account(self, user: User) -> User:
        """Return the backend's user for the host's user. The chat calls this first, once per request, and passes the
        result to all other methods; `user_id` of conversations and runs is its `id`.

        Raises:
            NotSignedIn: The backend does not know the user.
        """
        ...


@runtime_checkable
class KeepsIdentityKey(Protocol):
    """A backend that stores the key with which the chat signs cookies, next to the conversations.

    Without it, browsers lose their conversations when the process ends, unless the host passes
    `BrowserIdentity(secret=…)`.
    """

    async def identity_key(self) -> bytes | None:
        """Return 32 random bytes, created once: the same in every process that serves these conversations, permanently.

        `None` if the conversations are lost with this process.
        """
        ...


@runtime_checkable
class HasStarters(Protocol):
    """A backend with suggested first messages.

    Attributes:
        starters: The suggestions on the empty page; may be empty.
    """

    @property
    def starters(self) -> tuple[Starter, ...]: ...


@runtime_checkable
class TellsReadiness(Protocol):
    """A backend that can report whether it is ready."""

    async def check_ready(self) -> None:
        """Return if the backend is ready; raise otherwise.

        Raises:
            BackendError: It is not ready. The message, which is public, gives the reason.
        """
        ...


@runtime_checkable
class CanDrain(Protocol):
    """A backend that can prepare for the shutdown of its process while pages are still open."""

    async def drain(self) -> None:
        """Accept no new runs, and return when none is active.

        Runs that another process can resume are handed over at once: reading them raises `ServerStopping`, so that
        pages reconnect to another process. Others get some time to finish. Called when the server begins to shut down,
        at the latest before `close`, and perhaps more than once.
        """
        ...


@runtime_checkable
class Managed(Protocol):
    """A backend that is opened and closed with the host."""

    async def open(self) -> None:
        """Get ready. The call is optional: everything also starts at first use."""
        ...

    async def close(self) -> None:
        """End active runs as interrupted and close connections. Returns within about two seconds.

        Runs of other systems continue; their readers get `BackendUnavailable`.
        """
        ...
