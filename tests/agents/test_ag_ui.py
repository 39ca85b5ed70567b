"""An agent behind AG-UI, as a conversation sees it: real sockets, the real journal."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Callable
from typing import Any

import anyio
import pytest

from htmxchat import LocalBackend, Run, RunState, RunView, Store, User, fold
from htmxchat.agents import ag_ui
from htmxchat.testing import each_event
from tests.agents.agui import Played, playing, refusal, run, says, stream

pytestmark = pytest.mark.anyio
Chats = Callable[..., LocalBackend]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def ann() -> User:
    return User(f"ann-{uuid.uuid4().hex}")


@pytest.fixture
async def chats() -> AsyncIterator[Chats]:
    made: list[LocalBackend] = []

    def make(agent: Any, store: Store | None = None) -> LocalBackend:
        made.append(LocalBackend(agent, store))
        return made[-1]

    yield make
    for backend in made:
        await backend.close()


async def until(backend: LocalBackend, user: User, run: Run, met: Callable[[RunView], bool]) -> RunView:
    """Return the run's view as soon as it is as wanted, or has ended."""
    events, view = [], RunView()
    with anyio.fail_after(20):
        async for event in each_event(backend, user, run.id):
            events.append(event)
            view = fold([event], view)
            if met(view):
                break
    return view


async def ended(backend: LocalBackend, user: User, run: Run) -> RunView:
    return await until(backend, user, run, lambda view: not view.state.live)


async def say(backend: LocalBackend, user: User, text: str, conversation: str | None = None) -> tuple[Run, RunView]:
    begun = await backend.start_run(user, conversation, text)
    return begun, await ended(backend, user, begun)


async def test_an_answer_streams_and_the_next_turn_has_the_conversation(chats: Chats, ann: User) -> None:
    async with playing([run(*says("Hello Ann.", "m1")), run(*says("Hello again.", "m2"))]) as server:
        chat = chats(ag_ui(server.url))
        first, view = await say(chat, ann, "Hi")
        assert (view.state, view.text) == (RunState.COMPLETED, "Hello Ann.")
        _, view = await say(chat, ann, "And again", first.conversation_id)
        assert view.text == "Hello again."
    one, two = server.requests
    assert one["protocolVersion"] == "1.0" and one["threadId"] == two["threadId"] and one["runId"] != two["runId"]
    assert (one["state"], one["context"], one["forwardedProps"]) == ({}, [], {})
    assert [(each["role"], each["content"]) for each in two["messages"]] == [
        ("user", "Hi"),
        ("assistant", "Hello Ann."),
        ("user", "And again"),
    ]
    assert two["messages"][:1] == one["messages"] and two["messages"][1]["id"] == "m1"
    assert b"content-type: application/json" in server.heads[0].lower()


async def test_a_stream_that_breaks_off_is_never_told_as_complete(chats: Chats, ann: User) -> None:
    for how in ("eof", "incomplete"):
        async with playing([stream({"type": "RUN_STARTED"}, *says("So far")[:2], how=how)]) as server:
            _, view = await say(chats(ag_ui(server.url)), ann, "Hi")
        assert view.state is RunState.FAILED and view.text.strip() == "So"
        assert view.error == "The connection to the agent broke off in the middle of its answer. What it wrote is kept."


async def test_a_stop_closes_the_connection(chats: Chats, ann: User) -> None:
    async with playing([stream({"type": "RUN_STARTED"}, *says("So far")[:2])], hold=True) as server:
        chat = chats(ag_ui(server.url))
        begun = await chat.start_run(ann, None, "Hi")
        await until(chat, ann, begun, lambda view: view.written)
        await chat.cancel_run(ann, begun.id)
        assert (await ended(chat, ann, begun)).state is RunState.CANCELLED
        with anyio.fail_after(1):
            await server.closed.wait()


async def test_an_error_of_the_server_keeps_the_text_and_is_for_the_inspector(chats: Chats, ann: User) -> None:
    error = {"type": "RUN_ERROR", "message": "postgres://user:secret@db", "code": "X"}
    async with playing([stream({"type": "RUN_STARTED"}, *says("So far")[:2], error)]) as server:
        _, view = await say(chats(ag_ui(server.url)), ann, "Hi")
    assert view.state is RunState.FAILED and view.written and "secret" not in str(view.error)


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (refusal(401), "wants a sign-in"),
        (refusal(404), "no agent at the address"),
        (refusal(422, '[{"input": "secret"}]'), "did not accept the request (422)"),
        (refusal(429), "too much to do"),
        (refusal(500, "<h1>secret</h1>"), "failed (500)"),
        (refusal(200, "{}"), "does not speak AG-UI"),
        (refusal(307, location="http://127.0.0.2:9/"), "another address"),
    ],
    ids=["401", "404", "422", "429", "500", "json", "elsewhere"],
)
async def test_a_refusal_is_a_sentence(chats: Chats, ann: User, answer: Any, sentence: str) -> None:
    async with playing([answer]) as server:
        _, view = await say(chats(ag_ui(server.url, headers={"Authorization": "Bearer secret"})), ann, "Hi")
    assert view.state is RunState.FAILED and sentence in str(view.error) and "secret" not in str(view.error)
    assert len(server.requests) == 1


async def test_a_server_that_is_away_is_a_sentence(chats: Chats, ann: User) -> None:
    async with playing([run()]) as server:
        pass
    _, view = await say(chats(ag_ui(server.url)), ann, "Hi")
    assert view.error == "The agent cannot be reached right now. Try again in a moment."


async def test_a_request_is_made_again_where_that_is_safe(chats: Chats, ann: User) -> None:
    answers = [refusal(429, retry_after="0"), refusal(307, location="/there"), run(*says("Here."))]
    async with playing(answers) as server:
        _, view = await say(chats(ag_ui(server.url)), ann, "Hi")
    assert view.text == "Here." and len(server.requests) == 3 and server.heads[2].startswith(b"POST /there ")


def told(server: Played, number: int = -1) -> list[tuple[str, Any]]:
    return [(each["role"], each.get("content")) for each in server.requests[number]["messages"]]
