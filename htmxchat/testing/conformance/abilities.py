"""Tests of the optional protocols."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import anyio
import pytest

from ...arranging import CanArchive, CanPin
from ...backend import (
    Backend,
    CanBranch,
    CanDelete,
    CanInspect,
    CanListRuns,
    CanRename,
    CanRetry,
    CanSearch,
    HasStarters,
    Managed,
    TellsChanges,
)
from ...choosing import HasAgents
from ...errors import BackendError, InvalidInput, NotFound
from ...events import RunEnded, RunEvent, RunStarted
from ...feedback import Feedback
from ...feedback.ability import KeepsFeedback
from ...models import Starter
from ..reading import each_event
from .kit import Kit, assert_whole


class AbilityPromises(Kit):
    """The optional protocols."""

    async def test_rename(self) -> None:
        async with self._backend() as backend:
            if not isinstance(backend, CanRename):
                pytest.skip("the backend cannot rename")
            run = await self._answered(backend)
            await backend.rename_conversation(self.user, run.conversation_id, "Ärger im Hafen")
            assert (await backend.get_conversation(self.user, run.conversation_id)).title == "Ärger im Hafen"

    async def test_delete_and_restore(self) -> None:
        async with self._backend() as backend:
            if not isinstance(backend, CanDelete):
                pytest.skip("the backend cannot delete")
            run = await self._answered(backend)
            with pytest.raises(NotFound):
                await backend.restore_conversation(self.user, run.conversation_id)
            await backend.delete_conversation(self.user, run.conversation_id)
            assert (await backend.list_conversations(self.user)).items == ()
            for gone in (
                backend.get_conversation(self.user, run.conversation_id),
                backend.load_transcript(self.user, run.conversation_id),
                backend.get_run(self.user, run.id),
                backend.start_run(self.user, run.conversation_id, self.prompt),
                backend.restore_conversation(self.other_user, run.conversation_id),
            ):
                with pytest.raises(NotFound):
                    await gone
            await backend.restore_conversation(self.user, run.conversation_id)
            assert len((await backend.load_transcript(self.user, run.conversation_id)).turns) == 2

    async def test_a_pin_puts_a_conversation_before_the_others(self) -> None:
        async with self._backend() as backend:
            if not isinstance(backend, CanPin):
                pytest.skip("the backend cannot pin")
            first, last = [(await self._answered(backend)).conversation_id for _ in range(2)]
            await backend.pin_conversation(self.user, first, True)
            with pytest.raises(NotFound):
                await backend.pin_conversation(self.other_user, last, True)
            listed = (await backend.list_conversations(self.user)).items
            assert [(each.id, each.pinned) for each in listed] == [(first, True), (last, False)]
            assert (await backend.get_conversation(self.user, first)).pinned
            page = await backend.list_conversations(self.user, limit=1)
            (rest,) = (await backend.list_conversations(self.user, limit=1, cursor=page.cursor)).items
            assert rest.id == last
            await backend.pin_conversation(self.user, first, False)
            assert [each.id for each in (await backend.list_conversations(self.user)).items] == [last, first]

    async def test_an_archived_conversation_is_in_the_archive_alone_until_it_goes_on(self) -> None:
        async with self._backend() as backend:
            if not isinstance(backend, CanArchive):
                pytest.skip("the backend cannot archive")
            first, last = [(await self._answered(backend)).conversation_id for _ in range(2)]
            for id in first, last:
                await backend.archive_conversation(self.user, id, True)
            with pytest.raises(NotFound):
                await backend.archive_conversation(self.other_user, first, False)
            await backend.archive_conversation(self.user, last, False)
            assert [each.id for each in (await backend.list_conversations(self.user)).items] == [last]
            word = max(self.prompt.split(), key=len)
            for query in "", word:
                (found,) = (await backend.list_archived(self.user, query)).items
                assert (found.id, found.archived) == (first, True)
            assert (await backend.list_archived(self.user, f"{word} qzxjvw")).items == ()
            assert (await backend.list_archived(self.other_user)).items == ()
            if isinstance(backend, CanSearch):
                assert [each.id for each in (await backend.search_conversations(self.user, word)).items] == [last]
            await self._answered(backend, first)
            assert [each.id for each in (await backend.list_conversations(self.user)).items] == [first, last]
            assert (await backend.list_archived(self.user)).items == ()

    async def test_an_overview_is_that_of_the_list_and_of_the_open_conversation(self) -> None:
        async with self._backend() as backend:
            if not isinstance(backend, TellsChanges):
                pytest.skip("the backend is not TellsChanges")
            first = await self._answered(backend)
            last = await self._answered(backend)
            for limit, id, head in (1, first.conversation_id, first.id), (30, last.conversation_id, last.id):
                overview = await backend.overview(self.user, id, limit=limit)
                assert overview.latest == await backend.list_conversations(self.user, limit=limit)
                assert overview.conversation == await backend.get_conversation(self.user, id)
                assert overview.head == head
            again = await self._answered(backend, first.conversation_id)
            assert (await backend.overview(self.user, first.conversation_id)).head == again.id
            other = await backend.overview(self.other_user, first.conversation_id)
            assert (other.latest.items, other.conversation, other.head) == ((), None, None)

    async def test_search_finds_every_word(self) -> None:
        async with self._backend() as backend:
            if not isinstance(backend, CanSearch):
                pytest.skip("the backend cannot search")
            run = await self._answered(backend)
            word = max(self.prompt.split(), key=len)
            found = await backend.search_conversations(self.user, word.upper())
            assert [item.id for item in found.items] == [run.conversation_id]
            assert (await backend.search_conversations(self.user, f"{word} qzxjvw")).items == ()
            assert (await backend.search_conversations(self.other_user, word)).items == ()

    async def test_retry_takes_the_place_of_the_last_answer(self) -> None:
        async with self._backend() as backend:
            if not isinstance(backend, CanRetry):
                pytest.skip("the backend cannot retry")
            first = await self._answered(backend)
            run = await backend.retry_run(self.user, first.id)
            assert (run.turn_id, run.conversation_id) == (first.turn_id, first.conversation_id)
            assert run.id != first.id
            assert_whole(await self._all(backend, run))
            transcript = await backend.load_transcript(self.user, run.conversation_id)
            assert [turn.id for turn in transcript.turns] == [run.turn_id, run.id]
            await self._answered(backend, run.conversation_id)
            if not isinstance(backend, CanBranch):
                with pytest.raises(InvalidInput):
                    await backend.retry_run(self.user, run.id)

    async def test_all_runs_of_a_conversation_are_listed_latest_first(self) -> None:
        async with self._backend() as backend:
            if not isinstance(backend, CanListRuns):
                pytest.skip("the backend cannot list runs")
            first = await self._answered(backend)
            second = await self._answered(backend, first.conversation_id)
            found = await backend.list_runs(self.user, first.conversation_id)
            assert [each.run.id for each in found] == [second.id, first.id]
            assert all(each.ended_at is None or each.ended_at >= each.run.created_at for each in found)
            (latest,) = await backend.list_runs(self.user, first.conversation_id, limit=1)
            assert latest.run.id == second.id
            with pytest.raises(NotFound):
                await backend.list_runs(self.other_user, first.conversation_id)

    async def test_feedback_is_kept_with_its_answer_and_is_the_owners_alone(self) -> None:
        async with self._backend() as backend:
            if not isinstance(backend, KeepsFeedback):
                pytest.skip("the backend keeps no feedback")
            assert isinstance(backend, Backend)
            run = await self._answered(backend)

            async def kept() -> tuple[Feedback | None, int]:
                transcript = await backend.load_transcript(self.user, run.conversation_id)
                return next(turn.feedback for turn in transcript.turns if turn.id == run.id), transcript.feedback

            before = await kept()
            assert before[0] is None
            given = await backend.give_feedback(self.user, run.id, "down", "Too long")
            assert given is not None and (given.rating, given.comment) == ("down", "Too long")
            changed = await backend.give_feedback(self.user, run.id, "up")
            assert changed is not None and (changed.rating, changed.comment) == ("up", "Too long")
            after = await kept()
            assert after[0] == changed and after[1] > before[1]
            for user, id in (self.other_user, run.id), (self.user, self.unknown_id):
                with pytest.raises(NotFound):
                    await backend.give_feedback(user, id, "up")
            assert await backend.give_feedback(self.user, run.id, None) is None
            removed = await kept()
            assert removed[0] is None and removed[1] > after[1]

    async def test_a_run_can_be_looked_into_by_its_owner_only(self) -> None:
        async with self._backend() as backend:
            if not isinstance(backend, CanInspect):
                pytest.skip("the backend is not CanInspect")
            run = await self._answered(backend)
            found = await backend.run_steps(self.user, run.id)
            numbers = [step.number for step in found.steps]
            assert numbers == sorted(set(numbers)) and set(found.checkpoints) <= set(numbers)
            with pytest.raises(NotFound):
                await backend.run_checkpoint(self.user, run.id, max(numbers, default=0) + 1_000)
            with pytest.raises(NotFound):
                await backend.run_steps(self.other_user, run.id)
            with pytest.raises(NotFound):
                await backend.run_checkpoint(self.other_user, run.id, 0)
            with pytest.raises(NotFound):
                await backend.run_evidence(self.other_user, run.id)

    async def test_starters_can_be_sent(self) -> None:
        async with self._backend() as backend:
            if not isinstance(backend, HasStarters):
                pytest.skip("the backend has no starters")
            for starter in backend.starters:
                assert isinstance(starter, Starter)
                assert starter.title.strip()
                assert starter.text.strip()

    async def test_the_agent_that_was_chosen_answers(self) -> None:
        async with self._backend() as backend:
            if not isinstance(backend, HasAgents) or len(backend.agents) < 2:
                pytest.skip("the backend has no agents to choose from")
            start: Any = backend.start_run
            first, second = backend.agents[:2]
            conversation = None
            for name, wanted in ((None, first), (second, second), (None, second), (first, first)):
                run = await start(self.user, conversation, self.prompt, agent=name)
                events = await self._all(backend, run)
                started = [event.body for event in events if isinstance(event.body, RunStarted)]
                assert (run.agent, [body.agent for body in started]) == (wanted, [wanted])
                assert (await backend.get_run(self.user, run.id)).agent == wanted
                conversation = run.conversation_id
            with pytest.raises(InvalidInput):
                await start(self.user, conversation, self.prompt, agent="no agent has this name")

    async def test_close_ends_live_runs(self) -> None:
        async with self._backend() as backend:
            if not isinstance(backend, Managed):
                pytest.skip("the backend is not managed")
            run = await self._long_run(backend)
            seen: list[RunEvent] = []

            async def read() -> None:
                if not self.runs_outlive_close:
                    seen.extend(await self._all(backend, run))
                    return
                with suppress(BackendError):
                    async for event in each_event(backend, self.user, run.id):
                        seen.append(event)

            async with anyio.create_task_group() as reader:
                reader.start_soon(read)
                await anyio.wait_all_tasks_blocked()
                with anyio.fail_after(2):
                    await backend.close()
            if self.runs_outlive_close:
                assert not any(isinstance(event.body, RunEnded) for event in seen)
            else:
                assert_whole(seen)
