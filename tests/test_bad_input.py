"""What goes wrong gets a sentence and the right status: as a page to browsers, as a fragment to htmx."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Collection, Iterator
from dataclasses import replace
from typing import Any

import anyio
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Route
from starlette.testclient import TestClient

from htmxchat import Limits, LocalBackend, Look, Origins, StubBackend, create_chat_app
from htmxchat.errors import (
    BackendError,
    BackendUnavailable,
    BodyTooLarge,
    Busy,
    ChatError,
    CrossOrigin,
    EmptyText,
    TextTooLong,
)
from htmxchat.events import EventBody, InputRequested, RunStopping, ScriptProposed
from htmxchat.models import Conversation, ConversationPage, Run, Transcript, User
from htmxchat.testing import Break, ScriptedBackend, Stall
from tests.support import FRAGMENT, Element, Exchange, decode, parse

LIMITS = Limits(text=50, body=2_000, streams_per_user=2)
TOKEN = "t0ken-that-nobody-may-see"
KINDS = pytest.mark.parametrize("headers", [{}, FRAGMENT], ids=["page", "fragment"])


async def identify(request: Request) -> User:
    return User("ann", "Ann", TOKEN)


def client_of(backend: Any, **options: Any) -> TestClient:
    app = create_chat_app(backend, identify=identify, **{"limits": LIMITS, **options})
    return TestClient(app, follow_redirects=False)


@pytest.fixture
def backend() -> ScriptedBackend:
    return ScriptedBackend(["Fine."], by_text={"wait": ["One moment", Stall()]})


@pytest.fixture
def client(backend: ScriptedBackend) -> Iterator[TestClient]:
    with client_of(backend) as client:
        yield client


def begin(client: TestClient, text: str = "Hello") -> tuple[str, str]:
    location = client.post("/messages", data={"text": text}).headers["location"]
    path, _, run = location.partition("#turn-")
    return path, run


def conversations(client: TestClient) -> list[Element]:
    return [each for each in parse(client.get("/history").text).all("a") if "data-conversation" in each.attributes]


def said(response: Any) -> str:
    """Return where a refusal is said: beside the composer, in a page or in a fragment for it."""
    page = parse(response.text)
    if response.request.headers.get("hx-request"):
        (target,) = [each for each in page.all("hx-partial") if each["hx-target"] == "#composer-error"]
        assert target["hx-swap"] == "innerHTML"
        return target.text
    return page.one(id="composer-error").text


class TestText:
    @KINDS
    @pytest.mark.parametrize("text", ["", " ", "\n\t\r\n", "\u2003\u00a0"])
    def test_nothing_is_not_sent(self, client: TestClient, text: str, headers: dict[str, str]) -> None:
        response = client.post("/messages", data={"text": text}, headers=headers)
        assert response.status_code == 422
        assert said(response) == EmptyText.sentence
        assert conversations(client) == []

    @KINDS
    def test_a_text_over_the_limit_is_told_both_numbers_and_kept(
        self, client: TestClient, headers: dict[str, str]
    ) -> None:
        text = "0123456789" * 5 + "\n<&"
        response = client.post("/messages", data={"text": text}, headers=headers)
        assert response.status_code == 422
        assert said(response) == str(TextTooLong(53, 50))
        assert "53" in said(response)
        assert "50" in said(response)
        if not headers:
            assert parse(response.text).one("textarea", name="text").text == text
        assert conversations(client) == []

    def test_the_limit_counts_characters_as_they_are_stored(self, client: TestClient) -> None:
        assert client.post("/messages", data={"text": "😀\r\n" * 25}).status_code == 303

    @KINDS
    @pytest.mark.parametrize(
        "encoded", [b"%ED%A0%80", b"%ED%A0%80%ED%B0%80", b"a%00b", b"%FF", b"%C3", b"\xff", b"\xed\xa0\x80"]
    )
    def test_what_cannot_be_stored_is_refused(
        self, client: TestClient, encoded: bytes, headers: dict[str, str]
    ) -> None:
        form = {"Content-Type": "application/x-www-form-urlencoded", **headers}
        response = client.post("/messages", content=b"text=" + encoded, headers=form)
        assert response.status_code == 422
        assert said(response).endswith(".")
        assert conversations(client) == []

    @KINDS
    @pytest.mark.parametrize("text", ["", "x" * 51, "a\0b"])
    def test_the_same_holds_within_a_conversation(self, client: TestClient, text: str, headers: dict[str, str]) -> None:
        path, _ = begin(client)
        response = client.post(f"{path}/messages", data={"text": text}, headers=headers)
        assert response.status_code == 422
        assert said(response)
        page = parse(client.get(path).text)
        assert len(page.all("article", cls="turn")) == 2
        if not headers:
            assert len(parse(response.text).all("article", cls="turn")) == 2

    def test_a_title_is_checked_too(self) -> None:
        with client_of(StubBackend(pace=0)) as client:
            path, _ = begin(client)
            for title, status in [("", 422), ("  ", 422), ("x" * 201, 422), ("a\0b", 422), ("x" * 200, 303)]:
                assert client.post(f"{path}/rename", data={"title": title}).status_code == status
            assert "x" * 200 in client.get(path).text


class TestForms:
    @KINDS
    @pytest.mark.parametrize("content", [b"", b"other=1", b"text", b"&&&", b"%", b"{}"])
    def test_a_form_without_its_field(self, client: TestClient, content: bytes, headers: dict[str, str]) -> None:
        form = {"Content-Type": "application/x-www-form-urlencoded", **headers}
        response = client.post("/messages", content=content, headers=form)
        # `text` alone is a field that is empty.
        assert response.status_code == (422 if content == b"text" else 400)
        assert said(response).endswith(".")

    @KINDS
    @pytest.mark.parametrize("kind", ["application/json", "text/plain", "multipart/form-data; boundary=x", ""])
    def test_another_kind_of_content(self, client: TestClient, kind: str, headers: dict[str, str]) -> None:
        response = client.post("/messages", content=b'{"text": "x"}', headers={"Content-Type": kind, **headers})
        assert response.status_code == 400
        assert "form" in said(response)

    def test_too_many_fields(self, client: TestClient) -> None:
        response = client.post("/messages", data={f"f{number}": "" for number in range(100)} | {"text": "x"})
        assert response.status_code == 400

    @KINDS
    def test_an_announced_body_over_the_limit(self, client: TestClient, headers: dict[str, str]) -> None:
        response = client.post("/messages", data={"text": "x" * 3_000}, headers=headers)
        assert response.status_code == 413
        assert str(BodyTooLarge(2_000)) in parse(response.text).text

    @KINDS
    def test_a_body_of_unknown_length_over_the_limit(self, client: TestClient, headers: dict[str, str]) -> None:
        def chunks() -> Iterator[bytes]:
            yield b"text="
            for _ in range(300):
                yield b"0123456789"

        form = {"Content-Type": "application/x-www-form-urlencoded", **headers}
        response = client.post("/messages", content=chunks(), headers=form)
        assert response.status_code == 413
        assert str(BodyTooLarge(2_000)) in parse(response.text).text
        assert conversations(client) == []

    @pytest.mark.parametrize("length", ["-1", "x", "9" * 5_000])
    def test_a_content_length_that_is_none(self, client: TestClient, length: str) -> None:
        response = client.post("/messages", content=b"text=x", headers={"Content-Length": length})
        assert 400 <= response.status_code < 500

    @KINDS
    @pytest.mark.parametrize(
        ("method", "path"),
        [("POST", "/"), ("GET", "/messages"), ("DELETE", "/history"), ("PUT", "/c/x"), ("GET", "/c/x/delete")],
    )
    def test_a_wrong_method(self, client: TestClient, method: str, path: str, headers: dict[str, str]) -> None:
        response = client.request(method, path, headers=headers)
        assert response.status_code == 405
        assert response.headers["allow"]

    @KINDS
    @pytest.mark.parametrize("path", ["/nothing", "/c", "/c/", "/c/x/y/z", "/runs/", "/static", "/%00", "/../x"])
    def test_an_address_that_is_none(self, client: TestClient, path: str, headers: dict[str, str]) -> None:
        assert client.get(path, headers=headers).status_code in (404, 307)

    def test_a_cursor_that_is_none(self) -> None:
        with client_of(StubBackend()) as client:
            for cursor in ("x", "-1", "\0", "9" * 500, "'; --"):
                for headers in ({}, FRAGMENT):
                    response = client.get("/history", params={"cursor": cursor}, headers=headers)
                    assert response.status_code in (200, 422), cursor
                    assert "Traceback" not in response.text


class TestResume:
    @pytest.mark.parametrize("id", ["x", "-1", "1e9", "99999", "9" * 30, "0x1", "\u00b2"])
    def test_a_last_event_id_that_is_none_draws_the_turn_anew(self, client: TestClient, id: str) -> None:
        _, run = begin(client)
        response = client.get(f"/runs/{run}/stream", headers=[(b"Last-Event-ID", id.encode("latin-1"))])
        assert response.status_code == 200
        messages = decode(response.content)
        assert f'hx-target="#body-{run}" hx-swap="innerHTML"' in messages[1].data
        assert "Fine." in messages[1].data
        assert messages[-1].event == "end"

    @pytest.mark.parametrize("after", ["x", "-1", "99999", ""])
    def test_the_same_holds_for_polls(self, client: TestClient, after: str) -> None:
        _, run = begin(client)
        response = client.get(f"/runs/{run}/poll", params={"after": after}, headers=FRAGMENT)
        assert response.status_code == 200
        assert "Fine." in response.text


class Failing(ScriptedBackend):
    """Fails in one method, as told."""

    broken: Collection[str] = ()
    error: Callable[[], Exception] = BackendUnavailable
    slow = False

    async def _maybe(self, method: str) -> None:
        if method in self.broken:
            if self.slow:
                await anyio.sleep_forever()
            raise self.error()

    async def list_conversations(self, user: User, *, limit: int = 30, cursor: str | None = None) -> ConversationPage:
        await self._maybe("list_conversations")
        return await super().list_conversations(user, limit=limit, cursor=cursor)

    async def get_conversation(self, user: User, conversation_id: str) -> Conversation:
        await self._maybe("get_conversation")
        return await super().get_conversation(user, conversation_id)

    async def load_transcript(self, user: User, conversation_id: str) -> Transcript:
        await self._maybe("load_transcript")
        return await super().load_transcript(user, conversation_id)

    async def start_run(self, user: User, conversation_id: str | None, text: str) -> Run:
        await self._maybe("start_run")
        return await super().start_run(user, conversation_id, text)

    async def get_run(self, user: User, run_id: str) -> Run:
        await self._maybe("get_run")
        return await super().get_run(user, run_id)


FAILURES = [
    (lambda: BackendUnavailable("The lines are down."), 503, "The lines are down."),
    (lambda: BackendError("It broke."), 502, "It broke."),
    (lambda: LookupError("s3cret detail"), 500, ChatError.sentence),
]
FAILS = pytest.mark.parametrize(("error", "status", "sentence"), FAILURES, ids=["down", "failed", "bug"])


class TestBackendFails:
    @pytest.fixture
    def backend(self) -> Failing:
        return Failing(["Fine."])

    @pytest.fixture
    def client(self, backend: Failing) -> Iterator[TestClient]:
        with client_of(backend, limits=replace(LIMITS, backend_timeout=0.1)) as client:
            yield client

    def fail(self, backend: Failing, method: str, error: Callable[[], Exception]) -> None:
        backend.broken, backend.error = (method,), error

    @FAILS
    def test_a_message_can_be_written_while_the_history_cannot_be_loaded(
        self, client: TestClient, backend: Failing, error: Any, status: int, sentence: str
    ) -> None:
        self.fail(backend, "list_conversations", error)
        response = client.get("/")
        page = parse(response.text)
        assert response.status_code == 200
        page.one("form", id="composer")
        history = page.one(id="history")
        assert sentence.split(".")[0] in history.text or status == 500
        assert [each for each in history.all("a") if each["href"].startswith("/history")], "no way to try again"
        assert "s3cret" not in response.text

    @KINDS
    @FAILS
    def test_the_history_itself_says_that_it_cannot_be_loaded(
        self,
        client: TestClient,
        backend: Failing,
        error: Any,
        status: int,
        sentence: str,
        headers: dict[str, str],
    ) -> None:
        self.fail(backend, "list_conversations", error)
        response = client.get("/history", headers=headers)
        assert response.status_code == status
        assert "cannot be loaded" in parse(response.text).text
        assert "s3cret" not in response.text

    @FAILS
    def test_a_conversation_that_cannot_be_found_out_about(
        self, client: TestClient, backend: Failing, error: Any, status: int, sentence: str
    ) -> None:
        path, _ = begin(client)
        self.fail(backend, "get_conversation", error)
        response = client.get(path)
        assert response.status_code == status
        page = parse(response.text)
        assert sentence in page.text
        assert page.all("a"), "nowhere to go"
        assert "s3cret" not in response.text

    @FAILS
    def test_a_conversation_whose_turns_cannot_be_loaded(
        self, client: TestClient, backend: Failing, error: Any, status: int, sentence: str
    ) -> None:
        path, _ = begin(client)
        self.fail(backend, "load_transcript", error)
        response = client.get(path)
        assert response.status_code == status
        page = parse(response.text)
        assert sentence in page.text
        assert "s3cret" not in response.text
        if status != 500:
            page.one(id="history")
            assert path in {each["href"] for each in page.one(id="turns").all("a")}, "no way to try again"

    @KINDS
    @FAILS
    def test_a_message_that_cannot_be_sent(
        self,
        client: TestClient,
        backend: Failing,
        error: Any,
        status: int,
        sentence: str,
        headers: dict[str, str],
    ) -> None:
        self.fail(backend, "start_run", error)
        response = client.post("/messages", data={"text": "Do not lose me"}, headers=headers)
        assert response.status_code == status
        assert said(response) == sentence
        assert "s3cret" not in response.text
        if not headers:
            assert parse(response.text).one("textarea", name="text").text == "Do not lose me"

    @pytest.mark.parametrize(
        "broken",
        [
            "start_run",
            "everything",
        ],
    )
    def test_a_message_in_a_conversation_is_not_lost_with_the_backend(
        self, client: TestClient, backend: Failing, broken: str
    ) -> None:
        path, _ = begin(client)
        self.fail(backend, "start_run", BackendUnavailable)
        if broken == "everything":
            backend.broken = "start_run", "load_transcript", "list_conversations"
        response = client.post(f"{path}/messages", data={"text": "Do not lose me"})
        assert response.status_code == 503
        page = parse(response.text)
        assert BackendUnavailable.sentence in page.text
        assert page.one("textarea", name="text").text == "Do not lose me"

    @pytest.mark.parametrize("method", ["list_conversations", "get_conversation", "load_transcript", "get_run"])
    def test_a_backend_that_does_not_answer(self, client: TestClient, backend: Failing, method: str) -> None:
        path, run = begin(client)
        backend.broken, backend.slow = (method,), True
        for address in ("/history", path, f"/runs/{run}/stream"):
            response = client.get(address)
            assert response.status_code in (200, 303, 503)
            if response.status_code == 503:
                assert "too long" in parse(response.text).text

    @pytest.mark.parametrize("kind", ["stream", "poll"])
    @FAILS
    def test_a_run_that_cannot_be_found_out_about(
        self, client: TestClient, backend: Failing, error: Any, status: int, sentence: str, kind: str
    ) -> None:
        _, run = begin(client)
        self.fail(backend, "get_run", error)
        headers = {**FRAGMENT, "HX-Source": f"chat-live#live-{run}"}
        response = client.get(f"/runs/{run}/{kind}", headers=headers)
        assert (response.status_code, response.text) == (status, sentence)
        assert "hx-redirect" not in response.headers

    def test_a_bug_is_logged_with_its_traceback_and_shown_without(
        self, client: TestClient, backend: Failing, caplog: pytest.LogCaptureFixture
    ) -> None:
        self.fail(backend, "get_conversation", lambda: LookupError("s3cret detail"))
        response = client.get("/c/x")
        assert response.status_code == 500
        assert response.headers["content-type"] == "text/html; charset=utf-8"
        assert "Traceback" not in response.text
        assert "LookupError" not in response.text
        records = [each for each in caplog.records if each.name == "htmxchat"]
        assert {each.levelno for each in records} == {logging.ERROR}
        assert all(each.exc_info and "s3cret detail" in str(each.exc_info[1]) for each in records)

    def test_an_identify_that_fails_is_no_hole(self) -> None:
        async def broken(request: Request) -> User:
            raise LookupError("s3cret detail")

        response = TestClient(create_chat_app(StubBackend(), identify=broken)).get("/")
        assert response.status_code == 500
        assert "s3cret" not in response.text


class TestBusy:
    @KINDS
    def test_a_second_message_is_refused_and_kept(self, client: TestClient, headers: dict[str, str]) -> None:
        path, _ = begin(client, "wait")
        response = client.post(f"{path}/messages", data={"text": "And another thing"}, headers=headers)
        assert response.status_code == 409
        assert said(response) == Busy.sentence
        if not headers:
            page = parse(response.text)
            assert page.one("textarea", name="text").text == "And another thing"
            page.one("button", name="stop")
        assert len(parse(client.get(path).text).all("article", cls="turn")) == 2

    @pytest.mark.parametrize("headers", [{}, {**FRAGMENT, "Chat-Last-Turn": ""}], ids=["page", "fragment"])
    @pytest.mark.parametrize(
        ("event", "sentence"),
        [
            (InputRequested("q", "Which one?"), "The agent is waiting for your answer to its question."),
            (ScriptProposed("s", "1 + 1", "The sum", awaited=True), "The agent is waiting for a script."),
            (RunStopping(), "The agent is still stopping."),
        ],
        ids=["question", "script", "stopping"],
    )
    def test_the_refusal_says_what_the_run_does(self, headers: dict[str, str], event: EventBody, sentence: str) -> None:
        with client_of(ScriptedBackend([event, Stall()])) as client:
            path, _ = begin(client)
            response = client.post(f"{path}/messages", data={"text": "And another thing"}, headers=headers)
        assert response.status_code == 409
        assert said(response).startswith(sentence)


class TestFragmentsAndPages:
    @pytest.mark.parametrize("address", ["/", "/history", "{path}", "{path}/rename"])
    def test_htmx_gets_a_part_and_a_browser_the_whole(self, address: str) -> None:
        with client_of(StubBackend(pace=0)) as client:
            address = address.format(path=begin(client)[0])
            page = client.get(address)
            part = client.get(address, headers=FRAGMENT)
            whole = client.get(address, headers={**FRAGMENT, "HX-Request-Type": "full"})
        assert page.status_code == part.status_code == whole.status_code == 200
        assert page.text.startswith("<!doctype html>")
        assert whole.text.startswith("<!doctype html>")
        assert not part.text.startswith("<!doctype html>")
        assert parse(part.text).all("html") == []
        assert len(part.text) < len(page.text)

    def test_a_404_is_a_page_to_a_browser(self, client: TestClient) -> None:
        response = client.get("/c/nothing")
        assert response.status_code == 404
        assert response.text.startswith("<!doctype html>")
        assert "/" in {each["href"] for each in parse(response.text).all("a")}

    def test_ids_on_a_page_are_unique(self, client: TestClient) -> None:
        path, _ = begin(client, "wait")
        for address in ("/", "/history", path):
            ids = [each["id"] for each in parse(client.get(address).text) if "id" in each.attributes]
            assert sorted(ids) == sorted(set(ids))


def posts() -> list[str]:
    return [
        route.path.replace("{conversation}", "x")
        .replace("{run}", "x")
        .replace("{request}", "x")
        .replace("{deleted}", "x")
        for route in create_chat_app(StubBackend()).routes
        if isinstance(route, Route) and "POST" in (route.methods or ())
    ]


class TestCrossOrigin:
    @KINDS
    @pytest.mark.parametrize(
        "origin",
        [
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site"},
            {"Origin": "https://evil.example"},
            {"Origin": "null"},
        ],
        ids=["cross-site", "same-site", "foreign origin", "null origin"],
    )
    @pytest.mark.parametrize("path", posts())
    def test_another_site_can_post_nothing(
        self, client: TestClient, path: str, origin: dict[str, str], headers: dict[str, str]
    ) -> None:
        response = client.post(path, data={"text": "x"}, headers={**origin, **headers})
        assert response.status_code == 403
        assert CrossOrigin.sentence in parse(response.text).text
        assert conversations(client) == []

    @pytest.mark.parametrize(
        "origin", [{"Sec-Fetch-Site": "same-origin"}, {"Origin": "http://testserver"}, {"Sec-Fetch-Site": "none"}, {}]
    )
    def test_the_chat_itself_can(self, client: TestClient, origin: dict[str, str]) -> None:
        assert client.post("/messages", data={"text": "x"}, headers=origin).status_code == 303

    def test_a_trusted_origin_can(self, backend: ScriptedBackend) -> None:
        client = client_of(backend, origins=Origins(trusted_origins=["https://portal.example"]))
        headers = {"Origin": "https://portal.example", "Sec-Fetch-Site": "cross-site"}
        assert client.post("/messages", data={"text": "x"}, headers=headers).status_code == 303


async def test_streams_over_the_limit_are_told_to_poll(backend: ScriptedBackend) -> None:
    app = create_chat_app(backend, identify=identify, limits=LIMITS)
    run = await backend.start_run(User("ann"), None, "wait")
    path = f"/runs/{run.id}/stream?after=2"
    open_streams = [Exchange(app, path) for _ in range(2)]
    async with anyio.create_task_group() as tasks:
        for each in open_streams:
            tasks.start_soon(each.run)
            await each.until("data")
        third = Exchange(app, path)
        await third.run()
        assert third.status == 200
        (message,) = decode(third.body)
        element = parse(message.data).one("chat-live")
        assert element["hx-get"] == f"/runs/{run.id}/poll?after=2"
        assert "hx-sse:connect" not in element.attributes
        assert parse(message.data).elements[0]["hx-target"] == f"#live-{run.id}"
        open_streams[0].leave()
        await open_streams[0].end()
        fourth = Exchange(app, path)
        tasks.start_soon(fourth.run)
        await fourth.until("data")
        assert "chat-live" not in fourth.body.decode()
        for each in (open_streams[1], fourth):
            each.leave()


SECURITY = ("x-content-type-options", "cache-control")
SECURITY_OF_PAGES = ("content-security-policy", "referrer-policy", "cross-origin-opener-policy", "permissions-policy")


def test_every_kind_of_response_has_the_security_headers(client: TestClient) -> None:
    path, run = begin(client)
    version = client.app.state.chat.assets.version  # type: ignore[attr-defined]
    failing = client_of(Failing())
    failing.app.state.chat.backend.broken = ("get_conversation",)  # type: ignore[attr-defined]
    failing.app.state.chat.backend.error = LookupError  # type: ignore[attr-defined]
    responses = {
        "page": client.get(path),
        "fragment": client.get(path, headers=FRAGMENT),
        "redirect": client.get(f"/runs/{run}"),
        "slash": client.get("/history/"),
        "error": client.post("/messages", data={"text": ""}),
        "not found": client.get("/nothing"),
        "wrong method": client.post("/"),
        "cross-site": client.post("/messages", headers={"Sec-Fetch-Site": "cross-site"}),
        "too large": client.post("/messages", data={"text": "x" * 3_000}),
        "bug": failing.get("/c/x"),
        "static": client.get(f"/static/{version}/favicon.svg"),
        "script": client.get(f"/static/{version}/vendor/htmx.min.js"),
        "style sheet": client.get(f"/static/{version}/css/chat.css"),
        "no static": client.get(f"/static/{version}/nothing.js"),
        "stream": client.get(f"/runs/{run}/stream"),
        "poll": client.get(f"/runs/{run}/poll"),
        "text": client.get(f"/runs/{run}/text"),
        "stop": client.post(f"/runs/{run}/stop", headers=FRAGMENT),
        "nobody": TestClient(create_chat_app(StubBackend())).post("/messages"),
    }
    for kind, response in responses.items():
        page = kind not in ("script", "style sheet", "stop")  # to stop answers 204
        assert [name for name in SECURITY if name not in response.headers] == [], kind
        assert [name for name in SECURITY_OF_PAGES if (name in response.headers) is not page] == [], kind
        assert "'unsafe" not in response.headers.get("content-security-policy", ""), kind
        public = kind in ("static", "script", "style sheet")
        assert response.headers["cache-control"].startswith("public" if public else "no-store"), kind


def test_pages_hold_no_inline_script_and_no_inline_style(client: TestClient) -> None:
    path, _ = begin(client)
    for address in ("/", path, "/history", "/c/nothing"):
        page = parse(client.get(address).text)
        assert [each.html for each in page.all("script") if each.text.strip()] == []
        assert page.all("style") == []
        for element in page:
            bad = {name for name in element.attributes if name.startswith("on") or name == "style" or ":on" in name}
            assert bad == set(), element.html[:200]


async def test_a_users_token_is_never_shown_or_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    seen: list[str | None] = []

    async def respond(request: Any) -> AsyncIterator[str]:
        seen.append(request.user.token)
        logging.getLogger("host").warning("%r %s", request, request.user)
        yield "Half"
        raise LookupError("broken")

    backend = LocalBackend(respond)
    app = create_chat_app(backend, identify=identify)
    with TestClient(app) as client:
        path, run = begin_following(client)
        texts = [client.get(address).text for address in ("/", path, "/history", f"/runs/{run}/text", "/c/nothing")]
        stream = client.get(f"/runs/{run}/stream").text
    assert seen == [TOKEN]
    assert TOKEN not in "".join(
        [*texts, stream, caplog.text, repr(User("ann", token=TOKEN)), str(User("a", None, TOKEN))]
    )


def begin_following(client: TestClient) -> tuple[str, str]:
    client.follow_redirects = False
    path, run = begin(client)
    client.get(f"/runs/{run}/stream")
    return path, run


def test_an_error_of_a_run_is_shown_as_its_sentence_only() -> None:
    backend = ScriptedBackend(["Half", Break(LookupError("s3cret"), times=1)])
    with client_of(backend) as client:
        path, run = begin(client)
        text = client.get(f"/runs/{run}/stream").text + client.get(path).text
    assert "s3cret" not in text


class TestSettings:
    def test_a_thing_that_is_no_backend_is_refused(self) -> None:
        with pytest.raises(TypeError, match="Backend"):
            create_chat_app(object())  # type: ignore[arg-type]

    def test_what_the_host_calls_things_is_text_and_not_markup(self) -> None:
        app: Starlette = create_chat_app(
            StubBackend(),
            title="<i>T</i>",
            look=Look(greeting="<i>G</i>", introduction="<i>I</i>", agent="<i>A</i>"),
        )
        with TestClient(app) as client:
            text = client.get("/").text
        assert "<i>" not in text
        assert "&lt;i&gt;G" in text
