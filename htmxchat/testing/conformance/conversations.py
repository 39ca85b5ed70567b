"""Tests of conversations."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from ...backend import (
    CanDelete,
    CanRename,
    CanRetry,
)
from ...errors import NotFound
from ...live.reading import open_run
from ...models import User
from ...view import fold
from .kit import Kit


class ConversationPromises(Kit):
    """Transcripts, their order and their owners."""

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
            await backend.stop_run(self.user, run.id)
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
                lambda user, conversation, run: backend.stop_run(user, run),
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
