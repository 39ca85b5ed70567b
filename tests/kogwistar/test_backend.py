"""What a kogwistar server does to its clients, and what the backend makes of it."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from sqlalchemy import select, update
from starlette.routing import Route
from starlette.testclient import TestClient

from htmxchat import (
    BackendError,
    BackendUnavailable,
    Busy,
    CanBranch,
    CanRetry,
    Limits,
    LoginPages,
    NotAllowed,
    NotFound,
    NotSignedIn,
    Outcome,
    RunState,
    ScriptError,
    ScriptResult,
    ScriptState,
    Store,
    TextTooLong,
    User,
    create_chat_app,
    fold,
)
from htmxchat.agents.kogwistar import Timing
from htmxchat.agents.kogwistar.links import own_id
from htmxchat.agents.kogwistar.translation.replies import ServerRun
from htmxchat.agents.kogwistar.transport.client import Client
from htmxchat.events import InputRequested, RunEnded, RunEvent, RunStopping, ScriptProposed, StageChanged
from htmxchat.models import Run, Transcript
from htmxchat.parts import ProposedScript
from htmxchat.scripts.actions import Approve, Claim, Finish, Reject
from htmxchat.scripts.states import digest
from htmxchat.store import tables
from htmxchat.testing import each_event
from tests.support import Exchange, kill

from .asked import KogwistarBackend
from .recordings import recording
from .replay import Replay, token

pytestmark = pytest.mark.anyio

ANN = User("ann", token=token("kog-ann"))
BEN = User("ben", token=token("kog-ben"))
FAST = Timing(tick=0.03, check=0.15, stuck=0.3, give_up=0.8, resent=0.3, doubt=0.1, poll=0.02, glance=0.3)


@pytest.fixture
def server() -> Iterator[Replay]:
    replay = Replay().start()
    yield replay
    replay.stop()


@pytest.fixture
def path(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'chat.db'}"


@pytest.fixture
def timing() -> Timing:
    return FAST


@pytest.fixture
async def chat(server: Replay, path: str, timing: Timing) -> AsyncIterator[KogwistarBackend]:
    backend = KogwistarBackend(server.url, Store(path), timing=timing)
    yield backend
    await backend.close()


@pytest.fixture
async def flows(server: Replay, path: str) -> AsyncIterator[KogwistarBackend]:
    """A backend that starts workflow runs."""
    backend = KogwistarBackend(server.url, Store(path), workflow_id="demo.suspend", timing=FAST)
    yield backend
    await backend.close()


async def read(backend: KogwistarBackend, run: Run, user: User = ANN, after: int | None = None) -> list[RunEvent]:
    async with asyncio.timeout(10):
        return [event async for event in each_event(backend, user, run.id, after=after)]


async def until(backend: KogwistarBackend, run: Run, kind: type, text: str = "") -> Any:
    """Read until an event of a kind, which holds a text, and return its body."""
    async with asyncio.timeout(10):
        events = each_event(backend, ANN, run.id)
        async for event in events:
            if isinstance(event.body, kind) and text in repr(event.body):
                await events.aclose()
                return event.body
    raise AssertionError(f"no {kind.__name__} with {text!r}")


async def eventually(true: Any) -> None:
    for _ in range(500):
        if true():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it does not become true")


async def until_over(backend: KogwistarBackend, conversation_id: str) -> Transcript:
    """Look until nothing continues in a conversation."""
    async with asyncio.timeout(15):
        while (transcript := await backend.load_transcript(ANN, conversation_id)).live_run is not None:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    return transcript


def on(server: Replay, run: Run) -> str:
    """Return what the server calls a run: the latest of its conversation."""
    return [each.id for each in server.runs.values() if own_id(each.conversation) == run.conversation_id][-1]


def answers(html: str) -> list[str]:
    """Return the ids of the runs that a page shows."""
    return re.findall(r'id="turn-(\w+)" class="turn" data-role="assistant"', html)


def end(events: list[RunEvent]) -> RunEnded:
    assert isinstance(events[-1].body, RunEnded)
    return events[-1].body


# Truth


async def test_a_hidden_failure_shows_the_reason(chat: KogwistarBackend) -> None:
    events = await read(chat, await chat.start_run(ANN, None, "hidden trouble"))
    assert fold(events).state is RunState.FAILED
    assert end(events).error == "The server says: fake LLM: upstream 503 overloaded."


async def test_a_text_that_is_sent_twice_is_shown_once(chat: KogwistarBackend) -> None:
    text = fold(await read(chat, await chat.start_run(ANN, None, "twice please"))).text
    assert text.count("tok29") == 1


async def test_nothing_is_read_from_the_environment(chat: KogwistarBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert fold(await read(chat, await chat.start_run(ANN, None, "twice please"))).state is RunState.COMPLETED


async def test_nested_payloads_give_the_same_answer(server: Replay, chat: KogwistarBackend) -> None:
    flat = fold(await read(chat, await chat.start_run(ANN, None, "evidence please")))
    server.nested = True
    nested = fold(await read(chat, await chat.start_run(ANN, None, "evidence please")))
    assert (nested.text, nested.state, nested.sources) == (flat.text, flat.state, flat.sources)
    assert [source.title for source in flat.sources] == ["Kogwistar", "Provenance", "Hypergraph"]
    assert flat.sources[0].detail == "kog-facts"


async def test_a_late_stop_shows_the_answer_that_was_left(server: Replay, chat: KogwistarBackend) -> None:
    run = await chat.start_run(ANN, None, "late please")
    await until(chat, run, StageChanged, "Persisting")
    await chat.stop_run(ANN, run.id)
    view = fold(await read(chat, run))
    assert view.state is RunState.CANCELLED
    assert view.text == "Fake LLM answer to: hypergraph late 0"
    transcript = await chat.load_transcript(ANN, run.conversation_id)
    assert [turn.text for turn in transcript.turns] == ["late please", view.text]
    assert server.asked["GET /api/conversations/{id}/turns"] == 1


async def test_a_stop_is_shown_at_once(server: Replay, chat: KogwistarBackend) -> None:
    server.cancel_takes = 1e9
    run = await chat.start_run(ANN, None, "forever and ever")
    await until(chat, run, StageChanged)
    await chat.stop_run(ANN, run.id)
    assert (await chat.get_run(ANN, run.id)).state is RunState.STOPPING
    await until(chat, run, RunStopping)
    with pytest.raises(Busy):
        await chat.start_run(ANN, run.conversation_id, "next")
    server.runs[on(server, run)].cancelling = 0.0
    assert end(await read(chat, run)).outcome.value == "cancelled"
    await chat.start_run(ANN, run.conversation_id, "next")


async def test_a_cut_stream_is_resumed_without_loss(server: Replay, chat: KogwistarBackend) -> None:
    whole = fold(await read(chat, await chat.start_run(ANN, None, "What is a hypergraph?")))
    server.cut_after, server.cuts = 3, 3
    # One that does not ask the server meanwhile how the run is: it would poll the rest.
    patient = KogwistarBackend(server.url, timing=replace(FAST, check=60))
    try:
        run = await patient.start_run(ANN, None, "What is a hypergraph?")
        events = await read(patient, run)
    finally:
        await patient.close()
    assert fold(events).text == whole.text
    assert server.cuts == 0
    assert server.opened[on(server, run)] >= 3
    numbers = [event.seq for event in events]
    assert numbers == sorted(set(numbers))


async def test_a_stream_that_ends_without_saying_how_is_asked(server: Replay, chat: KogwistarBackend) -> None:
    run = await chat.start_run(ANN, None, "forever and ever")
    await until(chat, run, StageChanged)
    held = server.runs[on(server, run)]
    # The row says it has ended, the stream says nothing any more.
    held.status = "cancelled"
    assert end(await read(chat, run)).outcome.value == "cancelled"


async def test_silence_is_said_and_the_run_found_over(server: Replay, chat: KogwistarBackend) -> None:
    run = await chat.start_run(ANN, None, "forever and ever")
    said = await until(chat, run, StageChanged, "There is no news")
    assert "Stop" in said.name
    server.release(on(server, run))
    assert fold(await read(chat, run)).state is RunState.CANCELLED


async def test_a_server_that_died_leaves_a_way_out(server: Replay, chat: KogwistarBackend) -> None:
    run = await chat.start_run(ANN, None, "forever and ever")
    await until(chat, run, StageChanged)
    reading = asyncio.create_task(read(chat, run))
    await asyncio.sleep(0.05)
    server.kill()
    server.start()
    await until(chat, run, StageChanged, "connection broke")
    await chat.stop_run(ANN, run.id)
    server.runs[on(server, run)].cancelling = time.monotonic() + 1e9
    events = await reading
    assert fold(events).state is RunState.FAILED
    assert "never confirmed" in (end(events).error or "")
    assert server.asked["POST /api/runs/{id}/cancel"] >= 1
    await chat.start_run(ANN, run.conversation_id, "next")


async def test_a_server_that_is_away_is_said_and_found_again(server: Replay, chat: KogwistarBackend) -> None:
    run = await chat.start_run(ANN, None, "forever and ever")
    await until(chat, run, StageChanged)
    reading = asyncio.create_task(read(chat, run))
    await asyncio.sleep(0.05)
    server.stop()
    await until(chat, run, StageChanged, "cannot be reached")
    server.start()
    server.release(on(server, run))
    assert fold(await reading).state is RunState.CANCELLED


async def test_a_run_that_the_server_forgot_ends(server: Replay, chat: KogwistarBackend) -> None:
    run = await chat.start_run(ANN, None, "forever and ever")
    await until(chat, run, StageChanged)
    reading = asyncio.create_task(read(chat, run))
    await asyncio.sleep(0.05)
    server.kill()
    del server.runs[on(server, run)]
    server.start()
    assert "no longer knows this run" in (end(await reading).error or "")


@pytest.mark.parametrize("route", ["/events$", "/api/runs/[^/]*(/events)?$"])
async def test_a_proxy_that_knows_no_way_for_a_moment_ends_no_run(
    server: Replay, chat: KogwistarBackend, route: str
) -> None:
    run = await chat.start_run(ANN, None, "What is a hypergraph?")
    server.fault(route, 404, "404 page not found", 2)
    assert fold(await read(chat, run)).state is RunState.COMPLETED


async def test_one_answer_that_a_run_is_unknown_does_not_end_it(server: Replay, chat: KogwistarBackend) -> None:
    run = await chat.start_run(ANN, None, "What is a hypergraph?")
    server.fault("/events$", 404, {"detail": f"'Unknown run_id: {run.id}'"})
    assert fold(await read(chat, run)).state is RunState.COMPLETED


async def test_a_wrong_address_is_not_taken_for_a_missing_user(server: Replay, chat: KogwistarBackend) -> None:
    server.fault("/api/auth/me$", 404, "Not Found")
    with pytest.raises(BackendError, match="Check its address"):
        await chat.list_conversations(ANN)


# One stream


async def test_fifty_readers_cost_the_server_one_stream(server: Replay, chat: KogwistarBackend) -> None:
    run = await chat.start_run(ANN, None, "forever and ever")
    seen: list[list[RunEvent]] = [[] for _ in range(50)]

    async def follow(mine: list[RunEvent]) -> None:
        async for event in each_event(chat, ANN, run.id):
            mine.append(event)

    readers = [asyncio.create_task(follow(mine)) for mine in seen]
    await eventually(lambda: all(len(mine) >= 8 for mine in seen))
    assert server.opened[on(server, run)] == server.open[on(server, run)] == 1
    await chat.stop_run(ANN, run.id)
    await asyncio.gather(*readers)
    assert all(mine == seen[0] for mine in seen)
    assert server.opened[on(server, run)] == 1


async def test_fifty_browsers_cost_the_server_one_stream(server: Replay, chat: KogwistarBackend) -> None:
    async def identify(request: Any) -> User:
        return ANN

    app = create_chat_app(chat, identify=identify, limits=Limits(streams_per_user=64, requests_per_user=64))
    run = await chat.start_run(ANN, None, "forever and ever")
    readers = [Exchange(app, f"/runs/{run.id}/stream") for _ in range(50)]
    tasks = [asyncio.create_task(reader.run()) for reader in readers]
    for reader in readers:
        await reader.until("Drafting the answer")
    assert server.opened[on(server, run)] == server.open[on(server, run)] == 1
    for reader in readers:
        reader.leave()
    await asyncio.gather(*tasks)
    assert (await chat.get_run(ANN, run.id)).state is RunState.RUNNING
    assert server.opened[on(server, run)] == 1


async def test_a_run_goes_on_with_its_stream_whether_somebody_reads_or_not(
    server: Replay, chat: KogwistarBackend
) -> None:
    run = await chat.start_run(ANN, None, "forever and ever")
    await eventually(lambda: server.open[on(server, run)] == 1)
    await until(chat, run, StageChanged)
    await until(chat, run, StageChanged)
    assert server.opened[on(server, run)] == 1
    server.release(on(server, run))
    await eventually(lambda: server.open[on(server, run)] == 0)
    assert (await chat.load_transcript(ANN, run.conversation_id)).live_run is None or await read(chat, run)


async def test_a_run_that_is_over_is_never_read_again(server: Replay, chat: KogwistarBackend) -> None:
    run = await chat.start_run(ANN, None, "What is a hypergraph?")
    events = await read(chat, run)
    before = server.asked.copy()
    assert await read(chat, run) == events
    await chat.load_transcript(ANN, run.conversation_id)
    await chat.load_transcript(ANN, run.conversation_id)
    after = server.asked - before
    assert not [path for path in after if "/runs" in path]


async def test_a_run_that_ended_unseen_is_over_when_looked_at(chat: KogwistarBackend) -> None:
    run = await chat.start_run(ANN, None, "What is a hypergraph?")
    with anyio.fail_after(10):
        while (await chat.load_transcript(ANN, run.conversation_id)).live_run is not None:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    transcript = await chat.load_transcript(ANN, run.conversation_id)
    assert transcript.turns[-1].text.startswith("Debug RAG")


# Whose it is


async def test_what_is_not_the_users_is_nothing(server: Replay, chat: KogwistarBackend, path: str) -> None:
    run = await chat.start_run(ANN, None, "What is a hypergraph?")
    await read(chat, run)
    fresh = KogwistarBackend(server.url, Store(), timing=FAST)  # remembers nothing: the server would serve it
    try:
        for backend in (chat, fresh):
            for call in (
                lambda b=backend: b.get_conversation(BEN, run.conversation_id),
                lambda b=backend: b.load_transcript(BEN, run.conversation_id),
                lambda b=backend: b.start_run(BEN, run.conversation_id, "mine"),
                lambda b=backend: b.rename_conversation(BEN, run.conversation_id, "mine"),
                lambda b=backend: b.delete_conversation(BEN, run.conversation_id),
                lambda b=backend: b.restore_conversation(BEN, run.conversation_id),
                lambda b=backend: b.get_run(BEN, run.id),
                lambda b=backend: anext(each_event(b, BEN, run.id)),
                lambda b=backend: b.stop_run(BEN, run.id),
                lambda b=backend: b.answer_request(BEN, run.id, "wait-1", "x"),
            ):
                with pytest.raises(NotFound):
                    await call()
        assert len(server.turns[run.conversation_id]) == 2
        # The same host user with another server user's token does not see them either.
        with pytest.raises(NotFound):
            await chat.load_transcript(replace(ANN, token=BEN.token), run.conversation_id)
    finally:
        await fresh.close()


def test_what_is_not_the_users_is_404_on_every_route(server: Replay) -> None:
    async def identify(request: Any) -> User:
        return ANN if request.headers["x-user"] == "ann" else BEN

    app = create_chat_app(KogwistarBackend(server.url, timing=FAST), identify=identify)
    with TestClient(app, headers={"x-user": "ann", "hx-request": "true", "sec-fetch-site": "same-origin"}) as client:
        pushed = client.post("/messages", data={"text": "What is a hypergraph?"}).headers["hx-push-url"]
        conversation = pushed.rsplit("/", 1)[1]
        (run,) = server.runs
        assert client.get(f"/c/{conversation}").status_code == 200
        client.headers["x-user"] = "ben"
        ids = {"conversation": conversation, "deleted": conversation, "run": run}
        data = {"text": "x", "title": "x", "answer": "x", "request": "wait-1"}
        tried = 0
        for route in app.routes:
            if not isinstance(route, Route) or not ids.keys() & route.param_convertors.keys():
                continue
            values = {name: ids.get(name, "1") for name in route.param_convertors}
            url = app.url_path_for(route.name, **values)
            for method in (route.methods or set()) - {"HEAD"}:
                body = data if method == "POST" else None
                assert client.request(method, url, data=body).status_code == 404, url
                tried += 1
        assert tried > 10


def test_a_message_whose_answer_failed_can_be_sent_once_more(server: Replay) -> None:
    async def identify(request: Any) -> User:
        return ANN

    app = create_chat_app(KogwistarBackend(server.url, timing=FAST), identify=identify)
    with TestClient(app, headers={"sec-fetch-site": "same-origin"}) as client:
        page = client.post("/messages", data={"text": "hidden\r\ntrouble"})
        for _ in range(200):
            if 'data-state="failed"' in (html := client.get(page.url.path).text):
                break
            client.portal.call(anyio.sleep, 0.02)  # type: ignore[union-attr]
        (first,) = answers(html)
        again = client.post(f"/runs/{first}/retry", headers={"hx-request": "true"})
        assert again.text.count("<article") == 2
        assert "hidden\ntrouble" in again.text
        assert [run.text for run in server.runs.values()] == ["hidden\ntrouble", "hidden\ntrouble"]
        assert client.post(f"/runs/{first}/retry").status_code == 200  # without JavaScript: the conversation
        # The second press is the first: it has asked again already.
        assert [turn["content"] for turn in server.turns[page.url.path.rsplit("/", 1)[1]]] == ["hidden\ntrouble"] * 2


def test_how_long_an_answer_took_that_was_made_elsewhere_is_not_made_up(server: Replay) -> None:
    async def identify(request: Any) -> User:
        return ANN

    server.conversations["c1"] = {"conversation_id": "c1", "user_id": "kog-ann", "status": "active", "turn_count": 2}
    server.turns["c1"] = []
    server.add_turn("c1", "user", "Which way?")
    server.add_turn("c1", "assistant", "Left.")
    app = create_chat_app(KogwistarBackend(server.url, timing=FAST), identify=identify)
    with TestClient(app) as client:
        for page in (client.get("/c/c1").text, client.get("/c/c1/runs").text):
            assert "Left." in page
            assert "0.00 s" not in page
            assert not re.search("(1970|1969)-", page)
            assert "Date not known" in page
        (run,) = answers(client.get("/c/c1").text)
        assert "Date not known" in client.get(f"/runs/{run}").text
        assert "1970" not in client.get(f"/runs/{run}").text


def test_asking_again_while_an_answer_is_written_is_refused(server: Replay) -> None:
    async def identify(request: Any) -> User:
        return ANN

    app = create_chat_app(KogwistarBackend(server.url, timing=FAST), identify=identify)
    with TestClient(app, headers={"sec-fetch-site": "same-origin", "hx-request": "true"}) as client:
        page = client.post("/messages", data={"text": "forever and ever"})
        (run,) = answers(client.get(page.headers["hx-push-url"]).text)
        refused = client.post(f"/runs/{run}/retry")
        assert refused.status_code == 409
        assert "still answering" in refused.text
        assert len(server.runs) == 1


async def test_what_was_made_elsewhere_is_adopted(server: Replay, chat: KogwistarBackend) -> None:
    id = "conv elsewhere"
    server.conversations[id] = {"conversation_id": id, "user_id": "kog-ann", "status": "active", "turn_count": 0}
    server.turns[id] = []
    turn = server.add_turn(id, "user", "Asked elsewhere?")
    run = server.begin(id, "kog-ann", turn, "debug.rag.v1", "What is a hypergraph?")
    server._advance(run)
    page = await chat.list_conversations(ANN)
    assert [item.id for item in page.items] == [own_id(id)]
    transcript = await chat.load_transcript(ANN, id)
    assert [turn.role for turn in transcript.turns] == ["user", "assistant"]
    assert transcript.conversation.title == "Asked elsewhere?"
    answer = transcript.turns[1]
    assert answer.run is not None and answer.run.state is RunState.COMPLETED
    assert fold(await read(chat, answer.run)).text == answer.text
    assert await chat.load_transcript(ANN, own_id(id)) == transcript
    # It can be gone on with, on the server's side too.
    await read(chat, await chat.start_run(ANN, own_id(id), "hidden"))
    assert [each["role"] for each in server.turns[id]] == ["user", "assistant", "user"]
    assert list(server.conversations) == [id]


async def test_what_the_server_lists_for_somebody_else_stays_its_owners(server: Replay, chat: KogwistarBackend) -> None:
    id = "c0" * 16
    server.conversations[id] = {"conversation_id": id, "user_id": "kog-ann", "status": "active", "turn_count": 2}
    server.turns[id] = []
    server.add_turn(id, "user", "A private question")
    server.add_turn(id, "assistant", "A private answer")
    listed = {"conversations": [{"id": id, "start_node_id": "s", "status": "active", "turn_count": 2}]}
    server.fault("/api/conversations$", 200, listed)  # Ben has posted the id
    for item in (await chat.list_conversations(BEN)).items:
        assert item.title == "Conversation from elsewhere"  # until it was looked up
    assert [item.id for item in (await chat.list_conversations(ANN)).items] == [id]
    for call in (
        lambda: chat.get_conversation(BEN, id),
        lambda: chat.load_transcript(BEN, id),
        lambda: chat.start_run(BEN, id, "mine"),
        lambda: chat.rename_conversation(BEN, id, "mine"),
        lambda: chat.delete_conversation(BEN, id),
    ):
        with pytest.raises(NotFound):
            await call()
    assert (await chat.list_conversations(BEN)).items == ()
    assert (await chat.search_conversations(BEN, "private")).items == ()
    assert [turn.text for turn in (await chat.load_transcript(ANN, id)).turns] == [
        "A private question",
        "A private answer",
    ]
    assert len(server.turns[id]) == 2


async def test_an_unproven_entry_in_a_list_shuts_nobody_out(server: Replay, chat: KogwistarBackend) -> None:
    id = "c0" * 16
    server.conversations[id] = {"conversation_id": id, "user_id": "kog-ann", "status": "active", "turn_count": 0}
    server.turns[id] = []
    listed = {"conversations": [{"id": id, "start_node_id": "s", "status": "active", "turn_count": 0}]}
    server.fault("/api/conversations$", 200, listed)
    await chat.list_conversations(BEN)
    assert (await chat.get_conversation(ANN, id)).user_id == "kog-ann"
    assert [item.id for item in (await chat.list_conversations(ANN)).items] == [id]
    assert (await chat.list_conversations(BEN)).items == ()


async def test_the_sidebar_notices_that_a_run_ended_unseen(chat: KogwistarBackend) -> None:
    run = await chat.start_run(ANN, None, "What is a hypergraph?")
    with anyio.fail_after(10):
        while (await chat.list_conversations(ANN)).items[0].state is not RunState.COMPLETED:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    assert (await chat.get_run(ANN, run.id)).state is RunState.COMPLETED


async def test_ids_that_would_change_a_path_are_nothing(server: Replay, chat: KogwistarBackend) -> None:
    before = server.asked.copy()
    for id in ("..", ".", "a/b", "", "../runs"):
        with pytest.raises(NotFound):
            await chat.get_conversation(ANN, id)
        with pytest.raises(NotFound):
            await chat.get_run(ANN, id)
    assert set(server.asked - before) <= {"GET /api/auth/me"}


# Memory


async def test_turns_that_arrive_while_the_journal_is_read_are_shown(
    server: Replay, chat: KogwistarBackend, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await chat.start_run(ANN, None, "What is a hypergraph?")
    await read(chat, run)
    conversation = run.conversation_id
    other = KogwistarBackend(server.url, Store(path), timing=replace(FAST, glance=0))
    server.delays["/turns$"] = 0.3
    server.add_turn(conversation, "user", "From another client")
    try:
        assert (await other.load_transcript(ANN, conversation)).refreshing
        load = other._store.conversations.load_transcript

        async def slowly(*args: Any, **options: Any) -> Transcript:
            found = await load(*args, **options)
            for _ in range(1_000):
                if not other._learning.reads_turns(conversation):
                    break
                await asyncio.sleep(0.01)
            return found

        monkeypatch.setattr(other._store.conversations, "load_transcript", slowly)
        transcript = await other.load_transcript(ANN, conversation)
        assert (len(transcript.turns), transcript.refreshing) == (3, False)
    finally:
        await other.close()


async def test_a_known_conversation_opens_at_once(server: Replay, chat: KogwistarBackend, path: str) -> None:
    conversation = None
    for _ in range(30):
        run = await chat.start_run(ANN, conversation, "What is a hypergraph?")
        conversation = run.conversation_id
        await read(chat, run)
    assert conversation is not None
    other = KogwistarBackend(server.url, Store(path), timing=replace(FAST, glance=0.1))
    server.delays["/turns$"] = 4.0
    server.add_turn(conversation, "user", "From another client")
    try:
        transcript = await other.load_transcript(ANN, conversation)
        assert len(transcript.turns) == 60  # without what the server is still to say
        assert transcript.refreshing
        assert len({turn.id for turn in transcript.turns if turn.run}) == len(server.runs)
        for _ in range(400):
            transcript = await other.load_transcript(ANN, conversation)
            if not transcript.refreshing:
                break
            await asyncio.sleep(0.05)
        assert len(transcript.turns) == 61
    finally:
        await other.close()


async def test_the_sidebar_asks_the_server_once(server: Replay, chat: KogwistarBackend) -> None:
    for _ in range(5):
        await chat.list_conversations(ANN)
        await chat.search_conversations(ANN, "x")
    run = await chat.start_run(ANN, None, "Which way?")
    assert [item.id for item in (await chat.list_conversations(ANN)).items] == [run.conversation_id]
    assert server.asked["GET /api/conversations"] == 1


async def test_conversations_from_elsewhere_get_their_titles_once(
    server: Replay, chat: KogwistarBackend, path: str
) -> None:
    for text in ("One", "Two", "Three"):
        await chat.start_run(ANN, None, text)
    server.fault(f"{list(server.conversations)[1]}/turns", 403, {"detail": "no"}, 1e9)
    fresh = KogwistarBackend(server.url, timing=FAST)
    try:
        async with asyncio.timeout(10):
            titles: set[str] = set()
            while titles != {"One", "Conversation from elsewhere", "Three"}:
                titles = {item.title for item in (await fresh.list_conversations(ANN)).items}
                await asyncio.sleep(0.02)
        for _ in range(3):
            await fresh.list_conversations(ANN)
        assert server.asked["GET /api/conversations/{id}/turns"] == 3
    finally:
        await fresh.close()


async def test_what_was_removed_stays_removed(server: Replay, chat: KogwistarBackend, path: str) -> None:
    run = await chat.start_run(ANN, None, "Which way?")
    await read(chat, run)
    await chat.rename_conversation(ANN, run.conversation_id, "Directions")
    await chat.delete_conversation(ANN, run.conversation_id)
    other = KogwistarBackend(server.url, Store(path), timing=FAST)
    try:
        await other.list_conversations(ANN)
        await asyncio.sleep(0.2)
        assert (await other.list_conversations(ANN)).items == ()
        await other.restore_conversation(ANN, run.conversation_id)
        assert (await other.get_conversation(ANN, run.conversation_id)).title == "Directions"
    finally:
        await other.close()


async def test_turns_that_are_read_while_a_message_is_sent_are_not_doubled(
    server: Replay, chat: KogwistarBackend
) -> None:
    first = await chat.start_run(ANN, None, "hidden")
    await read(chat, first)
    server.delays["turns:answer"] = 1.0
    sending = asyncio.create_task(chat.start_run(ANN, first.conversation_id, "What is a hypergraph?"))
    await eventually(lambda: server.asked["POST /api/conversations/{id}/turns:answer"] == 2)
    (there,) = server.conversations
    turn = server.add_turn(there, "user", "What is a hypergraph?")  # it is stored before the server has answered
    assert len((await chat.load_transcript(ANN, first.conversation_id)).turns) == 4
    server.turns[there].pop()
    assert turn
    await read(chat, await sending)
    for _ in range(20):
        turns = (await chat.load_transcript(ANN, first.conversation_id)).turns
        assert [turn.text for turn in turns if turn.role == "user"] == ["hidden", "What is a hypergraph?"]
        assert len(turns) == 4
        await asyncio.sleep(0.02)


async def test_a_conversation_that_cannot_be_read_is_not_shown_as_empty(server: Replay, chat: KogwistarBackend) -> None:
    id = "c0" * 16
    server.conversations[id] = {"conversation_id": id, "user_id": "kog-ann", "status": "active", "turn_count": 2}
    server.turns[id] = []
    server.add_turn(id, "user", "Which way?")
    server.fault("/turns$", 503, times=2)
    with pytest.raises(BackendUnavailable, match="cannot be reached"):
        await chat.load_transcript(ANN, id)
    assert [turn.text for turn in (await chat.load_transcript(ANN, id)).turns] == ["Which way?"]


async def test_a_list_that_cannot_be_read_is_not_shown_as_empty(server: Replay, chat: KogwistarBackend) -> None:
    id = "c0" * 16
    server.conversations[id] = {"conversation_id": id, "user_id": "kog-ann", "status": "active", "turn_count": 0}
    server.turns[id] = []
    server.fault("/api/conversations$", 503, times=2)
    with pytest.raises(BackendUnavailable, match="cannot be reached"):
        await chat.list_conversations(ANN)
    assert [item.id for item in (await chat.list_conversations(ANN)).items] == [id]


async def test_turns_of_another_client_take_their_place_between_those_of_this_one(
    server: Replay, chat: KogwistarBackend
) -> None:
    run = await chat.start_run(ANN, None, "evidence please")
    await read(chat, run)
    server.add_turn(run.conversation_id, "user", "From the phone")
    server.add_turn(run.conversation_id, "assistant", "To the phone")
    await read(chat, await chat.start_run(ANN, run.conversation_id, "What is a hypergraph?"))
    await read(chat, await chat.start_run(ANN, run.conversation_id, "hidden trouble"))
    for _ in range(200):
        transcript = await chat.load_transcript(ANN, run.conversation_id)
        if len(transcript.turns) == 8:
            break
        await asyncio.sleep(0.02)
    shown = [turn.text for turn in transcript.turns]
    assert shown[0] == "evidence please"
    assert shown[2:5] == ["From the phone", "To the phone", "What is a hypergraph?"]
    assert shown[5].startswith("Debug RAG")
    assert shown[6:] == ["hidden trouble", ""]
    assert (await chat.list_conversations(ANN)).items[0].state is RunState.FAILED


async def test_a_turn_that_the_server_lists_twice_is_learned_once(server: Replay, chat: KogwistarBackend) -> None:
    id = "c0" * 16
    server.conversations[id] = {"conversation_id": id, "user_id": "kog-ann", "status": "active", "turn_count": 3}
    server.turns[id] = []
    server.add_turn(id, "user", "Which way?")
    server.add_turn(id, "assistant", "Left.")
    server.turns[id] = [each for turn in server.turns[id] for each in (turn, turn)]
    server.add_turn(id, "user", "And then?")
    assert [turn.text for turn in (await chat.load_transcript(ANN, id)).turns] == ["Which way?", "Left.", "And then?"]


async def test_news_that_could_not_be_read_are_read_at_the_next_look(server: Replay, chat: KogwistarBackend) -> None:
    run = await chat.start_run(ANN, None, "hidden")
    await read(chat, run)
    server.add_turn(run.conversation_id, "user", "From another client")
    server.fault("/turns$", 503, times=2)
    for _ in range(200):
        transcript = await chat.load_transcript(ANN, run.conversation_id)
        if len(transcript.turns) == 3:
            return
        await asyncio.sleep(0.02)
    raise AssertionError("the news never came")


# Guards


async def test_two_processes_share_one_place_for_a_run(server: Replay, chat: KogwistarBackend, path: str) -> None:
    run = await chat.start_run(ANN, None, "forever and ever")
    other = KogwistarBackend(server.url, Store(path), timing=FAST)
    try:
        calls = [other.start_run(ANN, run.conversation_id, f"next {number}") for number in range(5)]
        results = await asyncio.gather(*calls, return_exceptions=True)
        assert all(isinstance(result, Busy) for result in results)
        assert len(server.runs) == 1
        seen = asyncio.create_task(read(other, run))
        await chat.stop_run(ANN, run.id)
        assert end(await read(chat, run)) == end(await seen)
        assert await read(other, run) == await read(chat, run)
        # One that continues: a run that is over makes room for the next.
        calls = [each.start_run(ANN, run.conversation_id, "forever again") for each in (chat, other) * 3]
        results = await asyncio.gather(*calls, return_exceptions=True)
        (won,) = (result for result in results if isinstance(result, Run))
        assert sum(isinstance(result, Busy) for result in results) == 5
        await chat.stop_run(ANN, won.id)
        await read(chat, won)
    finally:
        await other.close()


async def test_a_message_that_never_gets_an_answer_is_not_sent(server: Replay, chat: KogwistarBackend) -> None:
    with pytest.raises(TextTooLong, match="20,000"):
        await chat.start_run(ANN, None, "x" * 20_001)
    assert not server.conversations


async def test_reads_are_tried_again_and_submits_are_not(server: Replay, chat: KogwistarBackend) -> None:
    run = await chat.start_run(ANN, None, "hidden")
    await read(chat, run)
    server.fault("/api/conversations$", 503)
    await chat.list_conversations(ANN)
    await eventually(lambda: server.asked["GET /api/conversations"] == 2)
    server.fault("turns:answer", 503)
    before = server.asked["POST /api/conversations/{id}/turns:answer"]
    with pytest.raises(BackendUnavailable):
        await chat.start_run(ANN, run.conversation_id, "once")
    assert server.asked["POST /api/conversations/{id}/turns:answer"] == before + 1
    turns = (await chat.load_transcript(ANN, run.conversation_id)).turns
    assert [turn.text for turn in turns if turn.role == "user"] == ["hidden"]
    await chat.start_run(ANN, run.conversation_id, "once more")


async def test_a_first_message_that_is_refused_leaves_no_conversation(server: Replay, chat: KogwistarBackend) -> None:
    server.fault("turns:answer", 400, {"detail": "text must be non-empty"})
    with pytest.raises(BackendError, match="text must be non-empty"):
        await chat.start_run(ANN, None, "hello")
    assert (await chat.list_conversations(ANN)).items == ()


# While a message is being sent


async def test_a_look_while_a_message_is_being_sent_shows_the_question_and_then_the_run(
    server: Replay, chat: KogwistarBackend, path: str
) -> None:
    first = await chat.start_run(ANN, None, "hidden")
    await read(chat, first)
    other = KogwistarBackend(server.url, Store(path), timing=FAST)
    server.delays["turns:answer"] = 3.0
    sending = asyncio.create_task(chat.start_run(ANN, first.conversation_id, "forever and ever"))
    try:
        await eventually(lambda: server.asked["POST /api/conversations/{id}/turns:answer"] == 2)
        for backend in (chat, other):
            transcript = await backend.load_transcript(ANN, first.conversation_id)
            assert [turn.text for turn in transcript.turns if turn.role == "user"] == ["hidden", "forever and ever"]
            assert transcript.live_run is not None
            with pytest.raises(Busy):
                await backend.start_run(ANN, first.conversation_id, "meanwhile")
        run = await sending
        for backend in (chat, other):
            live = (await backend.load_transcript(ANN, first.conversation_id)).live_run
            assert live is not None and live.id == run.id
            with pytest.raises(Busy):
                await backend.start_run(ANN, first.conversation_id, "meanwhile")
        assert len(server.runs) == 2
        server.release(on(server, run))
        assert await read(other, run) == await read(chat, run)
    finally:
        await other.close()


async def test_a_conversation_that_is_removed_while_a_message_is_sent_stops_its_run(
    server: Replay, chat: KogwistarBackend
) -> None:
    first = await chat.start_run(ANN, None, "hidden")
    await read(chat, first)
    server.delays["turns:answer"] = 1.0
    sending = asyncio.create_task(chat.start_run(ANN, first.conversation_id, "forever and ever"))
    await eventually(lambda: server.asked["POST /api/conversations/{id}/turns:answer"] == 2)
    await chat.delete_conversation(ANN, first.conversation_id)
    run = await sending
    await eventually(lambda: server.runs[on(server, run)].cancelling is not None)


@pytest.mark.parametrize(("status", "body"), [(502, "bad gateway"), (504, "<html>"), (202, "<html>"), (202, "{}")])
async def test_a_message_that_may_have_arrived_is_not_called_a_failure(
    server: Replay, chat: KogwistarBackend, status: int, body: str
) -> None:
    first = await chat.start_run(ANN, None, "hidden")
    await read(chat, first)
    server.fault("turns:answer", status, body)
    with pytest.raises(BackendUnavailable, match="may have arrived"):
        await chat.start_run(ANN, first.conversation_id, "Which way?")
    server.add_turn(first.conversation_id, "user", "Which way?")  # it has
    server.add_turn(first.conversation_id, "assistant", "Left.")
    transcript = await until_over(chat, first.conversation_id)
    assert [turn.text for turn in transcript.turns if turn.text] == ["hidden", "Which way?", "Left."]
    await chat.start_run(ANN, first.conversation_id, "And then?")


async def test_nothing_is_sent_until_it_is_known_what_became_of_a_message(
    server: Replay, chat: KogwistarBackend
) -> None:
    first = await chat.start_run(ANN, None, "hidden")
    await read(chat, first)
    server.fault("turns:answer", 504)
    with pytest.raises(BackendUnavailable):
        await chat.start_run(ANN, first.conversation_id, "Which way?")
    server.fault("/turns$", 500, times=1e9)
    with pytest.raises(Busy, match="not known yet"):
        await chat.start_run(ANN, first.conversation_id, "And then?")
    server.faults.clear()
    server.add_turn(first.conversation_id, "user", "Which way?")
    server.add_turn(first.conversation_id, "assistant", "Left.")
    await until_over(chat, first.conversation_id)
    await chat.start_run(ANN, first.conversation_id, "And then?")
    turns = (await chat.load_transcript(ANN, first.conversation_id)).turns
    assert [turn.text for turn in turns if turn.role == "user"] == ["hidden", "Which way?", "And then?"]


async def test_a_message_in_doubt_that_has_arrived_is_not_joined_by_a_second_run(
    server: Replay, chat: KogwistarBackend, path: str
) -> None:
    first = await chat.start_run(ANN, None, "hidden")
    await read(chat, first)
    id = first.conversation_id
    server.fault("turns:answer", 504)
    with pytest.raises(BackendUnavailable):
        await chat.start_run(ANN, id, "  Which way?\n")
    server.add_turn(id, "user", "Which way?")
    (live,) = [turn.run for turn in (await chat.load_transcript(ANN, id)).turns if turn.run and turn.run.state.live]
    await until(chat, live, StageChanged, "has arrived")
    other = KogwistarBackend(server.url, Store(path), timing=FAST)
    try:
        for each in (chat, other):
            with pytest.raises(Busy, match="has arrived"):
                await each.start_run(ANN, id, "And then?")
        transcript = await other.load_transcript(ANN, id)
        assert transcript.live_run is not None
        assert [turn.text for turn in transcript.turns] == ["hidden", "", "  Which way?\n", ""]
        server.add_turn(id, "assistant", "Left.")
        await until_over(chat, id)
        run = await chat.start_run(ANN, id, "And then?")
        await read(chat, run)
        turns = (await other.load_transcript(ANN, id)).turns
        assert [turn.text.strip() for turn in turns if turn.text][:4] == ["hidden", "Which way?", "Left.", "And then?"]
    finally:
        await other.close()


@pytest.mark.parametrize("timing", [replace(FAST, unanswered=0)], ids=[""])
async def test_a_message_in_doubt_whose_answer_does_not_come_frees_its_place(
    server: Replay, chat: KogwistarBackend
) -> None:
    first = await chat.start_run(ANN, None, "hidden")
    await read(chat, first)
    server.fault("turns:answer", 504)
    with pytest.raises(BackendUnavailable):
        await chat.start_run(ANN, first.conversation_id, "Which way?")
    with pytest.raises(Busy):
        await chat.start_run(ANN, first.conversation_id, "And then?")
    server.add_turn(first.conversation_id, "user", "Which way?")
    await until_over(chat, first.conversation_id)
    await chat.start_run(ANN, first.conversation_id, "And then?")
    turns = (await chat.load_transcript(ANN, first.conversation_id)).turns
    assert [turn.text for turn in turns if turn.role == "user"] == ["hidden", "Which way?", "And then?"]


@pytest.mark.parametrize(("status", "listed"), [(400, 0), (503, 0), (500, 1), (504, 1), (202, 1)])
async def test_a_first_message_that_may_have_arrived_leaves_its_conversation(
    server: Replay, chat: KogwistarBackend, status: int, listed: int
) -> None:
    server.fault("turns:answer", status, "oops")
    with pytest.raises(BackendError):
        await chat.start_run(ANN, None, "hello")
    assert len((await chat.list_conversations(ANN)).items) == listed


async def test_a_workflow_that_may_have_begun_says_so(server: Replay, flows: KogwistarBackend) -> None:
    server.fault("/api/workflow/runs$", 504)
    with pytest.raises(BackendUnavailable, match="may have arrived"):
        await flows.start_run(ANN, None, "suspend please")
    (conversation,) = (await flows.list_conversations(ANN)).items
    transcript = await flows.load_transcript(ANN, conversation.id)
    async with asyncio.timeout(15):
        while "not known" not in (fold(transcript.turns[1].events).error or ""):
            await asyncio.sleep(0.02)
            transcript = await flows.load_transcript(ANN, conversation.id)
    assert [turn.text for turn in transcript.turns] == ["suspend please", ""]
    await flows.start_run(ANN, conversation.id, "suspend please")


async def test_a_slow_server_is_not_called_a_failure_and_its_answer_comes(server: Replay, path: str) -> None:
    chat = KogwistarBackend(server.url, Store(path), timing=replace(FAST, submit=0.5))
    try:
        server.delays["turns:answer"] = 2.0
        with pytest.raises(BackendUnavailable, match="may have arrived"):
            await chat.start_run(ANN, None, "What is a hypergraph?")
        (conversation,) = (await chat.list_conversations(ANN)).items
        with pytest.raises(Busy):
            await chat.start_run(ANN, conversation.id, "again")
        transcript = await until_over(chat, conversation.id)
        assert len(transcript.turns) == 2
        assert len(server.runs) == 1
    finally:
        await chat.close()


async def test_a_state_that_the_host_cannot_make_takes_no_place(server: Replay, path: str) -> None:
    def initial_state(text: str) -> dict[str, Any]:
        return {"text": text, "ratio": 1 / len(text.removeprefix("bad"))}

    chat = KogwistarBackend(server.url, Store(path), workflow_id="flow", initial_state=initial_state, timing=FAST)
    try:
        run = await chat.start_run(ANN, None, "simple")
        await read(chat, run)
        for conversation in (None, run.conversation_id):
            with pytest.raises(ZeroDivisionError):
                await chat.start_run(ANN, conversation, "bad")
        assert len((await chat.list_conversations(ANN)).items) == len(server.conversations) == 1
        await chat.start_run(ANN, run.conversation_id, "simple")
    finally:
        await chat.close()


async def test_an_unforeseen_failure_while_sending_does_not_keep_the_place(
    server: Replay, chat: KogwistarBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(data: Any) -> ServerRun:
        raise OSError("not foreseen")

    run = await chat.start_run(ANN, None, "hidden")
    await read(chat, run)
    with monkeypatch.context() as patch, pytest.raises(OSError, match="not foreseen"):
        patch.setattr("htmxchat.agents.kogwistar.transport.client.replies.read_run", fail)
        await chat.start_run(ANN, run.conversation_id, "What is a hypergraph?")
    await until_over(chat, run.conversation_id)
    await chat.start_run(ANN, run.conversation_id, "hidden")


async def test_a_process_that_died_while_sending_leaves_no_ghost(
    server: Replay, chat: KogwistarBackend, path: str
) -> None:
    run = await chat.start_run(ANN, None, "hidden")
    await read(chat, run)
    other = KogwistarBackend(server.url, Store(path), timing=FAST)
    try:
        server.delays["turns:answer"] = 1e9
        sending = asyncio.create_task(other.start_run(ANN, run.conversation_id, "Which way?"))
        await eventually(lambda: server.asked["POST /api/conversations/{id}/turns:answer"] == 2)
        await other.close()
        sending.cancel()
        server.delays.clear()
        server.add_turn(run.conversation_id, "user", "Which way?")
        server.add_turn(run.conversation_id, "assistant", "Left.")
        for _ in range(200):
            turns = (await chat.load_transcript(ANN, run.conversation_id)).turns
            if turns[-1].text == "Left.":
                break
            await asyncio.sleep(0.02)
        assert [turn.text for turn in turns if turn.text] == ["hidden", "Which way?", "Left."]
        assert not [turn for turn in turns if turn.run is not None and turn.run.state.live]
        await chat.start_run(ANN, run.conversation_id, "And then?")
    finally:
        await other.close()


# Who asks


@pytest.mark.parametrize(
    ("user", "error", "words"),
    [
        (User("ann"), NotSignedIn, "not signed in"),
        (User("ann", token=token("kog-ann", seconds=-10)), NotSignedIn, "expired"),
        (User("ann", token="garbage"), NotSignedIn, "not signed in"),
        (User("ann", token="a.b.c\n"), NotSignedIn, "not signed in"),
        (User("ann", token=token(None)), NotSignedIn, "no user"),
        (User("ann", token=token("kog-ann", role="ro")), NotAllowed, "role “ro”"),
        (User("ann", token=token("kog-ann", ns=["docs"])), NotAllowed, "no access to conversations"),
    ],
)
async def test_who_may_not_chat_is_told_why(chat: KogwistarBackend, user: User, error: type, words: str) -> None:
    with pytest.raises(error, match=words):
        await chat.start_run(user, None, "hello")


async def test_a_token_that_expires_meanwhile_asks_to_sign_in(chat: KogwistarBackend) -> None:
    run = await chat.start_run(ANN, None, "What is a hypergraph?")
    short = replace(ANN, token=token("kog-ann", seconds=1))  # too short to ask the server with
    with pytest.raises(NotSignedIn, match="expired"):
        await chat.load_transcript(short, run.conversation_id)
    assert (await chat.load_transcript(ANN, run.conversation_id)).turns


async def test_a_run_whose_token_has_ended_goes_on_in_the_process_that_knows_a_new_one(
    server: Replay, chat: KogwistarBackend, path: str
) -> None:
    run = await chat.start_run(replace(ANN, token=token("kog-ann", seconds=7200)), None, "forever and ever")
    server.fault("/api/runs/[^/]*$", 401, {"detail": "Not authenticated"})
    async with asyncio.timeout(10):
        while chat._journal.runs:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    other = KogwistarBackend(server.url, Store(path), timing=FAST)
    try:
        await until(other, run, StageChanged, "signed in again. Waiting")
        assert run.id in other._journal.runs
        server.release(on(server, run))
        events = await read(other, run)
        assert fold(events).state is RunState.CANCELLED
        stages = [event.body.name for event in events if isinstance(event.body, StageChanged)]
        assert sum("continues when you have signed in" in stage for stage in stages) == 1
        assert len(server.runs) == 1
    finally:
        await other.close()


async def test_a_run_that_waits_for_a_token_is_not_taken_for_one_that_nobody_wants(
    server: Replay, chat: KogwistarBackend, path: str
) -> None:
    run = await chat.start_run(ANN, None, "forever and ever")
    store = Store(path)
    other = KogwistarBackend(server.url, store, timing=FAST)
    try:
        await chat.close()
        long_ago, this = datetime.now(UTC) - timedelta(seconds=50), tables.runs.c.id == run.id
        await store.database.write(lambda db: db.execute(update(tables.runs).where(this).values(released_at=long_ago)))
        released_at = select(tables.runs.c.released_at).where(this)
        await other.open()
        async with asyncio.timeout(10):
            while (await store.database.read(lambda db: db.scalar(released_at)) or long_ago) <= long_ago:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        assert (await other.get_run(ANN, run.id)).state.live
    finally:
        await other.close()


def test_a_token_that_the_server_does_not_take_any_more_leads_to_signing_in(server: Replay) -> None:
    async def identify(request: Any) -> User:
        return User("ann", token="garbage")

    app = create_chat_app(KogwistarBackend(server.url, timing=FAST), identify=identify, login=LoginPages("/sign-in"))
    with TestClient(app, headers={"sec-fetch-site": "same-origin"}) as client:
        page = client.get("/")
        assert page.status_code == 401
        assert 'href="/sign-in?next=%2F"' in page.text
        sent = client.post("/messages", data={"text": "What took long to write"})  # without JavaScript
        assert sent.status_code == 401
        assert "What took long to write" in sent.text


@pytest.mark.parametrize(
    ("status", "body", "error", "words"),
    [
        (500, "500", BackendError, "The kogwistar server failed"),
        (500, "714", BackendError, "The kogwistar server failed"),
        (500, b"Internal Server Error", BackendError, "The kogwistar server failed"),
        (422, "049", BackendError, "user_id: Field required"),
        (422, {"detail": [{"loc": None, "msg": "Nowhere"}]}, BackendError, "this: Nowhere"),
        (422, {"detail": [{"loc": 5, "msg": 7}]}, BackendError, "this: 7"),
        (400, {"error": {"code": "x", "detail": "No such thing", "request_id": "req-7"}}, BackendError, "req-7"),
        (500, {"detail": "the index is broken"}, BackendError, "The kogwistar server failed: the index is broken."),
        (503, b"", BackendUnavailable, "cannot be reached"),
        (503, {"detail": "The model is overloaded"}, BackendUnavailable, "right now: The model is overloaded."),
        (429, {"message": "Too many requests"}, BackendUnavailable, "right now: Too many requests."),
        (429, b"", BackendUnavailable, "too much to do"),
        (501, {"detail": "no such method"}, BackendError, "cannot do this: no such method."),
        (501, "807 0.6.15", BackendError, "cannot chat"),
        (403, {"code": "KOGWISTAR_AUTH_FORBIDDEN", "message": "required role missing"}, NotAllowed, "role missing"),
        (403, "118", NotAllowed, "DEV_AUTH_ROLE"),
        (200, b"<html>", BackendUnavailable, "may have arrived"),
        (200, b"[]", BackendUnavailable, "may have arrived"),
        (404, {"detail": "'Unknown conversation_id: x'"}, NotFound, "may have been deleted"),
        (404, {"error": {"detail": "No such thing", "request_id": "req-8"}}, NotFound, "may have been deleted.*req-8"),
        (404, {"error": {"detail": "Not Found", "request_id": "req-9"}}, BackendError, "unexpected answer.*req-9"),
        (404, b"Not Found", BackendError, "sent an unexpected answer"),
        (404, {"detail": "Not Found"}, BackendError, "sent an unexpected answer"),
    ],
)
async def test_every_shape_of_failure_is_a_sentence(
    server: Replay, chat: KogwistarBackend, status: int, body: Any, error: type, words: str
) -> None:
    run = await chat.start_run(ANN, None, "hidden")
    content = (
        recording(*body.split()).body if isinstance(body, str) else json.dumps(body) if isinstance(body, dict) else body
    )
    server.fault("turns:answer", status, content)
    await read(chat, run)
    with pytest.raises(error, match=words) as raised:
        await chat.start_run(ANN, run.conversation_id, "hello")
    for secret in ("Traceback", "server-path", "line ", "sqlite"):
        assert secret not in str(raised.value)


async def test_a_server_that_says_why_it_cannot_is_not_called_away(server: Replay, chat: KogwistarBackend) -> None:
    run = await chat.start_run(ANN, None, "forever and ever")
    server.fault("/events$|/api/runs/[^/]+$", 503, {"detail": "The model is overloaded"}, 12)
    await until(chat, run, StageChanged, "The model is overloaded. Trying again")
    await chat.stop_run(ANN, run.id)


async def test_what_does_not_exist_is_told_without_its_request_id(server: Replay, chat: KogwistarBackend) -> None:
    # With it, it would not look as what is someone else's.
    server.fault("/api/(runs|conversations)/x", 404, {"error": {"detail": "Unknown", "request_id": "req-8"}}, 2)
    for look in (chat.get_run, chat.get_conversation):
        with pytest.raises(NotFound) as raised:
            await look(ANN, "x")
        assert str(raised.value) == NotFound.sentence


# Waiting


async def test_a_suspended_run_waits_and_survives_a_restart(server: Replay, flows: KogwistarBackend, path: str) -> None:
    run = await flows.start_run(ANN, None, "suspend please")
    request = await until(flows, run, InputRequested)
    assert request.prompt == "needs a client result. no value yet. The agent is waiting for a result from outside."
    assert (await flows.list_conversations(ANN)).items[0].state is RunState.SUSPENDED
    await flows.close()
    other = KogwistarBackend(server.url, Store(path), workflow_id="demo.suspend", timing=FAST)
    try:
        transcript = await other.load_transcript(ANN, run.conversation_id)
        shown = fold(transcript.turns[-1].events)
        assert shown.request == request
        assert transcript.live_run is not None
        with pytest.raises(Busy):
            await other.start_run(ANN, run.conversation_id, "next")
        answers = [other.answer_request(ANN, run.id, request.request_id, "42") for _ in range(5)]
        results = await asyncio.gather(*answers, return_exceptions=True)
        assert sum(result is None for result in results) == 1
        assert sum(isinstance(result, NotFound) for result in results) == 4
        view = fold(await read(other, run))
        assert view.state is RunState.COMPLETED
        assert '"client_answer": 42' in view.text
        (resume,) = server.runs[on(server, run)].resumes
        assert resume["client_result"] == {"status": "success", "state_update": [["u", {"client_answer": "42"}]]}
        assert resume["suspended_node_id"] == "wf|demo.suspend|1-x_suspend"
        assert fold((await other.load_transcript(ANN, run.conversation_id)).turns[-1].events).text == view.text
    finally:
        await other.close()


async def test_another_process_shows_the_answer_and_the_end(server: Replay, flows: KogwistarBackend, path: str) -> None:
    run = await flows.start_run(ANN, None, "suspend please")
    request = await until(flows, run, InputRequested)
    other = KogwistarBackend(server.url, Store(path), timing=FAST)
    try:
        reading = asyncio.create_task(read(flows, run))
        await asyncio.sleep(0.1)
        await other.answer_request(ANN, run.id, request.request_id, "42")
        assert end(await reading).outcome.value == "completed"
        assert await read(other, run) == await read(flows, run)
        assert len(server.runs[on(server, run)].resumes) == 1
    finally:
        await other.close()


async def test_a_waiting_run_can_be_stopped(server: Replay, flows: KogwistarBackend) -> None:
    run = await flows.start_run(ANN, None, "suspend please")
    request = await until(flows, run, InputRequested)
    await flows.stop_run(ANN, run.id)
    assert end(await read(flows, run)).outcome.value == "cancelled"
    with pytest.raises(NotFound):
        await flows.answer_request(ANN, run.id, request.request_id, "42")
    assert not server.runs[on(server, run)].resumes


async def test_an_answer_whose_reply_got_lost_is_found_out(server: Replay, flows: KogwistarBackend) -> None:
    run = await flows.start_run(ANN, None, "suspend please")
    request = await until(flows, run, InputRequested)
    server.runs[on(server, run)].resumed = True  # the server took it, and the reply did not come through
    server.fault("/resume$", 503)
    await flows.answer_request(ANN, run.id, request.request_id, "42")
    view = fold(await read(flows, run))
    assert view.state is RunState.COMPLETED
    assert "client_answer" in view.text


async def test_an_answer_that_never_arrived_is_asked_for_again(server: Replay, flows: KogwistarBackend) -> None:
    run = await flows.start_run(ANN, None, "suspend please")
    first = await until(flows, run, InputRequested)
    server.fault("/resume$", 503)
    await flows.answer_request(ANN, run.id, first.request_id, "42")
    second = await until(flows, run, InputRequested, "was not accepted")
    assert second.request_id != first.request_id
    await flows.answer_request(ANN, run.id, second.request_id, "43")
    assert fold(await read(flows, run)).state is RunState.COMPLETED


async def test_a_slow_answer_is_not_asked_for_again_elsewhere(
    server: Replay, flows: KogwistarBackend, path: str
) -> None:
    run = await flows.start_run(ANN, None, "suspend please")
    request = await until(flows, run, InputRequested)
    other = KogwistarBackend(server.url, Store(path), timing=replace(FAST, resent=1.2))
    try:
        server.delays["/resume$"] = 3.0
        await flows.answer_request(ANN, run.id, request.request_id, "42")
        events = await read(other, run)
        assert fold(events).state is RunState.COMPLETED
        assert sum(isinstance(event.body, InputRequested) for event in events) == 1
        assert len(server.runs[on(server, run)].resumes) == 1
    finally:
        await other.close()


async def test_a_stop_that_a_dying_process_did_not_pass_on_reaches_the_server(
    server: Replay, chat: KogwistarBackend, path: str
) -> None:
    run = await chat.start_run(ANN, None, "forever and ever")
    server.fault("/cancel$", 503, times=1e9)
    await chat.stop_run(ANN, run.id)
    await until(chat, run, RunStopping)
    kill(chat)
    await chat._store.takeover.give_up_runs([run.id], chat._journal.owner)
    assert server.runs[on(server, run)].cancelling is None
    server.faults.clear()
    other = KogwistarBackend(server.url, Store(path), timing=FAST)
    try:
        events = await read(other, run)
        assert end(events).outcome is Outcome.CANCELLED
        assert [type(event.body) for event in events].count(RunStopping) == 1
        assert server.runs[on(server, run)].cancelling is not None
    finally:
        await other.close()


async def test_an_answer_of_a_process_that_died_is_asked_for_again(
    server: Replay, flows: KogwistarBackend, path: str
) -> None:
    run = await flows.start_run(ANN, None, "suspend please")
    request = await until(flows, run, InputRequested)
    server.delays["/resume$"] = 1e9
    await flows.answer_request(ANN, run.id, request.request_id, "42")
    await eventually(lambda: server.asked["POST /api/workflow/runs/{id}/resume"])
    await flows.close()
    server.delays.clear()
    other = KogwistarBackend(server.url, Store(path), timing=FAST)
    try:
        second = await until(other, run, InputRequested, "not known whether your answer")
        await other.answer_request(ANN, run.id, second.request_id, "43")
        assert fold(await read(other, run)).state is RunState.COMPLETED
    finally:
        await other.close()


async def test_an_answer_to_a_process_that_is_gone_is_given_by_another(
    server: Replay, flows: KogwistarBackend, path: str
) -> None:
    run = await flows.start_run(ANN, None, "suspend please")
    request = await until(flows, run, InputRequested)
    await flows.close()
    other = KogwistarBackend(server.url, Store(path), workflow_id="demo.suspend", timing=FAST)
    try:
        await other.answer_request(ANN, run.id, request.request_id, "42")
        assert fold(await read(other, run)).state is RunState.COMPLETED
        assert len(server.runs[on(server, run)].resumes) == 1
    finally:
        await other.close()


async def test_an_answer_that_the_server_refuses_ends_the_run(server: Replay, flows: KogwistarBackend) -> None:
    run = await flows.start_run(ANN, None, "suspend please")
    request = await until(flows, run, InputRequested)
    server.fault("/resume$", 400, {"detail": "Unknown predicate 'aa_should_iterate'"})
    await flows.answer_request(ANN, run.id, request.request_id, "42")
    assert "Unknown predicate" in (end(await read(flows, run)).error or "")


async def test_a_run_that_waits_twice_asks_twice(flows: KogwistarBackend) -> None:
    run = await flows.start_run(ANN, None, "budget please")
    first = await until(flows, run, InputRequested)
    assert first.choices == ("Continue", "Refuse")
    await flows.answer_request(ANN, run.id, first.request_id, {"status": "suspended", "state_update": []})
    second = await until(flows, run, InputRequested, "wait-2")
    await flows.answer_request(ANN, run.id, second.request_id, "Continue")
    assert "_deps" in (end(await read(flows, run)).error or "")


async def test_a_script_is_proposed_and_its_result_resumes(server: Replay, flows: KogwistarBackend) -> None:
    run = await flows.start_run(ANN, None, "script please")
    script = await until(flows, run, ScriptProposed)
    assert "6 * 7" in script.code
    (queued,) = await flows.list_scripts(ANN, run.conversation_id)
    shown = digest(queued.code)
    failed = ScriptResult(ScriptState.FAILED, error=ScriptError("python", "x", "NameError"))
    for action in (Approve(shown), Claim("page", shown), Finish("page", failed)):
        await flows.change_script(ANN, run.id, queued.id, action)
    events = await read(flows, run)
    assert fold(events).state is RunState.FAILED
    assert "NameError" in server.runs[on(server, run)].resumes[0]["client_result"]["errors"][0]


async def test_a_suspended_run_goes_on_with_what_came_of_its_script(server: Replay, flows: KogwistarBackend) -> None:
    run = await flows.start_run(ANN, None, "script please")
    await until(flows, run, ScriptProposed)
    (script,) = await flows.list_scripts(ANN, run.conversation_id)
    assert (script.state, script.awaited) == (ScriptState.QUEUED, True)
    assert len(await flows.list_scripts(ANN, run.conversation_id)) == 1
    shown = digest(script.code)
    result = ScriptResult(ScriptState.DONE, stdout="42\n", seconds=0.1)
    for action in (Approve(shown), Claim("page", shown), Finish("page", result), Finish("page", result)):
        script = await flows.change_script(ANN, run.id, script.id, action)
    assert (script.state, script.awaited) == (ScriptState.DONE, False)
    view = fold(await read(flows, run))
    assert view.state is RunState.COMPLETED
    finished = [part.finished for part in view.parts if isinstance(part, ProposedScript)]
    assert [each.state for each in finished if each] == ["done"]
    (resume,) = server.runs[on(server, run)].resumes
    assert resume["client_result"]["status"] == "success"
    assert resume["client_result"]["state_update"][0][1]["client_answer"]["stdout"] == "42\n"


async def test_a_suspended_run_is_told_that_its_script_was_rejected(server: Replay, flows: KogwistarBackend) -> None:
    run = await flows.start_run(ANN, None, "script please")
    await until(flows, run, ScriptProposed)
    (script,) = await flows.list_scripts(ANN, run.conversation_id)
    await flows.change_script(ANN, run.id, script.id, Reject())
    assert fold(await read(flows, run)).state is RunState.FAILED
    (resume,) = server.runs[on(server, run)].resumes
    assert resume["client_result"]["errors"] == ["The user rejected the script. It did not run."]


async def test_a_run_that_is_stopped_does_not_wait_for_its_script_any_more(flows: KogwistarBackend) -> None:
    run = await flows.start_run(ANN, None, "script please")
    await until(flows, run, ScriptProposed)
    assert len(await flows.list_scripts(ANN, run.conversation_id)) == 1
    await flows.stop_run(ANN, run.id)
    await read(flows, run)
    (script,) = await flows.list_scripts(ANN, run.conversation_id)
    assert (script.state, script.awaited) == (ScriptState.CANCELLED, False)


async def test_what_one_user_is_given_to_remember_is_not_sent_by_another() -> None:
    sent: list[str | None] = []

    def respond(request: httpx.Request) -> httpx.Response:
        sent.append(request.headers.get("cookie"))
        return httpx.Response(200, json={"user_id": "kog"}, headers={"set-cookie": "session=of-the-first; Path=/"})

    client = Client("http://kog.example", transport=httpx.MockTransport(respond))
    await client.account(ANN.token or "")
    await client.account(BEN.token or "")
    await client.close()
    assert sent == [None, None]


@pytest.mark.parametrize(
    ("refs", "read"),
    [
        ([{"ref": "n1", "summary": "A node"}, "n2", None], {"n1": "A node"}),
        (["n1", "n2"], {}),
        ([], {}),
        (None, {}),
        ("n1", {}),
    ],
)
async def test_evidence_may_be_references_alone_or_none(refs: Any, read: dict[str, str]) -> None:
    def respond(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"evidence_refs": refs})

    client = Client("http://kog.example", transport=httpx.MockTransport(respond))
    assert await client.evidence(ANN.token or "", "run") == read
    await client.close()


async def test_an_answer_ends_without_its_sources_when_they_cannot_be_read(
    server: Replay, chat: KogwistarBackend
) -> None:
    server.fault("/checkpoints", 504, "gateway timeout", times=1e9)
    server.fault("/resume-contract", 504, "gateway timeout", times=1e9)
    run = await chat.start_run(ANN, None, "evidence please")
    view = fold(await read(chat, run))
    assert view.state is RunState.COMPLETED
    assert view.text


async def test_what_the_server_cannot_do_is_not_offered(chat: KogwistarBackend) -> None:
    assert not isinstance(chat, CanRetry | CanBranch)


async def test_removing_a_conversation_says_that_the_server_keeps_it(chat: KogwistarBackend) -> None:
    assert "The kogwistar server keeps" in chat.deletion_notice


async def test_the_list_of_runs_says_which_workflow_ran(chat: KogwistarBackend) -> None:
    run = await chat.start_run(ANN, None, "What is a hypergraph?")
    await read(chat, run)
    (listed,) = await chat.list_runs(ANN, run.conversation_id)
    assert (listed.run.id, listed.question) == (run.id, "What is a hypergraph?")
    assert listed.workflow == "debug.rag.v1"
    assert listed.ended_at is not None
    with pytest.raises(NotFound):
        await chat.list_runs(BEN, run.conversation_id)


def test_what_is_not_installed_is_said_at_the_import() -> None:
    hidden = "from importlib import util; util.find_spec = lambda name: None; import htmxchat.agents.kogwistar"
    said = subprocess.run([sys.executable, "-c", hidden], capture_output=True, text=True, check=False).stderr
    assert said.endswith("needs httpx: pip install 'htmxchat[kogwistar]'\n")
