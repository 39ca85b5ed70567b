"""The routes and the room of the scripts: what is shown, what is taken, what is refused, and that all of it is data."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Any
from unicodedata import category

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from htmxchat import Limits, LocalBackend, RunScript, ScriptProposed, create_chat_app
from htmxchat.fragments.scripts.output import code_lines, doubts_notice
from htmxchat.html import render
from htmxchat.scripts import Scripts
from htmxchat.scripts.models import FromAgent, FromAnswer
from htmxchat.scripts.states import digest, script_id
from htmxchat.testing import ScriptedBackend
from htmxchat.text.ansi import ansi_html, plain
from htmxchat.text.confusing import _IGNORABLE, doubts, marked
from htmxchat.text.markdown import Markdown
from tests.support import FRAGMENT, Element, parse

KINDS = pytest.mark.parametrize("headers", [{}, FRAGMENT], ids=["page", "fragment"])
HOSTILE = "</pre><script>alert(1)</script><img src=x onerror=alert(1)>&amp;\x1b[31mred\x1b[0m"
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\nrest").decode()
SVG = base64.b64encode(b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>").decode()
DONE = {"state": "done", "seconds": 0.31, "stdout": "42\n", "stderr": "", "value": None, "pictures": [], "error": None}
ANSWER = "Two blocks:\n\n```python\nprint(1)\n```\n\n- nested\n\n  ```py\n  print(2)\n  ```\n\n```sh\nls\n```\n"


async def respond(request: Any) -> AsyncIterator[Any]:
    match request.text.split():
        case ["await"]:
            result: Any = yield RunScript("print(6 * 7)", "The answer")
            yield f"It said {result.text}"
        case ["blocks"]:
            yield ANSWER
        case ["propose", count]:
            for number in range(int(count)):
                yield ScriptProposed(str(number), f"print({number})", f"Print {number}")
        case _:
            yield ScriptProposed("hostile", HOSTILE, HOSTILE)


@dataclass
class Chat:
    client: TestClient
    path: str = ""
    run: str = ""

    def begin(self, text: str) -> Chat:
        location = self.client.post("/messages", data={"text": text}).headers["location"]
        self.path, _, self.run = location.partition("#turn-")
        return self

    def until(self, words: str, room: str = "/scripts") -> Element:
        for _ in range(500):
            if words in (html := self.client.get(f"{self.path}{room}").text):
                return parse(html)
        raise AssertionError(f"{words!r} does not come: {html}")

    @property
    def cards(self) -> list[Element]:
        return parse(self.client.get(f"{self.path}/scripts").text).all("article", cls="script")

    @property
    def queue(self) -> list[dict[str, Any]]:
        """What a page that runs scripts reads."""
        told = self.client.get(f"{self.path}/scripts", headers={**FRAGMENT, "Accept": "application/json"}).json()
        found: list[dict[str, Any]] = told["scripts"]
        return found

    def changes(self, **shown: str) -> str:
        """What a page is told that shows this."""
        return self.client.get(f"{self.path}/changes", params=shown, headers=FRAGMENT).text

    def url(self, proposal: str) -> str:
        return f"/runs/{self.run}/scripts/{script_id(self.run, FromAgent(proposal))}"

    def do(self, url: str, headers: Any = None, **fields: str) -> Any:
        return self.client.post(url, data=fields, headers=headers or FRAGMENT)

    def run_it(self, url: str, code: str, **result: Any) -> Any:
        """Do what a page does."""
        shown = digest(code)
        assert self.do(url, approve="yes", digest=shown).status_code == 204
        assert self.do(url, claim="page1", digest=shown).json() == {"code": code, "digest": shown}
        return self.finish(url, **result)

    def finish(self, url: str, runner: str = "page1", **result: Any) -> Any:
        body = {"runner": runner, "result": {**DONE, **result}}
        return self.client.post(f"{url}/result", json=body, headers=FRAGMENT)


@pytest.fixture
def chat() -> Iterator[Chat]:
    with TestClient(create_chat_app(LocalBackend(respond)), follow_redirects=False) as client:
        client.get("/")
        yield Chat(client)


def test_a_proposal_waits_with_its_code_and_where_it_comes_from(chat: Chat) -> None:
    chat.begin("await").until("The answer")
    (card,) = chat.cards
    assert card["data-state"] == "queued"
    assert card["data-digest"] == digest("print(6 * 7)")
    assert card.one("pre", cls="lines").text == "print(6 * 7)"
    assert [each["name"] for each in card.all("button")] == ["approve", "edit", "reject"]
    assert card.one("input", name="digest")["value"] == digest("print(6 * 7)")
    assert card.one("p", cls="quiet").one("a")["href"] == f"{chat.path}#turn-{chat.run}"
    assert "the agent is waiting for it" in card.text
    turn = parse(chat.client.get(chat.path).text).one("article", id=f"turn-{chat.run}")
    assert turn["data-state"] == "suspended"
    link = turn.one("chat-proposal").one("a")["href"]
    id = card["id"].removeprefix("script-")
    assert chat.client.get(link).headers["location"] == f"{chat.path}/scripts?show={id}#{card['id']}"


def test_a_result_goes_back_to_the_agent_and_is_kept(chat: Chat) -> None:
    chat.begin("await").until("The answer")
    url = chat.url("script-2")
    assert chat.run_it(url, "print(6 * 7)").status_code == 200
    chat.until("It said 42")
    (card,) = chat.cards
    assert card["data-state"] == "done"
    assert "Done in 0.31 s" in card.text
    assert card.one("dl", cls="script-output").one("pre").text == "42"
    turn = parse(chat.client.get(chat.path).text).one("article", id=f"turn-{chat.run}")
    assert turn.one("chat-proposal")["data-state"] == "done"
    # A page that did not hear that its result had come says it again.
    assert chat.finish(url).status_code == 200


PLOT = {"kind": "image", "type": "image/png", "base64": PNG}
TABLE = {"kind": "table", "columns": ["n"], "rows": [[number] for number in range(9)], "total": 9, "width": 1}


def boxes(html: str) -> list[str]:
    return [box.html for box in parse(html).all("chat-proposal")]


def test_what_came_of_a_script_stands_in_the_answer_and_is_told_to_pages_that_are_open(chat: Chat) -> None:
    chat.begin("propose 2").until("Print 1")
    chat.run_it(chat.url("0"), "print(0)", value=TABLE, pictures=[PLOT], stdout="1\n2\n3\n")
    error = {"origin": "python", "type": "E", "message": "why", "traceback": "T\nE: why\n"}
    chat.run_it(chat.url("1"), "print(1)", state="failed", error=error)
    page = parse(chat.client.get(chat.path).text)
    done, failed = page.all("chat-proposal")
    assert chat.client.get(done.one("img")["src"]).headers["content-type"] == "image/png"
    assert len(done.all("td")) == 4 and "5 more rows" in done.text and "first 2 of 3 lines" in done.text
    assert failed["data-state"] == "failed" and failed.one("p", cls="error").text == "E: why"
    assert boxes(chat.changes(last=chat.run)) == [done.html, failed.html]
    chat.do(chat.url("0"), rerun="yes", digest=digest("print(0)"))
    told = chat.changes(last=chat.run)
    assert boxes(told) == boxes(chat.client.get(chat.path).text)
    assert "<img" not in boxes(told)[0] and 'data-state="approved"' in boxes(told)[0]


@pytest.mark.parametrize("how", ["poll", "stream"])
def test_a_live_answer_gets_all_that_came_of_its_script(chat: Chat, how: str) -> None:
    chat.begin("await").until("The answer")
    chat.run_it(chat.url("script-2"), "print(6 * 7)", value=TABLE, pictures=[PLOT])
    chat.until("It said 42", "")
    told = chat.client.get(f"/runs/{chat.run}/{how}?after=1").text
    (shown,) = boxes(told)
    assert shown == boxes(chat.client.get(chat.path).text)[0] and "<img" in shown and "<td" in shown


def test_only_what_was_shown_is_approved(chat: Chat) -> None:
    chat.begin("await").until("The answer")
    url = chat.url("script-2")
    for shown in (digest("print(6 * 8)"), "", "x"):
        refused = chat.do(url, approve="yes", digest=shown)
        assert refused.status_code == 409
        (partial,) = parse(refused.text).all("hx-partial")
        assert partial["hx-target"] == "#scripts-error"
        assert "changed since it was shown" in partial.text
        assert "chat:scripts" in refused.headers["hx-trigger"]
    assert chat.do(url, approve="yes").status_code == 400
    assert chat.do(url, claim="page1", digest=digest("print(6 * 7)")).status_code == 409
    assert chat.finish(url).status_code == 409
    assert chat.cards[0]["data-state"] == "queued"


def test_an_edited_text_runs_as_it_was_edited(chat: Chat) -> None:
    chat.begin("await").until("The answer")
    url, shown = chat.url("script-2"), digest("print(6 * 7)")
    editing = parse(chat.client.get(f"{chat.path}/scripts?edit={script_id(chat.run, FromAgent('script-2'))}").text)
    form = editing.one("form", cls="edit")
    assert form.one("textarea").text == "print(6 * 7)"
    assert chat.do(url, save="yes", digest=shown, code="print(1)\r\nprint(2)\r\n").status_code == 204
    (card,) = chat.cards
    assert card["data-digest"] == digest("print(1)\nprint(2)")
    assert "edited by you" in card.text
    assert chat.do(url, approve="yes", digest=shown).status_code == 409
    approved = chat.do(url, approve="yes", digest=digest("print(1)\nprint(2)"), code="print(3)")
    assert approved.status_code == 204
    assert chat.do(url, claim="p", digest=digest("print(3)")).json()["code"] == "print(3)"
    assert chat.do(url, save="yes", digest=digest("print(3)"), code="print(4)").status_code == 409


@pytest.mark.parametrize("code", ["", "  \n", "x" * 50_001])
def test_an_edit_that_cannot_run_is_refused(chat: Chat, code: str) -> None:
    chat.begin("await").until("The answer")
    refused = chat.do(chat.url("script-2"), save="yes", digest=digest("print(6 * 7)"), code=code)
    assert refused.status_code == 422
    assert parse(refused.text).one("hx-partial")["hx-target"] == "#scripts-error"


def test_the_queue_works_without_javascript_but_for_running(chat: Chat) -> None:
    chat.begin("propose 2").until("Print 1")
    place = chat.do(chat.url("0"), {"Accept": "text/html"}, reject="yes")
    assert (place.status_code, place.headers["location"]) == (303, f"{chat.path}/scripts")
    assert [card["data-state"] for card in chat.cards] == ["queued", "rejected"]
    page = parse(chat.client.get(f"{chat.path}/scripts").text)
    assert page.one(cls="chat")["data-room"] == "scripts"
    assert "JavaScript" in page.one("aside", id="scripts").one("noscript").text


def test_blocks_of_an_answer_are_queued_from_the_stored_answer(chat: Chat) -> None:
    chat.begin("blocks")
    chat.until("Two blocks")
    queue = f"{chat.path}/scripts"
    wanted = {"run": chat.run, "block": "1", "digest": digest("print(2)")}
    response = chat.do(queue, **wanted, code="evil()")
    assert response.json() == {"script": script_id(chat.run, FromAnswer(1))}
    assert chat.do(queue, **wanted).json() == response.json()
    (card,) = chat.cards
    assert card.one("pre", cls="lines").text == "print(2)"
    assert chat.do(queue, run=chat.run, block="0", digest=digest("print(2)")).status_code == 409
    for run, block in [
        (chat.run, "2"),
        (chat.run, "-1"),
        (chat.run, "x"),
        (chat.run, "٣"),
        (chat.run, "9" * 99),
        ("no", "0"),
    ]:
        assert chat.do(queue, run=run, block=block).status_code == 404
    assert chat.do(queue, block="0").status_code == 400
    assert chat.do(queue, {"Accept": "text/html"}, run=chat.run, block="0").status_code == 303


def test_all_scripts_of_an_answer_are_approved_as_they_were_shown(chat: Chat) -> None:
    chat.begin("propose 3").until("Print 2")
    page = chat.until("Approve and run all")
    shown = page.one("button", name="approve-all")["value"]
    assert chat.do(f"{chat.path}/scripts", **{"approve-all": shown, "run": chat.run}).status_code == 204
    assert [card["data-state"] for card in chat.cards] == ["approved"] * 3
    assert [each["code"] for each in chat.queue] == ["print(0)", None, None]
    second = chat.do(chat.url("1"), claim="p", digest=digest("print(1)"))
    assert second.status_code == 409
    assert chat.do(chat.url("0"), claim="p", digest=digest("print(0)")).status_code == 200
    assert chat.do(chat.url("0"), cancel="yes").status_code == 204
    assert chat.do(chat.url("1"), claim="q", digest=digest("print(1)")).status_code == 200


def test_what_is_over_can_be_put_out_of_sight(chat: Chat) -> None:
    chat.begin("propose 2").until("Print 1")
    chat.run_it(chat.url("0"), "print(0)")
    assert len(chat.cards) == 2
    assert chat.do(f"{chat.path}/scripts", clear="yes").status_code == 204
    assert [card.one("h3").text for card in chat.cards] == ["Print 1"]
    assert chat.client.get(f"{chat.url('0')}/files/output.txt").text == "42\n"
    place = chat.client.get(chat.url("0")).headers["location"].partition("#")[0]
    assert len(parse(chat.client.get(place).text).all("article", cls="script")) == 2


def test_the_queue_is_data_for_what_runs_it(chat: Chat) -> None:
    chat.begin("propose 2").until("Print 1")
    shown = digest("print(1)")
    chat.do(chat.url("1"), approve="yes", digest=shown)
    first, second = chat.queue
    assert (first["state"], first["code"], first["digest"]) == ("queued", None, digest("print(0)"))
    assert second == {
        "id": script_id(chat.run, FromAgent("1")), "title": "Print 1", "state": "approved", "revision": 1,
        "runner": None, "digest": shown, "code": "print(1)", "url": chat.url("1"), "result": f"{chat.url('1')}/result",
    }  # fmt: skip
    chat.do(chat.url("1"), claim="page1", digest=shown)
    assert [(each["state"], each["runner"], each["code"]) for each in chat.queue] == [
        ("queued", None, None),
        ("running", "page1", None),
    ]


def test_of_the_cards_only_those_are_sent_that_the_page_has_not(chat: Chat) -> None:
    chat.begin("propose 3").until("Print 2")
    ids = [script_id(chat.run, FromAgent(str(number))) for number in range(3)]
    known = " ".join(f"{id[:8]}.0" for id in ids)
    chat.do(chat.url("1"), reject="yes")
    cards = parse(chat.changes(cards=known)).all("article", cls="script")
    assert [card["id"] for card in cards] == [f"script-{ids[1]}"]
    same = parse(chat.changes(cards=known)).all("article", data_same="")
    assert [card["id"] for card in same] == [f"script-{id}" for id in (ids[0], ids[2])]
    assert not any(card.text for card in same)


def test_a_page_that_goes_away_leaves_a_script_that_can_run_again(chat: Chat) -> None:
    chat.begin("propose 1").until("Print 0")
    url, shown = chat.url("0"), digest("print(0)")
    chat.do(url, approve="yes", digest=shown)
    chat.do(url, claim="page1", digest=shown)
    assert chat.do(url, renew="page1").status_code == 200
    assert chat.do(url, renew="page2").status_code == 409
    assert chat.do(url, abandon="page1").status_code == 200
    (card,) = chat.cards
    assert card["data-state"] == "failed"
    assert "closed" in card.text
    assert chat.do(url, rerun="yes", digest=shown).status_code == 204
    assert chat.cards[0]["data-state"] == "approved"


def test_trust_is_refused_unless_the_host_allows_it(chat: Chat) -> None:
    chat.begin("propose 1").until("Print 0")
    refused = chat.do(chat.url("0"), approve="yes", trusted="yes", digest=digest("print(0)"))
    assert refused.status_code == 403
    assert not parse(chat.client.get(f"{chat.path}/scripts").text).all("input", name="trust")
    app = create_chat_app(LocalBackend(respond), scripts=Scripts(trust=True))
    with TestClient(app, follow_redirects=False) as client:
        client.get("/")
        trusting = Chat(client).begin("propose 1")
        trusting.until("Print 0").one("input", name="trust")
        url = trusting.url("0")
        assert trusting.do(url, approve="yes", trusted="yes", digest=digest("print(0)")).status_code == 204
        assert "without asking" in trusting.cards[0].text


def without_keeping() -> Starlette:
    return create_chat_app(ScriptedBackend([ScriptProposed("a", "print(1)"), "```python\nprint(1)\n```"]))


def switched_off() -> Starlette:
    return create_chat_app(LocalBackend(respond), scripts=False)


@pytest.mark.parametrize("make", [without_keeping, switched_off])
def test_a_chat_that_runs_no_scripts_has_no_room_for_them(make: Callable[[], Starlette]) -> None:
    with TestClient(make(), follow_redirects=False) as client:
        client.get("/")
        chat = Chat(client).begin("Hello")
        page = parse(client.get(chat.path).text)
        for tag in ("chat-runner", "chat-proposal"):
            assert not page.all(tag)
        assert not [each for each in page if each.attributes.get("data-room") == "scripts"]
        for url in (f"{chat.path}/scripts", "/scripts", chat.url("a")):
            assert client.get(url).status_code == 403
        assert chat.do(chat.url("a"), reject="yes").status_code == 403


def test_a_chat_whose_scripts_are_switched_off_has_no_sandbox_and_says_so_to_who_waits_for_one() -> None:
    with TestClient(switched_off(), follow_redirects=False) as client:
        client.get("/")
        assert client.get("/sandbox").status_code == 404
        chat = Chat(client).begin("await")
        chat.until("this chat runs none", "")
    with pytest.raises(TypeError, match="False for none"):
        create_chat_app(LocalBackend(respond), scripts=True)  # type: ignore[arg-type]


# What a sandbox says is data


def test_nothing_that_is_said_becomes_markup(chat: Chat) -> None:
    chat.begin("hostile").until("Needs your approval")
    assert chat.cards[0].one("pre", cls="lines").text == HOSTILE.split("\n")[0]
    chat.run_it(
        chat.url("hostile"),
        HOSTILE,
        stdout=HOSTILE,
        stderr=HOSTILE,
        value={"kind": "text", "text": HOSTILE, "format": "html"},
        error={"origin": "python", "type": HOSTILE, "message": HOSTILE, "traceback": HOSTILE},
        state="failed",
        pictures=[{"kind": "image", "type": "image/svg+xml", "base64": SVG}],
    )
    html = chat.client.get(f"{chat.path}/scripts", headers=FRAGMENT).text
    page = parse(html)
    assert not page.all("script")
    assert [each["src"] for each in page.all("img")] == [f"{chat.url('hostile')}/pictures/0?r=3"]
    assert not any("onerror" in each.attributes for each in page)
    assert "<img src=x onerror=alert(1)>" in page.one("dl", cls="script-output").text
    table = {"kind": "table", "columns": [HOSTILE], "rows": [[HOSTILE], [1.5]], "total": 9, "width": 1}
    chat.do(chat.url("hostile"), rerun="yes", digest=digest(HOSTILE))
    chat.do(chat.url("hostile"), claim="page1", digest=digest(HOSTILE))
    chat.finish(chat.url("hostile"), value=table)
    shown = chat.cards[0].one("table")
    assert shown.all("td")[0].text == HOSTILE.replace("\x1b", "\x1b")
    assert "2 of 9 rows" in chat.cards[0].text


TRACE = 'Traceback (most recent call last):\n  File "script.py", line 1, in <module>\n'


@pytest.mark.parametrize(
    ("state", "origin", "last", "message", "shown"),
    [
        ("timed-out", "sandbox", "KeyboardInterrupt", "It ran for more than 6 seconds.", True),
        ("failed", "python", "ModuleNotFoundError: No module named 'x'", "No module named 'x': ask for it.", True),
        ("failed", "python", "MemoryError", "The memory is used up.", True),
        ("failed", "python", "ValueError: one\ntwo", "one\ntwo", False),
    ],
)
def test_what_a_traceback_does_not_say_is_said_below_it_to_the_reader_and_the_agent(
    chat: Chat, state: str, origin: str, last: str, message: str, shown: bool
) -> None:
    chat.begin("propose 1").until("Print 0")
    url = chat.url("0")
    error = {"origin": origin, "type": "E", "message": message, "traceback": f"{TRACE}{last}\n"}
    chat.run_it(url, "print(0)", state=state, error=error)
    output = chat.cards[0].one("dl", cls="script-output")
    assert [each.text for each in output.all("p")] == ([message] if shown else [])
    assert output.one("pre", cls="error").text == last.split("\n")[-1]
    told = f"42\n{TRACE}{last}\n" + (f"{message}\n" if shown else "")
    assert chat.client.get(f"{url}/files/output.txt").text == told


def test_pictures_are_served_so_that_they_can_do_nothing(chat: Chat) -> None:
    chat.begin("propose 1").until("Print 0")
    url = chat.url("0")
    image = {"kind": "image", "type": "image/png", "base64": PNG}
    chat.run_it(url, "print(0)", value=image, pictures=[{**image, "type": "image/svg+xml", "base64": SVG}])
    png, svg = chat.client.get(f"{url}/pictures/0"), chat.client.get(f"{url}/pictures/1")
    assert (png.headers["content-type"], svg.headers["content-type"]) == ("image/png", "image/svg+xml")
    assert png.content.startswith(b"\x89PNG")
    for each in (png, svg):
        assert "sandbox" in each.headers["content-security-policy"]
        assert "default-src 'none'" in each.headers["content-security-policy"]
        assert each.headers["x-content-type-options"] == "nosniff"
    for number in ("2", "-1", "x", "1e0", "٠"):
        assert chat.client.get(f"{url}/pictures/{number}").status_code == 404


def test_downloads(chat: Chat) -> None:
    chat.begin("propose 1").until("Print 0")
    url = chat.url("0")
    assert chat.client.get(f"{url}/files/code.py").text == "print(0)\n"
    assert chat.client.get(f"{url}/files/output.txt").status_code == 404
    table = {"kind": "table", "columns": ["a", "=b"], "rows": [[1, "=1+1"], [-2, "-x"], [None, "é"]], "total": 3}
    chat.run_it(url, "print(0)", value=table)
    files = {name: chat.client.get(f"{url}/files/{name}") for name in ("output.txt", "table.csv", "result.json")}
    for name, response in files.items():
        assert response.headers["content-disposition"] == f'attachment; filename="{name}"'
    assert files["table.csv"].text.splitlines() == ["a,'=b", "1,'=1+1", "-2,'-x", ",é"]
    assert json.loads(files["result.json"].text)["code"] == "print(0)"
    assert chat.client.get(f"{url}/files/passwd").status_code == 404


@pytest.mark.parametrize(
    "result",
    [
        None,
        [],
        {},
        {"state": "running"},
        {"state": "rejected"},
        {"state": ["done"]},
        {**DONE, "seconds": -1},
        {**DONE, "seconds": True},
        {**DONE, "seconds": "1"},
        {**DONE, "stdout": None},
        {**DONE, "stderr": 1},
        {**DONE, "value": "x"},
        {**DONE, "value": {"kind": "html", "text": "x"}},
        {**DONE, "value": {"kind": "text", "text": 1}},
        {**DONE, "value": {"kind": "table", "columns": ["a"], "rows": [[1, 2]]}},
        {**DONE, "value": {"kind": "table", "columns": ["a"], "rows": [[{}]]}},
        {**DONE, "value": {"kind": "table", "columns": ["a"], "rows": [[1]] * 2_001}},
        {**DONE, "value": {"kind": "table", "columns": ["a"], "rows": [[1]], "total": 0}},
        {**DONE, "value": {"kind": "image", "type": "text/html", "base64": "aaaa"}},
        {**DONE, "value": {"kind": "image", "type": "image/png", "base64": "aaaa"}},
        {**DONE, "value": {"kind": "image", "type": "image/png", "base64": "é"}},
        {**DONE, "pictures": {}},
        {**DONE, "pictures": ["x"]},
        {**DONE, "error": "boom"},
        {**DONE, "error": {"type": 1}},
    ],
    ids=repr,
)
def test_what_is_no_result_is_refused(chat: Chat, result: Any) -> None:
    chat.begin("propose 1").until("Print 0")
    url, shown = chat.url("0"), digest("print(0)")
    chat.do(url, approve="yes", digest=shown)
    chat.do(url, claim="page1", digest=shown)
    response = chat.client.post(f"{url}/result", json={"runner": "page1", "result": result}, headers=FRAGMENT)
    assert response.status_code == 422
    assert chat.cards[0]["data-state"] == "running"


@KINDS
@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"{}", "application/json", 422),
        (b"[]", "application/json", 422),
        (b"{", "application/json", 422),
        (b"\xff", "application/json", 422),
        (b"[" * 100_000, "application/json", 422),
        (b'{"runner": "a b", "result": {}}', "application/json", 422),
        (b"{}", "text/plain", 400),
        (b"runner=x", "application/x-www-form-urlencoded", 400),
    ],
)
def test_a_body_that_says_nothing(chat: Chat, headers: dict[str, str], content: bytes, kind: str, status: int) -> None:
    chat.begin("propose 1").until("Print 0")
    url = f"{chat.url('0')}/result"
    assert chat.client.post(url, content=content, headers={**headers, "Content-Type": kind}).status_code == status


def test_a_result_may_be_larger_than_a_message_and_has_its_own_limit() -> None:
    app = create_chat_app(LocalBackend(respond), limits=Limits(text=50, body=2_000, result=10_000))
    with TestClient(app, follow_redirects=False) as client:
        client.get("/")
        chat = Chat(client).begin("propose 1")
        chat.until("Print 0")
        url = chat.url("0")
        assert chat.run_it(url, "print(0)", stdout="x" * 10_000).status_code == 413
        assert chat.finish(url, stdout="x" * 9_000).status_code == 200
        assert chat.do(url, approve="yes", digest="x" * 3_000).status_code == 413


def test_forms_that_say_nothing(chat: Chat) -> None:
    chat.begin("propose 1").until("Print 0")
    url = chat.url("0")
    assert chat.do(url, other="x").status_code == 400
    for runner in ("", "a b", "x" * 65, "é"):
        assert chat.do(url, claim=runner, digest=digest("print(0)")).status_code == 422
    assert chat.do(f"{chat.path}/scripts", other="x").status_code == 400
    assert chat.do(f"/runs/{chat.run}/scripts/{'0' * 32}", reject="yes").status_code == 404


def test_other_sites_cannot_approve(chat: Chat) -> None:
    chat.begin("propose 1").until("Print 0")
    for path in ("", "/result"):
        response = chat.do(
            chat.url("0") + path,
            {"Sec-Fetch-Site": "cross-site"},
            approve="yes",
            digest=digest("print(0)"),
        )
        assert response.status_code == 403
    assert chat.cards[0]["data-state"] == "queued"


# How it looks


def test_long_output_is_folded(chat: Chat) -> None:
    chat.begin("propose 1").until("Print 0")
    chat.run_it(chat.url("0"), "print(0)", stdout="".join(f"line {n}\n" for n in range(1_000)))
    shown = chat.cards[0].one("dl", cls="script-output")
    assert shown.all("pre")[0].text.endswith("line 19")
    assert shown.one("summary").text == "980 more lines"
    assert shown.all("pre")[1].text.startswith("line 20\n")
    chat.do(chat.url("0"), rerun="yes", digest=digest("print(0)"))
    chat.do(chat.url("0"), claim="page1", digest=digest("print(0)"))
    chat.finish(chat.url("0"), stdout="x" * 200_000)
    assert len(chat.client.get(f"{chat.path}/scripts").text) < 80_000


def all_of(test: Callable[[str], bool]) -> list[str]:
    return [character for number in range(0x110000) if test(character := chr(number))]


# Each is made by its test: no other process has to.
UNSEEN: dict[str, Callable[[], list[str]]] = {
    "ignorable": lambda: [chr(number) for first, last in _IGNORABLE for number in range(first, last + 1)],
    "format, control and unassigned": lambda: all_of(
        lambda each: category(each)[0] == "C" and category(each) not in ("Co", "Cs") and each not in "\n\t"
    ),
    "separators": lambda: all_of(lambda each: category(each)[0] == "Z" and each != " "),
    "private": lambda: ["\ue000", "\U000f0000", "\U0010fffd"],
    "blank": lambda: ["\u2800", "\U0001d159", "\U00013441", "\U00016fe4"],
    "floating": lambda: ["\u20dd", "\u20e3"],
}


@pytest.mark.parametrize("kind", UNSEEN)
def test_characters_that_cannot_be_seen_are_marked(kind: str) -> None:
    characters = UNSEEN[kind]()
    found = {doubt.place for doubt in doubts("".join(f"a{each}b\n" for each in characters), code=True)}
    assert [each for place, each in enumerate(characters) if 4 * place + 1 not in found] == []


@pytest.mark.parametrize(
    "odd",
    [
        "\u202e",
        "\u2066",
        "\u200b",
        "\ufeff",
        "\u00ad",
        "\u3164",
        "\x1b",
        "\x9b",
        "\u2028",
        "\u2029",
        "\x85",
        "\U000e0041",
        "\u00a0",
        "\u2800",
        "\u034f",
        "\x0c",
    ],
)
@pytest.mark.parametrize("place", ["x = 'a{}b'", "{}x = 1", "is_admin{} = 1", "# a\n{}\nb"])
def test_a_mark_says_what_it_is_and_copies_as_what_it_is(odd: str, place: str) -> None:
    code = place.format(odd)
    shown = parse(render(code_lines(code)))
    mark = shown.one(cls="odd")
    assert mark["data-code"] == f"U+{ord(odd):04X}"
    assert mark["role"] == "img" and mark["data-code"] in mark["aria-label"]
    assert shown.text == code


def test_a_carriage_return_is_marked() -> None:
    html = render(code_lines("# a\rimport os"))
    assert 'data-code="U+000D">&#13;</span>' in html


@pytest.mark.parametrize(
    ("code", "misleading", "why"),
    [
        ("is_\u0430dmin = 1", "\u0430", "another alphabet"),
        ("s\u03bfrted(x)", "\u03bf", "this is not sorted"),
        ("\u0441\u043e\u0440\u0443 = 1; copy = 2", "\u0441\u043e\u0440\u0443", "this is not copy"),
        ("\uff49d = 1", "\uff49", "Python reads this name as id"),
        ("\U0001d41fn()", "\U0001d41f", "Python reads this name as fn"),
        ("cafe\u0301 = 1", "\u0301", "Python reads this name as caf\u00e9"),
        ("\u0131d = 1", "\u0131", "this is not id"),
        ("\u0261et = get", "\u0261", "this is not get"),
        ("\u212a = 1", "\u212a", "Python reads this name as K"),
        # Marks of other alphabets, of which these show nothing on a Latin letter, and digits that pass for others.
        ("is_admin\u2d7f = 1", "\u2d7f", "another alphabet"),
        ("is_admin\U0001107f = 1", "\U0001107f", "another alphabet"),
        ("item\u09ea = 1; item8 = 2", "\u09ea", "another alphabet"),
    ],
)
def test_names_that_look_like_others_are_marked(code: str, misleading: str, why: str) -> None:
    shown = parse(render(code_lines(code)))
    assert "".join(each.text for each in shown.all(cls="odd")) == misleading
    assert all(why in each["aria-label"] for each in shown.all(cls="odd"))
    assert shown.text == code


@pytest.mark.parametrize(
    "code",
    [
        "# Считаем сумму заказов\nитог = sum(цены)\nprint('Готово: с вами')",
        "名前 = 'テスト'\n受注データ = 1\ndf['売上'] = 2",
        "이름 = '홍길동'",
        "print('Größe ≤ 5 m, naïve café')",
        "שם = 1",
        "print('\u2764\ufe0f')",
        "d\u00e9j\u00e0 = 1",
        "\u0939\u093f\u0928\u094d\u0926\u0940\u0967 = 1",
        "\u0633\u0639\u0631\u064f\u0661 = \u0633\u06f1",
        "\u7b2c\u3007\u7ae0 = 1",
    ],
)
def test_other_languages_are_not_marked(code: str) -> None:
    assert doubts(code, code=True) == []
    assert parse(render(code_lines(code))).text == code


def test_text_from_right_to_left_does_not_turn_the_code_around() -> None:
    html = render(code_lines("אב = 'x' + גד"))
    assert html.count("<bdi>") == html.count("</bdi>") == 2


def test_the_places_of_what_may_mislead_are_said() -> None:
    notice = doubts_notice("a = 1\nb\u3164 = 2\n")
    assert notice is not None
    assert "line 2, column 2: U+3164 Hangul filler, which cannot be seen" in render(notice)
    assert doubts_notice("a = 1") is None
    assert "30 more" in render(doubts_notice("\u200b" * 40))


def test_prose_from_right_to_left_keeps_the_order_of_its_words() -> None:
    assert marked("ما هو الوقت") == "ما هو الوقت"


def test_choices_and_tool_calls_are_marked_too() -> None:
    assert marked("Pay\u202e <1>") == (
        'Pay<span class="odd" role="img" aria-label="U+202E Right-to-left override, which cannot be seen"'
        ' title="U+202E Right-to-left override, which cannot be seen" data-code="U+202E">\u202e</span> &lt;1&gt;'
    )
    for words in ("می\u200cخواهم", "12\u00a0%", "👩\u200d💻 ❤\ufe0f", "1\ufe0f\u20e3 Yes", "क्\u200dष"):
        assert 'class="odd"' not in marked(words)


def test_every_line_has_its_place() -> None:
    code = 'a = """one\ntwo <b>\n\nthree"""\n\nb = 1'
    shown = parse(render(code_lines(code)))
    assert shown.text == code
    assert len(shown.one("code").elements) == 6


def test_terminal_colours() -> None:
    assert ansi_html("\x1b[1;31mno\x1b[0m <b>") == '<span class="ansi-b ansi-1">no</span> &lt;b&gt;'
    assert ansi_html("\x1b[38;5;200mx\x1b[49my\x1b[2K\x1b]0;title\x07z\x1b") == "xyz"
    assert ansi_html("10%\r50%\r100%\nnext\r\n") == "100%\nnext\n"
    assert plain("\x1b[32mok\x1b[0m\x00\x08") == "ok"
    for text in ("\x1b[" * 20_000, "a\r" * 50_000, "\x1b]" + "x" * 100_000, "\x1b[;;;;;" * 20_000):
        assert "\x1b" not in ansi_html(text)


@pytest.mark.parametrize(
    "text",
    [
        ANSWER,
        "> ```python\n> a\n> ```",
        "    indented",
        "```Python\nx\n```\n\n~~~py\ny",
        "```python\nopen",
        "<pre><code class=language-python>x</code></pre>",
        "```python title=x\nz\n```",
        "1. a\n\n   ```python3\n   q\n\n   r\n   ```",
        ">" * 200 + "\n\n```python\nx\n```",
    ],
)
def test_blocks_are_numbered_as_they_are_shown(text: str) -> None:
    markdown = Markdown()
    page = parse("".join(markdown.blocks(text)))
    kinds = re.compile("language-(python|python3|py)$", re.IGNORECASE)
    shown = [each.text for each in page.all("code") if kinds.match(each.attributes.get("class", ""))]
    assert markdown.python_blocks(text) == shown
