"""Turns are deleted with what follows them, come back for a while, and are then gone."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import func, select

from htmxchat import Busy, FileSent, LocalBackend, NotFound, Remember, Request, Run, SendFile, Store, User
from htmxchat.store import tables as t
from htmxchat.testing import each_event

ANN = User(f"ann-{uuid.uuid4().hex}")


class Agent:
    """Remembers all that it was told on a branch, and writes it down."""

    def __init__(self) -> None:
        self.given: list[Request] = []

    async def answer(self, request: Request) -> AsyncIterator[str | Remember]:
        self.given.append(request)
        before = request.memory if isinstance(request.memory, list) else []
        yield Remember([*before, request.text])
        yield f"After {len(request.history)}"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Talk:
    def __init__(self, url: str, keep_deleted: float = 600.0) -> None:
        self.agent = Agent()
        self.store = Store(url, keep_deleted=keep_deleted)
        self.backend = LocalBackend(self.agent, self.store)
        self.id = ""

    async def say(self, text: str) -> Run:
        return await self.over(await self.backend.start_run(ANN, self.id or None, text))

    async def edit(self, run: Run, text: str) -> Run:
        return await self.over(await self.backend.edit_turn(ANN, self.id, run.turn_id, text))

    async def over(self, run: Run) -> Run:
        self.id = run.conversation_id
        async for _ in each_event(self.backend, ANN, run.id):
            pass
        return run

    async def shown(self) -> list[str]:
        return [turn.text for turn in (await self.backend.load_transcript(ANN, self.id)).turns if turn.run is None]

    async def delete(self, run: Run) -> None:
        await self.backend.delete_turn(ANN, self.id, run.turn_id)

    async def restore(self, run: Run) -> None:
        await self.backend.restore_turn(ANN, self.id, run.turn_id)


async def test_a_turn_goes_with_what_follows_and_the_agent_knows_no_more_of_it(url: str) -> None:
    talk = Talk(url)
    await talk.say("one")
    two = await talk.say("two")
    await talk.say("three")
    await talk.delete(two)
    assert await talk.shown() == ["one"]
    await talk.say("four")
    request = talk.agent.given[-1]
    assert [turn.text for turn in request.history if turn.run is None] == ["one"]
    assert (request.memory, request.forks, request.attempt) == (["one"], True, 1)
    assert len(await talk.backend.list_runs(ANN, talk.id)) == 2
    with pytest.raises(NotFound):
        await talk.backend.get_run(ANN, two.id)
    await talk.backend.close()


async def test_all_comes_back_as_it_was_whatever_was_said_meanwhile(url: str) -> None:
    talk = Talk(url)
    await talk.say("one")
    two = await talk.say("two")
    await talk.say("three")
    await talk.delete(two)
    four = await talk.say("four")
    await talk.restore(two)
    await talk.restore(two)
    turns = (await talk.backend.load_transcript(ANN, talk.id)).turns
    assert [turn.text for turn in turns if turn.run is None] == ["one", "two", "three"]
    assert turns[2].versions == (two.turn_id, four.turn_id)
    await talk.say("five")
    assert talk.agent.given[-1].memory == ["one", "two", "three"]
    await talk.backend.close()


async def test_other_versions_stay_and_the_nearest_is_shown(url: str) -> None:
    talk = Talk(url)
    one = await talk.say("one")
    await talk.say("after one")
    two = await talk.edit(one, "two")
    await talk.edit(one, "three")
    await talk.backend.show_version(ANN, talk.id, two.turn_id)
    await talk.delete(two)
    turns = (await talk.backend.load_transcript(ANN, talk.id)).turns
    assert [turn.text for turn in turns if turn.run is None] == ["one", "after one"]
    assert len(turns[0].versions) == 2
    await talk.backend.close()


async def test_a_conversation_can_lose_all_its_turns_and_go_on(url: str) -> None:
    talk = Talk(url)
    one = await talk.say("one")
    await talk.delete(one)
    assert await talk.shown() == []
    overview = await talk.backend.overview(ANN, talk.id)
    assert (overview.head, overview.conversation and overview.conversation.state) == (None, None)
    await talk.say("two")
    request = talk.agent.given[-1]
    assert (request.history, request.memory, request.forks) == ((), None, True)
    assert await talk.shown() == ["two"]
    await talk.backend.close()


async def test_what_followed_a_turn_that_is_deleted_too_cannot_come_back_before_it(url: str) -> None:
    talk = Talk(url)
    one = await talk.say("one")
    two = await talk.say("two")
    await talk.delete(two)
    await talk.delete(one)
    with pytest.raises(NotFound):
        await talk.restore(two)
    await talk.restore(one)
    assert await talk.shown() == ["one"]
    await talk.restore(two)
    assert await talk.shown() == ["one", "two"]
    await talk.backend.close()


async def test_after_a_while_it_is_gone_and_agents_still_learn_that_something_followed(url: str) -> None:
    talk = Talk(url, keep_deleted=0.0)
    await talk.say("one")
    two = await talk.say("two")
    await talk.delete(two)
    with pytest.raises(NotFound):
        await talk.restore(two)
    await talk.say("three")
    assert talk.agent.given[-1].forks
    here = t.turns.c.conversation_id == talk.id
    texts = select(t.turns.c.text).where(here).order_by(t.turns.c.created_at)
    assert await talk.store.database.read(lambda db: db.scalars(texts).all()) == ["one", "", "three"]
    assert (
        await talk.store.database.read(
            lambda db: db.scalar(select(func.count()).where(t.runs.c.conversation_id == talk.id))
        )
        == 2
    )
    await talk.backend.close()


async def test_nothing_is_deleted_while_the_agent_answers_or_by_someone_else(url: str) -> None:
    talk = Talk(url)
    one = await talk.say("one")
    with pytest.raises(NotFound):
        await talk.backend.delete_turn(User("eve"), talk.id, one.turn_id)
    with pytest.raises(NotFound):
        await talk.backend.delete_turn(ANN, talk.id, one.id)
    await talk.store.runs.start_run(ANN.id, talk.id, "two", owner="another")
    with pytest.raises(Busy):
        await talk.delete(one)
    await talk.backend.close()


async def test_files_of_a_deleted_turn_and_of_its_answer_are_gone_until_it_comes_back(url: str) -> None:
    async def give(request: Request) -> AsyncIterator[str | SendFile]:
        yield SendFile("b.txt", b"given")
        yield "Here."

    async def content() -> AsyncIterator[bytes]:
        yield b"sent"

    backend = LocalBackend(give, Store(url))
    sent = await backend.store_file(ANN, "a.txt", content())
    run = await backend.start_run(ANN, None, "Look", files=[sent.id])
    events = [event.body async for event in each_event(backend, ANN, run.id)]
    (given,) = [body.file for body in events if isinstance(body, FileSent)]
    await backend.delete_turn(ANN, run.conversation_id, run.turn_id)
    for file in sent, given:
        with pytest.raises(NotFound):
            await backend.find_files(ANN, [file.id])
        with pytest.raises(NotFound):
            await backend.open_file(ANN, file.id)
    await backend.restore_turn(ANN, run.conversation_id, run.turn_id)
    assert [file.size for file in await backend.find_files(ANN, [sent.id, given.id])] == [4, 5]
    await backend.close()
