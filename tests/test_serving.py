"""A backend as an AG-UI agent: what clients get, and our own AG-UI agent as one of them."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import uvicorn
from ag_ui.core import Event, RunAgentInput
from pydantic import TypeAdapter
from starlette.applications import Starlette
from starlette.routing import Mount

from htmxchat import (
    Custom,
    InputRequested,
    Limits,
    LocalBackend,
    ReasoningDelta,
    Remember,
    Request,
    RunScript,
    RunState,
    RunView,
    StageChanged,
    TextReplaced,
    ToolFinished,
    ToolStarted,
    UsageReported,
    User,
    fold,
)
from htmxchat.agents import ag_ui
from htmxchat.scripts.actions import Approve, Claim, Finish
from htmxchat.scripts.result import ScriptResult, ScriptState
from htmxchat.scripts.states import digest
from htmxchat.serving import ag_ui_endpoint
from htmxchat.testing import each_event

ANN = User("ann")
EVENTS: TypeAdapter[Any] = TypeAdapter(Event)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Agent:
    """Does what it is told."""

    def __init__(self) -> None:
        self.stopped = asyncio.Event()

    async def __call__(self, request: Request) -> AsyncIterator[Any]:
        what = request.text
        if what == "all":
            yield ReasoningDelta("Hm.")
            yield StageChanged("Looking")
            yield ToolStarted("call", "look_up", "", {"word": "sun"})
            yield "It "
            yield ToolFinished("call", "found", {"found": 1})
            yield Custom("progress", {"done": 1})
            yield "is.\n\nDone: Größe 🌞"
            yield UsageReported(3, 5)
        elif what == "ask":
            yield "First. "
            answer = yield InputRequested("day", "Which day?", ("Monday", "Friday"))
            yield f"It is {answer}."
        elif what == "script":
            result = yield RunScript("print(6 * 7)", "A product")
            assert isinstance(result, ScriptResult)
            yield f"It printed {result.text.strip()}." if result.done else f"It was {result.state}."
        elif what == "replace":
            yield "Wrong."
            yield TextReplaced("Right")
            yield ", and more."
        elif what == "fail":
            yield "Half"
            raise RuntimeError("secret")
        elif what == "endless":
            try:
                while True:
                    yield "more "
                    await asyncio.sleep(0.01)
            finally:
                self.stopped.set()
        else:
            count = request.memory + 1 if isinstance(request.memory, int) else 1
            yield Remember(count)
            said = [turn.text for turn in request.history if turn.role == "user"]
            yield f"{count}: {'|'.join([*said, what])}"


@asynccontextmanager
async def serving(backend: LocalBackend, **options: Any) -> AsyncIterator[str]:
    """Serve a backend as an AG-UI agent, and give its address."""
    app = Starlette(routes=[Mount("/agent", ag_ui_endpoint(backend, **options))])
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", ws="none"))
        task = asyncio.create_task(server.serve([listener]))
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/agent/"
        finally:
            server.should_exit = True
            await task
            await backend.close()


def asks(text: str, **more: Any) -> dict[str, Any]:
    message = {"id": f"message {text}", "role": "user", "content": text}
    return {"threadId": "thread", "runId": f"run {text}", "messages": [message], **more}


async def post(url: str, sent: dict[str, Any], **headers: str) -> list[dict[str, Any]]:
    """Return the events of an answer; each is one of the protocol's."""
    RunAgentInput.model_validate(sent)
    async with httpx.AsyncClient(trust_env=False, timeout=20) as client:
        response = await client.post(url, json=sent, headers=headers)
    assert response.status_code == 200, response.text
    events = [json.loads(line.removeprefix("data: ")) for line in response.text.splitlines() if line]
    for event in events:
        EVENTS.validate_python(event)
    return events


async def refused(url: str, **sent: Any) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False) as client:
        response = await client.post(url, **sent)
    assert response.json()["error"].endswith(".")
    return response


def state_in(events: list[dict[str, Any]]) -> Any:
    return next(event["snapshot"] for event in events if event["type"] == "STATE_SNAPSHOT")


def text_in(events: list[dict[str, Any]]) -> str:
    return "".join(event["delta"] for event in events if event["type"] == "TEXT_MESSAGE_CONTENT")


