"""The backend as one user asks it: within a time, with every failure in words, and only for what it can do."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any, Concatenate, ParamSpec, TypeVar

import anyio

from ..backend import (
    Backend,
    CanBranch,
    CanDelete,
    CanDeleteTurns,
    CanInspect,
    CanListRuns,
    CanRename,
    CanRetry,
    CanSearch,
    CanStartOnce,
    KeepsScripts,
    KnowsUsers,
    TellsChanges,
)
from ..errors import BackendUnavailable, ChatError, NotAllowed, NotFound
from ..events import RunEvent
from ..live.reading import read_run
from ..models import Overview, Run, User
from .submissions import Submissions

P = ParamSpec("P")
T = TypeVar("T")
_log = logging.getLogger("htmxchat")
_ABILITIES: tuple[type, ...] = (
    CanBranch,
    CanDelete,
    CanDeleteTurns,
    CanInspect,
    CanListRuns,
    CanRename,
    CanRetry,
    CanSearch,
    CanStartOnce,
    KeepsScripts,
    TellsChanges,
)


def abilities(backend: Backend) -> frozenset[type]:
    """Return which of the optional protocols a backend has."""
    return frozenset(ability for ability in _ABILITIES if isinstance(backend, ability))


async def answered(answer: Awaitable[T], seconds: float) -> T:
    """Return what code of the host's answers.

    Raises:
        BackendUnavailable: It took longer than `seconds`.
        ChatError: What it raises; an error that is none becomes one, and is in the log only. So does an exit: no one's
            request ends the server.
    """
    try:
        with anyio.fail_after(seconds):
            return await answer
    except ChatError:
        raise
    except TimeoutError:
        raise BackendUnavailable("The agent takes too long to answer. Try again in a moment.") from None
    except (Exception, SystemExit, KeyboardInterrupt):
        _log.exception("The backend failed")
        raise ChatError from None


def _asks(
    method: Callable[Concatenate[Any, User, P], Awaitable[T]], ability: type = Backend
) -> Callable[Concatenate[BoundBackend, P], Coroutine[Any, Any, T]]:
    """Return a method of the backend, less its user."""
    name = method.__name__

    async def ask(self: BoundBackend, /, *args: P.args, **kwargs: P.kwargs) -> T:
        self.require(ability)
        user = await self.account()
        return await self.ask(getattr(self._backend, name)(user, *args, **kwargs))

    return ask


class BoundBackend:
    """A backend, bound to the user who asks.

    Its methods are those of the backend's protocols, without the user. Each raises what the backend does, and besides:

    Raises:
        NotAllowed: The backend cannot do that.
        BackendUnavailable: It took longer than `seconds`.
        ChatError: It failed in a way that is no `ChatError`; how is in the log only.
    """

    def __init__(
        self, backend: Backend, able: frozenset[type], user: User, seconds: float, submissions: Submissions
    ) -> None:
        self._backend = backend
        self._able = able
        self._user = user
        self._seconds = seconds
        self._submissions = submissions
        self._account: User | None = None

    list_conversations = _asks(Backend.list_conversations)
    get_conversation = _asks(Backend.get_conversation)
    load_transcript = _asks(Backend.load_transcript)
    get_run = _asks(Backend.get_run)
    stop_run = _asks(Backend.stop_run)
    answer_request = _asks(Backend.answer_request)
    search_conversations = _asks(CanSearch.search_conversations, CanSearch)
    rename_conversation = _asks(CanRename.rename_conversation, CanRename)
    delete_conversation = _asks(CanDelete.delete_conversation, CanDelete)
    restore_conversation = _asks(CanDelete.restore_conversation, CanDelete)
    retry_run = _asks(CanRetry.retry_run, CanRetry)
    edit_turn = _asks(CanBranch.edit_turn, CanBranch)
    show_version = _asks(CanBranch.show_version, CanBranch)
    delete_turn = _asks(CanDeleteTurns.delete_turn, CanDeleteTurns)
    restore_turn = _asks(CanDeleteTurns.restore_turn, CanDeleteTurns)
    list_runs = _asks(CanListRuns.list_runs, CanListRuns)
    run_steps = _asks(CanInspect.run_steps, CanInspect)
    run_checkpoint = _asks(CanInspect.run_checkpoint, CanInspect)
    run_evidence = _asks(CanInspect.run_evidence, CanInspect)
    list_scripts = _asks(KeepsScripts.list_scripts, KeepsScripts)
    queue_block = _asks(KeepsScripts.queue_block, KeepsScripts)
    change_script = _asks(KeepsScripts.change_script, KeepsScripts)
    clear_scripts = _asks(KeepsScripts.clear_scripts, KeepsScripts)
    _overview = _asks(TellsChanges.overview, TellsChanges)
    _start_run = _asks(Backend.start_run)
    _start_run_once = _asks(CanStartOnce.start_run_once, CanStartOnce)

    async def account(self) -> User:
        """Return the user as the backend knows them; it is asked once."""
        if self._account is None:
            knows = self._backend
            self._account = await self.ask(knows.account(self._user)) if isinstance(knows, KnowsUsers) else self._user
        return self._account

    def can(self, ability: type) -> bool:
        """Return whether the backend has one of the optional protocols."""
        return ability is Backend or ability in self._able

    def require(self, ability: type) -> None:
        """Refuse what the backend cannot do.

        Raises:
            NotAllowed: It cannot.
        """
        if not self.can(ability):
            raise NotAllowed("This chat's agent cannot do that.")

    async def start_run(self, conversation_id: str | None, text: str, submission: str | None) -> Run:
        """Start a run; a submission that came before returns the run that it started then."""
        if submission is None:
            return await self._start_run(conversation_id, text)
        if self.can(CanStartOnce):
            return await self._start_run_once(conversation_id, text, submission)
        key = self._user.id, conversation_id, text, submission
        return await self._submissions.once(key, lambda: self._start_run(conversation_id, text))

    async def overview(self, conversation_id: str | None, *, limit: int) -> Overview:
        """Return how everything stands that a page shows; less of it where the backend cannot tell."""
        if self.can(TellsChanges):
            return await self._overview(conversation_id, limit=limit)
        latest, conversation = await self.list_conversations(limit=limit), None
        if conversation_id is not None:
            with suppress(NotFound):
                conversation = await self.get_conversation(conversation_id)
        return Overview(latest, conversation)

    async def run_events(self, run_id: str) -> AsyncGenerator[Sequence[RunEvent], None]:
        """Return the run's events for as long as it takes, as the backend does: bound neither in time nor in errors."""
        return read_run(self._backend, await self.account(), run_id)

    async def ask(self, answer: Awaitable[T]) -> T:
        """Return what was asked of the backend in another way; raises what every method does."""
        return await answered(answer, self._seconds)
