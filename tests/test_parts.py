"""Parts on the page: after every event the page shows what a reload would show."""

from __future__ import annotations

import logging
import string
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from htmxchat import Approval
from htmxchat import events as e
from htmxchat.drawing import Drawer, Drawings, PartContext
from htmxchat.fragments.turns.context import TurnContext
from htmxchat.fragments.turns.proposals import proposal
from htmxchat.html import FT, raw, render, tag
from htmxchat.live.patches import Patch, render_patches
from htmxchat.live.turn import LiveTurn
from htmxchat.models import Run, RunState, Turn
from htmxchat.scripts.excerpt import excerpt, excerpts
from htmxchat.scripts.models import FromAgent, Script
from htmxchat.scripts.result import Picture, ScriptError, ScriptResult, ScriptState, TableValue
from htmxchat.scripts.states import script_id
from htmxchat.text.markdown import Markdown
from htmxchat.urls import Urls

from .support import Element, article, open_page, parse

START = datetime(2026, 1, 1, tzinfo=UTC)
RUN = Run("run", "talk", "ann", "turn", RunState.RUNNING, START)


def draw(data: object, context: PartContext) -> FT | None:
    """Draws what it is given, or fails in one of the ways in which a function can."""
    if data == {"a": 1} or (context.name == "```py" and "word" in str(data)):
        raise KeyError("secret")
    if data == "broken":
        return raw("</div><p>")
    return None if data == "nothing" else tag("p")(str(data), " for ", str(context.arguments), id=f"of-{context.id}")


DRAWINGS = Drawings(Drawer({"write": draw, "progress": draw, "```py": draw}), at_once=True)
CONTEXT = TurnContext(Urls(), Markdown(), can_run_scripts=True, drawings=DRAWINGS)

ID = st.sampled_from(["1", "2", "3", ""])
WORDS = st.sampled_from(
    [
        *("", " ", "\n", "a", "word ", "\n\n", "**b", "**", "- x\n", "```py\n", "```\n", "1 + 1\n", "# h\n"),
        *("x[^1]", "\n\n[^1]: note\n\n", "[^2]"),
        *("[1]", "[2", "][3]", "[5].\n\n", "[l][d]", "\n\n[1]: https://a.example/\n"),
    ]
)
SOURCE = st.sampled_from([e.Source("S", "https://a.example/"), e.Source("<b>", None, "here", "words & more")])
DATA = st.sampled_from([None, "<b>", 1, {"a": 1}, "broken", "nothing"])
SCHEMA = st.sampled_from(
    [{"type": "object", "properties": {"a": {"type": "integer"}, "b": {"enum": ["<i>"]}}}, {"type": "string"}, {}]
)
BODY: st.SearchStrategy[e.EventBody] = st.one_of(
    st.builds(e.TextDelta, WORDS),
    st.builds(e.TextDelta, WORDS),
    st.builds(e.ReasoningDelta, WORDS),
    st.builds(e.TextReplaced, st.sampled_from(["", "a", "word ", "word a", "x\n\ny"])),
    st.builds(e.ToolStarted, ID, st.sampled_from(["read", "write"]), WORDS, st.none() | st.just({"a": [1]})),
    st.builds(e.ToolFinished, ID, WORDS, st.none() | st.just("<b>"), st.booleans()),
    st.builds(e.ToolStarted, ID, st.just("again")),
    st.builds(e.Custom, st.sampled_from(["progress", "other"]), DATA, st.sampled_from(["", "a", "b"])),
    st.builds(e.SourcesFound, st.lists(SOURCE, max_size=5).map(tuple)),
    st.builds(e.ScriptProposed, ID, st.just("1"), WORDS, st.booleans()),
    st.builds(e.ScriptFinished, ID, st.sampled_from(ScriptState)),
    st.builds(e.InputRequested, ID, st.just("Which?"), st.sampled_from([(), ("A", "B")])),
    st.builds(e.InputRequested, ID, st.just("Which?"), schema=SCHEMA, decline=st.sampled_from(["", "No"])),
    st.builds(e.InputRequested, ID, st.just("May it?"), approval=st.just(Approval("write", {"a": 1, "b": "<b>"}))),
    st.builds(
        e.InputAnswered, ID, st.sampled_from(["A", "C", {"a": 1}, None, {"approved": True, "arguments": {"a": 2}}])
    ),
    st.builds(e.UsageReported, st.integers(0, 9)),
    st.builds(e.StageChanged, st.sampled_from(["Reading", "Writing"])),
    st.builds(e.RunStopping),
)


