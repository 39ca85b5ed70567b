"""A conversation is taken along as Markdown, HTML and JSON, and comes back; and nothing else."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import uuid
from collections.abc import AsyncGenerator, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from starlette.requests import Request as HttpRequest
from starlette.testclient import TestClient

from htmxchat import (
    Custom,
    Files,
    Imports,
    InputRequested,
    LocalBackend,
    Request,
    SendFile,
    Store,
    ToolFinished,
    ToolStarted,
    User,
    create_chat_app,
)
from htmxchat.archive import read_archive
from htmxchat.errors import InvalidInput
from htmxchat.events import ReasoningDelta, ScriptProposed
from htmxchat.fragments.export.read_only import read_only

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


async def identify(request: HttpRequest) -> User | None:
    name = request.headers.get("x-user")
    return User(name) if name else None


async def respond(request: Request) -> AsyncGenerator[Any, Any]:
    yield ReasoningDelta("The reader wants a table.")
    yield "Let me look."
    yield ToolStarted("1", "search", "in the logs", {"query": "slow", "api_key": "hunter2hunter2"})
    yield ToolFinished("1", "2 rows", {"rows": [1, 2]})
    yield f"**Found** `{request.text}`.\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n[elsewhere](https://example.org/x)"
    if request.text == "ask":
        answer = yield InputRequested("which", "Which one?", choices=("left", "right"))
        yield f"You chose {answer}."
    if request.text == "files":
        yield SendFile("dot.png", PICTURE)
        yield SendFile("notes.txt", b"plain words")
    if request.text == "script":
        yield ScriptProposed("s", "print(6 * 7)", "The sum")
    if request.text == "custom":
        yield Custom("forecast", {"sky": "clear"})
    if request.text == "fail":
        raise RuntimeError("no")


@pytest.fixture(params=["memory", "postgres"])
def chat(request: pytest.FixtureRequest) -> Iterator[TestClient]:
    url = request.getfixturevalue("postgres").url if request.param == "postgres" else None
    app = create_chat_app(LocalBackend(respond, Store(url)), identify=identify)
    with TestClient(app, follow_redirects=False) as client:
        client.headers["x-user"] = f"ann-{uuid.uuid4().hex}"
        yield client


def ask(chat: TestClient, text: str, path: str = "/messages", **given: Any) -> tuple[str, str]:
    """Send a message, wait for its answer, and return the ids of the conversation and of the run."""
    response = chat.post(path, data={"text": text, **given.pop("data", {})}, **given)
    assert response.status_code == 303, response.text
    found = re.fullmatch("/c/(.+)#turn-(.+)", response.headers["location"])
    assert found
    if text == "ask":
        while "which" not in chat.get(f"/runs/{found[2]}/poll").text:
            pass
        chat.post(f"/runs/{found[2]}/answer", data={"request": "which", "answer": "left"})
    while 'aria-busy="true"' in chat.get(f"/c/{found[1]}").text:
        pass
    return found[1], found[2]


def full(chat: TestClient) -> str:
    """Make a conversation with branches, files, an answered question, a failure, a script and a part of the host's."""
    files = {"upload": ("data.csv", b"a,b\n1,2\n")}
    conversation, run = ask(chat, "ask", files=files)
    assert chat.post(f"/runs/{run}/feedback", data={"rating": "down", "comment": "Too short"}).status_code == 303
    for text in "files", "script", "custom", "fail":
        ask(chat, text, f"/c/{conversation}/messages")
    turn = json.loads(exported(chat, conversation))["turns"][0]["id"]
    ask(chat, "edited", f"/c/{conversation}/turns/{turn}/edit")
    return conversation


def exported(chat: TestClient, conversation: str, kind: str = "json?files=content") -> str:
    response = chat.get(f"/c/{conversation}/export.{kind}")
    assert response.status_code == 200, response.text
    return response.text


def imported(chat: TestClient, data: str | bytes) -> str:
    response = chat.post("/import", files={"upload": ("c.json", data)})
    assert response.status_code == 303, response.text
    return response.headers["location"].removeprefix("/c/")


