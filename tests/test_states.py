"""One state, one mark, one word: every state is drawn in every room, and compared."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import anyio
import pytest

from htmxchat import LocalBackend, Request, RunScript
from htmxchat.events import (
    EventBody,
    InputRequested,
    Outcome,
    RunEnded,
    RunEvent,
    RunStarted,
    RunStopping,
    ScriptProposed,
)
from htmxchat.fragments import history, turn
from htmxchat.fragments.inspector.report import facts, summary_text
from htmxchat.fragments.inspector.run import run_facts
from htmxchat.fragments.inspector.runs import run_list
from htmxchat.fragments.scripts.card import script_card
from htmxchat.fragments.turns.transcript import status_text
from htmxchat.html import render
from htmxchat.inspection.timeline import Timeline, timeline
from htmxchat.models import Conversation, ConversationPage, Run, RunState, RunSummary, Turn, User, Waiting
from htmxchat.scripts.actions import Approve, Claim, Finish
from htmxchat.scripts.models import FromAgent, Script
from htmxchat.scripts.result import ScriptResult, ScriptState
from htmxchat.scripts.states import digest, script_id
from htmxchat.state_words import SCRIPTS, STEPS, standing, titled
from htmxchat.view import RunView, fold, with_queue

from .support import context, parse

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
ANN = User("ann")
RUN = Run("r1", "c1", "ann", "t1", RunState.RUNNING, NOW)
PROPOSED = ScriptProposed("s1", "1 + 1", "The sum", awaited=True)


def log(*bodies: EventBody) -> tuple[RunEvent, ...]:
    return tuple(RunEvent(seq, NOW + timedelta(seconds=seq), body) for seq, body in enumerate(bodies, 1))


def queued(state: ScriptState, script: ScriptProposed = PROPOSED) -> Script:
    origin = FromAgent(script.script_id)
    return Script(script_id("r1", origin), "c1", "r1", origin, script.title, script.code, state, 1, NOW, awaited=True)


ASKED = log(RunStarted(), InputRequested("q", "Which one?"))
STATES: dict[str, tuple[tuple[RunEvent, ...], ScriptState | None, str, str]] = {
    "queued": ((), None, "queued", "Waiting to start"),
    "answering": (log(RunStarted()), None, "running", "Answering"),
    "asking": (ASKED, None, "suspended", "Waiting for your answer"),
    "proposing": (log(RunStarted(), PROPOSED), ScriptState.QUEUED, "suspended", "Needs your approval"),
    "approved": (log(RunStarted(), PROPOSED), ScriptState.APPROVED, "running", "Script approved"),
    "scripted": (log(RunStarted(), PROPOSED), ScriptState.RUNNING, "running", "Running a script"),
    "stopping": (log(RunStarted(), RunStopping()), None, "stopping", "Stopping"),
    "stopping a question": (log(*[each.body for each in ASKED], RunStopping()), None, "stopping", "Stopping"),
    "done": (log(RunStarted(), RunEnded(Outcome.COMPLETED)), None, "completed", "Done"),
    "stopped": (log(RunStarted(), RunEnded(Outcome.CANCELLED)), None, "cancelled", "Stopped"),
    "failed": (log(RunStarted(), RunEnded(Outcome.FAILED, "Why.")), None, "failed", "Failed"),
    "suspended": (log(RunStarted(), RunEnded(Outcome.SUSPENDED)), None, "suspended", "Waiting for you"),
}


def viewed(events: tuple[RunEvent, ...], state: ScriptState | None) -> tuple[RunView, tuple[Script, ...]]:
    queue = () if state is None else (queued(state),)
    return with_queue(fold(events), "r1", queue), queue


@pytest.mark.parametrize("name", STATES)
def test_a_run_has_one_mark_and_one_word_in_every_room(name: str) -> None:
    events, script, mark, word = STATES[name]
    view, queue = viewed(events, script)
    run = replace(RUN, state=view.state)
    using = replace(context(), can_run_scripts=True, queue=queue)

    drawn = parse(render(turn(Turn("r1", "assistant", "", NOW, run, events), using)))
    assert drawn.one("article")["data-state"] == mark
    assert drawn.one("article").attributes.get("data-waiting") == (view.waiting.value if view.waiting else None)

    talk = Conversation("c1", "ann", "Talk", NOW, NOW, RunState(mark), view.waiting)
    row = parse(render(history(ConversationPage((talk,)), urls=using.urls, brand="Chat", now=NOW)))
    link = row.one("a", data_conversation="c1")
    if mark not in ("completed", "cancelled"):  # what has ended and went well needs no mark
        assert link["data-state"] == mark
        assert (link["title"].split("\n")[1], link.one(**{"class": "state"}).text) == (word, word)

    inspected = parse(render(run_facts("r1", view, 1, Timeline((), 1.0)))).one(id="standing-r1")
    assert (inspected["data-state"], inspected.text) == (mark, word)

    listed = parse(render(run_list(using.urls, talk, [RunSummary(run, "Which?", waiting=view.waiting)])))
    item = listed.one("a", data_run="r1")
    assert (item["data-state"], item.one(**{"class": "state"}).text) == (mark, word)

    chart = timeline(events)
    assert ("State", word) in facts(run, view, chart)
    assert f"- State: {word}\n" in summary_text(run, view, [], chart, question="Which?")
    assert status_text(view) == standing(view.state, view.waiting).sentence
    assert titled("Talk", RunState(mark)).startswith("○") == (mark == "suspended")


@pytest.mark.parametrize("name", STATES)
def test_what_waits_does_not_say_how_long_it_ran(name: str) -> None:
    events, script, _, _ = STATES[name]
    view, _ = viewed(events, script)
    said = parse(render(run_facts("r1", view, 1, Timeline((), 1.0)))).text
    assert ("So far" in said) == (view.state.live and view.waiting is None)
    assert ("Waiting since" in said) == (view.waiting is not None)


@pytest.mark.parametrize("state", ScriptState)
def test_a_script_has_one_mark_and_one_word_in_its_card_and_in_the_answer(state: ScriptState) -> None:
    events, script = log(RunStarted(), PROPOSED), queued(state)
    using = replace(context(), can_run_scripts=True, queue=(script,))
    drawn = parse(render(turn(Turn("r1", "assistant", "", NOW, RUN, events), using)))
    line, card = drawn.one("chat-proposal"), parse(render(script_card(using.urls, script)))
    assert line["data-state"] == card.one("article")["data-state"] == state.value
    word = SCRIPTS[state]
    assert line.one(**{"class": "state"}).text == word
    assert card.one("article").one(**{"class": "state"}).text.startswith(word)
    assert (line["data-revision"], line["role"]) == ("0", "group")
    review = line.one("a")
    assert (review.text.startswith("Review"), review.attributes.get("data-kind")) == (
        (True, "primary") if state is ScriptState.QUEUED else (False, "quiet")
    )


def test_every_state_has_a_word_and_no_two_of_a_run_have_the_same() -> None:
    every = [standing(state).word for state in RunState] + [standing(RunState.RUNNING, each).word for each in Waiting]
    assert len(set(every)) == len(every)
    assert set(SCRIPTS) == set(ScriptState) and len(set(SCRIPTS.values())) == len(SCRIPTS)
    assert set(STEPS) == set(RunState)


async def test_the_history_and_the_list_of_runs_tell_what_a_run_waits_for() -> None:
    async def respond(request: Request) -> AsyncIterator[EventBody | RunScript]:
        if request.text == "ask":
            yield InputRequested("q", "Which one?")
        yield RunScript("1 + 1", "The sum")

    backend = LocalBackend(respond)
    run = await backend.start_run(ANN, None, "ask")

    async def told(wanted: Waiting | None) -> None:
        for _ in range(500):
            view = fold((await backend.load_transcript(ANN, run.conversation_id)).turns[-1].events)
            view = with_queue(view, run.id, await backend.list_scripts(ANN, run.conversation_id))
            (row,) = (await backend.list_conversations(ANN)).items
            if view.waiting is row.waiting is wanted:
                break
            await anyio.sleep(0.01)
        (listed,) = await backend.list_runs(ANN, run.conversation_id)
        assert view.waiting is row.waiting is listed.waiting is wanted
        assert row.state is standing(view.state, view.waiting).mark

    await told(Waiting.ANSWER)
    await backend.answer_request(ANN, run.id, "q", "this")
    await told(Waiting.APPROVAL)
    (script,) = await backend.list_scripts(ANN, run.conversation_id)
    await backend.change_script(ANN, run.id, script.id, Approve(digest(script.code)))
    await told(Waiting.APPROVED)
    await backend.change_script(ANN, run.id, script.id, Claim("page", digest(script.code)))
    await told(Waiting.SCRIPT)
    await backend.change_script(ANN, run.id, script.id, Finish("page", ScriptResult(ScriptState.DONE)))
    await told(None)
    await backend.close()