@st.composite
def logs(draw: st.DrawFn) -> list[e.RunEvent]:
    bodies = [e.RunStarted(), *draw(st.lists(BODY, min_size=1, max_size=40))]
    text = ""
    for place, body in enumerate(bodies):
        if isinstance(body, e.TextReplaced) and draw(st.booleans()):  # its end alone
            bodies[place] = body = e.TextReplaced(text[: draw(st.integers(0, len(text)))] + body.text)
        if isinstance(body, e.TextReplaced):
            text = body.text
        elif isinstance(body, e.TextDelta):
            text += body.text
    # Most logs have one stop at most, or nothing would be shown of what comes after it.
    stop = next((place for place, body in enumerate(bodies) if isinstance(body, e.RunStopping)), len(bodies))
    bodies = [
        *bodies[:stop],
        *(body for body in bodies[stop:] if draw(st.booleans()) or not isinstance(body, e.RunStopping)),
    ]
    if draw(st.booleans()):
        bodies.append(draw(st.builds(e.RunEnded, st.sampled_from(e.Outcome), st.none())))
    return log(bodies)


def log(bodies: list[e.EventBody], *, apart: float = 0.3) -> list[e.RunEvent]:
    return [e.RunEvent(n + 1, START + timedelta(seconds=n * apart), body) for n, body in enumerate(bodies)]


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """What fails on purpose is not logged a thousand times."""
    logging.disable(logging.ERROR)
    yield
    logging.disable(logging.NOTSET)


def reloaded(events: list[e.RunEvent], queue: Sequence[Script] = ()) -> Element:
    return open_page(Turn(RUN.id, "assistant", "", START, RUN, tuple(events)), replace(CONTEXT, queue=tuple(queue)))


def queued(name: str, **fields: Any) -> Script:
    """Return a script as the queue has it."""
    origin = FromAgent(name)
    id = script_id(RUN.id, origin)
    usual = Script(id, "talk", RUN.id, origin, f"T{name}", "1", ScriptState.QUEUED, 1, START, revision=0)
    return replace(usual, **fields)


RESULTS = [
    ScriptResult(ScriptState.DONE, "1\n2\n3\n", value=TableValue(("n",), ((1,), (2,)), 9, 1), seconds=0.5),
    ScriptResult(ScriptState.DONE, pictures=(Picture("image/svg+xml", b"<svg viewBox='0 0 4 2'>"),)),
    ScriptResult(ScriptState.FAILED, error=ScriptError("python", "why", "E", "T\nE: why"), seconds=0.02),
    ScriptResult(ScriptState.REJECTED),
]
CHANGES = [dict[str, Any](state=state) for state in ScriptState if not state.over]
CHANGES += [dict[str, Any](state=result.state, result=result) for result in RESULTS]
QUEUED = st.builds(
    lambda name, revision, fields: queued(name, revision=revision, **fields),
    st.sampled_from(["1", "2", "3"]),
    st.integers(0, 9),
    st.sampled_from(CHANGES),
)


def apply(page: Element, patches: list[Patch]) -> None:
    page.apply(render_patches(patches))


@settings(max_examples=150, deadline=None)
@given(logs(), st.data())
def test_the_page_after_each_message_is_the_page_after_a_reload(events: list[e.RunEvent], data: st.DataObject) -> None:
    live, page, place = LiveTurn(RUN.id, CONTEXT), reloaded([]), 0
    while place < len(events):
        count = data.draw(st.integers(1, 4))
        apply(page, live.advance(events[place : place + count], pause=True))
        place += count
        if data.draw(st.booleans()):
            live = live.copy()
        assert article(page, RUN) == article(reloaded(events[:place]), RUN)


@settings(max_examples=60, deadline=None)
@given(logs(), st.data())
def test_a_reader_that_comes_back_gets_what_is_new(events: list[e.RunEvent], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(events)))
    page, live = reloaded(events[:cut]), LiveTurn(RUN.id, CONTEXT)
    live.advance(events[:cut], pause=True)
    if data.draw(st.booleans()):
        apply(page, live.redraw())
    for event in events[cut:]:
        apply(page, live.advance([event], pause=True))
    assert article(page, RUN) == article(reloaded(events), RUN)


