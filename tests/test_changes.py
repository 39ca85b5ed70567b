"""What a page is told that asks: all that is otherwise than it shows it, and nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from htmxchat import LocalBackend, Request, ScriptProposed, Store, User, create_chat_app
from htmxchat.errors import BackendUnavailable
from htmxchat.models import Overview
from htmxchat.scripts.actions import Approve, Claim
from htmxchat.scripts.states import digest
from htmxchat.testing import ScriptedBackend
from tests.support import FRAGMENT, Element, parse

ANN = User("ann")
ASKING = {**FRAGMENT, "HX-Source": "chat-changes"}


async def respond(request: Request) -> AsyncIterator[Any]:
    if request.text == "propose":
        yield ScriptProposed("one", "print(1)")
    yield f"Echo: {request.text}"


async def identify(request: Any) -> User:
    return ANN


class Page:
    """A page that shows a conversation."""

    def __init__(self, client: TestClient, path: str) -> None:
        self._client = client
        self.path = path
        self.html = parse(client.get(path or "/").text)

    @property
    def shown(self) -> dict[str, str]:
        """What its script says."""
        turns, title = self.html.all("article", cls="turn"), self.html.one(id="heading")
        shown = {
            "list": self.html.one(id="history-list").attributes.get("data-tag"),
            "title": title.attributes.get("data-tag"),
            "last": turns[-1]["id"].removeprefix("turn-") if turns else None,
            "queue": self.html.one("chat-runner").attributes.get("data-queue")
            if self.html.all("chat-runner")
            else None,
        }
        return {name: value for name, value in shown.items() if value}

    def ask(self, **shown: str) -> dict[str, Element]:
        """Return what comes, by its targets."""
        response = self._client.get(f"{self.path}/changes", params={**self.shown, **shown}, headers=ASKING)
        assert response.status_code in (200, 204)
        return {each["hx-target"]: each for each in parse(response.text).all("hx-partial")}


class Chat:
    def __init__(self, client: TestClient) -> None:
        self.client = client

    def say(self, text: str, path: str = "") -> str:
        location = self.client.post(f"{path}/messages", data={"text": text}).headers["location"].partition("#")[0]
        while 'aria-busy="true"' in (html := self.client.get(location).text) or f"Echo: {text}" not in html:
            pass
        return location

    def page(self, path: str) -> Page:
        return Page(self.client, path)


@pytest.fixture
def chat() -> Iterator[Chat]:
    with TestClient(create_chat_app(LocalBackend(respond), identify=identify), follow_redirects=False) as client:
        yield Chat(client)


def test_nothing_is_said_of_what_the_page_shows(chat: Chat) -> None:
    assert chat.page("").ask() == {}
    for text in "hello", "propose":
        assert chat.page(chat.say(text)).ask() == {}


def test_turns_that_are_missing_come_and_no_others(chat: Chat) -> None:
    page = chat.page(path := chat.say("one"))
    chat.say("two", path)
    told = page.ask()
    assert [turn["data-role"] for turn in told["#turns"].all("article", cls="turn")] == ["user", "assistant"]
    assert (told["#turns"]["hx-swap"], "Echo: two" in told["#turns"].text) == ("beforeend", True)
    assert told.keys() == {"#history-list", "#turns", "h1#heading", "#composer-actions"}
    assert chat.page(path).ask() == {}


def test_an_answer_that_was_tried_again_takes_its_place(chat: Chat) -> None:
    page = chat.page(path := chat.say("one"))
    chat.client.post(f"/runs/{page.shown['last']}/retry")
    chat.say("two", path)
    told = page.ask()["#turns"]
    assert (told["hx-swap"], len(told.all("article", cls="turn"))) == ("innerMorph", 4)
    assert f"turn-{page.shown['last']}" not in str(told.html)


def test_a_title_comes_alone_with_the_list(chat: Chat) -> None:
    page = chat.page(path := chat.say("one"))
    chat.client.post(f"{path}/rename", data={"title": "A better title"})
    told = page.ask()
    assert told.keys() == {"#history-list", "h1#heading"}
    assert told["h1#heading"].text == "A better title"


def test_a_conversation_that_has_gone_is_said_to_be_and_leaves_a_composer(chat: Chat) -> None:
    page = chat.page(path := chat.say("one"))
    chat.client.post(f"{path}/delete")
    response = chat.client.get(f"{path}/changes", params=page.shown, headers=ASKING)
    told = {each["hx-target"]: each for each in parse(response.text).all("hx-partial")}
    assert response.status_code == 404
    assert "not there any more" in told["#composer-error"].text
    assert told["#composer"].one("form")["action"] == "/messages"
    assert "chat:changed" in response.headers["hx-trigger"]


def test_a_list_keeps_its_length_and_its_search(chat: Chat) -> None:
    for number in range(32):
        path = chat.client.post("/messages", data={"text": f"number {number}"}).headers["location"].partition("#")[0]
    page = chat.page(path)
    for length, shown in ("", 30), ("31", 31), ("200", 32), ("x", 30):
        assert len(page.ask(list="", length=length)["#history-list"].all("li")) == shown
    found = page.ask(list="", q="number 7")["#history-list"].one(id="history-list")
    assert ("number 7" in found.text, "number 8" in found.text, found["data-query"]) == (True, False, "number 7")
    # A search shows other conversations than the list, and is not drawn again for that.
    assert page.ask(list=found["data-tag"], q="number 7") == {}


def test_another_day_is_another_list(chat: Chat) -> None:
    from htmxchat.fragments.history.rows import list_tag
    from htmxchat.models import ConversationPage

    now, nothing = datetime.now(UTC), ConversationPage(())
    assert list_tag(nothing, now, None) == list_tag(nothing, now, None)
    assert list_tag(nothing, now, None) != list_tag(nothing, now + timedelta(days=1), None)


def test_a_queue_that_a_page_has_not_heard_of_is_told_and_then_not_again(chat: Chat) -> None:
    page = chat.page(path := chat.say("propose"))
    assert page.shown["queue"]
    script = page.html.one("chat-proposal")["data-script"]
    chat.client.post(f"/runs/{page.shown['last']}/scripts/{script}", data={"reject": "yes"})
    told = page.ask(boxes=f"{script[:8]}.0")
    assert told.keys() == {f"#proposal-{script}", "chat-runner"}
    assert told[f"#proposal-{script}"].one("chat-proposal")["data-state"] == "rejected"
    queue = told["chat-runner"].one("chat-runner")["data-queue"]
    assert page.ask(queue=queue) == {}
    assert chat.page(path).shown["queue"] == queue


def test_a_room_gets_the_script_that_it_is_to_show_though_it_was_put_out_of_sight(chat: Chat) -> None:
    page = chat.page(path := chat.say("propose"))
    script = page.html.one("chat-proposal")["data-script"]
    chat.client.post(f"/runs/{page.shown['last']}/scripts/{script}", data={"reject": "yes"})
    chat.client.post(f"{path}/scripts", data={"clear": "yes"})
    page = chat.page(path)
    assert page.ask(cards="") == {}
    room = page.ask(cards="", show=script)["#scripts"]
    assert room.one("article", cls="script")["id"] == f"script-{script}"
    assert room.one("chat-scripts")["data-show"] == script
    assert page.ask(cards=f"{script[:8]}.1", show=script) == {}


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_page_that_ran_a_script_and_has_gone_raises_the_number_of_the_queue() -> None:
    store = Store()
    backend = LocalBackend(respond, store)
    run = await backend.start_run(ANN, None, "propose")
    async for _ in backend.run_events(ANN, run.id):
        pass
    (script,) = await backend.list_scripts(ANN, run.conversation_id)
    shown = digest(script.code)
    for action in Approve(shown), Claim("page", shown):
        await backend.change_script(ANN, run.id, script.id, action)
    before = (await backend.overview(ANN, run.conversation_id)).queue

    def go(db: Any) -> None:
        from sqlalchemy import update

        from htmxchat.store import tables as t

        db.execute(update(t.scripts).values(lease_until=datetime.now(UTC) - timedelta(seconds=1)))

    await store.database.write(go)
    after = (await backend.overview(ANN, run.conversation_id)).queue
    assert before is not None and after == before + 1
    await backend.list_scripts(ANN, run.conversation_id)
    assert (await backend.overview(ANN, run.conversation_id)).queue == after
    await backend.close()


class TestBackendsThatDoNotTell:
    def test_their_pages_ask_when_they_are_looked_at(self) -> None:
        app = create_chat_app(ScriptedBackend(["Echo: one"]), identify=identify)
        with TestClient(app, follow_redirects=False) as client:
            chat = Chat(client)
            page = chat.page(chat.say("one"))
            assert "data-every" not in page.html.one("chat-changes").attributes
            assert page.ask() == {}
            chat.say("one")
            assert page.ask().keys() == {"#history-list"}

    def test_their_queues_are_read_and_told_once(self) -> None:
        class Quiet(LocalBackend):
            overview = None  # type: ignore[assignment]

        with TestClient(create_chat_app(Quiet(respond), identify=identify), follow_redirects=False) as client:
            chat = Chat(client)
            page = chat.page(chat.say("propose"))
            assert page.ask() == {}
            script = page.html.one("chat-proposal")["data-script"]
            client.post(f"/runs/{page.shown['last']}/scripts/{script}", data={"reject": "yes"})
            told = page.ask()
            assert told.keys() == {f"#proposal-{script}", "chat-runner"}
            assert page.ask(queue=told["chat-runner"].one("chat-runner")["data-queue"] or "") == {}

    def test_one_that_is_away_is_said_to_be_in_a_line(self) -> None:
        class Away(LocalBackend):
            async def overview(self, *_: Any, **__: Any) -> Overview:
                raise BackendUnavailable("The database is away.")

        with TestClient(create_chat_app(Away(respond), identify=identify)) as client:
            response = client.get("/changes", headers=ASKING)
        assert (response.status_code, response.text) == (503, "The database is away.")
        assert response.headers["content-type"].startswith("text/plain")
