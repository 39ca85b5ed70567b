"""How often a request asks the database: each costs a round trip, and on SQLite a turn at the one writer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest
from sqlalchemy import event
from starlette.requests import Request as HttpRequest

from htmxchat import LocalBackend, Request, Store, User, create_chat_app
from htmxchat.events import ScriptProposed, StageChanged
from htmxchat.journal import Timing
from tests.support import FRAGMENT, parse

pytestmark = pytest.mark.anyio
ANN = User("ann")


async def respond(request: Request) -> AsyncGenerator[str | StageChanged | ScriptProposed, None]:
    if request.text == "wait":
        await asyncio.sleep(3_600)
    yield StageChanged("Looking")
    if request.text == "propose":
        yield ScriptProposed("one", "print(1)")
    yield "An answer."


async def identify(request: HttpRequest) -> User:
    return ANN


class Chat:
    """A chat whose database tells of its transactions."""

    def __init__(self, store: Store, client: httpx.AsyncClient, conversation: str, run: str) -> None:
        self.conversation = conversation
        self.run = run
        self._client = client
        self._begun = 0
        event.listen(store.database.engine.core, "begin", self._count)

    def _count(self, connection: object) -> None:
        self._begun += 1

    async def cost(self, method: str, path: str, *, text: str = "", headers: dict[str, str] | None = None) -> int:
        """Return how many transactions a request makes."""
        before = self._begun
        data = {"text": text, "submission": "s1"} if text else None
        response = await self._client.request(method, path, data=data, headers=headers)
        if response.status_code == 204:
            return self._begun - before
        assert response.status_code == 200
        expected = text or "An answer.", "An answer.", "Looking", "Needs your approval"
        assert any(each in response.text for each in expected) or response.json()["scripts"]
        return self._begun - before

    async def shown(self) -> str:
        """Return what a page asks that shows all there is."""
        page = parse((await self._client.get(f"/c/{self.conversation}")).text)
        shown = {"list": page.one(id="history-list")["data-tag"], "title": page.one(id="heading")["data-tag"]}
        shown |= {"last": self.run, "queue": page.one("chat-runner").attributes.get("data-queue") or ""}
        return f"/c/{self.conversation}/changes?{urlencode(shown)}"


@pytest.fixture(params=["Hello"])
async def chat(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Chat]:
    store = Store(f"sqlite:///{tmp_path}/chat.db")
    # A process looks around once a second; here it does so once.
    backend = LocalBackend(respond, store, timing=Timing(renew=3_600))
    app = create_chat_app(backend, identify=identify)
    run = await backend.start_run(ANN, None, request.param)
    async for _ in backend.run_events(ANN, run.id):
        pass
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://chat.example") as client:
        while backend._tasks or store.database._tasks:
            await asyncio.wait([*backend._tasks, *store.database._tasks])  # what has begun in the background
        yield Chat(store, client, run.conversation_id, run.id)
    await backend.close()


async def test_a_page_asks_for_the_conversation_and_for_the_history(chat: Chat) -> None:
    assert await chat.cost("GET", f"/c/{chat.conversation}") == 2


async def test_a_conversation_that_is_opened_is_asked_for_once(chat: Chat) -> None:
    headers = {**FRAGMENT, "HX-Target": "main#conversation"}
    assert await chat.cost("GET", f"/c/{chat.conversation}", headers=headers) == 1


async def test_sending_a_message_stores_it_and_reads_what_the_page_lacks(chat: Chat) -> None:
    headers = {**FRAGMENT, "Chat-Last-Turn": chat.run}
    the_agents = 1  # in a task of its own it reads what was said before
    assert await chat.cost("POST", f"/c/{chat.conversation}/messages", text="wait", headers=headers) == 2 + the_agents


async def test_a_run_is_asked_for_with_its_log_and_the_page_around_it(chat: Chat) -> None:
    assert await chat.cost("GET", f"/runs/{chat.run}") == 4


async def test_the_room_of_a_run_alone_costs_the_run_and_its_log(chat: Chat) -> None:
    assert await chat.cost("GET", f"/runs/{chat.run}", headers={**FRAGMENT, "HX-Target": "aside#inspector"}) == 2


async def test_one_event_costs_the_run_and_its_log(chat: Chat) -> None:
    assert await chat.cost("GET", f"/runs/{chat.run}/events/2", headers=FRAGMENT) == 2


async def test_a_page_that_shows_everything_costs_one(chat: Chat) -> None:
    assert await chat.cost("GET", await chat.shown(), headers=FRAGMENT) == 1


with_scripts = pytest.mark.parametrize("chat", ["propose"], indirect=True)


@with_scripts
async def test_a_page_with_scripts_asks_for_the_queue_besides(chat: Chat) -> None:
    assert await chat.cost("GET", f"/c/{chat.conversation}") == 2 + 1


@with_scripts
async def test_the_queue_of_scripts_costs_the_conversation_and_the_queue(chat: Chat) -> None:
    headers = {**FRAGMENT, "Accept": "application/json"}
    assert await chat.cost("GET", f"/c/{chat.conversation}/scripts", headers=headers) == 2


@with_scripts
async def test_the_page_of_the_queue_costs_the_queue_and_the_page_around_it(chat: Chat) -> None:
    assert await chat.cost("GET", f"/c/{chat.conversation}/scripts") == 2 + 2


@with_scripts
async def test_a_page_that_shows_everything_of_a_queue_too_costs_one(chat: Chat) -> None:
    assert await chat.cost("GET", await chat.shown(), headers=FRAGMENT) == 1