@settings(max_examples=150, deadline=None)
@given(logs(), st.data())
def test_scripts_follow_their_queue_as_a_reload_does(events: list[e.RunEvent], data: st.DataObject) -> None:
    live, page, place, queue = LiveTurn(RUN.id, CONTEXT), reloaded([]), 0, dict[str, Script]()
    while place < len(events):
        for script in data.draw(st.lists(QUEUED, max_size=2)):
            queue[script.id] = script
        count = data.draw(st.integers(1, 4))
        live.see(excerpts(RUN.id, queue.values()))
        apply(page, live.advance(events[place : place + count], pause=True))
        place += count
        if data.draw(st.booleans()):
            live = live.copy()
        if data.draw(st.booleans()):
            apply(page, live.redraw())
        assert article(page, RUN) == article(reloaded(events[:place], [*queue.values()]), RUN)


@settings(max_examples=50, deadline=None)
@given(st.lists(QUEUED, min_size=1, max_size=6))
def test_a_script_that_changes_after_the_run_is_as_a_reload_shows_it(changes: list[Script]) -> None:
    bodies = [e.ScriptProposed(name, "1", f"T{name}") for name in ("1", "2", "3")]
    events, queue = log([e.RunStarted(), *bodies, e.RunEnded(e.Outcome.COMPLETED)]), dict[str, Script]()
    page = reloaded(events)
    for script in changes:
        queue[script.id] = script
        fresh = proposal(CONTEXT.urls, RUN.id, script.id, script.title, excerpt(script))
        shown = page.one("chat-proposal", data_script=script.id)
        assert shown.parent is not None
        shown.parent.replace(shown, [parse(render(fresh)).one("chat-proposal")])
        assert article(page, RUN) == article(reloaded(events, [*queue.values()]), RUN)


def test_what_came_of_a_script_is_sent_once_a_change() -> None:
    table = TableValue(("n",), (("marked",),), 1, 1)
    first = queued("1", state=ScriptState.DONE, revision=3, result=ScriptResult(ScriptState.DONE, value=table))
    again = replace(first, revision=6, result=ScriptResult(ScriptState.DONE, pictures=(Picture("image/png", b"x"),)))
    live = LiveTurn(RUN.id, CONTEXT)

    def sent(queue: Script, *bodies: e.EventBody) -> str:
        html = ""
        for body in bodies:
            live.see(excerpts(RUN.id, [queue]))
            seq = (live.view.last_seq or 0) + 1
            event = e.RunEvent(seq, START + timedelta(seconds=seq), body)
            html += render_patches(live.advance([event], pause=True))
        return html

    more: list[e.EventBody] = [
        e.TextDelta("word "),
        e.ToolStarted("1", "read"),
        e.ToolFinished("1"),
        e.TextDelta("word "),
    ]
    html = sent(queued("1"), e.ScriptProposed("1", "1", "T1"), *more)
    html += sent(first, e.ScriptFinished("1", ScriptState.DONE), *more)
    assert html.count("marked") == 1
    html = sent(again, *more, e.ScriptFinished("1", ScriptState.DONE), e.RunEnded(e.Outcome.COMPLETED))
    assert html.count("<img") == 1 and "marked" not in html


def spent(bodies: list[e.EventBody]) -> int:
    live = LiveTurn(RUN.id, CONTEXT)
    return sum(len(render_patches(live.advance([event], pause=True))) for event in log(bodies))


MANY: dict[str, list[e.EventBody]] = {
    "tool calls": [e.ToolStarted("#", "read", "a file"), e.ToolFinished("#", "12 lines")],
    "thoughts and text": [e.ReasoningDelta("I think"), e.TextDelta("So I say. "), e.TextDelta("More.\n\n")],
    "text between tools": [e.ToolStarted("#", "read"), e.TextDelta("word " * 40), e.ToolFinished("#")],
    "sources and text": [e.SourcesFound((e.Source("S", "https://a.example/"),)), e.TextDelta("word [#].\n\n")],
    "sources after their text": [e.TextDelta("word [#] and [#]. "), e.SourcesFound((e.Source("S", excerpt="words"),))],
    "custom parts": [e.Custom("progress", "begun"), e.TextDelta("More. ")],
    "records": [e.Custom("other", ["a", "b"])],
    "drawn results": [e.ToolStarted("#", "write"), e.ToolFinished("#", "12 lines", "done")],
    "updates": [e.Custom("progress", {"at": "some"}, "same")],
    "reasoning": [e.ReasoningDelta("word & ")],
    "replaced text": [e.ToolStarted("#", "read"), e.TextReplaced("word #")],
    "text that is taken back": [e.TextDelta("word"), e.ToolStarted("#", "read"), e.TextReplaced("")],
    "other tools of one id": [e.ToolStarted("1", "read"), e.ToolStarted("1", "write")],
    "questions": [e.InputRequested("#", "Which?", ("A", "B")), e.InputAnswered("#", "A")],
}


