"""The examples do what they say."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from starlette.testclient import TestClient

from htmxchat import StubBackend, chat_lifespan
from htmxchat.backend import Backend
from htmxchat.testing import BackendConformance
from tests.support import Element, decode, parse

EXAMPLES = Path(__file__).parent.parent / "examples"


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLES / f"{name}.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("htmxchat.StubBackend", partial(StubBackend, pace=0))  # the same agent, in no time
        spec.loader.exec_module(module)
    return module


# Where each example has its chat, and what its agent answers to "one two".
CHATS = {
    "starlette_host": ("/chat", "demo agent"),
    "fasthtml_host": ("/chat", "demo agent"),
    "responder": ("", "You wrote 2 words"),
    "custom_backend": ("", "You said: one two"),
}
OTHERS = {"company", "fastapi_host", "own_look", "own_parts", "own_page", "kogwistar_host", "kogwistar_login"}


def browser(name: str) -> TestClient:
    module = load(name)
    if name == "fasthtml_host":
        # FastHTML hosts do without a lifespan; here the backend is to be closed all the same.
        (mount,) = [route for route in module.app.routes if route.path == "/chat"]
        module.app.set_lifespan(chat_lifespan(mount.app))
    return TestClient(module.app)


def ask(client: TestClient, prefix: str, text: str) -> tuple[str, str]:
    """Send a message as a browser without JavaScript does; return the conversation's address and the answer."""
    response = client.post(f"{prefix}/messages", data={"text": text}, follow_redirects=False)
    assert response.status_code == 303, response.text
    path, _, run = response.headers["location"].partition("#turn-")
    with client.stream("GET", f"{prefix}/runs/{run}/stream") as stream:
        assert decode(stream.read())[-1].data == "completed"
    page = parse(client.get(path).text)
    return path, page.one(id=f"body-{run}").text


def test_every_example_is_tested() -> None:
    assert {file.stem for file in EXAMPLES.glob("*.py")} == {*CHATS, *OTHERS}


@pytest.mark.parametrize("name", CHATS)
def test_a_message_gets_its_answer(name: str) -> None:
    prefix, answer = CHATS[name]
    with browser(name) as client:
        assert client.get(f"{prefix}/").status_code == 200
        path, text = ask(client, prefix, "one two")
        assert answer in " ".join(text.split())
        assert "one two" in client.get(f"{prefix}/history").text
        client.cookies.clear()
        assert client.get(path).status_code == 404


@pytest.mark.parametrize(("name", "words"), [("starlette_host", "The service."), ("fasthtml_host", "Runbooks")])
def test_the_host_has_a_page_of_its_own(name: str, words: str) -> None:
    with browser(name) as client:
        assert words in client.get("/").text


class TestFastAPIHost:
    @pytest.fixture
    def client(self) -> Iterator[TestClient]:
        with TestClient(load("fastapi_host").app) as client:
            yield client

    def login(self, client: TestClient, name: str) -> None:
        response = client.post("/login", data={"name": name}, follow_redirects=False)
        assert (response.status_code, response.headers["location"]) == (303, "/chat/")

    def test_who_is_not_signed_in_is_sent_to_the_login(self, client: TestClient) -> None:
        response = client.get("/chat/")
        assert response.status_code == 401
        assert "/login?next=%2Fchat%2F" in [each["href"] for each in parse(response.text).all("a")]
        assert parse(client.get("/login").text.replace(" required", "")).one("form")["method"] == "post"

    def test_each_user_has_conversations_of_their_own(self, client: TestClient) -> None:
        self.login(client, "Ann")
        page = parse(client.get("/chat/").text)
        assert "Ann" in page.one(id="history").text
        path, answer = ask(client, "/chat", "Hello, it is me")
        assert "demo agent" in answer
        self.login(client, "Bob")
        assert client.get(path).status_code == 404
        assert "Hello, it is me" not in client.get("/chat/history").text
        self.login(client, "Ann")
        assert client.get(path).status_code == 200
        client.cookies.clear()
        assert client.get(path).status_code == 401

    @pytest.mark.parametrize(
        ("sent", "arrived"),
        [("/chat/c/4f2a", "/chat/c/4f2a"), ("https://evil.example/", "/chat/"), ("//evil.example/chat/", "/chat/")],
    )
    def test_signing_in_leads_back_to_the_chat_and_nowhere_else(
        self, client: TestClient, sent: str, arrived: str
    ) -> None:
        response = client.post("/login", params={"next": sent}, data={"name": "Ann"}, follow_redirects=False)
        assert response.headers["location"] == arrived

    def test_signing_out_is_a_link(self, client: TestClient) -> None:
        self.login(client, "Ann")
        (link,) = [each for each in parse(client.get("/chat/").text).all("a") if each.text == "Sign out"]
        client.get(link["href"])
        assert client.get("/chat/").status_code == 401

    def test_the_chat_sets_no_cookie_of_its_own(self, client: TestClient) -> None:
        self.login(client, "Ann")
        client.get("/chat/")
        assert set(client.cookies) == {"session"}

    def test_the_hosts_own_routes_are_as_they_were(self, client: TestClient) -> None:
        assert client.get("/items/7").json() == {"item": "7"}


