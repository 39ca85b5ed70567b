"""Parts that the host draws: what its functions are given, what may come of them, and whom it hurts when they fail."""

from __future__ import annotations

import asyncio
import gc
import logging
import re
import threading
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import anyio
import pytest
from fasthtml.common import A, B, Button, Div, Form, Li, NotStr, P, Ul
from markupsafe import Markup
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from htmxchat import (
    Custom,
    EventBody,
    LocalBackend,
    Outcome,
    PartContext,
    Request,
    Run,
    RunEnded,
    RunEvent,
    RunStarted,
    RunState,
    TextDelta,
    TextReplaced,
    ToolFinished,
    ToolStarted,
    Turn,
    chat_lifespan,
    create_chat_app,
    fold,
)
from htmxchat.drawing import Drawer, Drawing, Drawings, DrawPart, Order
from htmxchat.drawing.nesting import misfit
from htmxchat.fragments import TurnContext
from htmxchat.fragments.turns.custom import orders
from htmxchat.live.page import LivePage
from htmxchat.live.patches import render_patches
from htmxchat.text.markdown import Markdown
from htmxchat.urls import Urls
from tests.servers import PATIENCE
from tests.support import Element, article, decode, open_page, parse

pytestmark = pytest.mark.anyio


def order(name: str = "card", data: Any = None, id: str = "part-run-0", **more: Any) -> Order:
    return Order(PartContext(name, id, "run", **more), data)


def drawn(function: DrawPart, data: Any = None, **more: Any) -> Any:
    return Drawer({"card": function}).draw_at_once(order(data=data, **more))


# What a function may return


class OfAClass:
    def draw(self, data: Any, context: PartContext) -> Any:
        return ""


class OfTheHost:
    def __html__(self) -> str:
        return "<i>mine</i>"


@pytest.mark.parametrize(
    ("returned", "html"),
    [
        (P("a < b"), "<p>a &lt; b</p>"),
        ("a < b", "a &lt; b"),
        ([P("a"), "<", [B("c")]], "<p>a</p>&lt;<b>c</b>"),
        ((P("a"), P("b")), "<p>a</p><p>b</p>"),
        (NotStr("<b>a</b>"), "<b>a</b>"),
        (Markup("<b>a</b>"), "<b>a</b>"),
        (OfTheHost(), "<i>mine</i>"),
        (Div(OfTheHost()), "<div><i>mine</i></div>"),
        ("", ""),
        (Markup('<svg viewBox="0 0 1 1"><path d="M0 0"/></svg>'), '<svg viewBox="0 0 1 1"><path d="M0 0"/></svg>'),
        (Markup("<input name=a><br/>"), "<input name=a><br/>"),
        (Form(Button("Book"), hx_post="/book"), None),
    ],
)
def test_components_text_and_safe_html_are_shown(returned: Any, html: str | None) -> None:
    found = drawn(lambda data, context: returned)
    assert found.problem == "" and html in (None, found.html)