def alike(text: str) -> Any:
    """Return an archive without what differs between two of the same: ids, and when it was exported or imported."""
    data = json.loads(text)
    ids: dict[str, str] = {}

    def same(value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {name: same(each, name) for name, each in value.items() if not name.endswith("ported_at")}
        if isinstance(value, list):
            return [same(each) for each in value]
        if key in ("id", "follows", "shown") and value is not None:
            return ids.setdefault(value, f"id {len(ids)}")
        return "" if key == "user_id" else value

    return same(data)


class TestExport:
    def test_json_has_all_branches_and_comes_back_the_same(self, chat: TestClient) -> None:
        first = exported(chat, full(chat))
        conversation = imported(chat, first)
        again = exported(chat, conversation)
        assert json.loads(first)["imported_at"] is None and json.loads(again)["imported_at"]
        before, after = alike(first), alike(again)
        assert len(before["turns"]) == 12
        assert [turn["feedback"]["comment"] for turn in after["turns"] if "feedback" in turn] == ["Too short"]
        # A script that no one ran is cancelled on the way.
        proposals = [turn for turn in before["turns"] if turn["text"].endswith("script`.")]
        assert "ScriptFinished" not in str(proposals)
        assert alike(exported(chat, imported(chat, again))) == after
        for one, other in zip(before["turns"], after["turns"], strict=True):
            kept = [each for each in other.get("events", []) if each["type"] != "ScriptFinished"]
            assert {**one, "events": one.get("events", [])} == {**other, "events": kept}
        del before["turns"], after["turns"]
        assert before == after

    def test_questions_and_who_answered_are_in_it(self, chat: TestClient) -> None:
        conversation, _ = ask(chat, "ask")
        events = json.loads(exported(chat, conversation))["turns"][1]["events"]
        (answered,) = [each for each in events if each["type"] == "InputAnswered"]
        assert answered["data"] == {"request_id": "which", "answer": "left", "user_id": chat.headers["x-user"]}
        assert datetime.fromisoformat(answered["at"]).tzinfo

    def test_files_have_their_digest_and_only_if_wanted_their_bytes(self, chat: TestClient) -> None:
        conversation, _ = ask(chat, "files", files={"upload": ("data.csv", b"a,b\n1,2\n")})
        with_bytes, without = (
            json.loads(exported(chat, conversation, each)) for each in ("json?files=content", "json")
        )
        (file,) = with_bytes["turns"][0]["files"]
        assert base64.b64decode(file["content"]) == b"a,b\n1,2\n"
        assert file["digest"] == hashlib.sha256(b"a,b\n1,2\n").hexdigest()
        del file["content"]
        assert without["turns"][0]["files"] == [file]
        assert "content" not in json.dumps(without)

    def test_a_secret_is_in_no_format(self, chat: TestClient) -> None:
        conversation, _ = ask(chat, "hello")
        for kind in "json", "md", "html":
            text = exported(chat, conversation, kind)
            assert "hunter2" not in text, kind
            assert "slow" in text, kind

    def test_who_may_not_inspect_gets_no_arguments_and_results(self) -> None:
        app = create_chat_app(LocalBackend(respond), identify=identify, inspector=False)
        with TestClient(app, follow_redirects=False) as chat:
            chat.headers["x-user"] = "ann"
            conversation, _ = ask(chat, "custom")
            for kind in "json", "md", "html":
                text = exported(chat, conversation, kind)
                assert "slow" not in text and "rows&quot;: [" not in text and '"rows"' not in text, kind
                assert "in the logs" in text, kind

    def test_what_its_user_thinks_of_an_answer_is_in_it(self, chat: TestClient) -> None:
        conversation, run = ask(chat, "hello")
        chat.post(f"/runs/{run}/feedback", data={"rating": "up", "comment": "well said"})
        given = json.loads(exported(chat, conversation))["turns"][1]["feedback"]
        assert (given["rating"], given["comment"]) == ("up", "well said")
        assert "Rated up: `well said`" in exported(chat, conversation, "md")
        imported(chat, exported(chat, conversation))

    def test_markdown_has_the_branch_that_is_shown(self, chat: TestClient) -> None:
        conversation, _ = ask(chat, "ask")
        response = chat.get(f"/c/{conversation}/export.md")
        assert response.headers["content-type"] == "text/markdown; charset=utf-8"
        assert response.headers["content-disposition"].startswith('attachment; filename="ask.md"')
        text = response.text
        assert text.startswith("# ask\n")
        for part in "> ask", "**Found** `ask`.", "**Asked:** Which one?", "Answered by", "`left`", "You chose left.":
            assert part in text
        assert "edited" in exported(chat, full(chat), "md")
        assert "Which one?" not in exported(chat, full(chat), "md")

    def test_html_loads_and_runs_nothing(self, chat: TestClient) -> None:
        conversation, _ = ask(chat, "ask")
        ask(chat, "files", f"/c/{conversation}/messages")
        ask(chat, "script", f"/c/{conversation}/messages")
        text = exported(chat, conversation, "html")
        body = text.partition("<body")[2]
        assert not re.search(r"<(script|link|button|form|input|iframe)", text)
        assert "<style" not in body and "hx-" not in body
        addresses = re.findall(r'(?:href|src)="([^"]*)"', text)
        assert {each.partition(":")[0] for each in addresses if not each.startswith("#")} == {"https", "data"}
        assert "url(" not in text
        assert base64.b64encode(PICTURE).decode() in text
        assert "You chose left." in text and "print" in text and "</html>" in text

    def test_nobody_exports_what_is_someone_elses(self, chat: TestClient) -> None:
        conversation, _ = ask(chat, "hello")
        for kind in "json", "md", "html":
            assert chat.get(f"/c/{conversation}/export.{kind}", headers={"x-user": "eve"}).status_code == 404

    def test_an_active_answer_is_exported_as_far_as_it_is(self, chat: TestClient) -> None:
        response = chat.post("/messages", data={"text": "ask"})
        conversation, run = re.fullmatch("/c/(.+)#turn-(.+)", response.headers["location"]).groups()  # type: ignore[union-attr]
        while "which" not in chat.get(f"/runs/{run}/poll").text:
            pass
        assert "not finished yet" in exported(chat, conversation, "md")
        page = exported(chat, conversation, "html")
        assert "not finished yet" in page and "<form" not in page and "Which one?" in page
        text = exported(chat, conversation)
        assert json.loads(text)["turns"][1]["state"] == "running"
        (turn,) = json.loads(exported(chat, imported(chat, text)))["turns"][1:]
        assert turn["state"] == "cancelled" and turn["events"][-1]["data"]["outcome"] == "cancelled"


class TestImport:
    def test_what_is_imported_goes_on(self, chat: TestClient) -> None:
        conversation = imported(chat, exported(chat, full(chat)))
        page = chat.get(f"/c/{conversation}").text
        assert "edited" in page and "2/2" in page.replace(" ", "").replace("</span>", "")
        ask(chat, "more", f"/c/{conversation}/messages")
        assert len(json.loads(exported(chat, conversation))["turns"]) == 14

    def test_files_come_back_and_are_the_users(self, chat: TestClient) -> None:
        conversation, _ = ask(chat, "files", files={"upload": ("data.csv", b"a,b\n1,2\n")})
        new = imported(chat, exported(chat, conversation))
        chat.post(f"/c/{conversation}/delete")
        ids = re.findall(r'data-file="(\w+)"', chat.get(f"/c/{new}").text)
        contents = [chat.get(f"/files/{id}").content for id in ids]
        assert contents == [b"a,b\n1,2\n", PICTURE, b"plain words"]
        assert chat.get(f"/files/{ids[0]}", headers={"x-user": "eve"}).status_code == 404

    @pytest.mark.parametrize(
        ("files", "words"),
        [
            (Files(types=("image/*", "text/plain")), "“data.csv” cannot be sent: it is text/csv"),
            (Files(types=("text/*",)), "cannot be sent: it is image/png"),  # of the agent
            (Files(max_size=4), "“data.csv” is too large"),
            (Files(max_number=1), "A message can have 1 file"),
        ],
    )
    def test_files_that_could_not_be_sent_are_not_taken(self, chat: TestClient, files: Files, words: str) -> None:
        sent = [("upload", ("data.csv", b"a,b\n1,2\n")), ("upload", ("more.csv", b"c\n"))]
        data = exported(chat, ask(chat, "files", files=sent)[0])
        app = create_chat_app(LocalBackend(respond), identify=identify, files=files)
        with TestClient(app, headers={"x-user": "ann"}) as other:
            refused = other.post("/import", files={"upload": ("c.json", data)})
            assert refused.status_code in (413, 415, 422) and words in refused.text

    def test_no_script_is_queued_and_no_one_else_has_answered(self, chat: TestClient) -> None:
        conversation, _ = ask(chat, "script")
        data = json.loads(exported(chat, conversation))
        data["turns"][1]["events"].insert(2, answer := {"at": data["turns"][1]["created_at"], "type": "InputAnswered"})
        answer["data"] = {"request_id": "x", "answer": "yes", "user_id": "the boss"}
        new = imported(chat, json.dumps(data))
        assert "the boss" not in exported(chat, new)
        assert "print(6" not in chat.get(f"/c/{new}/scripts").text
        assert 'data-state="cancelled"' in chat.get(f"/c/{new}").text

    def test_the_page_says_why_a_file_is_not_taken(self, chat: TestClient) -> None:
        for data, words in (b"", "Choose a file first"), (b"{", "not valid JSON"), (b"{}", "not a conversation"):
            response = chat.post("/import", files={"upload": ("c.json", data)})
            assert response.status_code == 422 and words in response.text
        assert 'action="/import"' in chat.get("/import").text

    def test_it_is_only_there_where_it_is_wanted(self) -> None:
        app = create_chat_app(LocalBackend(respond), identify=identify, imports=False)
        with TestClient(app) as chat:
            assert "/import" not in chat.get("/", headers={"x-user": "ann"}).text
            assert chat.get("/import", headers={"x-user": "ann"}).status_code == 404

    def test_a_file_is_bounded(self) -> None:
        app = create_chat_app(LocalBackend(respond), identify=identify, imports=Imports(max_size=1_000))
        with TestClient(app) as chat:
            response = chat.post("/import", files={"upload": ("c", b" " * 1_001)}, headers={"x-user": "ann"})
            assert response.status_code == 422 and "1,000 bytes are allowed" in response.text


ANSWER: dict[str, Any] = {
    "id": "b", "role": "assistant", "follows": "a", "created_at": "2026-01-01T00:00:01+00:00", "state": "completed",
    "text": "", "events": [{"at": "2026-01-01T00:00:01+00:00", "type": "TextDelta", "data": {"text": "Hi"}}],
}  # fmt: skip
QUESTION: dict[str, Any] = {
    "id": "a", "role": "user", "follows": None, "created_at": "2026-01-01T00:00:00+00:00", "text": "Hello",
}  # fmt: skip
WHOLE: dict[str, Any] = {
    "format": "htmxchat-conversation", "version": 1, "title": "T", "created_at": "2026-01-01T00:00:00+00:00",
    "updated_at": "2026-01-01T00:00:00+00:00", "shown": "b", "turns": [QUESTION, ANSWER],
}  # fmt: skip
FILE = {
    "id": "f",
    "name": "../x\u202e.txt",
    "media_type": "text/html",
    "size": 2,
    "digest": hashlib.sha256(b"hi").hexdigest(),
}


def read(data: Any, **settings: int) -> Any:
    return read_archive(json.dumps(data).encode(), Imports(**settings), NOW)


def event(kind: str, data: Any = None, **more: Any) -> dict[str, Any]:
    return {"at": "2026-01-01T00:00:01+00:00", "type": kind, "data": {} if data is None else data, **more}


def with_events(*events: Any) -> dict[str, Any]:
    return {**WHOLE, "turns": [QUESTION, {**ANSWER, "events": list(events)}]}


END = event("RunEnded", {"outcome": "completed"})


class TestReading:
    def test_the_least(self) -> None:
        archive = read(WHOLE)
        assert archive.title == "T" and [turn.text for turn in archive.turns] == ["Hello", ""]
        assert [each.seq for each in archive.turns[1].events] == [1, 2]

    @pytest.mark.parametrize(
        ("data", "words"),
        [
            ([], "not a conversation"),
            ({**WHOLE, "version": 2}, "version 2"),
            ({**WHOLE, "version": True}, "version"),
            ({**WHOLE, "owner": "root"}, "a field that this chat does not know: “owner”"),
            ({**WHOLE, "turns": []}, "no messages"),
            ({**WHOLE, "turns": {}}, "no messages"),
            ({**WHOLE, "turns": [QUESTION]}, "Turn 1 has no answer"),
            ({**WHOLE, "turns": [ANSWER]}, "“follows” must be the id"),
            ({**WHOLE, "turns": [QUESTION, ANSWER, {**ANSWER, "id": "c", "follows": "b"}]}, "an answer follows"),
            ({**WHOLE, "turns": [QUESTION, {**ANSWER, "id": "a"}]}, "the id of another turn"),
            ({**WHOLE, "turns": [{**QUESTION, "role": "system"}]}, "role"),
            ({**WHOLE, "turns": [{**QUESTION, "user_id": "root"}]}, "“user_id”"),
            ({**WHOLE, "turns": [{**QUESTION, "text": " "}, ANSWER]}, "Turn 1 is empty"),
            ({**WHOLE, "turns": [{**QUESTION, "created_at": "2026-01-01T00:00:00"}, ANSWER]}, "a time with a zone"),
            ({**WHOLE, "turns": [{**QUESTION, "created_at": "9999-12-31T23:59:59-23:00"}, ANSWER]}, "a time with"),
            ({**WHOLE, "shown": "a"}, "“shown”"),
            ({**WHOLE, "turns": [QUESTION, {**ANSWER, "events": "none"}]}, "must be a list"),
            (with_events(event("Nonsense")), "does not know"),
            (with_events(event("TextDelta")), "no TextDelta"),
            (with_events(event("TextDelta", {"text": 1})), "no TextDelta"),
            (with_events(END, event("TextDelta", {"text": ""})), "follows the end"),
            (with_events(event("TextDelta", {"text": ""}, seq=1)), "“seq”"),
            ({**WHOLE, "turns": [{**QUESTION, "files": [{**FILE, "content": "aGk"}]}, ANSWER]}, "not base64"),
            ({**WHOLE, "turns": [{**QUESTION, "files": [{**FILE, "content": "aG8="}]}, ANSWER]}, "damaged"),
        ],
    )  # fmt: skip
    def test_what_is_not_as_documented_is_refused_with_its_place(self, data: Any, words: str) -> None:
        with pytest.raises(InvalidInput) as refused:
            read(data)
        assert words in str(refused.value)

    @pytest.mark.parametrize("data", [b"[" * 100_000, b"\xff\xfe", b"null", b'{"format":' * 5_000, b"{},[" * 300_000])
    def test_what_is_hostile_is_refused(self, data: bytes) -> None:
        with pytest.raises(InvalidInput):
            read_archive(data, Imports(), NOW)

    def test_there_may_not_be_too_many(self) -> None:
        with pytest.raises(InvalidInput, match="3 messages and answers; 2 are allowed"):
            read({**WHOLE, "turns": [QUESTION, ANSWER, {**QUESTION, "id": "c", "follows": "b"}]}, max_turns=2)

    def test_names_and_types_of_files_are_not_taken_from_it(self) -> None:
        archive = read({**WHOLE, "turns": [{**QUESTION, "files": [{**FILE, "content": "aGk="}]}, ANSWER]})
        (file,) = archive.turns[0].files
        assert (file.name, file.content) == ("x.txt", b"hi")
        archive = read({**WHOLE, "turns": [{**QUESTION, "files": [FILE]}, ANSWER]})
        assert archive.turns[0].files == () and archive.missing == 1

    def test_no_time_is_later_than_now(self) -> None:
        archive = read({**WHOLE, "updated_at": "2099-01-01T00:00:00Z"})
        assert archive.updated_at == NOW

    def test_what_waited_is_over(self) -> None:
        asked = event("InputRequested", {"request_id": "q", "prompt": "Which?"})
        for events in [asked], [asked, event("RunEnded", {"outcome": "suspended"})]:
            assert read(with_events(*events)).turns[1].state.value == "cancelled"


class TestReadOnly:
    @pytest.mark.parametrize(
        ("html", "left"),
        [
            ('<p class="a">x &lt; y &amp; z</p>', '<p class="a">x &lt; y &amp; z</p>'),
            ('<form action="/x"><input name="a"><p>gone</p></form>after', "after"),
            ("<button><svg><use href='#i-copy'></use></svg></button>b", "b"),
            ('<a href="/c/1">in</a>', "<a>in</a>"),
            ('<a href="#n">in</a>', '<a href="#n">in</a>'),
            ('<a href="https://e.org">o</a>', '<a href="https://e.org" rel="noopener noreferrer nofollow">o</a>'),
            ('<a href="java\tscript:alert(1)">o</a>', "<a>o</a>"),
            ('<img src="/files/1" alt="A dot">', "A dot"),
            ('<img src="https://e.org/x" alt="A dot">', "A dot"),
            ('<img src="data:image/png;base64,AA==" onerror="x()">', '<img src="data:image/png;base64,AA==">'),
            ('<div hx-get="/x" onclick="y()" style="z" data-a="1">t</div>', '<div data-a="1">t</div>'),
            ("<script>alert(1)</script><style>p{}</style>t", "t"),
            ("<chat-log><p>t</p></chat-log>", "<p>t</p>"),
            ("<select><option>a</select>t", "t"),
        ],
    )  # fmt: skip
    def test_only_what_is_read_stays(self, html: str, left: str) -> None:
        assert read_only(html) == left
