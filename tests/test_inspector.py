"""The inspector's rows: what came live is what a page that is loaded now shows, and what is exported."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from datetime import UTC, datetime
from html import unescape
from typing import Any

import anyio
import pyromark
import pytest
from starlette.testclient import TestClient

from htmxchat import LocalBackend, Request, User, create_chat_app
from htmxchat.events import (
    EventBody,
    InputAnswered,
    InputRequested,
    Outcome,
    ReasoningDelta,
    RunEnded,
    RunEvent,
    StageChanged,
    TextDelta,
    ToolFinished,
    ToolStarted,
    Unknown,
    UsageReported,
)
from htmxchat.feedback import Feedback
from htmxchat.fragments.inspector.controls import first_problem, live_controls, more_link
from htmxchat.fragments.inspector.event_rows import event_rows
from htmxchat.fragments.inspector.report import report, summary_text
from htmxchat.fragments.inspector.run import run_facts
from htmxchat.fragments.inspector.timeline import timeline_chart
from htmxchat.html import render
from htmxchat.http.sse import ServerSentEvent
from htmxchat.inspection import RowFilter, rows
from htmxchat.inspection.timeline import timeline
from htmxchat.live import Relay
from htmxchat.live.patches import render_patches
from htmxchat.live.rows import LiveRows, RowsWanted
from htmxchat.models import Run, RunState, Turn
from htmxchat.testing import Break, Gate, ScriptedBackend, Step, each_event
from htmxchat.text.zones import exact
from htmxchat.urls import Urls
from htmxchat.view import fold
from tests.support import FRAGMENT, Element, Exchange, context, open_page, parse

ANN = User("ann")
AT = datetime(2030, 1, 1, tzinfo=UTC)
URLS = Urls("/chat")
SCRIPT: tuple[Step, ...] = (
    StageChanged("Planning"),
    ReasoningDelta("First "),
    ReasoningDelta("this."),
    ToolStarted("1", "query", "all"),
    Unknown("x.trace", {"span": 1}),
    ToolFinished("1", "nothing", failed=True),
    "Half ",
    "an ",
    "answer\n\n",
    StageChanged("Writing"),
    "and the ",
    "rest.",
    UsageReported(5, 7),
)
FILTERS = {
    "all": RowFilter(),
    "type": RowFilter("TextDelta"),
    "no text": RowFilter("steps"),
    "text": RowFilter(text="answer"),
    "number": RowFilter(text="5 characters"),
    "nothing": RowFilter(text="nowhere"),
}


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> object:
    return request.param


pure = pytest.mark.parametrize("anyio_backend", ["asyncio"])
"""For tests of what waits for nothing: one event loop is enough."""


async def finished(steps: tuple[Step, ...] = SCRIPT) -> tuple[ScriptedBackend, Run, list[RunEvent]]:
    backend = ScriptedBackend(list(steps), first_seq=40, seq_step=7)
    run = await backend.start_run(ANN, None, "Hello")
    return backend, run, [event async for event in each_event(backend, ANN, run.id)]


def room(run_id: str, events: list[RunEvent], wanted: RowFilter) -> Element:
    """Return the parts of the inspector that change, as a page that is loaded now shows them."""
    lines = list(rows(events))
    found = event_rows(filter(wanted, lines), run_id, URLS)
    problem = next((row.ordinal for row in lines if row.failed), None)
    view, chart = fold(events), timeline(events)
    return parse(
        f'<div id="inspector-rows">{found}</div>'
        + render(
            run_facts(run_id, view, len(lines), chart),
            timeline_chart(chart, run_id, URLS),
            first_problem(run_id, problem, URLS),
            live_controls(view.state.live),
            more_link("earlier", None, run_id, wanted, URLS),
        )
    )


def rows_of(page: Element) -> str:
    return page.one(id="inspector-rows").html


@pytest.mark.anyio
class TestLiveRows:
    @pure
    @pytest.mark.parametrize("wanted", FILTERS.values(), ids=FILTERS)
    async def test_what_comes_live_is_what_a_page_loaded_now_shows(self, wanted: RowFilter) -> None:
        _, run, events = await finished()
        loaded = [room(run.id, events[:count], wanted) for count in range(len(events) + 1)]
        shown, whole = [rows_of(page) for page in loaded], loaded[-1].html
        for start in range(len(events) + 1):
            for size in (1, 2, 5, len(events)):
                after = events[start - 1].seq if start else None
                live = LiveRows(run.id, RowsWanted(after, wanted), URLS)
                page, now = room(run.id, events[:start], wanted), 0.0
                live.add(events[:start])
                for at in range(start, len(events), size):
                    live.add(events[at : at + size])
                    now += 2.0
                    page.apply(render_patches(live.patches(fold(events[: at + size]), now)))
                    assert rows_of(page) == shown[min(at + size, len(events))], (start, size, at)
                if start < len(events):
                    assert page.html == whole, (start, size)

    async def test_a_page_that_asks_for_them_gets_turn_and_rows_in_one_stream(self) -> None:
        backend, run, events = await finished()
        messages = await stream(backend, run, None, RowsWanted(0))
        assert [message.event for message in messages] == [None] * (len(messages) - 1) + ["end"]
        page = both(run, [])
        for message in messages[:-1]:
            page.apply(message.data)
        assert rows_of(page) == rows_of(room(run.id, events, RowFilter()))

    async def test_a_page_that_does_not_ask_gets_no_bytes_about_rows(self) -> None:
        backend, run, _ = await finished()
        assert "inspector" not in "".join(message.data for message in await stream(backend, run, None, None)).replace(
            f'name="inspect" href="/chat/runs/{run.id}"', ""
        )

    async def test_wherever_the_stream_breaks_nothing_is_lost_or_said_twice(self) -> None:
        """The page has got so far of the turn and so far of the rows; then it connects, breaks, and connects again."""
        backend, run, events = await finished()
        final = rows_of(room(run.id, events, RowFilter()))
        for turn_at in range(1, len(events), 3):
            for rows_at in range(len(events)):
                page = both(run, events[:turn_at], events[: rows_at + 1])
                wanted = RowsWanted(events[rows_at].seq)
                for message in (await stream(backend, run, events[turn_at - 1].seq, wanted))[:-1]:
                    page.apply(message.data)
                assert rows_of(page) == final, (turn_at, rows_at)

    async def test_the_first_message_vouches_for_no_rows_that_the_page_lacks(self) -> None:
        backend, run, events = await finished()
        ahead = await stream(backend, run, events[8].seq, RowsWanted(events[3].seq))
        level = await stream(backend, run, events[3].seq, RowsWanted(events[8].seq))
        assert (ahead[0].id, level[0].id) == (None, str(events[3].seq))

    async def test_a_page_far_behind_gets_the_end_and_the_way_to_the_rest(self) -> None:
        steps = tuple(StageChanged(str(n)) for n in range(1_000))
        backend, run, events = await finished(steps)
        page = both(run, events[:1])
        for message in (await stream(backend, run, None, RowsWanted(events[0].seq)))[:-1]:
            page.apply(message.data)
        shown = page.one(id="inspector-rows").elements
        assert 200 <= len(shown) <= 400 and shown[-1]["data-seq"] == str(events[-1].seq)
        earlier = page.one(id="inspector-earlier")
        first = shown[0]["id"].removeprefix("row-")
        assert "hidden" not in earlier.attributes and earlier["href"].endswith(f"before={first}")

    @pure
    @pytest.mark.parametrize("before", FILTERS.values(), ids=FILTERS)
    async def test_another_filter_goes_on_from_what_was_folded_for_the_one_before(self, before: RowFilter) -> None:
        _, run, events = await finished()
        whole = {after: rows_of(room(run.id, events, after)) for after in FILTERS.values()}
        for kept in range(1, len(events)):
            live = LiveRows(run.id, RowsWanted(0, before), URLS)
            live.add(events[:kept])
            live.patches(fold(events[:kept]), 0.0)
            for after, seen in itertools.product(FILTERS.values(), (kept, kept + 2)):
                wanted, twin = RowsWanted(events[min(seen, len(events)) - 1].seq, after), live.copy()
                assert twin.can_show(wanted) is (before == after or bool(before.text) or not after.text)
                if not twin.can_show(wanted):
                    continue
                page = room(run.id, events[:seen], after)
                twin.show(wanted)
                for at, event in enumerate(events[kept:], kept + 1):
                    twin.add([event])
                    page.apply(render_patches(twin.patches(fold(events[:at]), 0.0)))
                assert rows_of(page) == whole[after], (after, kept, seen)

    async def test_another_filter_reads_only_what_is_new(self) -> None:
        backend = ScriptedBackend(["one ", StageChanged("two"), Gate(), "three"])
        run = await backend.start_run(ANN, None, "Hello")
        relay = Relay(backend)
        first = await relay.poll(ANN, run.id, None, context("poll"), RowsWanted(0))
        while (before := await relay.poll(ANN, run.id, first.after, context("poll"), first.rows)).html:
            first = before
        read: list[int | None] = []
        run_events = backend.run_events

        def reading(user: User, run_id: str, *, after: int | None = None) -> AsyncGenerator[Sequence[RunEvent], None]:
            read.append(after)
            return run_events(user, run_id, after=after)

        backend.run_events = reading  # type: ignore[method-assign]
        wanted = RowsWanted(first.after, RowFilter("StageChanged"))
        backend.open_gate()
        await relay.poll(ANN, run.id, first.after, context("poll"), wanted)
        assert read[0] == first.after is not None

    async def test_rows_of_text_that_is_held_back_are_held_back_with_it(self) -> None:
        steps = ("x" * 10_000, *[f" {n}" for n in range(500)])
        backend, run, _ = await finished(steps)
        with_rows = await stream(backend, run, None, RowsWanted(0))
        assert sum(len(message.data) for message in with_rows) < 60_000

    async def test_polling_brings_the_same_rows(self) -> None:
        backend, run, events = await finished()
        relay, page = Relay(backend), both(run, events[:4])
        answer = await relay.poll(ANN, run.id, events[3].seq, context("poll"), RowsWanted(events[3].seq))
        page.apply(answer.html)
        assert answer.ended and answer.rows == RowsWanted(events[-1].seq)
        assert rows_of(page) == rows_of(room(run.id, events, RowFilter()))

    async def test_polls_of_a_live_run_go_on_where_the_last_ended(self) -> None:
        backend = ScriptedBackend(["one ", Gate("1"), StageChanged("two"), Gate("2"), "three"])
        run = await backend.start_run(ANN, None, "Hello")
        relay, page = Relay(backend), both(run, [])
        after, wanted = None, RowsWanted(0)
        for gate in ("1", "2", ""):
            answer = await relay.poll(ANN, run.id, after, context("poll"), wanted)
            page.apply(answer.html)
            assert answer.rows is not None
            after, wanted = answer.after, answer.rows
            backend.open_gate(gate)
        while not answer.ended:
            answer = await relay.poll(ANN, run.id, after, context("poll"), wanted)
            page.apply(answer.html)
            after, wanted = answer.after, answer.rows or wanted
        events = [event async for event in each_event(backend, ANN, run.id)]
        assert rows_of(page) == rows_of(room(run.id, events, RowFilter()))

    async def test_a_backend_that_breaks_off_changes_nothing(self) -> None:
        steps = tuple(each for step in SCRIPT for each in (Break(times=1), step))
        backend = ScriptedBackend(list(steps))
        run = await backend.start_run(ANN, None, "Hello")
        page = both(run, [])
        for message in await stream(backend, run, None, RowsWanted(0)):
            if message.event is None:  # a named one says only that the answer is delayed, or has ended
                page.apply(message.data)
        events = [event async for event in each_event(backend, ANN, run.id)]
        assert rows_of(page) == rows_of(room(run.id, events, RowFilter()))


def both(run: Run, turn_events: list[RunEvent], row_events: list[RunEvent] | None = None) -> Element:
    """Return a page with the turn and the inspector, each loaded when the run had got so far."""
    view = fold(turn_events)
    turn = Turn(run.id, "assistant", view.text, run.created_at, run, tuple(turn_events))
    page = open_page(turn, context())
    for element in room(run.id, turn_events if row_events is None else row_events, RowFilter()).elements:
        page.add(element)
    return page


async def stream(
    backend: ScriptedBackend, run: Run, after: int | None, wanted: RowsWanted | None
) -> list[ServerSentEvent]:
    messages: list[ServerSentEvent] = []

    async def emit(message: ServerSentEvent) -> None:
        messages.append(message)

    with anyio.fail_after(10):
        async with anyio.create_task_group() as tasks:
            await Relay(backend).stream(ANN, run.id, after, context(), emit, tasks, wanted)
            tasks.cancel_scope.cancel()
    return messages


# Over HTTP


async def respond(request: Request) -> AsyncIterator[str | EventBody]:
    if request.text == "forever":
        yield "w"
        await anyio.sleep_forever()
    if request.text.startswith("many"):
        for number in range(int(request.text.split()[1])):
            yield StageChanged(f"Stage {number}")
        return
    for step in SCRIPT:
        assert isinstance(step, str | EventBody)
        yield step
    yield Unknown("x.login", {"password": "hunter2", "note": "Bearer abcdef0123456789"})
    if request.text == "fail":
        raise RuntimeError("inside")


@pytest.fixture
def client() -> Iterator[TestClient]:
    with TestClient(create_chat_app(LocalBackend(respond))) as client:
        client.get("/")
        yield client


def ask(client: TestClient, text: str) -> tuple[str, str]:
    """Have a run that has ended; return the paths of its conversation and of itself."""
    path = client.post("/messages", data={"text": text}).url.path
    for _ in range(300):
        html = client.get(path).text
        run = re.findall(r'id="turn-(\w+)" class="turn" data-role="assistant" data-state="(\w+)"', html)
        if run and run[-1][1] not in ("running", "queued"):
            return path, f"/runs/{run[-1][0]}"
        client.portal.call(anyio.sleep, 0.02)  # type: ignore[union-attr]
    raise AssertionError("it did not end")


def lines(page: Element) -> list[list[str]]:
    return [
        [row["data-seq"], row.one("span", cls="type").text, row.one("span", cls="meaning").text]
        for row in page.all("details", cls="event")
    ]


class TestPages:
    def test_a_run_is_a_page_with_its_conversation(self, client: TestClient) -> None:
        _, run = ask(client, "fail")
        page = parse(client.get(run).text.replace("<!doctype html>", ""))
        inspector = page.one("aside", id="inspector")
        assert "hidden" not in inspector.attributes
        assert page.one("main", id="conversation").all("article")
        facts = inspector.one(id="inspector-facts").text
        assert "Failed" in facts and "The agent hit an error." in facts
        assert [line[1] for line in lines(inspector)][-2:] == ["x.login", "RunEnded"]

    def test_to_htmx_it_is_the_room_alone(self, client: TestClient) -> None:
        _, run = ask(client, "hello")
        part = parse(client.get(run, headers=FRAGMENT).text)
        assert [each["id"] for each in part.elements] == ["inspector"]

    def test_what_a_row_holds_is_fetched_apart_and_without_secrets(self, client: TestClient) -> None:
        _, run = ask(client, "hello")
        page = parse(client.get(run, headers=FRAGMENT).text)
        for row in page.all("details", cls="event"):
            url = row.one(cls="raw").one("a")["href"]
            tree = client.get(url, headers=FRAGMENT)
            value = client.get(url)
            assert tree.status_code == value.status_code == 200
            assert value.json()["seq"] == int(row["data-seq"])
            assert value.json()["meaning"] == row.one(cls="meaning").text
            for text in (tree.text, value.text, client.get(run).text):
                assert "hunter2" not in text and "abcdef0123456789" not in text

    def test_an_event_that_is_not_there_is_not_found(self, client: TestClient) -> None:
        _, run = ask(client, "hello")
        for seq in ("99999", "x", "-1", "9" * 40):
            assert client.get(f"{run}/events/{seq}").status_code == 404

    def test_a_filter_is_an_address(self, client: TestClient) -> None:
        _, run = ask(client, "hello")
        page = parse(client.get(run, params={"type": "problems"}, headers=FRAGMENT).text)
        assert [line[1] for line in lines(page)] == ["ToolFinished"]
        assert "1 of 12" in page.one(cls="found").text
        page = parse(client.get(run, params={"q": "HALF answer"}, headers=FRAGMENT).text)
        assert [line[1] for line in lines(page)] == ["TextDelta"]
        page = parse(client.get(run, params={"q": "<script>"}, headers=FRAGMENT).text)
        assert lines(page) == [] and "No event matches." in page.text

    def test_many_rows_come_in_pages_that_join(self, client: TestClient) -> None:
        _, run = ask(client, "many 1000")
        seen: list[list[str]] = []
        query: dict[str, str] = {}
        while True:
            part = parse(client.get(f"{run}/events", params=query, headers=FRAGMENT).text)
            seen += lines(part)
            (root,) = part.elements
            if not root["data-later"]:
                break
            query = {"after": root["data-later"]}
        assert len(seen) == 1_002
        assert seen == sorted(seen, key=lambda line: int(line[0]))
        back: list[list[str]] = []
        query = {"end": "last"}
        while query:
            part = parse(client.get(f"{run}/events", params=query, headers=FRAGMENT).text)
            back = lines(part) + back
            (root,) = part.elements
            query = {"before": root["data-earlier"]} if root["data-earlier"] else {}
        assert back == seen
        assert client.get(f"{run}/events", follow_redirects=False).status_code == 303

    def test_a_run_is_found_by_its_id_or_its_address(self, client: TestClient) -> None:
        _, run = ask(client, "hello")
        id = run.removeprefix("/runs/")
        for said in (id, f" {id} ", f"https://host.example/chat{run}", f"{run}?type=problems#row-3"):
            assert client.get("/runs", params={"id": said}).url.path == run
        assert client.get("/runs", params={"id": "0" * 32}).status_code == 404
        assert client.get("/runs").status_code == 200

    def test_the_runs_of_a_conversation_are_listed(self, client: TestClient) -> None:
        path, run = ask(client, "fail")
        page = parse(client.get(f"{path}/runs", headers=FRAGMENT).text)
        (link,) = page.one(cls="run-list").all("a")
        assert link["href"] == run and "Failed" in link.text and "fail" in link.text

    def test_what_is_exported_is_what_is_shown_row_for_row(self, client: TestClient) -> None:
        _, run = ask(client, "fail")
        shown = lines(parse(client.get(run, headers=FRAGMENT).text))
        answer = client.get(f"{run}/events.jsonl")
        assert answer.headers["content-type"].startswith("application/jsonl")
        assert answer.headers["content-disposition"].startswith("attachment; filename=")
        exported = [json.loads(line) for line in answer.text.splitlines()]
        assert [[str(row["seq"]), row["type"], row["meaning"]] for row in exported] == shown
        report = parse(client.get(f"{run}/report.html").text.replace("<!doctype html>", ""))
        reported = [[each.text for each in row.one("summary").elements] for row in report.all("details", cls="row")]
        assert [[seq, kind, meaning] for seq, _, kind, meaning in reported] == shown
        for text in (answer.text, client.get(f"{run}/report.html").text, client.get(f"{run}/summary.md").text):
            assert "hunter2" not in text and "abcdef0123456789" not in text

    def test_the_report_needs_nothing_else(self, client: TestClient) -> None:
        _, run = ask(client, "<script>alert(1)</script>")
        text = client.get(f"{run}/report.html").text
        assert "<script" not in text and "http://" not in text and "https://" not in text and " src=" not in text
        report = parse(text.replace("<!doctype html>", ""))
        numbers = {f"#{row['id']}" for row in report.all("details", cls="row")}
        assert {bar["href"] for bar in report.all("a")} <= numbers

    def test_the_summary_says_what_an_issue_needs(self, client: TestClient) -> None:
        _, run = ask(client, "fail")
        text = client.get(f"{run}/summary.md").text
        said = ("State: Failed", "Question: `fail`", "First problem:", "query failed", "RunEnded")
        assert all(words in text for words in (run.removeprefix("/runs/"), *said))

    def test_the_exports_say_what_was_asked_and_who_answered(self) -> None:
        said: list[EventBody] = [InputRequested("1", "Restart it?", ("Yes", "No")), InputAnswered("1", "Yes", "ann")]
        said += [InputRequested("3", "Who?"), InputAnswered("3", {"user": "ann", "password": "hunter2"}, "ann")]
        said += [InputRequested("2", "Which <one>?"), RunEnded(Outcome.FAILED, "No.")]
        events = [RunEvent(seq, AT, body) for seq, body in enumerate(said, 1)]
        run = Run("f" * 32, "c", "ann", "t", RunState.FAILED, AT)
        view, chart = fold(events), timeline(events)
        summary = summary_text(run, view, [], chart, question="Go")
        assert f"- Asked: `Restart it?`, `Yes`, answered by `ann`, {exact(AT, None)}\n" in summary
        assert "- Asked: `Which <one>?`, not answered until" in summary
        assert "hunter2" not in summary
        page = parse(
            "".join(report(run, view, [], chart, question="Go", brand="Chat", context=context())).replace(
                "<!doctype html>", ""
            )
        )
        found = {each.one("dt").text: each.one("dd").text for each in page.all("div") if each.all("dt")}
        assert found["Restart it?"] == f"Yes answered by ann, {exact(AT, None)}"
        assert found["Which <one>?"].strip().startswith("not answered until")

    @pytest.mark.parametrize(
        "text",
        [
            "![x](https://evil.example/pixel) [y](https://evil.example)",
            "@everyone see #1, GH-2 and https://evil.example/a",
            "<img src=x> **bold** `code` ``two`` ~~gone~~ $x$ :tada:",
            "a | b | c",
            "`",
            "# Title\n\n- item\n\n| a |\n|---|\n\n---\n> quote",
            "\\",
        ],
    )
    def test_nothing_in_the_summary_is_read_as_markdown(self, text: str) -> None:
        said: list[EventBody] = [StageChanged(text), ToolStarted("1", text, text), Unknown(text, {text: text})]
        said += [InputRequested(text, text), InputAnswered(text, text, text), InputRequested("2", text)]
        said += [ToolFinished("1", text, failed=True), RunEnded(Outcome.FAILED, text)]
        events = [RunEvent(seq, AT, body) for seq, body in enumerate(said, 1)]
        run = Run("f" * 32, "c", "ann", "t", RunState.FAILED, AT)
        summary = summary_text(
            run, fold(events), list(rows(events)), timeline(events), question=text, feedback=Feedback("down", AT, text)
        )
        html = pyromark.html(summary, options=pyromark.Options.ENABLE_TABLES | pyromark.Options.ENABLE_STRIKETHROUGH)
        outside = parse(re.sub("<code>.*?</code>", "", html))
        tags = {each.tag for each in outside.all()}
        assert tags <= {"root", "p", "strong", "ul", "li", "table", "thead", "tbody", "tr", "th", "td"}
        assert not re.search(r"[@#`|\\]|://|bold|evil|Title", outside.text)
        assert len(outside.all("table")) == 1
        assert all(len(each.all("td")) == 2 for each in outside.one("tbody").all("tr"))
        assert unescape(html).count(" ".join(text.split())) >= 5

    def test_a_line_of_the_export_is_a_line_for_every_reader(self) -> None:
        async def respond(request: Request) -> AsyncIterator[str]:
            yield "a\u2028b\u2029c\x85d"

        with TestClient(create_chat_app(LocalBackend(respond))) as client:
            client.get("/")
            _, run = ask(client, "go")
            exported = [json.loads(line) for line in client.get(f"{run}/events.jsonl").text.splitlines()]
        assert exported[1]["data"] == {"text": "a\u2028b\u2029c\x85d"}

    def test_a_live_run_is_exported_as_far_as_it_has_got(self, client: TestClient) -> None:
        path = client.post("/messages", data={"text": "forever"}).url.path
        run = re.findall(r'id="turn-(\w+)" class="turn" data-role="assistant"', client.get(path).text)[0]
        client.portal.call(anyio.sleep, 0.3)  # type: ignore[union-attr]
        exported = [json.loads(line) for line in client.get(f"/runs/{run}/events.jsonl").text.splitlines()]
        assert [row["type"] for row in exported] == ["RunStarted", "TextDelta"]
        client.post(f"/runs/{run}/stop")

    def test_the_run_that_is_shown_is_listed_and_one_that_was_tried_again_has_its_address(
        self, client: TestClient
    ) -> None:
        path, run = ask(client, "fail")
        client.post(f"{run}/retry")
        page = parse(client.get(f"{path}/runs", headers=FRAGMENT).text)
        links = [each["href"] for each in page.one(cls="run-list").all("a")]
        assert len(links) == 1 and links != [run]
        assert "Failed" in client.get(run, headers=FRAGMENT).text

    def test_a_backend_that_cannot_look_inside_shows_no_way_to(self, client: TestClient) -> None:
        _, run = ask(client, "hello")
        assert not parse(client.get(run, headers=FRAGMENT).text).all(cls="inspector-tabs")
        for part in ("steps", "checkpoints", "evidence"):
            assert client.get(f"{run}/{part}").status_code == 403

    def test_switching_twenty_times_leaves_one_stream(self) -> None:
        app = create_chat_app(LocalBackend(respond), identify=signed_in)
        anyio.run(self._switch, app)

    async def _switch(self, app: Any) -> None:
        backend = app.state.chat.backend
        run = await backend.start_run(ANN, None, "forever")
        slots = app.state.chat.streams
        async with anyio.create_task_group() as tasks:
            before: Exchange | None = None
            for number in range(20):
                query = f"rows={number % 3}&type={'steps' if number % 2 else ''}"
                exchange = Exchange(app, f"/runs/{run.id}/stream?{query}")
                tasks.start_soon(exchange.run)
                await exchange.until("id:")
                if before is not None:
                    before.leave()
                    await before.end()
                before = exchange
                assert slots.count("ann") == 1
            tasks.cancel_scope.cancel()
        await backend.close()


async def signed_in(request: object) -> User:
    return ANN


def test_questions_wait_in_plain_sight() -> None:
    async def asks(request: Request) -> AsyncIterator[str | EventBody]:
        yield TextDelta("Well. ")
        yield InputRequested("q", "Which region?")

    with TestClient(create_chat_app(LocalBackend(asks))) as client:
        client.get("/")
        path = client.post("/messages", data={"text": "go"}).url.path
        for _ in range(300):
            if 'class="request"' in (html := client.get(path).text):
                break
            client.portal.call(anyio.sleep, 0.02)  # type: ignore[union-attr]
        run = re.findall(r'id="turn-(\w+)" class="turn" data-role="assistant"', html)[0]
        room = parse(client.get(f"/runs/{run}", headers=FRAGMENT).text)
        assert "Asks: Which region?" in room.one(id="inspector-facts").text
        assert "data-live" in room.one("chat-inspector").attributes
        assert json.loads(client.get(f"/runs/{run}/events/2").text)["data"] == {"text": "Well. "}