@pytest.mark.parametrize("name", MANY)
def test_many_parts_cost_what_they_are(name: str) -> None:
    def bodies(count: int) -> list[e.EventBody]:
        return [_numbered(body, str(number)) for number in range(count) for body in MANY[name]]

    half, whole = spent(bodies(100)), spent(bodies(200))
    assert whole / half < 2.2


def _numbered(body: e.EventBody, number: str) -> e.EventBody:
    match body:
        case e.TextDelta():
            return e.TextDelta(body.text.replace("#", str(int(number) + 1)))
        case e.TextReplaced():
            return e.TextReplaced(body.text.replace("#", number))
        case e.ToolStarted(call_id="#"):
            return e.ToolStarted(number, body.name, body.summary)
        case e.ToolFinished():
            return e.ToolFinished(number, body.summary)
        case e.InputRequested():
            return e.InputRequested(number, body.prompt, body.choices)
        case e.InputAnswered():
            return e.InputAnswered(number, body.answer)
    return body


def test_calls_that_come_back_after_what_follows_them_cost_what_they_are() -> None:
    def sent(count: int) -> int:
        begun = [e.ToolStarted(str(number), "read") for number in range(count)]
        return spent([*begun, e.TextDelta("Done."), *(e.ToolFinished(str(number)) for number in range(count))])

    assert sent(200) / sent(100) < 2.2


def test_reasoning_is_sent_once() -> None:
    live = LiveTurn(RUN.id, CONTEXT)
    bodies: list[e.EventBody] = [
        *(e.ReasoningDelta(f"w{letter} ") for letter in string.ascii_lowercase),
        e.TextDelta("So."),
    ]
    sent = "".join(render_patches(live.advance([event])) for event in log(bodies))
    assert [sent.count(f"w{letter} ") for letter in string.ascii_lowercase] == [1] * 26


def test_what_is_kept_is_counted_with_what_tools_were_given_and_gave_back() -> None:
    live = LiveTurn(RUN.id, CONTEXT)
    before = live.size
    large = {"rows": ["x" * 1_000] * 10 + [str(number) * 100 for number in range(1_000)]}
    live.advance(log([e.ToolStarted("1", "read", "", large), e.Custom("progress", "y" * 50_000, "1")]))
    assert 350_000 < live.size - before < 600_000
    live.advance([e.RunEvent(9, START, e.Custom("progress", "", "1"))])
    assert live.size - before < 550_000 and live.copy().size == live.size


def test_a_part_that_is_closed_is_sent_once() -> None:
    words = [f"w{letter}" for letter in string.ascii_lowercase]
    bodies: list[e.EventBody] = [e.RunStarted()]
    for word in words:
        bodies += [e.ToolStarted(word, "read"), e.ToolFinished(word, f"found-{word}"), e.TextDelta(f"text-{word}\n\n")]
    live = LiveTurn(RUN.id, CONTEXT)
    sent = "".join(render_patches(live.advance([event])) for event in log([*bodies, e.RunEnded(e.Outcome.COMPLETED)]))
    for word in words:
        assert sent.count(f"found-{word}") == 1 and sent.count(f"text-{word}") == 1


def test_many_parts_stand_in_stretches_live_and_after_a_reload() -> None:
    """A browser lays out the stretch to which something is added, and no other."""
    bodies: list[e.EventBody] = [e.RunStarted()]
    for number in range(90):
        bodies += [e.TextDelta(f"Word {number}. "), e.Custom("progress", number, str(number))]
    events = log(bodies)
    for size in (1, 7, 200):
        live, page = LiveTurn(RUN.id, CONTEXT), reloaded([])
        for start in range(0, len(events), size):
            apply(page, live.advance(events[start : start + size], pause=True))
            if start % 14 == 0:
                assert article(page, RUN) == article(reloaded(events[: start + size]), RUN)
        assert [len(each.elements) for each in page.one(id=f"body-{RUN.id}").elements] == [64, 64, 52]