async def test_a_client_gets_all_that_a_run_shows_in_the_protocols_events() -> None:
    async with serving(LocalBackend(Agent())) as url:
        events = await post(url, asks("all", state={"mine": 1}))
    assert [event["type"] for event in events] == [
        *("RUN_STARTED", "STATE_SNAPSHOT"),
        *("REASONING_START", "REASONING_MESSAGE_START", "REASONING_MESSAGE_CONTENT"),
        "STEP_STARTED",
        *("REASONING_MESSAGE_END", "REASONING_END", "TOOL_CALL_START", "TOOL_CALL_ARGS", "TOOL_CALL_END"),
        *("TEXT_MESSAGE_START", "TEXT_MESSAGE_CONTENT", "TEXT_MESSAGE_END", "TOOL_CALL_RESULT", "CUSTOM"),
        *("TEXT_MESSAGE_START", "TEXT_MESSAGE_CONTENT", "TEXT_MESSAGE_END", "STEP_FINISHED", "RUN_FINISHED"),
    ]
    assert (events[0]["threadId"], events[0]["runId"]) == ("thread", "run all")
    assert state_in(events)["mine"] == 1
    assert text_in(events) == "It is.\n\nDone: Größe 🌞"
    assert events[-1]["usage"] == [{"inputTokens": 3, "outputTokens": 5}]
    assert events[-1]["outcome"] == {"type": "success"}


async def test_the_place_in_the_conversation_is_in_the_state_that_the_client_gives_back() -> None:
    backend = LocalBackend(Agent())
    async with serving(backend) as url:
        first = await post(url, asks("one"))
        second = await post(url, asks("two", state=state_in(first)))
        again = await post(url, asks("two", state=state_in(second)))
        edited = await post(url, asks("other", state=state_in(first)))
        after = await post(url, asks("three", state=state_in(second)))
        lost = await post(url, asks("three"))
    told = [text_in(each) for each in (first, second, again, edited, after, lost)]
    assert told == ["1: one", "2: one|two", "2: one|two", "2: one|other", "3: one|two|three", "1: three"]


async def test_a_first_message_that_is_sent_again_is_another_version_of_it() -> None:
    async with serving(LocalBackend(Agent())) as url:
        first = await post(url, asks("one"))
        again = await post(url, asks("one", state=state_in(first)))
    assert text_in(again) == "1: one"
    assert state_in(again)["htmxchat"]["conversation"] == state_in(first)["htmxchat"]["conversation"]


async def test_a_question_is_an_interrupt_and_its_answer_a_resume() -> None:
    async with serving(LocalBackend(Agent())) as url:
        events = await post(url, asks("ask"))
        outcome = events[-1]["outcome"]
        (interrupt,) = outcome["interrupts"]
        assert (interrupt["message"], interrupt["responseSchema"]["enum"]) == ("Which day?", ["Monday", "Friday"])
        resume = [{"interruptId": interrupt["id"], "status": "resolved", "payload": "Friday"}]
        rest = await post(url, asks("ask", state=state_in(events), resume=resume))
        late = await refused(url, json=asks("ask", state=state_in(events), resume=resume))
    assert (text_in(events), text_in(rest)) == ("First. ", "It is Friday.")
    assert late.status_code == 404


async def test_an_interrupt_that_is_cancelled_stops_the_run() -> None:
    async with serving(LocalBackend(Agent())) as url:
        events = await post(url, asks("ask"))
        resume = [{"interruptId": events[-1]["outcome"]["interrupts"][0]["id"], "status": "cancelled"}]
        rest = await post(url, asks("ask", state=state_in(events), resume=resume))
    assert rest[-1]["outcome"] == {"type": "cancelled"}


async def test_another_message_instead_of_an_answer_ends_the_run_that_waited() -> None:
    backend = LocalBackend(Agent())
    async with serving(backend) as url:
        events = await post(url, asks("ask"))
        rest = await post(url, asks("never mind", state=state_in(events)))
    assert text_in(rest) == "1: ask|never mind"


async def test_a_script_is_a_call_of_the_clients_tool_if_it_offers_one() -> None:
    tools = [{"name": "run_python", "description": "", "parameters": {"type": "object"}}]
    async with serving(LocalBackend(Agent())) as url:
        events = await post(url, asks("script", tools=tools))
        call = next(event for event in events if event["type"] == "TOOL_CALL_START")
        arguments = next(event["delta"] for event in events if event["type"] == "TOOL_CALL_ARGS")
        sent = asks("script", tools=tools, state=state_in(events))
        sent["messages"] += [{"id": "r", "role": "tool", "toolCallId": call["toolCallId"], "content": "42"}]
        rest = await post(url, sent)
        without = await post(url, asks("script"))
    assert json.loads(arguments) == {"code": "print(6 * 7)", "title": "A product"}
    assert text_in(rest) == "It printed 42."
    assert text_in(without) == "It was rejected."


async def test_replaced_text_comes_as_a_snapshot_of_the_messages() -> None:
    async with serving(LocalBackend(Agent())) as url:
        events = await post(url, asks("replace"))
    place = [event["type"] for event in events].index("MESSAGES_SNAPSHOT")
    assert [each["content"] for each in events[place]["messages"]] == ["replace", ""]
    assert text_in(events[place:]) == "Right, and more."
    assert [event["type"] for event in events].count("TEXT_MESSAGE_START") == 2


