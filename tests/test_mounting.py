"""The chat works the same however it is mounted, and never leaves its mount."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import fasthtml.common as fh
import pytest
from fastapi import Depends, FastAPI, HTTPException
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

from htmxchat import LocalBackend, Look, Share, Store, StubBackend, chat_lifespan, create_chat_app
from htmxchat.agent import Request as Turn
from htmxchat.agents.kogwistar import KogwistarLogin
from htmxchat.urls import Urls
from tests.support import FRAGMENT, Element, addresses, decode, parse

GREETING = "Hello there"


async def hello(request: Request) -> Response:
    return PlainTextResponse("the host")


def alone(chat: Starlette) -> tuple[TestClient, str]:
    return TestClient(chat), ""


def under_starlette(chat: Starlette) -> tuple[TestClient, str]:
    host = Starlette(routes=[Route("/", hello), Mount("/chat", chat)], lifespan=chat_lifespan(chat))
    return TestClient(host), "/chat"


def under_fastapi(chat: Starlette) -> tuple[TestClient, str]:
    host = FastAPI(lifespan=chat_lifespan(chat))
    host.add_api_route("/", hello)
    host.mount("/chat", chat)
    return TestClient(host), "/chat"


def under_fasthtml(chat: Starlette) -> tuple[TestClient, str]:
    host = fh.FastHTML(secret_key="test", routes=[Route("/", hello)])
    host.mount("/chat", chat)
    host.set_lifespan(chat_lifespan(chat))
    return TestClient(host), "/chat"


def nested_with_names(chat: Starlette) -> tuple[TestClient, str]:
    inner = Starlette(routes=[Mount("/b", routes=[Mount("/chat", chat, name="chat")], name="b")])
    host = Starlette(routes=[Route("/", hello), Mount("/a", inner, name="a")], lifespan=chat_lifespan(chat))
    return TestClient(host), "/a/b/chat"


def behind_a_stripping_proxy(chat: Starlette) -> tuple[TestClient, str]:
    # The proxy takes /team off, and `--root-path /team` makes the server put it before what it passes on.
    host = Starlette(routes=[Route("/", hello), Mount("/chat", chat)], lifespan=chat_lifespan(chat))
    return TestClient(host, root_path="/team"), "/team/chat"


def alone_behind_a_stripping_proxy(chat: Starlette) -> tuple[TestClient, str]:
    return TestClient(chat, root_path="/team"), "/team"


def behind_a_proxy_that_strips_nothing(chat: Starlette) -> tuple[TestClient, str]:
    host = Starlette(routes=[Mount("/team/chat", chat)], lifespan=chat_lifespan(chat))
    return TestClient(host), "/team/chat"


def on_a_path_that_needs_quoting(chat: Starlette) -> tuple[TestClient, str]:
    host = Starlette(routes=[Mount("/team ü/{tenant}", chat)], lifespan=chat_lifespan(chat))
    return TestClient(host), "/team%20%C3%BC/50%25%20%22off%22"


def on_a_path_with_whatever_a_path_may_have(chat: Starlette) -> tuple[TestClient, str]:
    host = Starlette(routes=[Mount("/a;v=1,2&'b'", chat)], lifespan=chat_lifespan(chat))
    return TestClient(host), "/a;v=1,2&'b'"


MOUNTS = [
    alone,
    under_starlette,
    under_fastapi,
    under_fasthtml,
    nested_with_names,
    behind_a_stripping_proxy,
    alone_behind_a_stripping_proxy,
    behind_a_proxy_that_strips_nothing,
    on_a_path_that_needs_quoting,
    on_a_path_with_whatever_a_path_may_have,
]


class Site:
    """A chat, mounted. Everything that it answers is looked at: no address may lie outside of the mount."""

    def __init__(self, client: TestClient, prefix: str) -> None:
        self.client = client
        self.prefix = prefix
        client.follow_redirects = False
        client.event_hooks["response"].append(self._look)

    def get(self, path: str, **options: Any) -> Any:
        return self.client.get(self.prefix + path, **options)

    def page(self, path: str) -> Element:
        response = self.client.get(self.prefix + path)
        assert response.status_code == 200, response.text
        return parse(response.text)

    def send(self, text: str) -> tuple[str, str]:
        """Send a first message without JavaScript; return the conversation's path and the run's id."""
        response = self.client.post(f"{self.prefix}/messages", data={"text": text})
        assert response.status_code == 303, response.text
        path, _, turn = response.headers["location"].partition("#turn-")
        assert path.startswith(self.prefix)
        return path[len(self.prefix) :], turn

    def stream(self, run: str) -> str:
        with self.client.stream("GET", f"{self.prefix}/runs/{run}/stream") as response:
            assert response.status_code == 200
            messages = decode(response.read())
        assert messages[-1].event == "end"
        return "".join(message.data for message in messages[:-1])

    def _look(self, response: Any) -> None:
        headers = response.headers
        for name in ("location", "hx-location", "hx-push-url", "hx-redirect"):
            if name in headers:
                self.check(headers[name])
        for cookie in headers.get_list("set-cookie"):
            if "htmxchat" in cookie:
                assert "; Path=/; HttpOnly;" in cookie

    def check(self, address: str) -> None:
        assert address.isascii(), address
        assert not any(character in address for character in ' "<>\\'), address
        parts = urlsplit(address)
        assert (parts.scheme, parts.netloc) == ("", ""), f"{address} names a host, which behind a proxy is another"
        assert parts.path.startswith(f"{self.prefix}/"), f"{address} is not below {self.prefix}/"


@pytest.fixture(params=MOUNTS, ids=lambda mount: mount.__name__)
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    mount: Callable[[Starlette], tuple[TestClient, str]] = request.param
    client, prefix = mount(create_chat_app(StubBackend(pace=0)))
    with client:
        yield Site(client, prefix)


def test_a_message_is_sent_and_its_answer_read(site: Site) -> None:
    home = site.page("/")
    assert home.one("form", id="composer")["action"] == f"{site.prefix}/messages"
    path, run = site.send(GREETING)
    assert "demo agent" in site.stream(run)
    page = site.page(path)
    turns = page.all("article", cls="turn")
    assert [turn["data-role"] for turn in turns] == ["user", "assistant"]
    assert [turn["data-state"] for turn in turns] == ["completed", "completed"]
    assert GREETING in turns[0].text
    assert "demo agent" in turns[1].text
    assert site.prefix + path in {each["href"] for each in site.page("/history").all("a")}


def test_htmx_sends_a_message_and_goes_on(site: Site) -> None:
    site.page("/")
    first = site.client.post(f"{site.prefix}/messages", data={"text": GREETING}, headers=FRAGMENT)
    assert first.status_code == 200
    url = first.headers["hx-push-url"]
    page = parse(first.text)
    (run,) = [each["id"].removeprefix("turn-") for each in page.all("article", data_role="assistant")]
    site.stream(run)
    for method, address in addresses(page):
        site.check(address)
        assert method in ("GET", "POST")
    second = site.client.post(f"{url}/messages", data={"text": "And again"}, headers=FRAGMENT)
    assert second.status_code == 200
    assert len(parse(second.text).all("article")) == 2


def test_every_address_on_every_page_is_there(site: Site) -> None:
    site.page("/")
    path, run = site.send("Restart the notifier workers.")
    while 'class="request"' not in site.client.get(f"{site.prefix}/runs/{run}/poll").text:
        pass
    asking = site.page(path)
    question = asking.one("form", cls="request")
    given = {"request": question.one("input", name="request")["value"], "answer": "Now"}
    assert site.client.post(question["action"], data=given).status_code == 303
    site.stream(run)
    other, failed = site.send("Export last month's bookings.")
    site.stream(failed)
    computing, run = site.send("Summarize these response times with Python.")
    while "chat-proposal" not in site.client.get(f"{site.prefix}/runs/{run}/poll").text:
        pass
    pages = [asking, *map(site.page, ("/", "/history", path, other, f"{path}/rename", "/scripts"))]
    pages += map(site.page, (computing, f"{computing}/scripts"))
    card = pages[-1].one("article", cls="script")
    assert site.client.post(card.one("form")["action"], data={"reject": "yes"}).status_code == 303
    site.stream(run)
    pages.append(site.page(f"{computing}/scripts"))
    pages.append(parse(site.get("/c/nothing").text))
    found = set().union(*map(addresses, pages))
    assert len(found) > 20
    # What deletes comes last, the conversation after its messages: everything else needs them.
    for method, address in sorted(found, key=lambda each: ("delete" in each[1], -each[1].count("/"), each)):
        site.check(address)
        response = site.client.request(method, address, data={} if method == "POST" else None)
        assert response.status_code != 404, (method, address)
        assert response.status_code < 500, (method, address, response.text)


def test_a_conversation_is_deleted_and_restored(site: Site) -> None:
    site.page("/")
    path, run = site.send(GREETING)
    site.stream(run)
    deleted = site.client.post(f"{site.prefix}{path}/delete")
    assert deleted.status_code == 303
    home = parse(site.client.get(deleted.headers["location"]).text)
    assert site.get(path).status_code == 404
    undo = site.client.post(home.one("form", cls="undo")["action"])
    assert (undo.status_code, undo.headers["location"]) == (303, site.prefix + path)
    assert site.get(path).status_code == 200
    again = site.client.post(f"{site.prefix}{path}/delete", headers=FRAGMENT)
    assert again.headers["hx-push-url"] == f"{site.prefix}/"
    restored = site.client.post(f"{site.prefix}{path}/restore", headers=FRAGMENT)
    assert restored.headers["hx-location"] == site.prefix + path


def test_a_conversation_is_renamed(site: Site) -> None:
    site.page("/")
    path, run = site.send(GREETING)
    site.stream(run)
    form = site.page(f"{path}/rename").one("form", cls="rename")
    assert form.one("input", name="title")["value"] == GREETING
    renamed = site.client.post(form["action"], data={"title": "A <new> title"})
    assert (renamed.status_code, renamed.headers["location"]) == (303, site.prefix + path)
    assert site.page(path).one("h1").text == "A <new> title"
    fragment = site.client.post(form["action"], data={"title": "Another"}, headers=FRAGMENT)
    assert parse(fragment.text).one(id="heading").text == "Another"


def test_a_fragment_that_cannot_be_had_sends_the_browser_to_the_page(site: Site) -> None:
    response = site.get("/c/nothing?x=1", headers={**FRAGMENT, "HX-Source": "a", "Host": "inside.proxy:8000"})
    assert response.status_code == 404
    assert response.headers["hx-redirect"] == f"{site.prefix}/c/nothing?x=1"


def test_the_history_leads_back_to_where_the_reader_was(site: Site) -> None:
    site.page("/")
    path, run = site.send(GREETING)
    site.stream(run)
    for origin in (path, f"{path}?x=1", f"{path}/rename", "/history", "/c/", "/nothing"):
        page = parse(site.get("/history", headers={"Referer": f"http://testserver{site.prefix}{origin}"}).text)
        for _, address in addresses(page):
            site.check(address)
            if "/c/" in address:
                assert site.client.get(address).status_code == 200, (origin, address)


def test_nothing_is_shown_to_another_browser(site: Site) -> None:
    site.page("/")
    path, run = site.send(GREETING)
    site.stream(run)
    site.client.cookies.clear()
    assert site.get(path).status_code == 404
    assert GREETING not in site.get("/history").text


class TestTwoChats:
    @pytest.fixture
    def client(self) -> Iterator[TestClient]:
        async def left(request: Turn) -> AsyncIterator[str]:
            yield "This is the left agent."

        async def right(request: Turn) -> AsyncIterator[str]:
            yield "This is the right agent."

        chats = [create_chat_app(LocalBackend(agent)) for agent in (left, right)]
        mounts = [Mount("/chat", chats[0]), Mount("/chats/right", chats[1])]
        with TestClient(Starlette(routes=mounts, lifespan=chat_lifespan(*chats))) as client:
            yield client

    def test_they_do_not_mix(self, client: TestClient) -> None:
        left, right = Site(client, "/chat"), Site(client, "/chats/right")
        for site in (left, right):
            client.event_hooks["response"].clear()
            site.page("/")
        assert len(client.cookies) == 2
        assert len(set(client.cookies.values())) == 2
        path, run = left.send("To the left")
        other, other_run = right.send("To the right")
        assert "left agent" in left.stream(run)
        assert "right agent" in right.stream(other_run)
        assert "To the right" not in left.get("/history").text
        assert "To the left" not in right.get("/history").text
        assert left.get(other).status_code == right.get(path).status_code == 404
        for kind in ("stream", "poll", "text"):
            assert left.get(f"/runs/{other_run}/{kind}").status_code == 404

    def test_a_cookie_of_one_is_nobody_to_the_other(self, client: TestClient) -> None:
        left = Site(client, "/chat")
        left.page("/")
        ((name, secret),) = client.cookies.items()
        client.cookies.clear()
        cookie = {"Cookie": f"{name}={secret}"}
        assert client.post("/chats/right/messages", data={"text": "x"}, headers=cookie).status_code == 401


class TestWhatFastAPIDoes:
    """As docs/how-to/mount.md says; if one of these fails, that page is out of date."""

    def test_dependencies_of_the_host_do_not_run_for_the_chat(self) -> None:
        def nobody() -> None:
            raise HTTPException(403)

        chat = create_chat_app(StubBackend())
        host = FastAPI(dependencies=[Depends(nobody)], lifespan=chat_lifespan(chat))
        host.add_api_route("/", hello)
        host.mount("/chat", chat)
        with TestClient(host) as client:
            assert client.get("/").status_code == 403
            assert client.get("/chat/").status_code == 200

    @pytest.mark.filterwarnings("ignore:The `root_path` parameter is deprecated")
    def test_its_root_path_finds_the_chat_behind_a_proxy_that_strips_it_and_behind_one_that_does_not(self) -> None:
        chat = create_chat_app(StubBackend())
        host = FastAPI(root_path="/team", lifespan=chat_lifespan(chat))
        host.mount("/chat", chat)
        with TestClient(host) as client:
            for path in ("/chat/", "/team/chat/"):
                assert 'action="/team/chat/messages"' in client.get(path).text


def test_every_route_has_its_address_and_every_address_its_route() -> None:
    store = Store()
    chat = create_chat_app(StubBackend(store), login=KogwistarLogin("http://127.0.0.1:1", store), share=Share())
    routes: dict[str, Any] = {getattr(each, "name", ""): each for each in chat.routes}
    fields = {"of", "root", "version", "host", "back", "at_host", "sign_in_at_host"}
    methods = {name: getattr(Urls("/m", "v"), name) for name in {*vars(Urls)} - fields if name[0] != "_"}
    same_address = {"rename_form": "rename", "begin_login": "login", "login_callback_state": "login_callback"}
    same_address |= {"queue_scripts": "scripts", "no_scripts": "scripts", "change_script": "script"}
    same_address |= {
        "conversation_changes": "changes",
        "drafts": "files",
        "import_form": "import_conversation",
        "share_form": "share",
    }
    assert {same_address.get(name, name) for name in routes} == set(methods)
    for name, route in routes.items():
        if name == "static":
            assert methods[name]("js/x.js") == f"/m{route.path}/v/js/x.js"
            continue
        values = [f"id {number}/ü" for number in range(len(route.param_convertors))]
        made = methods[same_address.get(name, name)](*values)
        path = route.path_format
        quoted = [f"id%20{number}%2F%C3%BC" for number in range(len(values))]
        for parameter, value in zip(route.param_convertors, quoted, strict=True):
            path = path.replace(f"{{{parameter}}}", value)
        assert made == f"/m{path}", name


class TestUrls:
    def test_queries_are_quoted_and_left_out_when_empty(self) -> None:
        urls = Urls("/m")
        assert urls.home() == "/m/"
        assert urls.home(deleted="a&b") == "/m/?deleted=a%26b"
        assert urls.history() == "/m/history"
        assert urls.history("a b&c", "x=1") == "/m/history?q=a+b%26c&cursor=x%3D1"
        assert urls.stream("r", 0) == "/m/runs/r/stream?after=0"
        assert urls.poll("r") == "/m/runs/r/poll"
        assert urls.conversation("c", "t") == "/m/c/c#turn-t"

    def test_the_root_is_that_of_the_request(self) -> None:
        assert Urls.of({"root_path": "/a/b/"}, "v").static("x") == "/a/b/static/v/x"
        assert Urls.of({}, "v").home() == "/"


def test_the_hosts_style_sheets_come_after_the_chats_own() -> None:
    app = create_chat_app(StubBackend(), look=Look(stylesheets=["/static/brand.css"]))
    with TestClient(app) as client:
        for path in ("/", "/history", "/c/nothing"):
            page = client.get(path).text
            assert page.index("css/chat.css") < page.index('href="/static/brand.css"')
