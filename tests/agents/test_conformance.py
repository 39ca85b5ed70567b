"""All agents that come along are put to the same tests."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from typing import Any

import pytest
from langchain_core.messages import BaseMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import interrupt
from pydantic_ai import Agent as PydanticAgent
from pydantic_ai.messages import ModelMessage
from pydantic_ai.models.function import AgentInfo, FunctionModel

from htmxchat import JSON, Agent, Decision, InputRequested, Request, Responder, Said
from htmxchat.agents import ag_ui, langgraph, openai, pydantic_ai
from htmxchat.agents.stub import respond_stub
from htmxchat.testing import AgentConformance
from htmxchat.testing.agents import Model
from tests.agents import graph_models, pydantic_models


class TestStub(AgentConformance):
    uses_model = False

    async def make_agent(self, model: Model) -> Responder:
        return respond_stub


class TestPydanticAI(AgentConformance):
    question_answer = Decision(True).answer

    async def make_agent(self, model: Model) -> Agent:
        async def stream(messages: list[ModelMessage], info: AgentInfo) -> AsyncIterator[str]:
            async for piece in model(pydantic_models.spoken(messages)):
                yield piece

        return pydantic_ai(PydanticAgent(FunctionModel(stream_function=stream)))

    async def make_asking_agent(self) -> Agent:
        agent = pydantic_models.scripted(pydantic_models.call("pay"), "Done.")
        agent.tool_plain(requires_approval=True)(pay)
        return pydantic_ai(agent)


class TestLangGraph(AgentConformance):
    checkpointed = True

    @pytest.fixture(autouse=True)
    def _one_saver(self) -> None:
        # As a database would be: it is there for all processes.
        self.saver = InMemorySaver() if self.checkpointed else None

    async def make_agent(self, model: Model) -> Agent:
        async def streams(messages: list[BaseMessage]) -> AsyncIterator[str]:
            async for piece in model(graph_models.spoken(messages)):
                yield piece

        chat = graph_models.FunctionModel(streams=streams)

        async def node(state: MessagesState) -> dict[str, Any]:
            return {"messages": [await chat.ainvoke(state["messages"])]}

        graph = StateGraph(MessagesState)
        graph.add_node("node", node)
        graph.add_edge(START, "node")
        return langgraph(graph.compile(checkpointer=self.saver))

    async def make_asking_agent(self) -> Agent | None:
        if not self.checkpointed:
            return None
        graph = StateGraph(MessagesState)
        graph.add_node("ask", lambda state: {"messages": [("ai", f"You said {interrupt('Sure?')}.")]})
        graph.add_edge(START, "ask")
        return langgraph(graph.compile(checkpointer=self.saver))


class TestLangGraphWithoutCheckpointer(TestLangGraph):
    checkpointed = False


class Asking:
    """An agent without a framework."""

    def answer(self, request: Request) -> AsyncGenerator[Said, Any]:
        return self.resume(request, None)

    async def resume(self, request: Request, checkpoint: JSON) -> AsyncGenerator[Said, Any]:
        answer = yield InputRequested("sure", "Sure?", ("Yes", "No"))
        yield f"You said {answer}."


class TestOwnGenerator(AgentConformance):
    async def make_agent(self, model: Model) -> Responder:
        async def respond(request: Request) -> AsyncIterator[str]:
            async for piece in model([*(turn.text for turn in request.history), request.text]):
                yield piece

        return respond

    async def make_asking_agent(self) -> Agent:
        return Asking()


class TestOpenAI(AgentConformance):
    @pytest.fixture(autouse=True)
    def _no_servers(self) -> Any:
        self.servers: list[asyncio.Server] = []
        yield
        for server in self.servers:
            server.close()

    async def make_agent(self, model: Model) -> Agent | Responder:
        self.servers.append(await asyncio.start_server(lambda *pipes: serve(model, *pipes), "127.0.0.1", 0))
        port = self.servers[-1].sockets[0].getsockname()[1]
        return openai(f"http://127.0.0.1:{port}/v1", model="m")


class TestAgUi(AgentConformance):
    goes_on = False  # the protocol cannot continue with a stream

    async def make_agent(self, model: Model) -> Agent | Responder:
        async def source(asked: Any) -> AsyncIterator[dict[str, Any]]:
            ids = {"threadId": asked.thread_id, "runId": asked.run_id}
            yield {"type": "RUN_STARTED", **ids}
            async for piece in model([each.content for each in asked.messages if each.content]):
                yield {"type": "TEXT_MESSAGE_CHUNK", "messageId": "m", "delta": piece}
            yield {"type": "RUN_FINISHED", **ids}

        return ag_ui(source)


async def serve(model: Model, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer as an OpenAI-compatible server does, until the client is gone."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    found = re.search(r"content-length: (\d+)", head.lower())
    assert found is not None
    asked = json.loads(await reader.readexactly(int(found[1])))
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")
    writing = asyncio.create_task(write(model, [each["content"] for each in asked["messages"]], writer))
    gone = asyncio.create_task(reader.read())
    await asyncio.wait({writing, gone}, return_when=asyncio.FIRST_COMPLETED)
    writing.cancel()
    gone.cancel()
    await asyncio.gather(writing, gone, return_exceptions=True)
    writer.close()


async def write(model: Model, seen: Sequence[str], writer: asyncio.StreamWriter) -> None:
    async for piece in model(seen):
        chunk = {"choices": [{"index": 0, "delta": {"content": piece}}]}
        writer.write(b"data: " + json.dumps(chunk).encode() + b"\n\n")
        await writer.drain()
    end = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    writer.write(b"data: " + json.dumps(end).encode() + b"\n\ndata: [DONE]\n\n")
    await writer.drain()


def pay() -> str:
    return "paid"
