"""The backend bound to a user: with timeouts, every failure as a `ChatError`, and a check of abilities."""

from __future__ import annotations

import logging
import math
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

import anyio

from ..archive import Archive, CanExport, CanImport
from ..arranging import CanArchive, CanPin
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
from ..choosing import HasAgents
from ..errors import BackendUnavailable, ChatError, NotAllowed, NotFound
from ..events import RunEvent
from ..feedback.ability import KeepsFeedback
from ..files.ability import KeepsFiles
from ..files.file import File
from ..live.reading import read_run
from ..models import Conversation, Overview, Run, User
from ..sharing import CanShare
from .submissions import Submissions

P = ParamSpec("P")
T = TypeVar("T")
_log = logging.getLogger("htmxchat")
_ABILITIES: tuple[type, ...] = (
    CanArchive,
    CanBranch,
    CanDelete,
    CanDeleteTurns,
    CanExport,
    CanImport,
    CanInspect,
    CanListRuns,
    CanPin,
    CanRename,
    CanRetry,
    CanSearch,
    CanStartOnce,
    CanShare,
    KeepsFeedback,
    KeepsFiles,
    KeepsScripts,
    TellsChanges,
)


def abilities(backend: Backend) -> frozenset[type]:
    """Return the optional protocols that a backend implements."""
    return frozenset(ability for ability in _ABILITIES if isinstance(backend, ability))


async def answered(answer: Awaitable[T], seconds: float) -> T:
    """Await code of the host.

    Raises:
        BackendUnavailable: It took longer than `seconds`.
        ChatError: The code raised it, or raised another exception, which is logged. `SystemExit` is caught too: a
            request must not end the server.
    """
    try:
        with anyio.fail_after(seconds):
            return await answer
    except ChatError:
        raise
    except TimeoutError:
        raise BackendUnavailable("The agent takes too long to respond. Try again in a moment.") from None
    except (Exception, SystemExit, KeyboardInterrupt):
        _log.exception("The backend failed")
        raise ChatError from None


def _asks(
    method: Callable[Concatenate[Any, User, P], Awaitable[T]], ability: type = Backend
) -> Callable[Concatenate[BoundBackend, P], Coroutine[Any, Any, T]]:
    """Return a method of the backend without its `user` argument."""
    name = method.__name__

    async def ask(self: BoundBackend, /, *args: P.args, **kwargs: P.kwargs) -> T:
        self.require(ability)
        user = await self.account()
        return await self.ask(getattr(self._backend, name)(user, *args, **kwargs))

    return ask


