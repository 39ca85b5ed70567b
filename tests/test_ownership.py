"""Ids are no permission: what belongs to someone else looks like what never existed, on every route."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, replace

import anyio
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

from htmxchat import LocalBackend, LoginPages, StubBackend, create_chat_app
from htmxchat.events import JSON, InputRequested, RunEvent, ScriptProposed
from htmxchat.models import Conversation, ConversationPage, Run, Transcript, User
from htmxchat.scripts.models import FromAgent
from htmxchat.scripts.states import script_id
from tests.support import FRAGMENT, Exchange

SECRET = "The launch code is 4711"
FORM = {
    "text": "mine now",
    "title": "mine now",
    "request": "mine now",
    "answer": "mine now",
    "rating": "down",
    "pinned": "yes",
    "archived": "yes",
    "reject": "mine now",
}

# Every route that takes an id from its path, and the methods it answers. A new one fails the test until it is here.
GUARDED = {
    "conversation": {"GET", "HEAD"},
    "conversation_changes": {"GET", "HEAD"},
    "messages": {"POST"},
    "file": {"GET", "HEAD"},
    "file_preview": {"GET", "HEAD"},
    "discard_file": {"POST"},
    "edit_turn": {"POST"},
    "delete_turn": {"POST"},
    "restore_turn": {"POST"},
    "show_version": {"POST"},
    "export_markdown": {"GET", "HEAD"},
    "export_html": {"GET", "HEAD"},
    "export_json": {"GET", "HEAD"},
    "rename_form": {"GET", "HEAD"},
    "rename": {"POST"},
    "pin": {"POST"},
    "archive": {"POST"},
    "delete": {"POST"},
    "restore": {"POST"},
    "runs": {"GET", "HEAD"},
    "latest_run": {"GET", "HEAD"},
    "run": {"GET", "HEAD"},
    "events": {"GET", "HEAD"},
    "event": {"GET", "HEAD"},
    "events_export": {"GET", "HEAD"},
    "report": {"GET", "HEAD"},
    "summary": {"GET", "HEAD"},
    "steps": {"GET", "HEAD"},
    "checkpoints": {"GET", "HEAD"},
    "evidence": {"GET", "HEAD"},
    "stream": {"GET", "HEAD"},
    "poll": {"GET", "HEAD"},
    "state": {"GET", "HEAD"},
    "text": {"GET", "HEAD"},
    "stop": {"POST"},
    "retry": {"POST"},
    "answer": {"POST"},
    "feedback": {"POST"},
    "scripts": {"GET", "HEAD"},
    "queue_scripts": {"POST"},
    "script": {"GET", "HEAD"},
    "change_script": {"POST"},
    "script_result": {"POST"},
    "script_picture": {"GET", "HEAD"},
    "script_file": {"GET", "HEAD"},
}
CASES = [(name, method) for name, methods in GUARDED.items() for method in sorted(methods)]
KINDS = pytest.mark.parametrize(
    "headers", [{}, FRAGMENT, {**FRAGMENT, "HX-Source": "chat-live#l"}], ids=["page", "part", "live"]
)


async def identify(request: Request) -> User | None:
    name = request.headers.get("x-user")
    return User(name) if name else None


async def respond(request: object) -> AsyncIterator[object]:
    yield SECRET
    yield ScriptProposed("mine", f"print({SECRET!r})", SECRET)
    yield InputRequested("question", "Which?")


ROUTES = {each.name: each for each in create_chat_app(StubBackend()).routes if isinstance(each, Route)}


def test_every_route_with_an_id_is_covered() -> None:
    routes = create_chat_app(StubBackend()).routes
    assert all(isinstance(route, Route | Mount) for route in routes)
    with_ids = {route.name: route.methods for route in routes if isinstance(route, Route) and route.param_convertors}
    assert with_ids == GUARDED


def path_of(name: str, conversation: str, run: str, file: str = "") -> str:
    route = ROUTES[name]
    values = {
        "conversation": conversation,
        "deleted": conversation,
        "run": run,
        "turn": run[:300],
        "request": "question",
        "row": "1",
    }
    values |= {"script": script_id(run, FromAgent("mine")), "number": "0"}
    values["file"] = "code.py" if name == "script_file" else file or run
    path = route.path
    for parameter in route.param_convertors:
        path = path.replace(f"{{{parameter}}}", values[parameter])
    return path


@dataclass
class Taken:
    """A chat in which Ann has a conversation with a run that waits for her."""

    client: TestClient
    conversation: str
    run: str
    file: str

    def as_eve(self, method: str, path: str, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        data = FORM if method == "POST" else None
        response = self.client.request(method, path, data=data, headers={"X-User": "eve", **headers})
        return response.status_code, dict(response.headers), response.content


def taken(app: Starlette, client: TestClient) -> Taken:
    client.follow_redirects = False
    files = {"upload": (f"{SECRET}.txt", SECRET)}
    response = client.post("/messages", data={"text": SECRET}, files=files, headers={"X-User": "ann"})
    conversation, run = re.fullmatch("/c/(.+)#turn-(.+)", response.headers["location"]).groups()  # type: ignore[union-attr]
    while "question" not in client.get(f"/runs/{run}/poll", headers={"X-User": "ann"}).text:
        pass
    (file,) = re.findall(r'data-file="(\w+)"', client.get(f"/c/{conversation}", headers={"X-User": "ann"}).text)
    return Taken(client, conversation, run, file)


class WithAccounts(LocalBackend):
    """A backend that has users of its own."""

    asked = 0

    async def account(self, user: User) -> User:
        self.asked += 1
        assert user.id in ("ann", "eve")
        return replace(user, id=f"account of {user.id}")


@pytest.fixture(scope="module", params=[LocalBackend, WithAccounts])
def chat(request: pytest.FixtureRequest) -> Iterator[Taken]:
    app = create_chat_app(request.param(respond), identify=identify)
    with TestClient(app) as client:
        yield taken(app, client)


@KINDS
@pytest.mark.parametrize(("name", "method"), CASES)
def test_what_belongs_to_another_looks_like_what_never_existed(
    chat: Taken, name: str, method: str, headers: dict[str, str]
) -> None:
    foreign = chat.as_eve(method, path_of(name, chat.conversation, chat.run, chat.file), headers)
    never = chat.as_eve(method, path_of(name, "0" * len(chat.conversation), "0" * len(chat.run), "0" * 32), headers)
    assert foreign[0] == never[0] == 404
    assert foreign[2] == never[2]
    for each in (foreign, never):
        each[1].pop("hx-redirect", None)  # the address that was asked for
    assert foreign[1] == never[1]
    assert SECRET.encode() not in foreign[2]


def test_nothing_was_changed_by_trying(chat: Taken) -> None:
    page = chat.client.get(f"/c/{chat.conversation}", headers={"X-User": "ann"})
    assert page.status_code == 200
    assert SECRET in page.text
    assert "mine now" not in page.text
    assert 'data-state="suspended"' in page.text
    assert SECRET not in chat.client.get("/history", headers={"X-User": "eve"}).text


async def test_a_backend_with_users_of_its_own_is_asked_once_a_request_who_asks() -> None:
    backend = WithAccounts(respond)  # type: ignore[arg-type]
    app = create_chat_app(backend, identify=identify)
    run = await backend.start_run(User("account of ann"), None, SECRET)
    for path in (f"/c/{run.conversation_id}", "/history", f"/runs/{run.id}/stream", f"/runs/{run.id}/poll"):
        before, exchange = backend.asked, Exchange(app, path, headers={"X-User": "ann"})
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(exchange.run)
            await exchange.until(SECRET)
            exchange.leave()
        assert (exchange.status, backend.asked) == (200, before + 1), path
    await backend.close()


STRANGE = {
    "very long": "x" * 50_000,
    "a bit too long": "x" * 201,
    "NUL": "a%00b",
    "encoded slash": "a%2Fb",
    "line end": "a%0D%0Ab",
    "dots": "..%2F..%2Fetc%2Fpasswd",
    "unicode": "%E2%98%83%F0%9F%98%80",
    "invalid UTF-8": "%FF%FE",
    "direction": "%E2%80%AE",
    "markup": "%3Cscript%3Ealert(1)%3C%2Fscript%3E",
    "quotes": "%22%27;%20DROP%20TABLE%20runs;--",
    "percent": "%25s%25n",
    "blank": "%20",
}


@pytest.mark.parametrize("id", STRANGE.values(), ids=STRANGE)
@pytest.mark.parametrize(("name", "method"), CASES)
def test_a_strange_id_is_simply_not_there(chat: Taken, name: str, method: str, id: str) -> None:
    status, _, body = chat.as_eve(method, path_of(name, id, id), {})
    assert status == 404
    assert b"<script>alert" not in body
    assert b"Traceback" not in body


async def test_ids_that_no_backend_should_see_do_not_reach_it() -> None:
    seen: list[str] = []

    class Watching(StubBackend):
        async def get_conversation(self, user: User, conversation_id: str) -> Conversation:
            seen.append(conversation_id)
            return await super().get_conversation(user, conversation_id)

        async def restore_conversation(self, user: User, conversation_id: str) -> None:
            seen.append(conversation_id)
            await super().restore_conversation(user, conversation_id)

        async def get_run(self, user: User, run_id: str) -> Run:
            seen.append(run_id)
            return await super().get_run(user, run_id)

    with TestClient(create_chat_app(Watching(), identify=identify)) as client:
        for name, method in CASES:
            for id in ("a%00b", "x" * 201, "a%0Ab"):
                response = client.request(method, path_of(name, id, id), headers={"X-User": "eve"})
                assert response.status_code == 404
    assert seen == []


class Sloppy(LocalBackend):
    """Gives everyone what is Ann's."""

    ann = User("ann")

    async def list_conversations(self, user: User, *, limit: int = 30, cursor: str | None = None) -> ConversationPage:
        return ConversationPage(())

    async def get_conversation(self, user: User, conversation_id: str) -> Conversation:
        return await super().get_conversation(self.ann, conversation_id)

    async def load_transcript(self, user: User, conversation_id: str) -> Transcript:
        return await super().load_transcript(self.ann, conversation_id)

    async def start_run(
        self, user: User, conversation_id: str | None, text: str, *, files: Sequence[str] = (), agent: str | None = None
    ) -> Run:
        return await super().start_run(self.ann, conversation_id, text, files=files, agent=agent)

    async def get_run(self, user: User, run_id: str) -> Run:
        return await super().get_run(self.ann, run_id)

    async def run_events(
        self, user: User, run_id: str, *, after: int | None = None
    ) -> AsyncGenerator[Sequence[RunEvent], None]:
        async for batch in super().run_events(self.ann, run_id, after=after):
            yield batch

    async def stop_run(self, user: User, run_id: str) -> None:
        await super().stop_run(self.ann, run_id)

    async def retry_run(self, user: User, run_id: str, *, agent: str | None = None) -> Run:
        return await super().retry_run(self.ann, run_id, agent=agent)

    async def answer_request(self, user: User, run_id: str, request_id: str, answer: JSON) -> None:
        await super().answer_request(self.ann, run_id, request_id, answer)

    async def rename_conversation(self, user: User, conversation_id: str, title: str) -> None:
        await super().rename_conversation(self.ann, conversation_id, title)

    async def delete_conversation(self, user: User, conversation_id: str) -> None:
        await super().delete_conversation(self.ann, conversation_id)


