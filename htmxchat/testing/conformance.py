"""The promises of `htmxchat.backend`, as tests that any backend can be put to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import replace

import anyio
import pytest

from ..backend import (
    Backend,
    CanDelete,
    CanInspect,
    CanListRuns,
    CanRename,
    CanRetry,
    CanSearch,
    HasStarters,
    KeepsScripts,
    Managed,
)
from ..errors import BackendError, Busy, Conflict, InvalidInput, NotFound
from ..events import InputAnswered, InputRequested, Outcome, RunEnded, RunEvent, ScriptFinished, ScriptProposed
from ..models import Run, RunState, Starter, User
from ..reading import checked, open_run
from ..scripts.actions import Approve, Claim, Finish, Reject, ScriptAction
from ..scripts.models import Script, ScriptResult, ScriptState
from ..scripts.states import digest
from ..view import fold
from .reading import each_event

_DONE = ScriptResult(ScriptState.DONE, stdout="1\n", seconds=0.1)


class BackendConformance:
    """Subclass it in a test module, under a name that begins with Test, and say how to make a backend.

    Every test makes its own backend and closes it. The tests use anyio's pytest plugin: an `anyio_backend` fixture
    chooses the event loop. What a backend cannot do is skipped, with the reason.

    Attributes:
        prompt: A text that gets an answer.
        long_prompt: A text whose answer goes on until it is stopped, or for a minute at least. Without one, the tests
            that need a live run are skipped.
        asking_prompt: A text on which the agent first asks the user something. Without one, that is skipped.
        answer: What to answer then.
        proposing_prompt: A text on which the agent proposes a script and waits for its result. Without one, that is
            skipped.
        user, other_user: Two users with access to the backend.
        unknown_id: Formed like an id of this backend, but of nothing.
        patience: How many seconds anything may take.
        runs_outlive_close: Whether runs go on elsewhere when the backend is closed, so that closing only ends reading.
    """

    pytestmark = pytest.mark.anyio

    prompt = "Hello"
    long_prompt: str | None = None
    asking_prompt: str | None = None
    answer = "yes"
    proposing_prompt: str | None = None
    user = User("conformance-user")
    other_user = User("conformance-other")
    unknown_id = "0" * 32
    patience = 20.0
    runs_outlive_close = False

    async def make_backend(self) -> Backend:
        """Return the backend to test, with no conversation of the two users."""
        raise NotImplementedError

    # Runs

    async def test_start_run_makes_a_conversation(self) -> None:
        async with self._backend() as backend:
            run = await backend.start_run(self.user, None, self.prompt)
            assert run.user_id == self.user.id
            conversation = await backend.get_conversation(self.user, run.conversation_id)
            assert conversation.id == run.conversation_id
            assert conversation.user_id == self.user.id
            assert conversation.created_at.tzinfo is not None
            assert conversation.updated_at >= conversation.created_at
            assert (await backend.get_run(self.user, run.id)).id == run.id

    async def test_seq_rises_and_the_only_run_ended_is_last(self) -> None:
        async with self._backend() as backend:
            run = await backend.start_run(self.user, None, self.prompt)
            events = await self._all(backend, run)
            _assert_whole(events)
            assert all(event.at.tzinfo is not None for event in events)
            last = events[-1].body
            assert isinstance(last, RunEnded)
            assert (await backend.get_run(self.user, run.id)).state is RunState.after(last.outcome)
            assert await self._all(backend, run) == events, "an ended run has the same events for ever"

    async def test_events_come_in_batches_none_of_them_empty(self) -> None:
        async with self._backend() as backend:
            run = await backend.start_run(self.user, None, self.prompt)
            for _ in ("live", "ended"):
                numbers = []
                with anyio.fail_after(self.patience):
                    async with aclosing(open_run(backend, self.user, run.id, None)) as batches:
                        async for batch in batches:
                            assert checked(batch, backend), "a batch is not empty"
                            numbers += [event.seq for event in batch]
                assert numbers == sorted(set(numbers)), "seq rises strictly, from batch to batch too"
            with anyio.fail_after(self.patience):
                async with aclosing(open_run(backend, self.user, run.id, numbers[-1])) as batches:
                    assert [batch async for batch in batches] == [], "a batch is not empty"

    async def test_after_yields_only_what_is_larger(self) -> None:
        async with self._backend() as backend:
            run = await backend.start_run(self.user, None, self.prompt)
            events = await self._all(backend, run)
            for position in {0, len(events) // 2, len(events) - 1}:
                after = events[position].seq
                assert await self._all(backend, run, after=after) == events[position + 1 :]
            assert await self._all(backend, run, after=events[0].seq - 1) == events
            assert await self._all(backend, run, after=events[-1].seq + 1000) == []

    async def test_a_live_reader_resumes_without_loss_or_doubling(self) -> None:
        async with self._backend() as backend:
            run = await backend.start_run(self.user, None, self.prompt)
            seen: list[RunEvent] = []
            while not (seen and isinstance(seen[-1].body, RunEnded)):
                after = seen[-1].seq if seen else None
                async with aclosing(each_event(backend, self.user, run.id, after=after)) as events:
                    async for event in events:
                        seen.append(event)
                        if len(seen) % 3 == 0:
                            break
            assert seen == await self._all(backend, run)

    async def test_two_readers_see_the_same(self) -> None:
        async with self._backend() as backend:
            run = await backend.start_run(self.user, None, self.prompt)
            seen: dict[int, list[RunEvent]] = {}

            async def read(reader: int) -> None:
                seen[reader] = await self._all(backend, run)

            async with anyio.create_task_group() as readers:
                readers.start_soon(read, 1)
                readers.start_soon(read, 2)
            assert seen[1] == seen[2]

    async def test_closing_a_reader_never_ends_the_run(self) -> None:
        async with self._backend() as backend:
            run = await backend.start_run(self.user, None, self.prompt)
            async with aclosing(open_run(backend, self.user, run.id, None)) as batches:
                await anext(batches)
            with anyio.CancelScope() as scope:
                async with aclosing(each_event(backend, self.user, run.id)) as events:
                    async for _ in events:
                        scope.cancel()
                        await anyio.lowlevel.checkpoint()
            last = (await self._all(backend, run))[-1].body
            assert isinstance(last, RunEnded)
            assert last.outcome is not Outcome.CANCELLED

    async def test_a_second_run_waits_for_the_first(self) -> None:
        async with self._backend() as backend:
            run = await self._long_run(backend)
            before = await backend.load_transcript(self.user, run.conversation_id)
            with pytest.raises(Busy):
                await backend.start_run(self.user, run.conversation_id, self.prompt)
            after = await backend.load_transcript(self.user, run.conversation_id)
            assert [turn.id for turn in after.turns] == [turn.id for turn in before.turns]
            assert after.live_run is not None
            assert after.live_run.id == run.id
            await backend.cancel_run(self.user, run.id)
            await self._all(backend, run)
            again = await backend.start_run(self.user, run.conversation_id, self.prompt)
            assert again.conversation_id == run.conversation_id

    async def test_cancel_ends_a_live_run_once(self) -> None:
        async with self._backend() as backend:
            run = await self._long_run(backend)
            await backend.cancel_run(self.user, run.id)
            await backend.cancel_run(self.user, run.id)
            events = await self._all(backend, run)
            _assert_whole(events)
            last = events[-1].body
            assert isinstance(last, RunEnded)
            assert last.outcome is Outcome.CANCELLED
            assert (await backend.get_run(self.user, run.id)).state is RunState.CANCELLED
            await backend.cancel_run(self.user, run.id)
            assert await self._all(backend, run) == events

    async def test_cancel_does_nothing_to_a_run_that_has_ended(self) -> None:
        async with self._backend() as backend:
            run = await backend.start_run(self.user, None, self.prompt)
            events = await self._all(backend, run)
            state = (await backend.get_run(self.user, run.id)).state
            await backend.cancel_run(self.user, run.id)
            assert await self._all(backend, run) == events
            assert (await backend.get_run(self.user, run.id)).state is state

    async def test_an_answer_lets_the_run_go_on(self) -> None:
        if self.asking_prompt is None:
            pytest.skip("no asking_prompt was given")
        async with self._backend() as backend:
            run = await backend.start_run(self.user, None, self.asking_prompt)
            async with aclosing(each_event(backend, self.user, run.id)) as events:
                with anyio.fail_after(self.patience):
                    async for event in events:
                        if isinstance(event.body, InputRequested):
                            request = event.body
                            break
            with pytest.raises(NotFound):
                await backend.answer_request(self.other_user, run.id, request.request_id, self.answer)
            await backend.answer_request(self.user, run.id, request.request_id, self.answer)
            log = await self._all(backend, run)
            assert InputAnswered(request.request_id, self.answer) in [event.body for event in log]
            with pytest.raises(NotFound):
                await backend.answer_request(self.user, run.id, request.request_id, self.answer)

    async def test_an_answer_that_nobody_waits_for_is_refused(self) -> None:
        async with self._backend() as backend:
            run = await backend.start_run(self.user, None, self.prompt)
            await self._all(backend, run)
            with pytest.raises(NotFound):
                await backend.answer_request(self.user, run.id, self.unknown_id, self.answer)

    # Conversations

    async def test_the_transcript_shows_what_the_events_say(self) -> None:
        async with self._backend() as backend:
            run = await backend.start_run(self.user, None, self.prompt)
            view = fold(await self._all(backend, run))
            transcript = await backend.load_transcript(self.user, run.conversation_id)
            assert transcript.conversation.state is view.state
            assert transcript.live_run is None
            asked, answered = transcript.turns
            assert (asked.role, asked.text, asked.run) == ("user", self.prompt, None)
            assert (answered.role, answered.id, answered.text) == ("assistant", run.id, view.text)
            assert answered.run is not None
            assert (answered.run.id, answered.run.state) == (run.id, view.state)
            shown = fold(answered.events)
            assert (shown.state, shown.text, shown.error) == (view.state, view.text, view.error)

    async def test_the_transcript_shows_a_live_run(self) -> None:
        async with self._backend() as backend:
            run = await self._long_run(backend)
            transcript = await backend.load_transcript(self.user, run.conversation_id)
            assert transcript.live_run is not None
            assert transcript.live_run.id == run.id
            assert transcript.turns[-1].id == run.id
            await backend.cancel_run(self.user, run.id)
            await self._all(backend, run)

    async def test_turns_stand_in_order(self) -> None:
        async with self._backend() as backend:
            first = await self._answered(backend)
            second = await self._answered(backend, first.conversation_id)
            assert second.conversation_id == first.conversation_id
            transcript = await backend.load_transcript(self.user, first.conversation_id)
            assert [turn.role for turn in transcript.turns] == ["user", "assistant"] * 2
            assert [turn.id for turn in transcript.turns if turn.run] == [first.id, second.id]
            assert len({turn.id for turn in transcript.turns}) == 4

    async def test_the_latest_conversation_comes_first(self) -> None:
        async with self._backend() as backend:
            first = await self._answered(backend)
            second = await self._answered(backend)
            page = await backend.list_conversations(self.user)
            assert [item.id for item in page.items] == [second.conversation_id, first.conversation_id]
            assert page.cursor is None
            await self._answered(backend, first.conversation_id)
            page = await backend.list_conversations(self.user)
            assert [item.id for item in page.items] == [first.conversation_id, second.conversation_id]

    async def test_pages_hold_every_conversation_once(self) -> None:
        async with self._backend() as backend:
            made = [(await self._answered(backend)).conversation_id for _ in range(5)]
            seen: list[str] = []
            cursor = None
            for _ in range(5):
                page = await backend.list_conversations(self.user, limit=2, cursor=cursor)
                assert len(page.items) <= 2
                seen += [item.id for item in page.items]
                cursor = page.cursor
                if cursor is None:
                    break
            assert cursor is None
            assert seen == made[::-1]

    async def test_what_belongs_to_another_user_looks_like_nothing(self) -> None:
        async with self._backend() as backend:
            run = await self._answered(backend)
            assert (await backend.list_conversations(self.other_user)).items == ()
            calls: list[Callable[[User, str, str], Awaitable[object]]] = [
                lambda user, conversation, run: backend.get_conversation(user, conversation),
                lambda user, conversation, run: backend.load_transcript(user, conversation),
                lambda user, conversation, run: backend.start_run(user, conversation, self.prompt),
                lambda user, conversation, run: backend.get_run(user, run),
                lambda user, conversation, run: anext(open_run(backend, user, run, None)),
                lambda user, conversation, run: backend.cancel_run(user, run),
                lambda user, conversation, run: backend.answer_request(user, run, "request", self.answer),
            ]
            if isinstance(backend, CanRename):
                renamer = backend
                calls.append(lambda user, conversation, run: renamer.rename_conversation(user, conversation, "Title"))
            if isinstance(backend, CanDelete):
                deleter = backend
                calls.append(lambda user, conversation, run: deleter.delete_conversation(user, conversation))
                calls.append(lambda user, conversation, run: deleter.restore_conversation(user, conversation))
            if isinstance(backend, CanRetry):
                retrier = backend
                calls.append(lambda user, conversation, run: retrier.retry_run(user, run))
            for call in calls:
                with pytest.raises(NotFound) as foreign:
                    await call(self.other_user, run.conversation_id, run.id)
                with pytest.raises(NotFound) as unknown:
                    await call(self.user, self.unknown_id, self.unknown_id)
                assert str(foreign.value) == str(unknown.value)
            assert len((await backend.load_transcript(self.user, run.conversation_id)).turns) == 2

    # What only some can do

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
            _assert_whole(await self._all(backend, run))
            transcript = await backend.load_transcript(self.user, run.conversation_id)
            assert [turn.id for turn in transcript.turns] == [run.turn_id, run.id]
            await self._answered(backend, run.conversation_id)
            with pytest.raises(InvalidInput):
                await backend.retry_run(self.user, run.id)

    async def test_only_the_approved_text_of_a_script_runs_and_in_one_place(self) -> None:
        async with self._backend() as backend:
            if not isinstance(backend, KeepsScripts):
                pytest.skip("the backend keeps no scripts")
            run = await self._answered(backend)
            script = await backend.queue_block(self.user, run.id, 0, "print(1)")
            assert await backend.queue_block(self.user, run.id, 0, "print(1)") == script
            shown = digest("print(1)")

            async def do(action: ScriptAction) -> Script:
                return await backend.change_script(self.user, run.id, script.id, action)

            for early in (Claim("page", shown), Approve(digest("print(2)")), Finish("page", _DONE)):
                with pytest.raises(Conflict):
                    await do(early)
            assert (await do(Approve(shown))).state is ScriptState.APPROVED
            with pytest.raises(Conflict):
                await do(Claim("page", digest("print(2)")))
            assert (await do(Claim("page", shown))).state is ScriptState.RUNNING
            for other in (Claim("other", shown), Finish("other", _DONE)):
                with pytest.raises(Conflict):
                    await do(other)
            await do(Finish("page", _DONE))
            (kept,) = await backend.list_scripts(self.user, run.conversation_id)
            assert kept.result == replace(_DONE, code="print(1)")

    async def test_scripts_of_others_are_not_found(self) -> None:
        async with self._backend() as backend:
            if not isinstance(backend, KeepsScripts):
                pytest.skip("the backend keeps no scripts")
            run = await self._answered(backend)
            script = await backend.queue_block(self.user, run.id, 0, "print(1)")
            for user, run_id, script_id in (
                (self.other_user, run.id, script.id),
                (self.user, run.id, self.unknown_id),
                (self.user, self.unknown_id, script.id),
            ):
                with pytest.raises(NotFound):
                    await backend.change_script(user, run_id, script_id, Reject())
            with pytest.raises(NotFound):
                await backend.list_scripts(self.other_user, run.conversation_id)
            with pytest.raises(NotFound):
                await backend.queue_block(self.other_user, run.id, 0, "print(1)")

    async def test_a_proposal_joins_the_queue_and_the_run_goes_on_without_it(self) -> None:
        async with self._backend() as backend:
            if not isinstance(backend, KeepsScripts) or self.proposing_prompt is None:
                pytest.skip("no proposing_prompt was given, or the backend keeps no scripts")
            run = await backend.start_run(self.user, None, self.proposing_prompt)
            with anyio.fail_after(self.patience):
                async with aclosing(each_event(backend, self.user, run.id)) as events:
                    async for event in events:
                        if isinstance(event.body, ScriptProposed):
                            assert event.body.awaited
                            break
                (script,) = await backend.list_scripts(self.user, run.conversation_id)
                assert script.awaited
                await backend.change_script(self.user, run.id, script.id, Reject())
            bodies = [event.body for event in await self._all(backend, run)]
            (finished,) = [body for body in bodies if isinstance(body, ScriptFinished)]
            assert finished.state == ScriptState.REJECTED.value

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

    async def test_a_run_can_be_looked_into_by_its_owner_only(self) -> None:
        async with self._backend() as backend:
            if not isinstance(backend, CanInspect):
                pytest.skip("the backend cannot look inside runs")
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
                _assert_whole(seen)

    # Helpers

    @asynccontextmanager
    async def _backend(self) -> AsyncIterator[Backend]:
        backend = await self.make_backend()
        if isinstance(backend, Managed):
            await backend.open()
        try:
            yield backend
        finally:
            if isinstance(backend, Managed):
                await backend.close()

    async def _all(self, backend: Backend, run: Run, *, after: int | None = None) -> list[RunEvent]:
        with anyio.fail_after(self.patience):
            return [event async for event in each_event(backend, self.user, run.id, after=after)]

    async def _answered(self, backend: Backend, conversation_id: str | None = None) -> Run:
        run = await backend.start_run(self.user, conversation_id, self.prompt)
        await self._all(backend, run)
        return run

    async def _long_run(self, backend: Backend) -> Run:
        if self.long_prompt is None:
            pytest.skip("no long_prompt was given")
        return await backend.start_run(self.user, None, self.long_prompt)


def _assert_whole(events: list[RunEvent]) -> None:
    numbers = [event.seq for event in events]
    assert numbers == sorted(set(numbers)), "seq rises strictly"
    assert [isinstance(event.body, RunEnded) for event in events] == [False] * (len(events) - 1) + [True]
