"""A shared page under attack: nothing but what was shared, nothing after it was taken back, and nothing beside it."""

from __future__ import annotations

import base64
import re
import uuid
from collections.abc import AsyncGenerator, Iterator
from typing import Any

import pytest
from sqlalchemy import update
from starlette.requests import Request as HttpRequest
from starlette.testclient import TestClient

from htmxchat import (
    Approval,
    Custom,
    InputRequested,
    LocalBackend,
    Remember,
    Request,
    SendFile,
    Share,
    Store,
    ToolFinished,
    ToolStarted,
    User,
    create_chat_app,
)
from htmxchat.events import ReasoningDelta, ScriptProposed
from htmxchat.store import tables as t
from htmxchat.store.rows import now

PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
# What must never be on a page without steps and files.
HIDDEN = (
    "thought-4711", "argument-4711", "result-4711", "memory-4711", "approve-4711", "print-4711", "data-4711",
    "said-4711", "found-4711", "file-4711",
)  # fmt: skip


async def identify(request: HttpRequest) -> User | None:
    assert "/s/" not in request.url.path, "a reader is asked who reads"
    name = request.headers.get("x-user")
    return User(name) if name else None


async def respond(request: Request) -> AsyncGenerator[Any, Any]:
    yield Remember({"secret": "memory-4711"})
    yield ReasoningDelta("thought-4711")
    yield "Let me look."
    yield ToolStarted("1", "search", "said-4711", {"query": "argument-4711"})
    yield ToolFinished("1", "found-4711", {"rows": "result-4711"})
    yield f"Answer to {request.text}. [out](https://example.org/) <script>alert(1)</script>"
    yield Custom("forecast", {"sky": "data-4711"})
    yield Custom("place", {})
    yield ScriptProposed("s", "print-4711()", "The sum")
    if request.text == "approve":
        decision = yield InputRequested("a", "Approve?", approval=Approval("delete", {"path": "approve-4711"}))
        yield f"{decision['approved']}"
    if request.text == "files":
        yield SendFile("file-4711.png", PICTURE)
    if request.text == "wait":
        yield InputRequested("w", "Waiting?")


class Chat:
    """A chat, and the people who use it: Ann, Eve, and someone who is nobody."""

    def __init__(self, client: TestClient, store: Store, ann: str) -> None:
        self.client, self.store, self.ann = client, store, ann

    def get(self, path: str, user: str | None = None, **given: Any) -> Any:
        return self.client.get(path, headers={"x-user": user or self.ann}, **given)

    def post(self, path: str, user: str | None = None, **given: Any) -> Any:
        return self.client.post(path, headers={"x-user": user or self.ann}, **given)

    def read(self, path: str, method: str = "GET", **headers: str) -> Any:
        """Ask as who is no user, with nothing of a session."""
        self.client.cookies.clear()
        return self.client.request(method, path, headers=headers)

    def ask(self, text: str, path: str = "/messages", **given: Any) -> tuple[str, str]:
        response = self.post(path, data={"text": text}, **given)
        found = re.fullmatch("/c/(.+)#turn-(.+)", response.headers["location"])
        assert found
        if text == "approve":
            while "Approve?" not in self.get(f"/runs/{found[2]}/poll").text:
                pass
            self.post(f"/runs/{found[2]}/answer", data={"request": "a", "decision": "approve"})
        if text == "wait":
            while "Waiting?" not in self.get(f"/runs/{found[2]}/poll").text:
                pass
            return found[1], found[2]
        while 'aria-busy="true"' in self.get(f"/c/{found[1]}").text:
            pass
        return found[1], found[2]

    def share(self, conversation: str, **fields: str) -> str:
        """Share a conversation, and return the path of its page."""
        response = self.post(f"/c/{conversation}/share", data={"who": "link", "days": "0", **fields})
        assert response.status_code == 303
        address = re.search(r'id="share-address"[^>]*value="http://testserver(/s/[^"]+)"', self.window(conversation))
        assert address
        return address[1]

    def window(self, conversation: str) -> str:
        text: str = self.get(f"/c/{conversation}/share").text
        return text


@pytest.fixture(scope="module", params=["memory", "postgres"])
def opened(request: pytest.FixtureRequest) -> Iterator[tuple[TestClient, Store]]:
    store = Store(request.getfixturevalue("postgres").url if request.param == "postgres" else None)
    parts = {"place": lambda data, context: f"drawn where shared is {context.shared}"}
    app = create_chat_app(LocalBackend(respond, store), identify=identify, share=Share(), parts=parts)
    with TestClient(app, follow_redirects=False) as client:
        yield client, store