@pytest.mark.parametrize(
    ("returned", "why"),
    [
        (None, "returned None. Return a component"),
        (7, "returned an int."),
        (True, "returned True."),
        ({"a": 1}, "returned a dict."),
        (b"<p>", "returned a bytes."),
        ([P("a"), None], "returned None."),
        (OfAClass, "returned the class OfAClass."),
        (object(), "returned an object."),
        (Markup, "returned the class Markup."),
        (Markup("</div></section>"), "has </div> that closes nothing"),
        (Markup("</div><div>"), "has </div> that closes nothing"),
        (Markup("<p>a"), "has <p> that is not closed"),
        (Markup("<div/>"), "has <div> that is not closed"),
        (Markup("<b><i></b></i>"), "has <i> that is not closed"),
        (Markup("<b></i></b>"), "has </i> that closes nothing"),
        (Markup("<a href='x"), "has a tag or a comment that does not end"),
        (Markup("<!-- a"), "has a tag or a comment that does not end"),
        (Markup("<!--> </div> -->"), "has a comment that begins with >"),
        (Div(NotStr("</div>")), "has </div> that closes nothing"),
        (P("a", style="color: red"), "has the attribute style, which the pages' policy does not allow"),
        (Button("a", onclick="x()"), "has the attribute onclick"),
        (Markup("<b hx-on:click='x()'></b>"), "has the attribute hx-on:click"),
        (Markup("<hx-partial hx-target='body'>x</hx-partial>"), "has a hx-partial element, which would change other"),
        (Markup("<b hx-swap-oob='outerHTML:#composer'></b>"), "has the attribute hx-swap-oob"),
        (Markup("<script>x()</script>"), "has a script element, which the pages' policy does not allow"),
        (Markup("<svg><style>a{}</style></svg>"), "has a style element"),
        (Markup("<body></body>"), "has a body element, which has no place in an answer"),
        ("x" * 600_000, "returned 600,000 characters of HTML. Return 500,000 at most."),
    ],
    ids=lambda value: str(value)[:30].partition(" at 0x")[0],
)
def test_anything_else_is_refused_with_what_to_do(returned: Any, why: str, caplog: pytest.LogCaptureFixture) -> None:
    found = drawn(lambda data, context: returned)
    assert found.html == "" and found.problem.startswith("parts['card'] returned ") and why in found.problem
    assert why in caplog.text


def test_a_coroutine_is_refused_without_a_warning() -> None:
    async def late() -> str:
        return "late"

    assert "returned a coroutine." in drawn(lambda data, context: late()).problem
    gc.collect()


def exits(data: Any, context: PartContext) -> Any:
    raise SystemExit(3)


def fails(data: Any, context: PartContext) -> Any:
    raise KeyError("the secret detail")


def breaks(data: Any, context: PartContext) -> Any:
    return type("Broken", (), {"__html__": fails})()


def recurses(data: Any, context: PartContext) -> Any:
    return recurses(data, context)


