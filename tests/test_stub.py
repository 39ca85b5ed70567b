"""The demo agent: every starter plays, and always the same."""

from __future__ import annotations

from collections.abc import AsyncIterator
from html import escape

import anyio
import pytest

from htmxchat.agents.stub import MORE, STARTERS, quote
from htmxchat.backends.stub import StubBackend
from htmxchat.events import InputRequested, Outcome, RunEnded, ScriptProposed
from htmxchat.models import Starter, User
from htmxchat.parts import ProposedScript, Reasoning, Text, ToolCall
from htmxchat.scripts.actions import Reject
from htmxchat.scripts.models import FromAgent
from htmxchat.scripts.states import script_id
from htmxchat.testing import each_event
from htmxchat.text.markdown import Markdown
from htmxchat.view import RunView, fold

pytestmark = pytest.mark.anyio
ANN = User("ann")
BY_TITLE = {starter.title: starter for starter in (*STARTERS, *MORE)}


@pytest.fixture
async def backend() -> AsyncIterator[StubBackend]:
    backend = StubBackend(pace=0)
    yield backend
    await backend.close()


async def answer(backend: StubBackend, text: str, choice: str = "Now", conversation_id: str | None = None) -> RunView:
    run = await backend.start_run(ANN, conversation_id, text)
    events = []
    with anyio.fail_after(10):
        async for event in each_event(backend, ANN, run.id):
            events.append(event)
            if isinstance(event.body, InputRequested):
                await backend.answer_request(ANN, run.id, event.body.request_id, choice)
            elif isinstance(event.body, ScriptProposed):
                id = script_id(run.id, FromAgent(event.body.script_id))
                await backend.change_script(ANN, run.id, id, Reject())
    return fold(events)


@pytest.mark.parametrize("starter", [*STARTERS, *MORE], ids=lambda starter: starter.title)
async def test_every_starter_plays_to_its_end_and_always_the_same(backend: StubBackend, starter: Starter) -> None:
    views = [await answer(backend, starter.text) for _ in range(2)]
    assert views[0].text == views[1].text
    assert views[0].text.strip()
    assert views[0].state.value == ("failed" if starter.title == "Export last month" else "completed")


async def test_the_starters_are_offered(backend: StubBackend) -> None:
    assert backend.starters == STARTERS
    assert len(STARTERS) == 4


async def test_what_is_not_offered_is_named_to_who_writes_something_else(backend: StubBackend) -> None:
    text = (await answer(backend, "Hello")).text
    assert all(starter.text in text for starter in MORE)


async def test_the_runbook_has_all_of_markdown(backend: StubBackend) -> None:
    text = (await answer(backend, BY_TITLE["Fix a failed import"].text)).text
    for mark in (
        "# ",
        "\n## ",
        "-----:|",
        "\n1. ",
        "\n     - ",
        "- [x]",
        "- [ ]",
        "\n> ",
        "```sh",
        "```python",
        "](",
        "`E101`",
    ):
        assert mark in text


async def test_the_long_read_is_long(backend: StubBackend) -> None:
    text = (await answer(backend, BY_TITLE["Read the handbook"].text)).text
    assert 1_300 <= len(text.split()) <= 1_700


async def test_finding_the_cause_shows_how(backend: StubBackend) -> None:
    view = await answer(backend, BY_TITLE["Find the cause of an alert"].text)
    assert [type(part) for part in view.parts] == [Reasoning, ToolCall, Reasoning, ToolCall, Text]
    assert all(part.ended_at for part in view.parts if isinstance(part, Reasoning | ToolCall))
    assert len(view.sources) == 3
    assert all(f"[{number}]" in view.text for number in (1, 2, 3))
    assert view.usage is not None


async def test_python_is_proposed_and_what_came_of_it_is_said(backend: StubBackend) -> None:
    view = await answer(backend, BY_TITLE["Compute with Python"].text)
    (part,) = (part for part in view.parts if isinstance(part, ProposedScript))
    script = part.script
    exec(compile(script.code, "script", "exec"), {"print": lambda *args: None})
    assert script.awaited
    assert part.finished and part.finished.state == "rejected"
    assert "The user rejected the script" in view.text


@pytest.mark.parametrize(
    ("choice", "words"),
    [("Now", "Restarted"), ("Tonight at 02:00", "Noted"), ("Not at all", "alone"), ("*What?*", "> \\*What\\?\\*")],
)
async def test_a_question_goes_on_with_the_answer(backend: StubBackend, choice: str, words: str) -> None:
    assert words in (await answer(backend, BY_TITLE["Restart the workers"].text, choice)).text


async def test_the_failing_answer_keeps_half(backend: StubBackend) -> None:
    view = await answer(backend, BY_TITLE["Export last month"].text)
    assert view.error
    assert "| Week |" in view.text


async def test_the_slow_answer_can_be_stopped() -> None:
    backend = StubBackend(pace=0.001)
    run = await backend.start_run(ANN, None, BY_TITLE["Watch the queue"].text)
    seen = []
    with anyio.fail_after(5):
        async for event in each_event(backend, ANN, run.id):
            seen.append(event.body)
            if len(seen) == 3:
                await backend.stop_run(ANN, run.id)
    assert seen[-1] == RunEnded(Outcome.CANCELLED)
    await backend.close()


async def test_other_words_are_repeated_as_a_quote(backend: StubBackend) -> None:
    view = await answer(backend, "# <b>Hi</b>\n\n[x](javascript:1)  \n    code")
    assert "> \\# \\<b\\>Hi\\<\\/b\\>" in view.text
    assert "<a" not in "".join(Markdown().blocks(view.text))
    assert "message number 1" in view.text


def test_a_quote_never_grows_without_end() -> None:
    assert len(quote("x" * 10_000)) < 2_100
    assert quote("") == ""


@pytest.mark.parametrize("text", ["a (b) [c=d] \\(e\\) *f* <g>", "[x^2](y)", "\\[ a = b \\]", "**注意：**正文"])
def test_a_quotation_shows_what_was_written(text: str) -> None:
    html = "".join(Markdown().blocks(quote(text)))
    assert html == f'<blockquote dir="auto"><p>{escape(text)}</p></blockquote>'