@pytest.fixture
def chat(opened: tuple[TestClient, Store]) -> Chat:
    return Chat(*opened, f"ann-{uuid.uuid4().hex}")


def same(one: Any, other: Any) -> bool:
    return (one.status_code, one.content, dict(one.headers)) == (other.status_code, other.content, dict(other.headers))


def test_it_shows_what_was_shared_and_nothing_hidden(chat: Chat) -> None:
    files = {"upload": ("file-4711.csv", b"file-4711")}
    conversation, _ = chat.ask("approve", files=files)
    chat.ask("files", f"/c/{conversation}/messages")
    page = chat.read(chat.share(conversation))
    assert page.status_code == 200
    assert "Answer to approve." in page.text and "Answer to files." in page.text and "Approve?" in page.text
    for secret in HIDDEN:
        assert secret not in page.text, secret
    assert chat.ann not in page.text and conversation not in page.text


def test_functions_that_draw_parts_know_it(chat: Chat) -> None:
    conversation, _ = chat.ask("hello")
    assert "drawn where shared is False" in chat.get(f"/c/{conversation}").text
    assert "drawn where shared is True" in chat.read(chat.share(conversation)).text
    assert "drawn where shared is False" in chat.get(f"/c/{conversation}/export.html").text


def test_steps_and_files_are_there_only_if_chosen(chat: Chat) -> None:
    conversation, _ = chat.ask("files", files={"upload": ("mine.csv", b"file-4711")})
    address = chat.share(conversation, steps="yes", files="yes")
    page = chat.read(address).text
    for shown in "thought-4711", "argument-4711", "result-4711", "mine.csv", "file-4711.png":
        assert shown in page, shown
    assert "memory-4711" not in page
    paths = sorted(set(re.findall(rf'"({address}/files/\w+)"', page)))
    assert {chat.read(path).content for path in paths} == {PICTURE, b"file-4711"}
    for path in paths:
        headers = chat.read(path).headers
        assert headers["content-security-policy"] == "sandbox; default-src 'none'"
        assert headers["content-disposition"].startswith("attachment")
        assert headers["cache-control"] == "no-store" and "noindex" in headers["x-robots-tag"]
    chat.share(conversation, steps="yes")
    assert all(same(chat.read(path), chat.read("/s/unknown/files/x")) for path in paths)
    assert "file-4711.png" not in chat.read(address).text


def test_later_turns_and_other_branches_are_not_on_it(chat: Chat) -> None:
    conversation, _ = chat.ask("first")
    turn = re.findall(r'id="turn-(\w+)" class="turn" data-role="user"', chat.get(f"/c/{conversation}").text)[0]
    address = chat.share(conversation)
    chat.ask("later", f"/c/{conversation}/messages")
    chat.ask("elsewhere", f"/c/{conversation}/turns/{turn}/edit")
    before = chat.read(address).text
    assert "first" in before and "later" not in before and "elsewhere" not in before
    assert "as it was" in chat.window(conversation)
    assert chat.share(conversation) == address
    after = chat.read(address).text
    assert "Answer to elsewhere." in after and "Answer to first." not in after and "later" not in after


def test_a_new_title_is_not_on_it(chat: Chat) -> None:
    conversation, _ = chat.ask("first")
    address = chat.share(conversation)
    chat.post(f"/c/{conversation}/rename", data={"title": "title-4711"})
    assert "title-4711" not in chat.read(address).text


def test_an_answer_that_is_being_written_is_not_on_it(chat: Chat) -> None:
    conversation, run = chat.ask("wait")
    response = chat.post(f"/c/{conversation}/share", data={"who": "link", "days": "0"})
    assert response.status_code == 422 and "no finished answer" in response.text
    chat.post(f"/runs/{run}/stop")
    while 'aria-busy="true"' in chat.get(f"/c/{conversation}").text:
        pass
    address = chat.share(conversation)
    chat.ask("wait", f"/c/{conversation}/messages")
    assert chat.share(conversation) == address
    assert chat.read(address).text.count("Answer to wait.") == 1


def test_after_it_was_taken_back_there_is_nothing(chat: Chat) -> None:
    conversation, _ = chat.ask("files")
    address = chat.share(conversation, files="yes")
    (file,) = set(re.findall(rf'"({address}/files/\w+)"', chat.read(address).text))
    never = chat.read("/s/" + "x" * 32)
    assert never.status_code == 404
    chat.post(f"/c/{conversation}/share", data={"who": "none"})
    assert same(chat.read(address), never) and same(chat.read(file), never)
    again = chat.share(conversation)
    assert again != address and chat.read(again).status_code == 200 and same(chat.read(address), never)
    assert chat.post(f"/c/{conversation}/unshare").status_code == 303
    assert same(chat.read(again), never)


