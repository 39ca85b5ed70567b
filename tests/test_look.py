"""What a host puts on the pages, who may inspect, and the way to the host's own sign-in and back."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from typing import Any, TypeAlias
from urllib.parse import parse_qs, urlsplit

import pytest
from fastapi import FastAPI
from fasthtml.common import H2, A, Div, Form, Img, P
from starlette.applications import Starlette
from starlette.requests import Request as WebRequest
from starlette.routing import Mount
from starlette.testclient import TestClient

from htmxchat import (
    EventBody,
    LocalBackend,
    LoginPages,
    Look,
    Request,
    ScriptProposed,
    Starter,
    StubBackend,
    ToolFinished,
    ToolStarted,
    User,
    chat_context,
    chat_lifespan,
    create_chat_app,
)
from htmxchat.fragments import transcript
from htmxchat.html import render
from htmxchat.urls import Urls
from tests.support import FRAGMENT, Element, decode, parse

ARGUMENT, RESULT = "the-argument", "the-result"


async def respond(request: Request) -> AsyncIterator[str | EventBody]:
    yield ToolStarted("t", "lookup", "the weather", {"city": ARGUMENT})
    yield ToolFinished("t", "1 result", {"rain": RESULT})
    yield ScriptProposed("s", "print(1)", "Count")
    yield f"Echo: {request.text}"


async def identify(request: WebRequest) -> User | None:
    name = request.headers.get("x-user", "")
    return User(name, name) if name else None


def host(chat: Starlette, at: str = "/chat", below: str = "") -> Starlette:
    """Return an application with the chat at a path, or in an application of its own there."""
    inner = Starlette(routes=[Mount(below, chat)]) if below else chat
    return Starlette(routes=[Mount(at, inner)], lifespan=chat_lifespan(chat))


Mounting: TypeAlias = Callable[[Starlette], tuple[TestClient, str, str]]


# Where the chat is for browsers, and what its host's own paths begin with there.
def plain(chat: Starlette) -> tuple[TestClient, str, str]:
    return TestClient(host(chat)), "/chat", ""


def nested(chat: Starlette) -> tuple[TestClient, str, str]:
    return TestClient(host(chat, "/a", "/b")), "/a/b", ""


def stripped(chat: Starlette) -> tuple[TestClient, str, str]:
    return TestClient(host(chat), root_path="/team"), "/team/chat", "/team"


def stripped_and_nested(chat: Starlette) -> tuple[TestClient, str, str]:
    return TestClient(host(chat, "/a", "/b/c"), root_path="/team"), "/team/a/b/c", "/team"


def on_a_path_that_needs_quoting(chat: Starlette) -> tuple[TestClient, str, str]:
    return TestClient(host(chat, "/c d"), root_path="/team ü"), "/team%20%C3%BC/c%20d", "/team%20%C3%BC"


def alone(chat: Starlette) -> tuple[TestClient, str, str]:
    return TestClient(chat), "", ""


def alone_and_stripped(chat: Starlette) -> tuple[TestClient, str, str]:
    return TestClient(chat, root_path="/team"), "/team", ""


class WithoutThePrefix:
    """What reaches the application of `FastAPI(root_path=...)` behind a proxy that takes the prefix off."""

    def __init__(self, app: Any, prefix: str) -> None:
        self._app, self._prefix = app, prefix

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            assert scope["path"].startswith(self._prefix)
            scope = {**scope, "path": scope["path"].removeprefix(self._prefix)}
        await self._app(scope, receive, send)


@pytest.mark.filterwarnings("ignore:The `root_path` parameter is deprecated")
def fastapi_with_a_root_path(chat: Starlette) -> tuple[TestClient, str, str]:
    app = FastAPI(root_path="/team", lifespan=chat_lifespan(chat))
    app.mount("/chat", chat)
    return TestClient(WithoutThePrefix(app, "/team")), "/team/chat", "/team"


MOUNTS: list[Mounting] = [
    plain,
    nested,
    stripped,
    stripped_and_nested,
    on_a_path_that_needs_quoting,
    alone,
    alone_and_stripped,
    fastapi_with_a_root_path,
]
MOUNTED = pytest.mark.parametrize("mount", MOUNTS, ids=lambda mount: mount.__name__)
WARNINGS = pytest.mark.filterwarnings("ignore:The `root_path` parameter is deprecated")


def everything() -> Starlette:
    return create_chat_app(
        LocalBackend(respond, starters=[Starter("Hi", "Hello")]),
        identify=identify,
        login=LoginPages("/login?theme=dark", "/logout"),
        look=Look(
            stylesheets=["/static/a.css"],
            logo="/static/logo.svg",
            favicon="/static/icon.png",
            header=[A("Home", href="/"), A("Elsewhere", href="https://elsewhere.example/"), Img(src="/static/x.png")],
            footer=lambda user: Form(P(user.name if user else "nobody"), action="/feedback"),
            empty=lambda user: H2(f"Hello {user.name}"),
        ),
    )


@WARNINGS
@MOUNTED
def test_the_hosts_paths_are_those_of_its_application(
    mount: Callable[[Starlette], tuple[TestClient, str, str]],
) -> None:
    client, chat, root = mount(everything())
    with client:
        page = parse(client.get(f"{chat}/", headers={"x-user": "ann"}).text)
        assert f"{root}/static/a.css" in [each["href"] for each in page.all("link", rel="stylesheet")]
        assert page.one("link", rel="icon")["href"] == f"{root}/static/icon.png"
        assert page.one("img", cls="logo")["src"] == f"{root}/static/logo.svg"
        above, below = page.one("header", cls="host-header"), page.one("footer", cls="host-footer")
        assert [each["href"] for each in above.all("a")] == [f"{root}/", "https://elsewhere.example/"]
        assert above.one("img")["src"] == f"{root}/static/x.png"
        assert below.one("form")["action"] == f"{root}/feedback"
        (out,) = [each for each in page.all("a") if each.text == "Sign out"]
        assert out["href"] == f"{root}/logout"
        refused = client.get(f"{chat}/c/none?x=1")
        assert refused.status_code == 401
        assert link_to_sign_in(parse(refused.text)) == (f"{root}/login", "dark", f"{chat}/c/none?x=1")
        assert f'href="{root}/static/a.css"' in refused.text


def link_to_sign_in(page: Element) -> tuple[str, str, str]:
    (link,) = [each for each in page.all("a") if each.text == "Sign in"]
    parts = urlsplit(link["href"])
    query = parse_qs(parts.query)
    return parts.path, query["theme"][0], query["next"][0]


@WARNINGS
@MOUNTED
def test_who_is_signed_out_while_writing_comes_back(mount: Mounting) -> None:
    client, chat, root = mount(everything())
    headers = {**FRAGMENT, "HX-Current-URL": f"http://testserver{chat}/c/x"}
    with client:
        for path, place in (("/messages", "#composer-error"), ("/c/x/scripts", "#scripts-error")):
            refused = client.post(f"{chat}{path}", data={"text": "Hello"}, headers=headers)
            assert refused.status_code == 401
            said = parse(refused.text).one(**{"hx-target": place})
            assert "What you typed is kept." in said.text
            assert link_to_sign_in(said) == (f"{root}/login", "dark", f"{chat}/c/x")


@WARNINGS
@MOUNTED
def test_who_is_signed_out_without_a_script_gets_what_was_written_back(mount: Mounting) -> None:
    client, chat, _ = mount(everything())
    sent = "A long <b>question</b>\nwith two lines"
    with client:
        for path, field in (
            ("messages", "text"),
            ("c/x/messages", "text"),
            ("c/x/rename", "title"),
            ("runs/x/answer", "answer"),
        ):
            refused = client.post(f"{chat}/{path}", data={field: sent, "submission": "1"})
            assert refused.status_code == 401
            page = parse(refused.text)
            assert page.one("textarea").text == sent
            link_to_sign_in(page)
            assert "question" not in str(refused.url)
        for broken in (
            {"headers": {"Sec-Fetch-Site": "cross-site"}, "data": {"text": sent}},
            {"content": b"x", "data": None},
        ):
            assert "textarea" not in client.post(f"{chat}/messages", **broken).text


@pytest.mark.parametrize(
    "page",
    [
        "https://evil.example/chat/",
        "https://evil.example//evil.example/chat/",
        "http://testserver/other/",
        "http://testserver/chat/../other",
        "http://testserver/chat/%2e%2e/other",
        "http://testserver/chat/\\evil.example",
        "http://[",
        "javascript:alert(1)",
        "",
    ],
)
def test_the_way_back_never_leaves_the_chat(page: str) -> None:
    with TestClient(host(everything())) as client:
        refused = client.post("/chat/messages", data={"text": "x"}, headers={**FRAGMENT, "HX-Current-URL": page})
        _, _, back = link_to_sign_in(parse(refused.text))
        assert back == "/chat/"


def test_a_sign_in_page_that_knows_where_to_go_keeps_that() -> None:
    urls = Urls("/chat", "v", "/team")
    assert urls.sign_in_at_host("/login?next=/home", "/chat/") == "/team/login?next=/home"
    assert urls.sign_in_at_host("https://a.example/in", "/chat/") == "https://a.example/in?next=%2Fchat%2F"
    assert urls.sign_in_at_host("/login#form", "/c?a=1&b") == "/team/login?next=%2Fc%3Fa%3D1%26b#form"


def test_without_a_sign_in_page_there_is_a_sentence_and_no_link() -> None:
    with TestClient(create_chat_app(StubBackend(), identify=identify)) as client:
        refused = client.post("/messages", data={"text": "x"}, headers=FRAGMENT)
        assert "You are not signed in" in refused.text
        assert "<a " not in refused.text


class TestContents:
    def page(self, look: Look, user: str = "ann", path: str = "/") -> Element:
        with TestClient(create_chat_app(StubBackend(), identify=identify, look=look)) as client:
            return parse(client.get(path, headers={"x-user": user}).text)

    def test_are_escaped(self) -> None:
        hostile = "<script>alert(1)</script>"
        page = self.page(Look(header=hostile, footer=lambda user: P(hostile), empty=[hostile]))
        for name in ("host-header", "host-footer", "empty"):
            assert hostile in page.one(cls=name).text

    def test_are_for_who_asks(self) -> None:
        look = Look(header=lambda user: f"Hello {user.name}" if user else "Hello you")
        assert self.page(look).one("header", cls="host-header").text == "Hello ann"
        assert self.page(look, user="").one("header", cls="host-header").text == "Hello you"

    def test_are_on_pages_that_say_something_too(self) -> None:
        page = self.page(Look(header="Above", footer="Below", logo="/logo.svg"), path="/c/none")
        assert "It may have been deleted" in page.text
        assert page.one("header", cls="host-header").text == "Above"
        assert page.one("footer", cls="host-footer").text == "Below"
        assert page.one("img", cls="logo")["src"] == "/logo.svg"

    def test_can_be_nothing_for_some(self) -> None:
        page = self.page(Look(header=lambda user: None))
        assert page.all("header", cls="host-header") == []

    def test_that_fail_are_left_out_and_logged(self, caplog: pytest.LogCaptureFixture) -> None:
        def broken(user: User | None) -> Any:
            raise RuntimeError("why")

        with caplog.at_level(logging.ERROR, "htmxchat"):
            page = self.page(Look(header=broken, footer="Below"))
        assert page.one("footer", cls="host-footer").text == "Below"
        assert "Look.header failed" in caplog.text and "why" in caplog.text

    def test_of_the_empty_page_leave_the_starters(self) -> None:
        look = Look(empty=Div(H2("Own"), Form(action="/search")), greeting="Not this")
        chat = create_chat_app(StubBackend(), identify=identify, look=look)
        with TestClient(chat) as client:
            empty = parse(client.get("/", headers={"x-user": "ann"}).text).one(cls="empty")
        assert "Own" in empty.text and "Not this" not in empty.text
        assert len(empty.one("ul", cls="starters").all("button")) > 1
        assert not any(inner.all("form") for form in empty.all("form") for inner in form.elements)

    def test_of_the_host_are_not_changed(self) -> None:
        link = A("Home", href="/")
        with TestClient(host(create_chat_app(StubBackend(), look=Look(header=link))), root_path="/team") as client:
            assert 'href="/team/"' in client.get("/team/chat/").text
        assert link.attrs["href"] == "/"


def staff(user: User) -> bool:
    return user.id == "ann"


async def staff_later(user: User) -> bool:
    return user.id == "ann"


class TestInspector:
    """Ann may inspect, Bob may not: with a function. With `False`, no one may."""

    @pytest.fixture(params=[staff, staff_later, False], ids=["function", "async function", "nobody"])
    def client(self, request: pytest.FixtureRequest) -> Any:
        self.chat = create_chat_app(LocalBackend(respond), identify=identify, inspector=request.param)
        self.bob = {"x-user": "bob"}
        with TestClient(self.chat) as client:
            yield client

    def ask(self, client: TestClient, user: str) -> tuple[str, str]:
        sent = client.post("/messages", data={"text": "Hi"}, headers={"x-user": user}, follow_redirects=False)
        path, _, run = sent.headers["location"].partition("#turn-")
        with client.stream("GET", f"/runs/{run}/stream", headers={"x-user": user}) as stream:
            self.wire = stream.read()
            assert decode(self.wire)[-1].data == "completed"
        return path, run

    def test_is_nowhere_for_those_who_may_not(self, client: TestClient) -> None:
        path, run = self.ask(client, "bob")
        below = (
            "", "/events", "/events/2", "/events.jsonl", "/report.html", "/summary.md", "/steps", "/checkpoints",
            "/evidence",
        )  # fmt: skip
        for address in ("/runs", f"/runs?id={run}", f"{path}/runs", *(f"/runs/{run}{each}" for each in below)):
            for headers in (self.bob, {**self.bob, **FRAGMENT}):
                refused = client.get(address, headers=headers, follow_redirects=False)
                assert refused.status_code == 404, address
                assert ARGUMENT not in refused.text and RESULT not in refused.text
        page = client.get(path, headers=self.bob)
        assert ARGUMENT not in page.text and RESULT not in page.text
        assert "Inspect" not in page.text and 'name="inspect"' not in page.text
        shown = parse(page.text)
        assert "lookup" in shown.one(id=f"steps-{run}-0").text and "1 result" in shown.one(id=f"steps-{run}-0").text
        assert shown.all("details", id=f"part-{run}-0") == []
        assert shown.all(id="inspector") == []

    def test_brings_no_rows_on_a_stream_or_a_poll(self, client: TestClient) -> None:
        _, run = self.ask(client, "bob")
        assert ARGUMENT.encode() not in self.wire
        for kind in ("stream", "poll"):
            with client.stream("GET", f"/runs/{run}/{kind}?rows=0&type=", headers=self.bob) as answer:
                body = answer.read()
            assert b"inspector" not in body and ARGUMENT.encode() not in body and b"data-seq" not in body

    def test_the_turn_is_the_same_after_streaming_and_after_a_reload(self, client: TestClient) -> None:
        path, run = self.ask(client, "bob")
        patches = {each.data for each in decode(self.wire)[:-1]}
        step = parse(client.get(path, headers=self.bob).text).one(id=f"part-{run}-0")
        streamed = parse("".join(patches)).all(id=f"part-{run}-0")
        assert streamed and streamed[-1].html == step.html

    def test_is_there_for_those_who_may(self, client: TestClient) -> None:
        if self.chat.state.chat.settings.inspector is False:
            pytest.skip("nobody may")
        path, run = self.ask(client, "ann")
        ann = {"x-user": "ann"}
        assert ARGUMENT in client.get(path, headers=ann).text
        assert client.get(f"/runs/{run}", headers=ann).status_code == 200
        with client.stream("GET", f"/runs/{run}/stream?rows=0", headers=ann) as stream:
            assert b"data-seq" in stream.read()
        # What is Ann's is not Bob's, anyone who may inspect.
        assert client.get(f"/runs/{run}", headers=self.bob).status_code == 404

    async def test_pages_of_the_hosts_own_have_no_link_that_some_may_not_follow(self, client: TestClient) -> None:
        path, _ = self.ask(client, "ann")
        context = chat_context(self.chat, "/chat")
        found = await self.chat.state.chat.backend.load_transcript(User("ann"), path.rpartition("/")[2])
        html = render(transcript(found, context))
        assert 'name="inspect"' not in html and ARGUMENT not in html


def test_a_function_that_fails_shows_nothing(caplog: pytest.LogCaptureFixture) -> None:
    def broken(user: User) -> bool:
        raise RuntimeError("the directory is down")

    with TestClient(create_chat_app(StubBackend(), identify=identify, inspector=broken)) as client:
        assert client.get("/", headers={"x-user": "ann"}).status_code == 500
    assert "the directory is down" in caplog.text
