"""Tests of runs."""

from __future__ import annotations

from contextlib import aclosing

import anyio
import pytest

from ...errors import Busy, NotFound
from ...events import InputAnswered, InputRequested, Outcome, RunEnded, RunEvent
from ...live.reading import checked, open_run
from ...models import RunState
from ..reading import each_event
from .kit import Kit, assert_whole


class RunPromises(Kit):
    """Start, read, stop and answer runs."""

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
            assert_whole(events)
            assert all(event.at.tzinfo is not None for event in events)
            last = events[-1].body
            assert isinstance(last, RunEnded)
            assert (await backend.get_run(self.user, run.id)).state is RunState.after(last.outcome)
            assert await self._all(backend, run) == events, "an ended run always has the same events"

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
            await backend.stop_run(self.user, run.id)
            await self._all(backend, run)
            again = await backend.start_run(self.user, run.conversation_id, self.prompt)
            assert again.conversation_id == run.conversation_id

    async def test_stop_ends_a_live_run_once(self) -> None:
        async with self._backend() as backend:
            run = await self._long_run(backend)
            await backend.stop_run(self.user, run.id)
            await backend.stop_run(self.user, run.id)
            events = await self._all(backend, run)
            assert_whole(events)
            last = events[-1].body
            assert isinstance(last, RunEnded)
            assert last.outcome is Outcome.CANCELLED
            assert (await backend.get_run(self.user, run.id)).state is RunState.CANCELLED
            await backend.stop_run(self.user, run.id)
            assert await self._all(backend, run) == events

    async def test_stop_does_nothing_to_a_run_that_has_ended(self) -> None:
        async with self._backend() as backend:
            run = await backend.start_run(self.user, None, self.prompt)
            events = await self._all(backend, run)
            state = (await backend.get_run(self.user, run.id)).state
            await backend.stop_run(self.user, run.id)
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
            answers = [event.body for event in log if isinstance(event.body, InputAnswered)]
            assert [(each.request_id, each.answer) for each in answers] == [(request.request_id, self.answer)]
            assert answers[0].user_id in ("", self.user.id), "the user who answered, if known"
            with pytest.raises(NotFound):
                await backend.answer_request(self.user, run.id, request.request_id, self.answer)

    async def test_an_answer_that_nobody_waits_for_is_refused(self) -> None:
        async with self._backend() as backend:
            run = await backend.start_run(self.user, None, self.prompt)
            await self._all(backend, run)
            with pytest.raises(NotFound):
                await backend.answer_request(self.user, run.id, self.unknown_id, self.answer)