async def test_a_failure_is_told_in_the_chats_words() -> None:
    async with serving(LocalBackend(Agent())) as url:
        events = await post(url, asks("fail"))
    assert events[-1]["type"] == "RUN_ERROR"
    assert "secret" not in json.dumps(events)


async def test_a_client_that_goes_away_stops_the_run() -> None:
    agent = Agent()
    async with serving(LocalBackend(agent)) as url, httpx.AsyncClient(trust_env=False) as client:
        async with client.stream("POST", url, json=asks("endless")) as response:
            async for line in response.aiter_lines():
                if "more" in line:
                    break
        async with asyncio.timeout(10):
            await agent.stopped.wait()


@pytest.mark.parametrize(
    ("sent", "type", "status"),
    [
        ("{", "application/json", 400),
        ("{}", "application/json", 422),
        (json.dumps(asks(" ")), "application/json", 422),
        (json.dumps(asks("long " * 9)), "application/json", 422),
        (json.dumps(asks("one", resume=[{"interruptId": "x", "status": "resolved"}])), "application/json", 422),
        (json.dumps(asks("one", resume=[{"interruptId": "1/x/y", "status": "resolved"}])), "application/json", 404),
        (json.dumps(asks("one")), "text/plain", 415),
    ],
    ids=["no JSON", "no input", "no text", "too long", "no interrupt", "unknown run", "not JSON's type"],
)
async def test_what_cannot_be_answered_is_refused_in_a_sentence(sent: str, type: str, status: int) -> None:
    async with serving(LocalBackend(Agent()), limits=Limits(text=12)) as url:
        response = await refused(url, content=sent, headers={"Content-Type": type})
    assert response.status_code == status


async def test_a_host_says_who_asks_and_the_user_has_the_same_conversations_in_the_chat() -> None:
    async def identify(request: Any) -> User | None:
        return User(request.headers["x-user"]) if "x-user" in request.headers else None

    backend = LocalBackend(Agent())
    async with serving(backend, identify=identify) as url:
        assert (await refused(url, json=asks("one"))).status_code == 401
        first = await post(url, asks("one"), **{"x-user": "ann"})
        page = await backend.list_conversations(ANN)
        assert [each.id for each in page.items] == [state_in(first)["htmxchat"]["conversation"]]
        stranger = await post(url, asks("two", state=state_in(first)), **{"x-user": "bob"})
    assert text_in(stranger) == "1: two"


class Client:
    """Our own AG-UI agent in front of an endpoint."""

    def __init__(self, url: str) -> None:
        self.backend = LocalBackend(ag_ui(url))
        self.conversation: str | None = None

    async def ask(self, text: str, answer: Any = None) -> RunView:
        run = await self.backend.start_run(ANN, self.conversation, text)
        self.conversation, events = run.conversation_id, []
        async for event in each_event(self.backend, ANN, run.id):
            events.append(event)
            if isinstance(event.body, InputRequested):
                await self.backend.answer_request(ANN, run.id, event.body.request_id, answer)
            view = fold(events)
            if view.awaited:
                (script,) = await self.backend.list_scripts(ANN, run.conversation_id)
                shown, result = digest(script.code), ScriptResult(ScriptState.DONE, "42\n")
                for action in (Approve(shown), Claim("page", shown), Finish("page", result)):
                    await self.backend.change_script(ANN, run.id, script.id, action)
        return fold(events)


async def test_our_own_agent_shows_what_the_backend_behind_the_endpoint_shows() -> None:
    async with serving(LocalBackend(Agent())) as url:
        client = Client(url)
        view = await client.ask("all")
        assert view.state is RunState.COMPLETED
        assert [type(part).__name__ for part in view.parts] == ["Reasoning", "ToolCall", "Text", "CustomPart", "Text"]
        assert view.usage == UsageReported(3, 5)
        assert (await client.ask("ask", "Monday")).text == "First.\n\nIt is Monday."
        assert (await client.ask("script")).text == "It printed 42."
        assert (await client.ask("replace")).text == "Right, and more."
        assert (await client.ask("fail")).state is RunState.FAILED
        assert (await client.ask("two")).text == "1: all|ask|script|replace|fail|two"
        await client.backend.close()


async def test_an_edit_at_our_own_agent_is_a_branch_behind_the_endpoint() -> None:
    async with serving(LocalBackend(Agent())) as url:
        client = Client(url)
        await client.ask("one")
        await client.ask("two")
        assert client.conversation is not None
        turns = (await client.backend.load_transcript(ANN, client.conversation)).turns
        run = await client.backend.edit_turn(ANN, client.conversation, turns[2].id, "other")
        view = fold([event async for event in each_event(client.backend, ANN, run.id)])
        assert view.text == "2: one|other"
        assert (await client.ask("three")).text == "3: one|other|three"
        await client.backend.close()
