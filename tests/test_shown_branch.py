"""What the rooms at the side list follows the branch that is shown: scripts and runs."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest

from htmxchat import LocalBackend, Remember, Request, Run, Script, ScriptProposed, ScriptState, Store, User
from htmxchat.endpoints.queue import queue_data
from htmxchat.fragments.scripts.room import script_room
from htmxchat.html import render
from htmxchat.scripts.actions import Approve, Reject
from htmxchat.scripts.states import digest, queue_number
from htmxchat.testing import each_event
from htmxchat.urls import Urls

ANN = User(f"ann-{uuid.uuid4().hex}")


async def propose(request: Request) -> AsyncIterator[str | Remember | ScriptProposed]:
    yield ScriptProposed("s", f"print({request.text!r})", request.text)
    yield "Proposed."


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def talk(url: str) -> AsyncIterator[Talk]:
    talk = Talk(url)
    yield talk
    await talk.backend.close()


class Talk:
    def __init__(self, url: str) -> None:
        self.backend = LocalBackend(propose, Store(url))
        self.id = ""

    async def say(self, text: str) -> Run:
        return await self._over(await self.backend.start_run(ANN, self.id or None, text))

    async def edit(self, run: Run, text: str) -> Run:
        return await self._over(await self.backend.edit_turn(ANN, self.id, run.turn_id, text))

    async def retry(self, run: Run) -> Run:
        return await self._over(await self.backend.retry_run(ANN, run.id))

    async def show(self, run: Run) -> None:
        await self.backend.show_version(ANN, self.id, run.id)

    async def _over(self, run: Run) -> Run:
        self.id = run.conversation_id
        async for _ in each_event(self.backend, ANN, run.id):
            pass
        return run

    async def scripts(self) -> tuple[Script, ...]:
        return await self.backend.list_scripts(ANN, self.id)

    async def listed(self) -> tuple[list[str], list[str]]:
        """The titles of the scripts on the shown branch, and the runs that are listed, the first first."""
        runs = await self.backend.list_runs(ANN, self.id)
        return [each.title for each in await self.scripts() if not each.elsewhere], [each.run.id for each in runs][::-1]

    async def number(self) -> int:
        """The number by which pages know the queue, which must rise with each change of what is shown."""
        told = (await self.backend.overview(ANN, self.id)).queue
        assert told is not None and told == queue_number(await self.scripts())
        return told


async def test_scripts_and_runs_are_those_of_the_branch_and_pages_hear_of_each_switch(talk: Talk) -> None:
    one, two = await talk.say("one"), await talk.say("two")
    numbers = [await talk.number()]
    assert await talk.listed() == (["one", "two"], [one.id, two.id])
    better = await talk.edit(one, "better")
    assert await talk.listed() == (["better"], [better.id])
    numbers.append(await talk.number())
    await talk.show(two)
    assert await talk.listed() == (["one", "two"], [one.id, two.id])
    numbers.append(await talk.number())
    again = await talk.retry(two)
    assert await talk.listed() == (["one", "two"], [one.id, again.id])
    numbers.append(await talk.number())
    await talk.show(better)
    last = await talk.say("three")
    assert await talk.listed() == (["better", "three"], [better.id, last.id])
    numbers.append(await talk.number())
    await talk.backend.delete_turn(ANN, talk.id, better.turn_id)
    assert (await talk.listed())[1] in ([one.id, again.id], [one.id, two.id])
    await talk.backend.restore_turn(ANN, talk.id, better.turn_id)
    assert await talk.listed() == (["better", "three"], [better.id, last.id])
    numbers.append(await talk.number())
    assert numbers == sorted(set(numbers))
    assert [each.run.id for each in await talk.backend.list_runs(ANN, talk.id, limit=1)] == [last.id]


async def test_only_the_finished_scripts_that_are_shown_are_cleared(talk: Talk) -> None:
    one = await talk.say("one")
    (script,) = await talk.scripts()
    await talk.backend.change_script(ANN, one.id, script.id, Reject())
    await talk.edit(one, "better")
    await talk.backend.clear_scripts(ANN, talk.id)
    assert [(each.title, each.cleared, each.elsewhere) for each in await talk.scripts()] == [
        ("one", False, True),
        ("better", False, False),
    ]


async def test_a_script_on_another_branch_is_not_lost_and_runs_only_if_it_was_approved(talk: Talk) -> None:
    one = await talk.say("one")
    (script,) = await talk.scripts()
    await talk.edit(one, "better")
    conversation = await talk.backend.get_conversation(ANN, talk.id)

    async def shown() -> tuple[str, dict[str, Any]]:
        scripts, urls = await talk.scripts(), Urls("")
        return render(*script_room(urls, conversation, scripts)), queue_data(urls, conversation, scripts)

    html, data = await shown()
    assert f'1 script waits in another version. <a href="/c/{talk.id}?turn={one.id}"' in html
    assert f"script-{script.id}" not in html and script.id not in str(data), "a page that trusts would approve it"
    approved = await talk.backend.change_script(ANN, one.id, script.id, Approve(digest(script.code)))
    assert (approved.state, approved.elsewhere) == (ScriptState.APPROVED, True)
    _, data = await shown()
    assert [each["code"] for each in data["scripts"]] == ["print('one')", None]
