"""What users think of answers: kept with the version, told to the host, counted, exported, deleted with the answer."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from sqlalchemy import func, select
from starlette.testclient import TestClient

from htmxchat import Feedback, LocalBackend, NotFound, Observer, Request, Run, Store, User, create_chat_app
from htmxchat.backend import Backend
from htmxchat.store import tables as t
from htmxchat.testing import each_event
from tests.servers import Postgres
from tests.support import FRAGMENT, Element, parse

ANN = User("ann")


async def respond(request: Request) -> AsyncIterator[str]:
    yield f"Echo: {request.text}"


async def identify(request: Any) -> User:
    return User(request.headers.get("x-user", "ann"))


class Counting(Observer):
    def __init__(self) -> None:
        self.ratings: list[str] = []

    def feedback(self, rating: str) -> None:
        self.ratings.append(rating)


class Page:
    """A page that shows a conversation with one answer."""

    def __init__(self, client: TestClient, path: str) -> None:
        self.client = client
        self.path = path
        self.html = parse(client.get(path).text)

    @property
    def answer(self) -> Element:
        return self.html.one(id="turns").all("article", cls="turn")[-1]

    @property
    def pressed(self) -> list[str]:
        buttons = self.answer.one("form", cls="rate").all("button")
        return [each["aria-label"] for each in buttons if each["aria-pressed"] == "true"]

    def press(self, words: str) -> None:
        form = self.answer.one("form", cls="rate")
        (button,) = [each for each in form.all("button") if each["aria-label"] == words]
        self.post(form["hx-post"], {"rating": button["value"]})

    def comment(self, text: str) -> None:
        form = self.answer.one(cls="feedback").one("form")
        self.post(form["hx-post"], {"rating": form.one("input")["value"], "comment": text})

    def post(self, path: str, fields: dict[str, str]) -> None:
        response = self.client.post(path, data=fields, headers=FRAGMENT)
        assert response.status_code == 200, response.text
        self.html.apply(response.text)
        assert "chat:changed" in response.headers["hx-trigger"]
        self.ask()

    def ask(self) -> int:
        """Ask what has changed, as the page does."""
        turns, rated = self.html.one(id="turns"), [each for each in self.html.all("form", cls="rate")]
        shown = {
            "list": self.html.one(id="history-list")["data-tag"],
            "title": self.html.one(id="heading")["data-tag"],
            "last": self.answer["id"].removeprefix("turn-"),
            "revision": turns.attributes.get("data-revision", "0"),
            "feedback": turns.attributes.get("data-feedback", "0"),
            "rated": " ".join(
                f"{each['id'].removeprefix('rate-')[:8]}.{each['data-revision']}"
                for each in rated
                if "data-revision" in each.attributes
            ),
        }
        response = self.client.get(f"{self.path}/changes?{urlencode(shown)}", headers=FRAGMENT)
        self.html.apply(response.text)
        return response.status_code

    @property
    def turns(self) -> str:
        for fold in self.html.all("details"):
            fold.attributes.pop("open", None)  # the reader's own
        return self.html.one(id="turns").html


def asked(client: TestClient, text: str = "Hello") -> str:
    path: str = client.post("/messages", data={"text": text}).headers["location"].partition("#")[0]
    while 'aria-busy="true"' in client.get(path).text:
        pass
    return path


@pytest.fixture
def make() -> Iterator[Callable[..., TestClient]]:
    clients: list[TestClient] = []

    def make(**settings: Any) -> TestClient:
        app = create_chat_app(LocalBackend(respond), identify=identify, **settings)
        clients.append(TestClient(app, follow_redirects=False).__enter__())
        return clients[-1]

    yield make
    for client in clients:
        client.__exit__(None, None, None)


class TestPage:
    def test_an_answer_is_rated_commented_on_and_the_page_equals_a_reload(
        self, make: Callable[..., TestClient]
    ) -> None:
        client = make()
        page = Page(client, asked(client))
        assert page.pressed == [] and page.answer.one(cls="feedback").text == ""
        page.press("Bad answer")
        assert page.pressed == ["Bad answer"]
        assert page.answer.one(cls="feedback").one("details").attributes["open"] is not None
        assert page.turns == Page(client, page.path).turns
        page.comment("No numbers.\r\nNone.")
        assert page.answer.one(cls="said").text == "No numbers.\nNone."
        assert page.turns == Page(client, page.path).turns
        page.press("Good answer")
        assert page.pressed == ["Good answer"] and page.answer.one(cls="said").text.startswith("No numbers.")
        page.press("Good answer")
        assert page.pressed == [] and page.answer.one(cls="feedback").text == ""
        assert page.turns == Page(client, page.path).turns

    def test_another_tab_follows_at_the_next_question_and_is_then_quiet(self, make: Callable[..., TestClient]) -> None:
        client = make()
        path = asked(client)
        here, there = Page(client, path), Page(client, path)
        assert there.ask() == 204
        here.press("Bad answer")
        here.comment("Why?")
        assert there.ask() == 200
        assert there.turns == here.turns == Page(client, path).turns
        assert there.ask() == here.ask() == 204
        here.press("Bad answer")
        assert there.ask() == 200
        assert there.turns == here.turns == Page(client, path).turns

    def test_each_version_has_its_own(self, make: Callable[..., TestClient]) -> None:
        client = make()
        page = Page(client, asked(client))
        page.press("Bad answer")
        client.post(page.answer.one("form", cls="retry")["action"])
        while 'aria-busy="true"' in client.get(page.path).text:
            pass
        again = Page(client, page.path)
        assert again.pressed == []
        first = page.answer["id"].removeprefix("turn-")
        client.post(f"{page.path}/show", data={"version": first})
        assert Page(client, page.path).pressed == ["Bad answer"]

    def test_it_works_without_javascript(self, make: Callable[..., TestClient]) -> None:
        client = make()
        page = Page(client, asked(client))
        path = page.answer.one("form", cls="rate")["action"]
        response = client.post(path, data={"rating": "down"})
        assert (response.status_code, response.headers["location"]) == (303, f"{page.path}#{page.answer['id']}")
        client.post(path, data={"rating": "down", "comment": "Too long"})
        assert Page(client, page.path).answer.one(cls="said").text == "Too long"

    @pytest.mark.parametrize("fields", [{}, {"rating": "great"}, {"comment": "x"}, {"rating": "up", "comment": "\0"}])
    def test_what_is_no_feedback_is_refused(self, make: Callable[..., TestClient], fields: dict[str, str]) -> None:
        client = make()
        page = Page(client, asked(client))
        path = page.answer.one("form", cls="rate")["action"]
        assert client.post(path, data=fields, headers=FRAGMENT).status_code in (400, 422)
        assert Page(client, page.path).pressed == []

    def test_the_inspector_and_exports_tell_it(self, make: Callable[..., TestClient]) -> None:
        client = make()
        page = Page(client, asked(client))
        page.press("Bad answer")
        page.comment("Ask `me`")
        run = page.answer["id"].removeprefix("turn-")
        assert "- Feedback: down, `` Ask `me` ``" in client.get(f"/runs/{run}/summary.md").text
        report = parse(client.get(f"/runs/{run}/report.html").text)
        assert "Feedback" in report.text and "Ask `me`" in report.text
        assert "*Rated down: `` Ask `me` ``*" in client.get(f"{page.path}/export.md").text
        assert parse(client.get(f"{page.path}/export.html").text).one("p", cls="rated").text == "Rated down: Ask `me`"


class TestHost:
    @pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
    def test_its_function_is_told(self, make: Callable[..., TestClient], is_async: bool) -> None:
        heard: list[tuple[str, str, str | None, str]] = []

        def tell(user: User, run: Run, feedback: Feedback | None) -> None:
            rating, comment = (feedback.rating, feedback.comment) if feedback else (None, "")
            heard.append((user.id, run.id, rating, comment))

        async def tell_later(user: User, run: Run, feedback: Feedback | None) -> None:
            tell(user, run, feedback)

        observer = Counting()
        client = make(feedback=tell_later if is_async else tell, observer=observer)
        page = Page(client, asked(client))
        page.press("Good answer")
        page.comment("Thanks")
        page.press("Good answer")
        run = page.answer["id"].removeprefix("turn-")
        assert heard == [("ann", run, "up", ""), ("ann", run, "up", "Thanks"), ("ann", run, None, "")]
        assert observer.ratings == ["up", "up", "none"]

    @pytest.mark.parametrize("error", [RuntimeError("the tracker is down"), SystemExit(3)], ids=["error", "exit"])
    def test_a_function_that_fails_loses_nothing(
        self, make: Callable[..., TestClient], caplog: pytest.LogCaptureFixture, error: BaseException
    ) -> None:
        def tell(user: User, run: Run, feedback: Feedback | None) -> None:
            raise error

        client = make(feedback=tell)
        page = Page(client, asked(client))
        page.press("Bad answer")
        assert Page(client, page.path).pressed == ["Bad answer"]
        assert "The function for feedback failed" in caplog.text

    def test_a_host_can_do_without(self, make: Callable[..., TestClient]) -> None:
        client = make(feedback=False)
        page = Page(client, asked(client))
        assert not page.answer.all("form", cls="rate")
        run = page.answer["id"].removeprefix("turn-")
        assert client.post(f"/runs/{run}/feedback", data={"rating": "up"}).status_code == 403

    def test_what_cannot_be_called_is_refused(self) -> None:
        for wrong in (True, "url", lambda feedback: None):
            with pytest.raises(TypeError, match="def on_feedback"):
                create_chat_app(LocalBackend(respond), feedback=wrong)  # type: ignore[arg-type]

    def test_a_line_is_logged_without_what_was_written(
        self, make: Callable[..., TestClient], caplog: pytest.LogCaptureFixture
    ) -> None:
        client = make()
        page = Page(client, asked(client))
        page.press("Bad answer")
        with caplog.at_level(logging.INFO, "htmxchat"):
            caplog.clear()
            page.comment("hush")
        (line,) = [each.message for each in caplog.records if each.message.startswith("Feedback given")]
        assert "rating=down comment=true" in line and "hush" not in caplog.text


@pytest.mark.anyio
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
class TestStore:
    @pytest.fixture
    def store(self, database: str, request: pytest.FixtureRequest, tmp_path: Any) -> Store:
        if database == "sqlite":
            return Store(f"sqlite:///{tmp_path}/chat.db", keep_deleted=0)
        server: Postgres = request.getfixturevalue("postgres")
        return Store(server.url, keep_deleted=0)

    async def answered(self, backend: Backend, user: User, conversation_id: str | None = None) -> Run:
        run = await backend.start_run(user, conversation_id, "Hello")
        async for _ in each_event(backend, user, run.id):
            pass
        return run

    async def test_it_is_kept_exported_and_deleted_with_the_conversation(self, store: Store, ann: User) -> None:
        backend = LocalBackend(respond, store)
        run = await self.answered(backend, ann)
        before = await backend.load_transcript(ann, run.conversation_id)
        given = await backend.give_feedback(ann, run.id, "down", "No")
        assert given is not None and (given.rating, given.comment) == ("down", "No")
        assert await backend.give_feedback(ann, run.id, "down") == given  # nothing changed
        after = await backend.load_transcript(ann, run.conversation_id)
        assert (before.feedback, after.feedback, after.turns[-1].feedback) == (0, 1, given)
        assert (await backend.overview(ann, run.conversation_id)).feedback == 1
        with pytest.raises(NotFound):
            await backend.give_feedback(User("eve"), run.id, "up")
        (exported,) = [each async for each in store.export_user(ann.id)]
        wanted = {"rating": "down", "comment": "No", "given_at": given.given_at.isoformat()}
        assert exported["turns"][0]["runs"][0]["feedback"] == wanted  # type: ignore[index]
        json.dumps(exported)
        await backend.delete_conversation(ann, run.conversation_id)
        await self.answered(backend, ann)  # one of the next calls removes it
        left = select(func.count()).select_from(t.feedback).where(t.feedback.c.conversation_id == run.conversation_id)
        assert await store.database.read(lambda db: db.scalar(left)) == 0
        await backend.close()