def test_a_deletion_takes_it_back_for_good(chat: Chat) -> None:
    conversation, _ = chat.ask("first")
    address = chat.share(conversation)
    chat.post(f"/c/{conversation}/delete")
    assert chat.read(address).status_code == 404
    chat.post(f"/c/{conversation}/restore")
    assert chat.read(address).status_code == 404


def test_a_message_that_was_deleted_takes_the_page_with_it(chat: Chat) -> None:
    conversation, _ = chat.ask("first")
    chat.ask("second", f"/c/{conversation}/messages")
    address = chat.share(conversation)
    turns = re.findall(r'id="turn-(\w+)" class="turn" data-role="user"', chat.get(f"/c/{conversation}").text)
    chat.post(f"/c/{conversation}/turns/{turns[1]}/delete")
    assert same(chat.read(address), chat.read("/s/unknown"))
    chat.share(conversation)
    page = chat.read(address).text
    assert "Answer to first." in page and "second" not in page


async def expire(store: Store, conversation: str) -> None:
    change = update(t.shares).where(t.shares.c.conversation_id == conversation).values(expires_at=now())
    await store.database.write(lambda db: db.execute(change))


def test_it_expires(chat: Chat) -> None:
    conversation, _ = chat.ask("first")
    address = chat.share(conversation, days="1")
    assert "until 2" in chat.window(conversation)
    assert chat.share(conversation, days="keep") == address and "until 2" in chat.window(conversation)
    portal: Any = chat.client.portal
    portal.call(expire, chat.store, conversation)
    assert same(chat.read(address), chat.read("/s/unknown"))
    assert "share-address" not in chat.window(conversation)
    assert chat.share(conversation) != address


def test_only_its_owner_shares_sees_and_takes_back(chat: Chat) -> None:
    conversation, _ = chat.ask("first")
    address = chat.share(conversation)
    gone = chat.get("/c/unknown/share", "eve")
    for response in (
        chat.get(f"/c/{conversation}/share", "eve"),
        chat.post(f"/c/{conversation}/share", "eve", data={"who": "none"}),
        chat.post(f"/c/{conversation}/share", "eve", data={"who": "link", "days": "0"}),
        chat.post(f"/c/{conversation}/unshare", "eve"),
    ):
        assert response.status_code == gone.status_code == 404
    assert chat.read(address).status_code == 200
    assert "first" not in chat.get("/shares", "eve").text and "first" in chat.get("/shares").text
    assert chat.read(f"/c/{conversation}/share").status_code == 401


def test_the_key_opens_nothing_else(chat: Chat) -> None:
    conversation, run = chat.ask("first")
    key = chat.share(conversation).removeprefix("/s/")
    for path in (
        f"/c/{key}",
        f"/runs/{run}",
        f"/c/{conversation}",
        f"/c/{conversation}/export.json",
        f"/runs/{run}/stream",
    ):
        assert chat.read(path).status_code == 401
    for path in f"/s/{key}/runs", f"/s/{key}/export.json", f"/s/{key}/", f"/s/{key}/files/", f"/s/{key}/files":
        assert chat.read(path).status_code in (307, 404), path


@pytest.mark.parametrize(
    "key",
    ["%2e%2e", "%00", "x" * 5_000, "%F0%9F%98%80", "*", "' OR 1=1 --", "%25", "\\", "..%2f..%2fc", "null", "%ff"],
)
def test_no_other_key_leads_anywhere(chat: Chat, key: str) -> None:
    assert chat.read(f"/s/{key}").status_code == 404
    assert chat.read(f"/s/{key}/files/{key}").status_code == 404


def test_near_misses_of_a_key_lead_nowhere(chat: Chat) -> None:
    conversation, _ = chat.ask("first")
    address = chat.share(conversation)
    key = address.removeprefix("/s/")
    assert len(key) == 32 and re.fullmatch(r"[\w-]+", key)
    never = chat.read("/s/unknown")
    for other in key[:-1], key + "A", key.swapcase(), key[::-1], f"{key}%20", f"{key}.html", f"%20{key}":
        assert same(chat.read(f"/s/{other}"), never), other