class BoundBackend:
    """A backend, bound to the user of a request.

    Its methods are those of the backend's protocols, without the user. Besides the backend's own errors, each raises:

    Raises:
        NotAllowed: The backend cannot do this.
        BackendUnavailable: It took longer than `seconds`.
        ChatError: It raised an exception that is not a `ChatError`, which is logged.
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
    pin_conversation = _asks(CanPin.pin_conversation, CanPin)
    archive_conversation = _asks(CanArchive.archive_conversation, CanArchive)
    list_archived = _asks(CanArchive.list_archived, CanArchive)
    delete_conversation = _asks(CanDelete.delete_conversation, CanDelete)
    restore_conversation = _asks(CanDelete.restore_conversation, CanDelete)
    _retry_run = _asks(CanRetry.retry_run, CanRetry)
    show_version = _asks(CanBranch.show_version, CanBranch)
    delete_turn = _asks(CanDeleteTurns.delete_turn, CanDeleteTurns)
    restore_turn = _asks(CanDeleteTurns.restore_turn, CanDeleteTurns)
    list_runs = _asks(CanListRuns.list_runs, CanListRuns)
    run_steps = _asks(CanInspect.run_steps, CanInspect)
    run_checkpoint = _asks(CanInspect.run_checkpoint, CanInspect)
    run_evidence = _asks(CanInspect.run_evidence, CanInspect)
    outline = _asks(CanExport.outline, CanExport)
    read_turns = _asks(CanExport.read_turns, CanExport)
    share_conversation = _asks(CanShare.share_conversation, CanShare)
    find_share = _asks(CanShare.find_share, CanShare)
    list_shares = _asks(CanShare.list_shares, CanShare)
    revoke_share = _asks(CanShare.revoke_share, CanShare)
    list_scripts = _asks(KeepsScripts.list_scripts, KeepsScripts)
    queue_block = _asks(KeepsScripts.queue_block, KeepsScripts)
    change_script = _asks(KeepsScripts.change_script, KeepsScripts)
    clear_scripts = _asks(KeepsScripts.clear_scripts, KeepsScripts)
    give_feedback = _asks(KeepsFeedback.give_feedback, KeepsFeedback)
    find_files = _asks(KeepsFiles.find_files, KeepsFiles)
    discard_file = _asks(KeepsFiles.discard_file, KeepsFiles)
    open_file = _asks(KeepsFiles.open_file, KeepsFiles)
    _overview = _asks(TellsChanges.overview, TellsChanges)

    async def account(self) -> User:
        """Return the backend's own `User` for this user; the backend is asked once."""
        if self._account is None:
            knows = self._backend
            self._account = await self.ask(knows.account(self._user)) if isinstance(knows, KnowsUsers) else self._user
        return self._account

    def can(self, ability: type) -> bool:
        """Return whether the backend implements an optional protocol."""
        return ability is Backend or ability in self._able

    def require(self, ability: type) -> None:
        """Raise if the backend does not implement a protocol.

        Raises:
            NotAllowed: It does not.
        """
        if not self.can(ability):
            raise NotAllowed("This chat's agent does not support that.")

    async def start_run(
        self,
        conversation_id: str | None,
        text: str,
        submission: str | None,
        files: Sequence[str] = (),
        agent: str = "",
    ) -> Run:
        """Start a run; for a repeated submission, return the run that it started."""
        user, backend = await self.account(), self._backend
        given: dict[str, Any] = {}
        if files:
            self.require(KeepsFiles)
            given["files"] = files
        given |= self._chosen(agent)
        if submission is not None and isinstance(backend, CanStartOnce):
            return await self.ask(backend.start_run_once(user, conversation_id, text, submission, **given))

        async def start() -> Run:
            return await self.ask(backend.start_run(user, conversation_id, text, **given))

        if submission is None:
            return await start()
        return await self._submissions.once((self._user.id, conversation_id, text, submission), start)

    async def edit_turn(
        self,
        conversation_id: str,
        turn_id: str,
        text: str,
        submission: str | None,
        files: Sequence[str] | None = None,
        agent: str = "",
    ) -> Run:
        """Start a run on a new branch; `files` are those that come with the text, `None` those of the turn."""
        self.require(CanBranch)
        user, edit = await self.account(), cast(Any, self._backend).edit_turn
        given = self._chosen(agent) | ({} if files is None else {"files": files})
        return cast(Run, await self.ask(edit(user, conversation_id, turn_id, text, submission, **given)))

    async def retry_run(self, run_id: str, agent: str = "") -> Run:
        """Start another run for the same turn, by another agent if one is named."""
        return await self._retry_run(run_id, **self._chosen(agent))

    def _chosen(self, agent: str) -> dict[str, Any]:
        choice = self._backend.agents if isinstance(self._backend, HasAgents) else ()
        return {"agent": agent} if agent and len(choice) > 1 else {}

    async def store_file(self, name: str, chunks: AsyncIterable[bytes], most: int) -> File:
        """Keep a file as it comes, for as long as that takes; what `chunks` raises is raised as it is."""
        self.require(KeepsFiles)
        backend, broken = self._backend, _Broken(chunks)
        assert isinstance(backend, KeepsFiles)
        try:
            return await answered(backend.store_file(await self.account(), name, broken, most=most), math.inf)
        except Exception:
            if broken.error is not None:
                raise broken.error from None
            raise

    async def import_conversation(self, archive: Archive, most: int | None) -> Conversation:
        """Store an archive as a new conversation, for as long as that takes."""
        self.require(CanImport)
        backend = self._backend
        assert isinstance(backend, CanImport)
        return await answered(backend.import_conversation(await self.account(), archive, most=most), math.inf)

    async def overview(self, conversation_id: str | None, *, limit: int) -> Overview:
        """Return the state of everything that a page shows; less if the backend is not `TellsChanges`."""
        if self.can(TellsChanges):
            return await self._overview(conversation_id, limit=limit)
        latest, conversation = await self.list_conversations(limit=limit), None
        if conversation_id is not None:
            with suppress(NotFound):
                conversation = await self.get_conversation(conversation_id)
        return Overview(latest, conversation)

    async def run_events(self, run_id: str) -> AsyncGenerator[Sequence[RunEvent], None]:
        """Return the run's events, without a timeout and with the backend's own errors."""
        return read_run(self._backend, await self.account(), run_id)

    async def ask(self, answer: Awaitable[T]) -> T:
        """Await another call to the backend; raises the same errors as every method."""
        return await answered(answer, self._seconds)


class _Broken:
    """What comes from a request; it knows why it broke off, whatever a backend makes of that."""

    def __init__(self, chunks: AsyncIterable[bytes]) -> None:
        self.error: Exception | None = None
        self._chunks = chunks

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._chunks:
                yield chunk
        except Exception as error:
            self.error = error
            raise _BrokenOff from error


class _BrokenOff(ChatError):
    """No one sees it: what broke off is raised in its place."""