@pytest.mark.parametrize(
    ("function", "kind"),
    [(fails, "KeyError"), (exits, "SystemExit"), (breaks, "TypeError"), (recurses, "RecursionError")],
)
def test_what_it_raises_is_told_by_its_kind_and_the_rest_is_in_the_log(
    function: DrawPart, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    found = drawn(function)
    assert found.html == "" and found.problem == f"parts['card'] raised {kind}. The server's log has the traceback."
    assert "Traceback" in caplog.text


def test_html_that_is_wrong_is_told_at_once() -> None:
    assert misfit("<p>" * 20_000) == "has <p> that is not closed"
    assert misfit("a & b &am") == "" and misfit("1 < 2") == ""


# What a function is given


def test_a_function_gets_its_data_and_where_it_is() -> None:
    given: list[Any] = []

    def draw(data: Any, context: PartContext) -> Any:
        given.append((data, context))
        return ""

    drawn(draw, {"a": [1, None]}, key="k", arguments={"city": "Oslo"}, root="/team")
    assert given == [({"a": [1, None]}, PartContext("card", "part-run-0", "run", "k", {"city": "Oslo"}, "/team"))]


def test_what_a_function_does_to_its_data_stays_with_it() -> None:
    def draw(data: Any, context: PartContext) -> Any:
        data.clear()
        context.arguments.clear()
        return ""

    data, arguments = {"a": 1}, {"b": 2}
    drawn(draw, data, arguments=arguments)
    assert (data, arguments) == ({"a": 1}, {"b": 2})


def test_paths_in_components_are_those_of_the_host() -> None:
    card = Div(Form(hx_post="/book", action="/book"), A("Docs", href="https://docs.example/"), A("#", href="#a"))
    html = drawn(lambda data, context: card, root="/team").html
    assert 'hx-post="/team/book"' in html and 'action="/team/book"' in html
    assert 'href="https://docs.example/"' in html and 'href="#a"' in html


def noted(calls: list[Any], data: Any) -> str:
    calls.append(data)
    return "x"


async def draw_each(drawer: Drawer, orders: Iterable[Order]) -> list[Drawing]:
    """Return what is drawn of a page with these."""
    wanted = list(orders)
    drawings = await Drawings(drawer).draw(wanted)
    return list(map(drawings.get, wanted))


async def test_what_was_drawn_is_not_drawn_again() -> None:
    calls: list[Any] = []
    drawer = Drawer({"card": lambda data, context: noted(calls, data)})
    for data, id in (({"a": 1}, "1"), ({"a": 1}, "1"), ({"a": 2}, "1"), ({"a": 1}, "2"), ({"a": 1}, "1")):
        await draw_each(drawer, [order(data=data, id=id)])
    assert calls == [{"a": 1}, {"a": 2}, {"a": 1}]


async def test_what_is_kept_is_bounded() -> None:
    calls: list[Any] = []
    drawer = Drawer({"card": lambda data, context: noted(calls, data) * 1_000}, most=10_000)
    for data in (*range(100), 99, 0):
        await draw_each(drawer, [order(data=data)])
    assert calls == [*range(100), 0]


async def test_of_a_page_with_more_than_is_kept_each_part_is_drawn_once() -> None:
    calls: list[Any] = []
    drawer = Drawer({"card": lambda data, context: noted(calls, data) * 1_000}, most=10_000)
    found = await draw_each(drawer, (order(data=data) for data in range(100)))
    assert sorted(calls) == list(range(100)) and {each.html for each in found} == {"x" * 1_000}


# Calling them in threads


async def test_many_parts_are_drawn_in_threads_and_none_while_the_page_is_rendered() -> None:
    threads: set[str] = set()

    def draw(data: Any, context: PartContext) -> Any:
        threads.add(threading.current_thread().name)
        return str(data)

    drawings = await Drawings(Drawer({"card": draw})).draw(order(data=number) for number in range(200))
    assert threading.current_thread().name not in threads and 1 <= len(threads) <= 4
    before = set(threads)
    threads.clear()
    assert [drawings.get(order(data=number)).html for number in range(200)] == [str(number) for number in range(200)]
    assert drawings.get(order(data="more")).problem == "It was not drawn. Reload the page to look again."
    assert before and not threads


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """Opens at the end at the latest, so that no thread is left behind."""
    event = threading.Event()
    yield event
    event.set()


async def test_a_function_that_hangs_hurts_its_own_part_only(
    gate: threading.Event, caplog: pytest.LogCaptureFixture
) -> None:
    def hangs(data: Any, context: PartContext) -> Any:
        if data == "hang":
            gate.wait()
        return f"drawn {data}"

    drawer = Drawer({"card": hangs, "other": lambda data, context: "other"}, seconds=0.2, again=0)
    wanted = [order(data="hang"), order(data="quick"), order("other")]
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await anyio.sleep(0.01)
            ticks += 1

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(tick)
        hanging, quick, other = await draw_each(drawer, wanted)
        tasks.cancel_scope.cancel()
    assert ticks > 2, "the event loop stood still"
    assert (quick.html, other.html) == ("drawn quick", "other")
    assert hanging.problem == "parts['card'] took longer than 0.2 s. Reload the page to look again."
    assert "took longer" in caplog.text
    # Someone gets it once it is there.
    gate.set()
    with anyio.fail_after(PATIENCE):
        while (await draw_each(drawer, wanted))[0].html != "drawn hang":  # noqa: ASYNC110
            await anyio.sleep(0.01)


async def test_nobody_waits_soon_again_for_a_function_that_hung(gate: threading.Event) -> None:
    drawer = Drawer({"card": lambda data, context: gate.wait() and "x"}, seconds=0.2)
    await draw_each(drawer, [order()])
    with anyio.fail_after(0.15):
        (again,) = await draw_each(drawer, [order()])
    assert "took longer" in again.problem


async def test_a_function_that_hangs_takes_few_threads(gate: threading.Event) -> None:
    calls: list[Any] = []

    def hangs(data: Any, context: PartContext) -> Any:
        calls.append(data)
        gate.wait()
        return ""

    drawer = Drawer({"card": hangs}, seconds=0.1)
    for number in range(5):
        await draw_each(drawer, (order(data=[number, each]) for each in range(20)))
    assert len(calls) == 4
    with anyio.fail_after(0.09):
        await draw_each(drawer, [order(data="more")])


async def test_a_reader_who_leaves_waits_for_nothing(gate: threading.Event) -> None:
    drawer = Drawer({"card": lambda data, context: gate.wait() and "x"}, seconds=60)
    with anyio.move_on_after(0.05) as scope:
        await draw_each(drawer, [order()])
    assert scope.cancelled_caught


def live_page(drawer: Drawer) -> LivePage:
    return LivePage("run", TurnContext(Urls(), Markdown(), drawings=Drawings(drawer)))


def events(*bodies: EventBody) -> list[RunEvent]:
    return [RunEvent(seq, datetime.now(UTC), body) for seq, body in enumerate(bodies, 1)]


async def test_what_was_not_shown_in_time_is_shown_next(gate: threading.Event) -> None:
    page = live_page(Drawer({"card": lambda data, context: gate.wait() and "drawn"}))
    with anyio.move_on_after(0.05) as scope:
        await page.advance(events(TextDelta("Words."), Custom("card")))
    assert scope.cancelled_caught and page.held
    gate.set()
    html = render_patches(await page.advance([], pause=True))
    assert "Words." in html and "drawn" in html and not page.held


async def test_of_what_a_reader_has_nothing_is_drawn_until_all_of_it_is() -> None:
    calls: list[Any] = []
    page = live_page(Drawer({"card": lambda data, context: noted(calls, data)}, most=1))
    log = events(*(Custom("card", number) for number in range(20)))
    page.fold(log[:18])
    html = render_patches(await page.advance(log[18:]))
    assert sorted(calls) == [18, 19] and html.count(">x<") == 2
    assert render_patches(await page.redraw()).count(">x<") == 20
    assert sorted(calls[2:]) == [*range(20)]


# Fenced code

DIAGRAM = "Before.\n\n```Mermaid title\na --> b\n```\n\n- a\n\n~~~mermaid\nfail\n~~~\n\n```py\n1\n```\n\n"
TEXTS = (
    ("An answer that ends after a diagram", [DIAGRAM + "```mermaid\nb --> c\n```"]),
    ("One that ends inside of one", [DIAGRAM + "```mermaid\nb -->"]),
    ("A definition at its end changes what was settled", ["[a]\n\n", DIAGRAM, "\n\n[a]: https://a.example/"]),
    ("Two texts", [DIAGRAM, ToolStarted("1", "read"), ToolFinished("1"), DIAGRAM]),
    ("What was said is replaced", [DIAGRAM, ToolStarted("1", "read"), "x", TextReplaced(DIAGRAM.upper()), DIAGRAM]),
)


def draw_diagram(text: Any, context: PartContext) -> Any:
    if text == "fail":
        raise ValueError
    return P(f"{context.name} {context.id}: {text}")


@pytest.mark.parametrize(("said"), [each for _, each in TEXTS], ids=[name for name, _ in TEXTS])
@pytest.mark.parametrize("size", [1, 7, 10_000])
async def test_diagrams_are_drawn_when_their_text_is_complete_as_after_a_reload(said: list[Any], size: int) -> None:
    logging.disable(logging.ERROR)
    drawer = Drawer({"```mermaid": draw_diagram})
    context = TurnContext(Urls(), Markdown(), drawings=Drawings(drawer))
    bodies: list[EventBody] = [RunStarted()]
    for each in said:
        pieces = (
            [each[start : start + size] for start in range(0, len(each), size)] if isinstance(each, str) else [each]
        )
        bodies += [TextDelta(piece) if isinstance(piece, str) else piece for piece in pieces]
    log = events(*bodies, RunEnded(Outcome.COMPLETED))
    run = Run("run", "talk", "ann", "turn", RunState.RUNNING, log[0].at)

    async def reload(count: int) -> Element:
        turn = Turn("run", "assistant", "", log[0].at, run, tuple(log[:count]))
        view = fold(turn.events)
        drawn = await Drawings(drawer).draw(orders("run", view, range(len(view.parts)), context))
        return open_page(turn, replace(context, drawings=drawn))

    page, live = await reload(0), LivePage("run", context)
    for count, event in enumerate(log, 1):
        page.apply(render_patches(await live.advance([event], pause=True)))
        if size > 1 or count % 5 == 0 or count > len(log) - 3:
            assert article(page, run) == article(await reload(count), run)
    logging.disable(logging.NOTSET)
    drawn = [each.text for each in page.all("section", cls="card")]
    assert drawn and all(text.startswith("```mermaid card-part-run-") for text in drawn)
    assert "fail" in page.text and not any("fail" in text for text in drawn)


# In a chat


def test_functions_are_checked_where_they_are_given() -> None:
    async def asynchronous(data: Any, context: PartContext) -> Any:
        return ""

    def bad(parts: Any) -> Any:
        return create_chat_app(LocalBackend(respond), parts=parts)

    for parts, words in [
        ([fails], 'parts must be a mapping, {"get_forecast": draw_forecast}, not a list.'),
        ({1: fails}, "A name in parts must be a str, not an int."),
        ({"a": asynchronous}, "parts['a'] is called while a page is rendered, so it must not be asynchronous"),
        ({"a": "P"}, "parts['a'] must be a function, def draw(data, context), not a str."),
        ({"a": lambda data: ""}, "parts['a'] is called with data and a context: write def draw(data, context)."),
        ({"a": PartContext}, "parts['a'] must be a function, def draw(data, context), not the class PartContext."),
    ]:
        with pytest.raises(TypeError, match=re.escape(words)):
            bad(parts)
    with pytest.raises(ValueError, match="A name in parts must not be empty"):
        bad({" ": fails})
    bad({})
    bad({"a": OfAClass().draw, "b": lambda data, context=None: ""})


def draw_forecast(data: Any, context: PartContext) -> Any:
    return Ul(*(Li(str(each)) for each in data["hours"]), data_city=context.arguments["city"])


def draw_progress(data: Any, context: PartContext) -> Any:
    return P(f"{data} of 3", id=f"{context.id}-words")


PARTS: dict[str, DrawPart] = {
    "get_forecast": draw_forecast, "progress": draw_progress, "fails": fails, "nothing": lambda data, context: None,
}  # fmt: skip


async def respond(request: Request) -> AsyncIterator[str | EventBody]:
    yield "Before. "
    yield ToolStarted("1", "look")
    yield ToolStarted("2", "get_forecast", "", {"city": "Oslo"})
    yield ToolFinished("2", "3 hours", {"hours": ["<10>", 12, 14], "token": "sk-aaaaaaaaaaaaaaaaaaaaaaaa"})
    yield ToolFinished("1", "found")
    for number in range(4):
        yield Custom("progress", number, "job")
        await asyncio.sleep(0)
    yield Custom("fails", "its data")
    yield Custom("nothing")
    yield Custom("unheard of", {"a": "<b>", "password": "geheim"})
    yield ToolStarted("3", "get_forecast")
    yield ToolFinished("3", "No such city", failed=True)
    yield "After."


@pytest.fixture(params=[True, False], ids=["inspects", "reads"])
def inspects(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


Opened = tuple[TestClient, str, str]


@pytest.fixture
def opened(inspects: bool) -> Iterator[Opened]:
    """A conversation with one answer: a client, its address and the id of its run."""
    with TestClient(create_chat_app(LocalBackend(respond), parts=PARTS, inspector=inspects)) as client:
        yield client, *ask(client)


def ask(client: TestClient, prefix: str = "") -> tuple[str, str]:
    path, run = begin(client, "Hello", prefix)
    with client.stream("GET", f"{prefix}/runs/{run}/stream") as stream:
        assert decode(stream.read())[-1].data == "completed"
    return path, run


def begin(client: TestClient, text: str, prefix: str = "") -> tuple[str, str]:
    """Send a message; return the address of its conversation and the id of its run."""
    client.get(f"{prefix}/")
    response = client.post(f"{prefix}/messages", data={"text": text}, follow_redirects=False)
    path, _, run = response.headers["location"].partition("#turn-")
    return path, run


def answer(html: str, run: str) -> Element:
    return parse(html).one(id=f"body-{run}")


def test_parts_stand_where_they_happened(opened: Opened, inspects: bool) -> None:
    client, path, run = opened
    body = answer(client.get(path).text, run)
    kinds = [each["class"] for each in body.one(cls="parts").elements]
    assert kinds == ["prose", "ledger", "drawn", *["box card"] * 3, "ledger", "drawn", "prose"]
    forecast = body.one(id=f"card-part-{run}-2")
    assert forecast["data-name"] == "get_forecast"
    assert forecast.one("ul")["data-city"] == "Oslo" and forecast.text == "<10>1214"
    assert body.one(id=f"call-part-{run}-2").text.startswith("get_forecast")
    assert body.one(id=f"part-{run}-3").text == "3 of 3"
    assert body.one(id=f"part-{run}-3-words").tag == "p"
    # One that failed is not drawn: it has no result.
    failed = body.one(id=f"part-{run}-7")
    assert "No such city" in failed.text and not failed.all(cls="card")


def test_what_fails_is_said_in_its_place_and_why_to_those_who_may_know(opened: Opened, inspects: bool) -> None:
    client, path, run = opened
    body = answer(client.get(path).text, run)
    for number, why in ((4, "parts['fails'] raised KeyError."), (5, "parts['nothing'] returned None.")):
        card = body.one(id=f"part-{run}-{number}")
        assert "data-failed" in card.attributes
        assert card.text.startswith("This part of the answer cannot be shown.")
        assert (why in card.text) == inspects
        assert "secret detail" not in card.text


def test_one_that_nobody_draws_is_a_record(opened: Opened, inspects: bool) -> None:
    client, path, run = opened
    record = answer(client.get(path).text, run).one(id=f"part-{run}-6")
    assert record.text.startswith("unheard of")
    assert bool(record.all("details")) == inspects and ('"<b>"' in record.text) == inspects


def test_an_export_has_what_the_host_draws_and_no_secrets(opened: Opened, inspects: bool) -> None:
    client, _, run = opened
    response = client.get(f"/runs/{run}/report.html")
    assert response.status_code == (200 if inspects else 404)
    if inspects:
        html = response.text.split("<h2>Answer</h2>")[1]
        assert "<li>&lt;10&gt;</li>" in html and "3 of 3" in html and "Before." in html
        assert html.index("Before.") < html.index("&lt;10&gt;") < html.index("After.")
        assert "form-action 'none'" in response.text and "sk-aaaa" not in response.text
        assert "unheard of" in client.get(f"/runs/{run}/summary.md").text
    assert client.get(f"/runs/{run}/text").text == "Before. \n\nAfter.".replace(". \n", ".\n")


@pytest.mark.parametrize("stream", ["sse", "poll"])
def test_the_turn_is_the_same_after_streaming_and_after_a_reload(stream: Any) -> None:
    with TestClient(create_chat_app(LocalBackend(respond), parts=PARTS, stream=stream)) as client:
        path, run = begin(client, "Hello")
        shown = f'<div class="turn-body" id="body-{run}"></div><ol id="sources-{run}"></ol><div id="tail-{run}"></div>'
        page = parse(f'<article id="turn-{run}">{shown}</article><p id="composer-actions"></p><p id="status"></p>')
        if stream == "sse":
            with client.stream("GET", f"/runs/{run}/stream") as stream:
                for message in decode(stream.read()):
                    if message.event is None:
                        page.apply(message.data)
        else:
            html = ""
            while 'hx-swap="delete"' not in html:  # of what asks
                html = client.get(f"/runs/{run}/poll").text
            page.apply(re.sub(r'<hx-partial hx-target="#live-.*?</hx-partial>', "", html))
        assert page.one(id=f"body-{run}").html == answer(client.get(path).text, run).html


def test_a_slow_function_holds_up_nobody_else(gate: threading.Event) -> None:
    """While one hangs, the server answers, and the answer that has the part continues."""

    async def slow(request: Request) -> AsyncIterator[str | EventBody]:
        if request.text == "slow":
            yield Custom("hangs")
        yield f"Echo: {request.text}"

    def hangs(data: Any, context: PartContext) -> Any:
        gate.wait()
        return "late"

    with TestClient(create_chat_app(LocalBackend(slow), parts={"hangs": hangs})) as client:
        found: list[tuple[str, str]] = []

        def ask_slowly() -> None:
            path, run = begin(client, "slow")
            with client.stream("GET", f"/runs/{run}/stream") as stream:
                assert decode(stream.read())[-1].data == "completed"
            found.append((path, run))

        client.get("/")  # or each of the two is a user of its own
        asking = threading.Thread(target=ask_slowly)
        asking.start()
        path, run = begin(client, "quick")
        with client.stream("GET", f"/runs/{run}/stream") as stream:
            assert "Echo: quick" in stream.read().decode()
        assert not gate.is_set()
        asking.join(PATIENCE)
        ((path, run),) = found
        body = answer(client.get(path).text, run)
        assert "took longer than 2 s" in body.text and "Echo: slow" in body.text


def test_paths_are_right_behind_a_proxy_that_takes_a_prefix_off() -> None:
    async def one(request: Request) -> AsyncIterator[EventBody]:
        yield Custom("form")

    chat = create_chat_app(
        LocalBackend(one), parts={"form": lambda data, context: Form(Button("Book"), hx_post=f"/book?{context.root}")}
    )
    host = Starlette(routes=[Mount("/chat", chat)], lifespan=chat_lifespan(chat))
    with TestClient(host, root_path="/team") as client:
        path, run = ask(client, "/chat")
        form = answer(client.get(path.removeprefix("/team")).text, run).one("form")
        assert form["hx-post"] == "/team/book?/team"


def test_chats_without_functions_draw_records(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR), TestClient(create_chat_app(LocalBackend(respond))) as client:
        path, run = ask(client)
        body = answer(client.get(path).text, run)
        assert not body.all(cls="card") and len(body.all(cls="drawn")) == 0
        assert "progress" in body.text and "unheard of" in body.text
    assert caplog.text == ""


@pytest.mark.parametrize(
    "city",
    [
        {"hx-post": "/bookings", "hx-trigger": "load"},
        [{"hx-swap-oob": "outerHTML:#composer-actions"}],
        {"x></p><hx-partial hx-target=body>": "1"},
        ["<form action=/>"],
        [["<form action=/>"]],
    ],
)
def test_an_object_of_the_agents_where_text_was_meant_becomes_text_and_no_attributes(city: Any) -> None:
    drawing = drawn(
        lambda data, context: P(data["city"], context.arguments["city"]), {"city": city}, arguments={"city": city}
    )
    page = parse(drawing.html)
    assert [element.tag for element in page.elements] == ["p"]
    assert page.elements[0].attributes == {} and page.elements[0].elements == []
