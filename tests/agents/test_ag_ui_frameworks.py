"""Servers made with real frameworks, behind real sockets, with models of the tests' own."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import anyio
import httpx
import pytest

from htmxchat import JSON, Decision, LocalBackend, Run, RunState, RunView, User, fold
from htmxchat.agents import ag_ui
from htmxchat.agents.ag_ui_api import FrontendTool
from htmxchat.parts import Question, Reasoning, ToolCall
from htmxchat.testing import each_event
from tests.servers import Host, uvicorn

pytestmark = pytest.mark.anyio
PYDANTIC_AI = """
import asyncio
from pydantic_ai import Agent
from pydantic_ai.messages import ModelRequest, ToolReturnPart, UserPromptPart
from pydantic_ai.models.function import DeltaThinkingPart, DeltaToolCall, FunctionModel
from pydantic_ai.tools import DeferredToolRequests
from pydantic_ai.ui.ag_ui import AGUIAdapter
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

cancelled = asyncio.Event()

def parts(messages, kind):
    requests = [each for each in messages if isinstance(each, ModelRequest)]
    return [part for each in requests for part in each.parts if isinstance(part, kind)]

def results(messages):
    last = messages[-1].parts if isinstance(messages[-1], ModelRequest) else []
    return [part.content for part in last if isinstance(part, ToolReturnPart)]

async def chat(messages, info):
    asked = [part.content for part in parts(messages, UserPromptPart)]
    yield {0: DeltaThinkingPart(content="Hm.", signature="signed")}
    yield f"Heard {', '.join(asked)}."

async def deleting(messages, info):
    if not results(messages):
        for number, path in enumerate("ab"):
            yield {number: DeltaToolCall(name="delete", json_args=f'{{"path": "{path}"}}', tool_call_id=f"d{number}")}
    else:
        yield "; ".join(results(messages))

async def painting(messages, info):
    if not results(messages):
        yield {0: DeltaToolCall(name=info.function_tools[0].name, json_args='{"colour": "red"}', tool_call_id="p")}
    else:
        yield str(results(messages)[0])

async def endless(messages, info):
    try:
        while True:
            yield "more "
            await asyncio.sleep(0.02)
    finally:
        cancelled.set()

async def failing(messages, info):
    yield "Half "
    raise RuntimeError("the key sk-secret was refused")

agents = {name: Agent(FunctionModel(stream_function=model)) for name, model in
          [("chat", chat), ("painting", painting), ("endless", endless), ("failing", failing)]}
agents["deleting"] = Agent(FunctionModel(stream_function=deleting), output_type=[str, DeferredToolRequests])

@agents["deleting"].tool_plain(requires_approval=True)
def delete(path: str) -> str:
    return f"deleted {path}"

async def answer(request):
    return await AGUIAdapter.dispatch_request(request, agent=agents[request.path_params["name"]])

async def stopped(request):
    await cancelled.wait()
    return JSONResponse(True)

app = Starlette(routes=[Route("/stopped", stopped), Route("/{name}", answer, methods=["POST"])])
"""

LANGGRAPH = """
from ag_ui_langgraph import LangGraphAgent, add_langgraph_fastapi_endpoint
from fastapi import FastAPI
from langchain_core.messages import AIMessage, HumanMessage
from langgraph.checkpoint.memory import MemorySaver
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.types import interrupt

class State(MessagesState, total=False):
    first: str
    second: str

def heard(state):
    said = ", ".join(each.content for each in state["messages"] if isinstance(each, HumanMessage))
    return {"messages": [AIMessage(f"Heard {said}.")]}

def first(state):
    return {"first": interrupt({"question": "First colour?", "options": ["red", "blue"]})}

def second(state):
    return {"second": interrupt("Second colour?")}

def mixed(state):
    return {"messages": [AIMessage(f"{state['first']} and {state['second']}")]}

chat = StateGraph(State)
chat.add_node("heard", heard)
chat.add_edge(START, "heard")
both = StateGraph(State)
for node in (first, second, mixed):
    both.add_node(node.__name__, node)
both.add_edge(START, "first")
both.add_edge(START, "second")
both.add_edge(["first", "second"], "mixed")
app = FastAPI()
for name, graph in [("chat", chat), ("both", both)]:
    compiled = graph.compile(checkpointer=MemorySaver())
    agent = LangGraphAgent(name=name, graph=compiled, emit_raw_events=False, emit_interrupt_outcome=True)
    add_langgraph_fastapi_endpoint(app, agent, f"/{name}")