class TestCompany:
    @pytest.fixture
    def client(self) -> Iterator[TestClient]:
        with TestClient(load("company").app) as client:
            client.get("/desk/")
            yield client

    def test_looks_like_the_companys_own_product(self, client: TestClient) -> None:
        home = client.get("/desk/").text
        page = parse(home)
        assert "Tidewater" in page.one("header", cls="host-header").text
        assert "Where is your cargo?" in home and "TW-2106" in home and "What can I do for you?" not in home
        assert [each.text for each in page.one("select", id="composer-agent").all("option")] == ["Quick", "Careful"]
        for address in [page.one("img", cls="logo")["src"], page.all("link", rel="stylesheet")[-1]["href"]]:
            assert client.get(address).status_code == 200

    def test_draws_its_shipments_rates_and_routes(self, client: TestClient) -> None:
        path, answer = ask(client, "/desk", "Where is TW-2041?")
        assert "Santos" in answer and "due on 14 March" in answer
        _, answer = ask(client, "/desk", "Compare rates.")
        assert "1,480 EUR" in answer
        late = {"text": "Why is TW-2041 late?", "agent": "Careful"}
        path = client.post(f"{path}/messages", data=late, follow_redirects=False).headers["location"].partition("#")[0]
        for _ in range(2_000):
            if 'class="request"' in (html := client.get(path).text):
                break
        (diagram,) = [each for each in parse(html).all("section", cls="card") if each["data-name"] == "```route"]
        assert "Tangier: waits 3 days" in diagram.one("ol").text and "->" in diagram.one("details").text


class TestOwnLook:
    @pytest.fixture
    def client(self) -> Iterator[TestClient]:
        with TestClient(load("own_look").app) as client:
            yield client

    def test_has_the_services_marks_and_words_on_every_page(self, client: TestClient) -> None:
        for path in ("/chat/", "/chat/history", "/chat/c/none"):
            for _ in range(2):
                page = parse(client.get(path).text)
                assert "Runbooks" in page.one("header", cls="host-header").text
                assert "Answers can be wrong." in page.one("footer", cls="host-footer").text
                for address in {page.one("img", cls="logo")["src"], page.one("link", rel="icon")["href"]}:
                    assert client.get(address).headers["content-type"].startswith("image/svg+xml")
                client.get("/sign-in")

    def test_shows_the_inspector_to_its_staff(self, client: TestClient) -> None:
        for who, shown in (("ann", True), ("bob", False)):
            client.get(f"/sign-in?as={who}")
            home = client.get("/chat/").text
            assert f"What is broken, {who.title()}?" in home
            assert ('id="inspector"' in home) == shown
            _, answer = ask(client, "/chat", "Hello")
            assert "demo agent" in answer


class TestOwnParts:
    @pytest.fixture
    def client(self) -> Iterator[TestClient]:
        module: Any = load("own_parts")
        module.TENTHS = 0
        with TestClient(module.app) as client:
            client.get("/chat/")
            yield client

    def card(self, client: TestClient, text: str) -> Element:
        path, _ = ask(client, "/chat", text)
        return parse(client.get(path).text).one("section", cls="card")

    def test_a_tools_result_is_a_chart(self, client: TestClient) -> None:
        card = self.card(client, "What is the forecast?")
        assert "Forecast for Oslo" in card.text
        assert "19 degrees at 14" in card.one("svg")["aria-label"]

    def test_a_form_goes_to_the_service_as_the_same_user(self, client: TestClient) -> None:
        where = self.card(client, "Book a table.").one("form")["hx-post"]
        assert client.get(where).status_code == 204
        wrong = client.post(where, data={"guests": "90"})
        assert wrong.status_code == 422 and "1 to 12" in wrong.text and "<form" in wrong.text
        assert "Booked for 3." in client.post(where, data={"guests": "3"}).text
        assert "Booked for 3." in client.get(where).text
        client.cookies.clear()
        assert client.get(where).status_code == 204

    def test_progress_is_one_card(self, client: TestClient) -> None:
        card = self.card(client, "Restart the workers.")
        assert "40 of 40" in card.text and card.one("progress")["value"] == "40"


class TestCustomBackend(BackendConformance):
    prompt = "Hello"
    long_prompt = "word " * 2_000

    @pytest.fixture(autouse=True)
    def _example(self) -> Iterator[None]:
        self.module: Any = load("custom_backend")
        yield

    async def make_backend(self) -> Backend:
        backend: Backend = self.module.EchoBackend()
        return backend
