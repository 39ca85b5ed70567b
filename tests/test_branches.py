"""Messages are edited in their place, and versions are shown: by the page's script and without it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import anyio
import pytest
from starlette.testclient import TestClient

from htmxchat import LocalBackend, Request, User, create_chat_app
from tests.support import FRAGMENT, Element, parse


async def respond(request: Request) -> AsyncIterator[str]:
    yield f"Echo: {request.text}"
    if request.text.endswith("wait"):
        await anyio.sleep_forever()


async def identify(request: Any) -> User:
    return User("ann")


class Page:
    """A page that shows a conversation, and what its script does with it."""

    def __init__(self, client: TestClient, path: str) -> None:
        self.client = client
        self.path = path
        self.html = parse(client.get(path).text)

    @property
    def turns(self) -> list[Element]:
        return self.html.one(id="turns").all("article", cls="turn")

    @property
    def said(self) -> list[str]:
        return [turn.one(cls="turn-body").text for turn in self.turns]

    def versions(self, place: int) -> str:
        return self.turns[place].one(cls="versions").one("span", cls="num").text

    @property
    def last(self) -> str:
        return self.turns[-1]["id"].removeprefix("turn-") if self.turns else ""

    def press(self, place: int, name: str, *, status: int = 200) -> None:
        """Press a button of a turn, as htmx does."""
        button = next(each for each in self.turns[place].all("button") if each.attributes.get("name") == name)
        form = button
        while form.tag != "form":
            assert form.parent is not None
            form = form.parent
        fields = {each["name"]: each["value"] for each in form.all("input")}
        self.post(form["hx-post"], fields, status=status)

    def post(self, path: str, fields: dict[str, str], *, status: int = 200) -> None:
        revision = self.html.one(id="turns").attributes.get("data-revision", "0")
        headers = {**FRAGMENT, "Chat-Last-Turn": self.last, "Chat-Revision": revision}
        response = self.client.post(path, data=fields, headers=headers)
        assert response.status_code == status, response.text
        self.html.apply(response.text)


class Chat:
    def __init__(self, client: TestClient) -> None:
        self.client = client

    def say(self, text: str, path: str = "") -> str:
        location: str = self.client.post(f"{path}/messages", data={"text": text}).headers["location"].partition("#")[0]
        self.settle(location, text)
        return location

    def settle(self, path: str, text: str) -> None:
        """Wait until the agent has said all that it says."""
        while f"Echo: {text}" not in (html := self.client.get(path).text) or (
            'aria-busy="true"' in html and not text.endswith("wait")
        ):
            pass

    def page(self, path: str) -> Page:
        return Page(self.client, path)


@pytest.fixture
def chat() -> Iterator[Chat]:
    with TestClient(create_chat_app(LocalBackend(respond), identify=identify), follow_redirects=False) as client:
        yield Chat(client)


def edit_path(page: Page, place: int) -> str:
    return f"{page.path}/turns/{page.turns[place]['id'].removeprefix('turn-')}/edit"


def same(page: Page) -> bool:
    """Whether the turns of a page are what a reload shows."""
    return [turn.html for turn in page.turns] == [turn.html for turn in Page(page.client, page.path).turns]


class TestWithoutJavaScript:
    def test_a_message_is_edited_in_its_place(self, chat: Chat) -> None:
        path = chat.say("two", chat.say("one"))
        link = chat.page(path).turns[0].one("a", name="edit")["href"]
        form = parse(chat.client.get(link).text).one("article", data_edit="").one("form")
        assert form.one("textarea").text == "one"
        response = chat.client.post(form["action"], data={"text": "better"})
        assert response.status_code == 303
        chat.settle(path, "better")
        page = chat.page(path)
        assert page.said == ["better", "Echo: better"]
        assert page.versions(0) == "2/2"

    def test_a_version_is_shown_to_the_end_of_its_branch(self, chat: Chat) -> None:
        path = chat.say("two", chat.say("one"))
        page = chat.page(path)
        chat.client.post(edit_path(page, 0), data={"text": "better"})
        chat.settle(path, "better")
        form = chat.page(path).turns[0].one(cls="versions").one("form")
        fields = {each["name"]: each["value"] for each in form.all("input")}
        assert chat.client.post(form["action"], data=fields).headers["location"].startswith(path)
        assert chat.page(path).said == ["one", "Echo: one", "two", "Echo: two"]

    def test_what_was_typed_stays_when_the_agent_is_busy(self, chat: Chat) -> None:
        path = chat.say("wait")
        response = chat.client.post(edit_path(chat.page(path), 0), data={"text": "typed"})
        assert response.status_code == 409
        form = parse(response.text).one("article", data_edit="")
        assert form.one("textarea").text == "typed"
        assert "still answering" in form.one(id="edit-error").text


class TestWithTheScript:
    def test_an_edit_takes_the_place_of_the_message_and_of_all_that_followed(self, chat: Chat) -> None:
        path = chat.say("three", chat.say("two", chat.say("one")))
        page = chat.page(path)
        page.post(edit_path(page, 2), {"text": "better"})
        assert page.said[:3] == ["one", "Echo: one", "better"]
        chat.settle(path, "better")
        assert (len(page.turns), chat.page(path).versions(2)) == (4, "2/2")

    def test_switching_there_and_back_leaves_what_a_reload_shows(self, chat: Chat) -> None:
        path = chat.say("three", chat.say("two", chat.say("one")))
        page = chat.page(path)
        chat.client.post(edit_path(page, 2), data={"text": "better"})
        chat.settle(path, "better")
        page = chat.page(path)
        page.press(2, "earlier")
        assert (page.said[2:], page.versions(2)) == (["two", "Echo: two", "three", "Echo: three"], "1/2")
        assert same(page)
        page.press(2, "later")
        assert (page.said[2:], page.versions(2)) == (["better", "Echo: better"], "2/2")
        assert same(page)

    def test_any_answer_is_tried_again_and_what_follows_stays_with_its_version(self, chat: Chat) -> None:
        path = chat.say("two", chat.say("one"))
        page = chat.page(path)
        page.press(1, "retry")
        chat.settle(path, "one")
        page = chat.page(path)
        assert (page.said, page.versions(1)) == (["one", "Echo: one"], "2/2")
        page.press(1, "earlier")
        assert page.said == ["one", "Echo: one", "two", "Echo: two"]

    def test_a_version_cannot_be_shown_while_the_agent_answers_and_it_is_said_there(self, chat: Chat) -> None:
        path = chat.say("one")
        page = chat.page(path)
        chat.client.post(edit_path(page, 0), data={"text": "better"})
        chat.settle(path, "better")
        page = chat.page(path)
        chat.say("wait", path)
        page.press(0, "earlier", status=409)
        assert "still answering" in page.turns[0].one(cls="refused").text
        assert page.said[-2] == "wait"

    def test_a_page_of_before_is_brought_the_branch_that_is_shown(self, chat: Chat) -> None:
        path = chat.say("two", chat.say("one"))
        page = chat.page(path)
        chat.client.post(edit_path(page, 0), data={"text": "better"})
        chat.settle(path, "better")
        question = {"last": page.last, "revision": "0"}
        answer = chat.client.get(f"{path}/changes", params=question, headers={**FRAGMENT, "HX-Source": "chat-changes"})
        assert parse(answer.text).all("hx-partial", hx_target="#turns")[0].all(cls="versions")


class Linear(LocalBackend):
    """Knows no branches."""

    edit_turn = show_version = None  # type: ignore[assignment]


def test_a_backend_without_branches_offers_none_and_refuses(chat: Chat) -> None:
    app = create_chat_app(Linear(respond), identify=identify)
    with TestClient(app, follow_redirects=False) as client:
        linear = Chat(client)
        path = linear.say("one")
        page = linear.page(path)
        assert not page.html.all("a", name="edit")
        assert not parse(client.get(f"{path}?edit={page.turns[0]['id'][5:]}").text).all("article", data_edit="")
        assert client.post(edit_path(page, 0), data={"text": "better"}).status_code == 403
        assert client.post(f"{path}/show", data={"version": "x"}).status_code == 403