@pytest.fixture(scope="module")
def sloppy() -> Iterator[Taken]:
    app = create_chat_app(Sloppy(respond), identify=identify)  # type: ignore[arg-type]
    with TestClient(app) as client:
        yield taken(app, client)


@pytest.mark.parametrize(("name", "method"), CASES)
def test_the_door_does_not_rely_on_the_backend(sloppy: Taken, name: str, method: str) -> None:
    # Restoring is the backend's to check: what is deleted is hidden from the door. Here the store does.
    status, _, body = sloppy.as_eve(method, path_of(name, sloppy.conversation, sloppy.run, sloppy.file), {})
    assert status == 404
    assert SECRET.encode() not in body


class TestNobody:
    @pytest.mark.parametrize("login_url", [None, "/login"])
    @KINDS
    @pytest.mark.parametrize(("name", "method"), [*CASES, ("home", "GET"), ("history", "GET"), ("start", "POST")])
    def test_nobody_gets_a_401_everywhere(
        self, chat: Taken, name: str, method: str, headers: dict[str, str], login_url: str | None
    ) -> None:
        backend = chat.client.app.state.chat.backend  # type: ignore[attr-defined]
        app = create_chat_app(backend, identify=identify, login=LoginPages(login_url) if login_url else None)
        paths = {"home": "/", "history": "/history", "start": "/messages"}
        path = paths.get(name) or path_of(name, chat.conversation, chat.run)
        response = TestClient(app).request(method, path, data=FORM if method == "POST" else None, headers=headers)
        assert response.status_code == 401
        assert SECRET not in response.text
        if method == "GET" and not headers:
            assert "sign" in response.text.lower()
            assert ('href="/login?next=%2F' in response.text) == (login_url is not None)

    def test_the_static_files_are_for_everybody(self) -> None:
        app = create_chat_app(StubBackend(), identify=identify)
        version = app.state.chat.assets.version
        assert TestClient(app).get(f"/static/{version}/vendor/htmx.min.js").status_code == 200