"""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    with uvicorn(tmp_path_factory.mktemp("pydantic_ai"), PYDANTIC_AI) as host:
        yield host


@pytest.fixture(scope="module")
def langgraph(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    with uvicorn(tmp_path_factory.mktemp("langgraph"), LANGGRAPH) as host:
        yield host


APPROVE, DENY = Decision(True).answer, Decision(False).answer


class Talk:
    """One conversation with an agent."""

    def __init__(self, url: str, **settings: object) -> None:
        self.backend = LocalBackend(ag_ui(url, **settings))  # type: ignore[arg-type]
        self.user = User(uuid.uuid4().hex)
        self.conversation: str | None = None

    async def say(self, text: str, *answers: JSON, stop_at: str = "") -> RunView:
        """Say something, answer what is asked, and return its result."""
        run = await self.backend.start_run(self.user, self.conversation, text)
        self.conversation = run.conversation_id
        return await self.read(run, *answers, stop_at=stop_at)

    async def read(self, run: Run, *answers: JSON, stop_at: str = "") -> RunView:
        view, left = RunView(), list(answers)
        asked: set[str] = set()
        with anyio.fail_after(60):
            async for event in each_event(self.backend, self.user, run.id):
                view = fold([event], view)
                if view.request is not None and view.request.request_id not in asked:
                    asked.add(view.request.request_id)
                    await self.backend.answer_request(self.user, run.id, view.request.request_id, left.pop(0))
                if stop_at and stop_at in view.text:
                    stop_at = ""
                    await self.backend.stop_run(self.user, run.id)
        return view


async def test_pydantic_ai_is_told_the_conversation_and_what_it_thought(server: Host) -> None:
    talk = Talk(f"{server.url}/chat")
    await talk.say("One")
    view = await talk.say("Two")
    assert view.text == "Heard One, Two." and isinstance(view.parts[0], Reasoning)
    await talk.backend.close()


async def test_pydantic_ais_tools_are_approved_and_denied(server: Host) -> None:
    talk = Talk(f"{server.url}/deleting")
    view = await talk.say("Clean up", DENY, DENY)
    calls = [part for part in view.parts if isinstance(part, ToolCall)]
    assert [(call.state, call.found) for call in calls] == [(RunState.FAILED, "Denied")] * 2
    view = await talk.say("Please", APPROVE, DENY)
    calls = [part for part in view.parts if isinstance(part, ToolCall)]
    assert [call.state for call in calls] == [RunState.COMPLETED, RunState.FAILED] and calls[0].result == "deleted a"
    assert [part.answer for part in view.parts if isinstance(part, Question)] == [APPROVE, DENY]
    assert view.text.startswith("deleted a; ")
    await talk.backend.close()


async def test_pydantic_ai_is_offered_tools_of_the_hosts(server: Host) -> None:
    paint = FrontendTool("paint", "Paint it.", run=lambda arguments, request: f"painted {arguments['colour']}")
    talk = Talk(f"{server.url}/painting", tools=[paint])
    assert (await talk.say("Red")).text == "painted red"
    await talk.backend.close()


async def test_a_stop_reaches_the_model_of_pydantic_ai(server: Host) -> None:
    talk = Talk(f"{server.url}/endless")
    assert (await talk.say("Go", stop_at="more")).state is RunState.CANCELLED
    async with httpx.AsyncClient(timeout=10) as client:
        assert (await client.get(f"{server.url}/stopped")).json() is True
    await talk.backend.close()


async def test_what_pydantic_ai_says_of_an_error_is_not_on_the_page(server: Host) -> None:
    talk = Talk(f"{server.url}/failing")
    view = await talk.say("Go")
    assert view.state is RunState.FAILED and view.text == "Half " and "secret" not in str(view.error)
    await talk.backend.close()


async def test_langgraph_asks_two_things_at_once(langgraph: Host) -> None:
    talk = Talk(f"{langgraph.url}/both")
    view = await talk.say("Paint", "blue", "green")
    questions = [part.request for part in view.parts if isinstance(part, Question)]
    assert [(each.prompt, each.choices) for each in questions] == [
        ("First colour?", ("red", "blue")),
        ("Second colour?", ()),
    ]
    assert (view.state, view.text) == (RunState.COMPLETED, "blue and green")
    await talk.backend.close()


async def test_langgraph_remembers_the_branch_that_is_shown(langgraph: Host) -> None:
    talk = Talk(f"{langgraph.url}/chat")
    await talk.say("one")
    assert (await talk.say("two")).text == "Heard one, two."
    assert talk.conversation is not None
    turns = (await talk.backend.load_transcript(talk.user, talk.conversation)).turns
    edited = await talk.backend.edit_turn(talk.user, talk.conversation, turns[2].id, "zwei")
    assert (await talk.read(edited)).text == "Heard one, zwei."
    assert (await talk.say("three")).text == "Heard one, zwei, three."
    await talk.backend.close()
