"""Tests of branches: edits, versions, deleted turns."""

from __future__ import annotations

import pytest

from ...backend import Backend, CanBranch, CanDeleteTurns, CanListRuns, CanRetry
from ...errors import NotFound
from ...models import Turn
from .kit import Kit


class BranchPromises(Kit):
    """What a backend does that keeps every version of a turn."""

    async def _shown(self, backend: Backend, conversation_id: str) -> tuple[Turn, ...]:
        return (await backend.load_transcript(self.user, conversation_id)).turns

    async def test_an_edit_begins_a_branch_and_loses_none(self) -> None:
        async with self._backend() as backend:
            if not isinstance(backend, CanBranch):
                pytest.skip("the backend knows no branches")
            first = await self._answered(backend)
            second = await self._answered(backend, first.conversation_id)
            edited = await backend.edit_turn(self.user, first.conversation_id, first.turn_id, self.prompt)
            await self._all(backend, edited)
            asked, answered = await self._shown(backend, first.conversation_id)
            assert (asked.id, answered.id) == (edited.turn_id, edited.id)
            assert asked.versions == (first.turn_id, edited.turn_id)
            if isinstance(backend, CanListRuns):
                listed = await backend.list_runs(self.user, first.conversation_id)
                assert [each.run.id for each in listed] == [edited.id], "those of the branch that is shown"
            await backend.show_version(self.user, first.conversation_id, first.turn_id)
            shown = await self._shown(backend, first.conversation_id)
            assert [turn.id for turn in shown if turn.run] == [first.id, second.id]
            for user, id in (self.other_user, first.turn_id), (self.user, self.unknown_id):
                with pytest.raises(NotFound):
                    await backend.show_version(user, first.conversation_id, id)
                with pytest.raises(NotFound):
                    await backend.edit_turn(user, first.conversation_id, id, self.prompt)

    async def test_any_answer_can_be_tried_again_on_a_branch(self) -> None:
        async with self._backend() as backend:
            if not (isinstance(backend, CanBranch) and isinstance(backend, CanRetry)):
                pytest.skip("the backend knows no branches, or cannot retry")
            first = await self._answered(backend)
            await self._answered(backend, first.conversation_id)
            again = await backend.retry_run(self.user, first.id)
            await self._all(backend, again)
            asked, answered = await self._shown(backend, first.conversation_id)
            assert (asked.id, asked.versions) == (first.turn_id, ())
            assert (answered.id, answered.versions) == (again.id, (first.id, again.id))
            await backend.show_version(self.user, first.conversation_id, first.id)
            assert len(await self._shown(backend, first.conversation_id)) == 4

    async def test_a_turn_is_deleted_with_what_follows_and_comes_back(self) -> None:
        async with self._backend() as backend:
            if not isinstance(backend, CanDeleteTurns):
                pytest.skip("the backend cannot delete turns")
            first = await self._answered(backend)
            second = await self._answered(backend, first.conversation_id)
            await self._answered(backend, first.conversation_id)
            before = await self._shown(backend, first.conversation_id)
            await backend.delete_turn(self.user, first.conversation_id, second.turn_id)
            assert [turn.id for turn in await self._shown(backend, first.conversation_id)] == [first.turn_id, first.id]
            with pytest.raises(NotFound):
                await backend.get_run(self.user, second.id)
            with pytest.raises(NotFound):
                await backend.restore_turn(self.other_user, first.conversation_id, second.turn_id)
            await backend.restore_turn(self.user, first.conversation_id, second.turn_id)
            assert await self._shown(backend, first.conversation_id) == before