def test_keys_are_random(chat: Chat) -> None:
    keys = set()
    conversation, _ = chat.ask("first")
    for _ in range(5):
        keys.add(chat.share(conversation))
        chat.post(f"/c/{conversation}/unshare")
    assert len(keys) == 5


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_it_can_only_be_read(chat: Chat, method: str) -> None:
    conversation, _ = chat.ask("first")
    address = chat.share(conversation)
    for path in address, "/s/unknown":
        assert chat.read(path, method).status_code == 405
    assert chat.read(address).status_code == 200


def test_head_says_what_get_does(chat: Chat) -> None:
    conversation, _ = chat.ask("first")
    address = chat.share(conversation)
    assert chat.read(address, "HEAD").status_code == 200 and chat.read("/s/unknown", "HEAD").status_code == 404


def test_nothing_of_it_runs_loads_or_is_kept(chat: Chat) -> None:
    conversation, _ = chat.ask("first")
    address = chat.share(conversation, steps="yes", files="yes")
    for response in chat.read(address), chat.read("/s/unknown"):
        headers, text = response.headers, response.text
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy and "script-src" not in policy and "form-action 'none'" in policy
        assert headers["x-robots-tag"] == "noindex, nofollow, noarchive, nosnippet"
        assert headers["referrer-policy"] == "no-referrer" and headers["cache-control"] == "no-store"
        assert "set-cookie" not in headers
        assert not re.search(r"<(script|button|form|input|iframe|textarea|select)|hx-|onclick", text)
        assert '<meta name="robots" content="noindex' in text and '<meta name="referrer" content="no-referrer"' in text
        links = re.findall(r'(?:href|src)="([^"#][^"]*)"', text)
        own = [each for each in links if not each.startswith("https://example.org")]
        assert all(each.startswith("/static/") for each in own), own
    assert 'rel="noopener noreferrer nofollow"' in chat.read(address).text


def test_no_cookie_is_set_by_a_chat_that_knows_browsers_by_one() -> None:
    app = create_chat_app(LocalBackend(respond), share=Share())
    with TestClient(app, follow_redirects=False) as client:
        client.get("/")
        conversation = client.post("/messages", data={"text": "first"}).headers["location"].partition("#")[0]
        while 'aria-busy="true"' in client.get(conversation).text:
            pass
        client.post(f"{conversation}/share", data={"who": "link", "days": "0"})
        address = re.search(r'value="http://testserver(/s/[^"]+)"', client.get(f"{conversation}/share").text)
        assert address
        client.cookies.clear()
        response = client.get(address[1])
        assert response.status_code == 200 and "set-cookie" not in response.headers and not client.cookies


def test_an_imported_conversation_says_so(chat: Chat) -> None:
    conversation, _ = chat.ask("first")
    data = chat.get(f"/c/{conversation}/export.json").content
    imported = chat.post("/import", files={"upload": ("c.json", data)}).headers["location"].removeprefix("/c/")
    assert "imported from a file" in chat.read(chat.share(imported)).text
    assert "imported from a file" not in chat.read(chat.share(conversation)).text


class TestSettings:
    def test_by_default_nothing_is_shared(self) -> None:
        with TestClient(create_chat_app(LocalBackend(respond), identify=identify)) as client:
            for path in "/s/x", "/shares", "/c/x/share":
                assert client.get(path, headers={"x-user": "ann"}).status_code == 404
            assert "Share" not in client.get("/", headers={"x-user": "ann"}).text

    def test_the_host_limits_what_may_be_included(self) -> None:
        app = create_chat_app(
            LocalBackend(respond), identify=identify, share=Share(steps=False, files=False, max_days=2), inspector=False
        )
        with TestClient(app, follow_redirects=False) as client:
            chat = Chat(client, Store(), "ann")
            conversation, _ = chat.ask("files")
            refused = chat.post(f"/c/{conversation}/share", data={"who": "link", "days": "0"})
            assert refused.status_code == 400
            page = chat.read(chat.share(conversation, steps="yes", files="yes", days="2")).text
            for secret in HIDDEN:
                assert secret not in page, secret

    def test_who_may_not_inspect_shares_no_steps(self) -> None:
        app = create_chat_app(LocalBackend(respond), identify=identify, share=Share(), inspector=False)
        with TestClient(app, follow_redirects=False) as client:
            chat = Chat(client, Store(), "ann")
            conversation, _ = chat.ask("files")
            assert 'name="steps"' not in chat.window(conversation)
            assert "argument-4711" not in chat.read(chat.share(conversation, steps="yes")).text