class TestBrowserIdentity:
    @pytest.mark.parametrize(
        "cookie",
        ["", "x" * 43, "browser-0", "../" * 14 + "a", "a" * 44, '"a"', "%00" * 10],
    )
    def test_a_forged_cookie_opens_nothing(self, cookie: str) -> None:
        with TestClient(create_chat_app(StubBackend(pace=0)), follow_redirects=False) as client:
            client.get("/")
            (name,) = client.cookies
            path = client.post("/messages", data={"text": "Hello"}).headers["location"].partition("#")[0]
            assert client.get(path).status_code == 200
            client.cookies.clear()
            forged = {"Cookie": f"{name}={cookie}"}
            assert client.get(path, headers=forged).status_code == 404
            assert client.post(f"{path}/messages", data={"text": "Hello"}, headers=forged).status_code in (401, 404)

    def test_the_id_that_a_page_or_log_may_hold_is_not_the_cookie(self) -> None:
        with TestClient(create_chat_app(StubBackend(pace=0))) as client:
            page = client.get("/")
            (secret,) = client.cookies.values()
            assert secret not in page.text


async def test_a_user_who_was_let_go_cannot_connect_again() -> None:
    allowed = {"ann"}

    async def current(request: Request) -> User | None:
        return User("ann") if "ann" in allowed else None

    backend = LocalBackend(respond)  # type: ignore[arg-type]
    app = create_chat_app(backend, identify=current)
    run = await backend.start_run(User("ann"), None, "Hello")
    first = Exchange(app, f"/runs/{run.id}/stream")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(first.run)
        await first.until(SECRET)
        first.leave()
    allowed.clear()
    for path in ("stream", "poll?after=1", "text"):
        again = Exchange(app, f"/runs/{run.id}/{path}", headers={"Last-Event-ID": "1"})
        await again.run()
        assert again.status == 401
        assert SECRET.encode() not in again.body
    await backend.close()


async def test_a_conversation_that_changes_hands_is_gone_for_the_first() -> None:
    owner = "ann"

    class Moving(LocalBackend):
        async def get_run(self, user: User, run_id: str) -> Run:
            return replace(await super().get_run(user, run_id), user_id=owner)

    async def ann(request: Request) -> User:
        return User("ann")

    backend = Moving(respond)  # type: ignore[arg-type]
    app = create_chat_app(backend, identify=ann)
    run = await backend.start_run(User("ann"), None, "Hello")
    statuses = []
    for name in ("ann", "bob"):
        owner = name
        exchange = Exchange(app, f"/runs/{run.id}/poll")
        await exchange.run()
        statuses.append(exchange.status)
    assert statuses == [200, 404]
    await backend.close()
