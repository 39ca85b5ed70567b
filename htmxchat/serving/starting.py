"""Starts the run that a client requests, or answers the run that waits."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..backend import Backend, CanBranch, KeepsScripts, TellsChanges
from ..chat.bound import answered
from ..errors import BackendError, NotFound
from ..live.reading import each_of, read_run
from ..models import Run, User
from ..scripts.actions import Approve, Claim, Finish, Reject
from ..scripts.models import FromAgent
from ..scripts.result import ScriptResult, ScriptState
from ..scripts.states import digest, script_id
from .asked import Asked, Given, Place

_RUNNER = "ag-ui"


@dataclass(frozen=True, slots=True)
class Starter:
    """Begins runs for one user, and gives them answers.

    Args:
        seconds: For how long the backend may think about each.
    """

    backend: Backend
    user: User
    seconds: float

    async def run(self, asked: Asked) -> tuple[Run, Place, int | None]:
        """Return the run, the place of the client after it, and the last event of it that it was told before.

        Raises:
            ChatError: It cannot be.
        """
        return await answered(self._run(asked), self.seconds)

    async def stop(self, run_id: str) -> None:
        """Stop a run that nobody waits for any more."""
        await answered(self.backend.stop_run(self.user, run_id), self.seconds)

    async def reject(self, run_id: str, proposal: str) -> None:
        """Tell a run that its script will not be run."""
        if not isinstance(self.backend, KeepsScripts):
            raise BackendError("The agent wants to run a script, which this client does not offer.")
        script = script_id(run_id, FromAgent(proposal))
        await answered(self.backend.change_script(self.user, run_id, script, Reject()), self.seconds)

    async def _run(self, asked: Asked) -> tuple[Run, Place, int | None]:
        if asked.given is not None:
            given = asked.given
            run = await self.backend.get_run(self.user, given.pending.run)
            await self._answer(given)
            return run, replace(asked.place, conversation=run.conversation_id, run=run.id), given.pending.seq
        place = asked.place
        # The message of before once more: the client wants another answer to it.
        before = place.before if place.message and place.message == asked.message else place.run
        conversation = place.conversation or None
        try:
            if conversation:
                await self._end(place.run)
            run = await self._start(conversation, before, asked.text)
        except NotFound:
            run = await self.backend.start_run(self.user, None, asked.text)
        return run, Place(run.conversation_id, run.id, before, asked.message, place.user), None

    async def _end(self, run_id: str) -> None:
        """A run that waits for an answer is not going to get one."""
        if run_id and (await self.backend.get_run(self.user, run_id)).state.live:
            await self.backend.stop_run(self.user, run_id)
            async for _ in each_of(read_run(self.backend, self.user, run_id)):
                pass

    async def _start(self, conversation: str | None, before: str, text: str) -> Run:
        """Begin to answer a text after a run; where something else follows that, it becomes another version of it."""
        if conversation is not None and isinstance(self.backend, CanBranch):
            head = None
            if before and isinstance(self.backend, TellsChanges):
                head = (await self.backend.overview(self.user, conversation, limit=1)).head
            if head != before and (turn := await self._next(self.backend, conversation, before)) is not None:
                return await self.backend.edit_turn(self.user, conversation, turn, text)
        return await self.backend.start_run(self.user, conversation, text)

    async def _next(self, backend: CanBranch, conversation: str, before: str) -> str | None:
        """Return the turn of the user's that follows a run; `None` when none does."""
        turns = (await self.backend.load_transcript(self.user, conversation)).turns
        if before and not any(turn.id == before for turn in turns):
            await backend.show_version(self.user, conversation, before)
            turns = (await self.backend.load_transcript(self.user, conversation)).turns
        ids = [turn.id for turn in turns]
        place = ids.index(before) + 1 if before in ids else 0
        return ids[place] if place < len(ids) else None

    async def _answer(self, given: Given) -> None:
        run_id, request = given.pending.run, given.pending.request
        if given.script:
            await self._finish(run_id, request, given)
        elif given.cancelled:
            await self.backend.stop_run(self.user, run_id)
        else:
            await self.backend.answer_request(self.user, run_id, request, given.answer)

    async def _finish(self, run_id: str, proposal: str, given: Given) -> None:
        """A client has run a script, and its user has approved it there."""
        if not isinstance(self.backend, KeepsScripts):
            raise NotFound
        script = script_id(run_id, FromAgent(proposal))
        if given.cancelled:
            await self.backend.change_script(self.user, run_id, script, Reject())
            return
        run = await self.backend.get_run(self.user, run_id)
        scripts = await self.backend.list_scripts(self.user, run.conversation_id)
        shown = next((digest(each.code) for each in scripts if each.id == script), "")
        result = ScriptResult(ScriptState.DONE, str(given.answer))
        for action in (Approve(shown), Claim(_RUNNER, shown), Finish(_RUNNER, result)):
            await self.backend.change_script(self.user, run_id, script, action)
