"""A LangGraph graph of this process, with chat models that are functions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any, TypedDict

import pytest
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.config import get_stream_writer
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode
from langgraph.runtime import get_runtime
from pydantic import BaseModel

from htmxchat import Custom, Request, RunState, StageChanged, UsageReported
from htmxchat.agents import langgraph
from htmxchat.backends.active import AGENT_FAILED
from htmxchat.parts import CustomPart, Reasoning, Text, ToolCall
from tests.agents.graph_models import FileSaver, FunctionModel, Streams, call, spoken
from tests.agents.talking import ANN, answer, events, reach, say, served, view
from tests.support import kill

pytestmark = pytest.mark.anyio


def talking(streams: Streams, *tools: Any, saver: Any = None, **nodes: Any) -> Any:
    """A graph of a model and its tools."""
    model = FunctionModel(streams=streams)

    async def agent(state: MessagesState) -> dict[str, Any]:
        return {"messages": [await model.ainvoke(state["messages"])]}

    def route(state: MessagesState) -> str:
        return "tools" if getattr(state["messages"][-1], "tool_calls", None) else END

    graph = StateGraph(MessagesState)
    graph.add_node("agent", agent)
    graph.add_node("tools", ToolNode(tools))
    graph.add_edge(START, "agent")
    graph.add_conditional_edges("agent", route, ["tools", END])
    graph.add_edge("tools", "agent")
    return graph.compile(checkpointer=saver)


async def echo(messages: list[BaseMessage]) -> AsyncIterator[str]:
    """Say all that the model was given."""
    for text in spoken(messages):
        yield f"[{text}] "


SAVERS = pytest.mark.parametrize("saver", [InMemorySaver, lambda: None], ids=["checkpointer", "none"])


async def test_text_and_reasoning_stream_and_tokens_are_counted() -> None:
    async def streams(messages: list[BaseMessage]) -> AsyncIterator[Any]:
        yield AIMessageChunk(content="", additional_kwargs={"reasoning_content": "Nine "})
        yield AIMessageChunk(content="", additional_kwargs={"reasoning_content": "degrees."})
        yield "It is "
        usage = {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7}
        yield AIMessageChunk(content="cold.", usage_metadata=usage)  # type: ignore[arg-type]

    async with served(langgraph(talking(streams))) as backend:
        run = await say(backend, "How is it?")
        seen = await view(backend, run)
        bodies = [event.body for event in await events(backend, run)]
    match seen.parts:
        case (Reasoning(text="Nine degrees."), Text(text="It is cold.")):
            pass
        case _:
            raise AssertionError(seen.parts)
    assert seen.state is RunState.COMPLETED and seen.usage == UsageReported(3, 4)
    assert StageChanged("agent") in bodies


async def test_content_in_blocks_is_read() -> None:
    async def streams(messages: list[BaseMessage]) -> AsyncIterator[Any]:
        yield AIMessageChunk(content=[{"type": "reasoning", "reasoning": "Hm."}])
        yield AIMessageChunk(content=[{"type": "text", "text": "Cold."}])

    async with served(langgraph(talking(streams))) as backend:
        seen = await view(backend, await say(backend, "How is it?"))
    assert [part.text for part in seen.parts if isinstance(part, Reasoning | Text)] == ["Hm.", "Cold."]


async def test_tools_show_arguments_results_progress_and_that_they_failed() -> None:
    @tool
    def weather(city: str) -> dict[str, Any]:
        """Tell the weather."""
        write = get_stream_writer()
        for done in range(2):
            write({"type": "progress", "key": "weather", "done": done})
        write(Custom("chart", {"bars": [1]}))
        write(StageChanged("Reading"))
        write([7])
        return {"city": city, "celsius": 9}

    @tool
    def strict(count: int) -> str:
        """Count."""
        return str(count)

    async def streams(messages: list[BaseMessage]) -> AsyncIterator[Any]:
        if len(messages) > 1:
            yield "Done."
            return
        yield "Let me look."
        yield call("weather", '{"ci', "a")
        yield call(None, 'ty": "Oslo"}', None)
        yield call("strict", '{"count": "many"}', "b", 1)

    async with served(langgraph(talking(streams, weather, strict))) as backend:
        seen = await view(backend, await say(backend, "Go"))
    calls = {part.call_id: part for part in seen.parts if isinstance(part, ToolCall)}
    assert calls["a"].arguments == {"city": "Oslo"} and calls["a"].summary == "Oslo"
    assert calls["a"].result == {"city": "Oslo", "celsius": 9} and calls["a"].state is RunState.COMPLETED
    assert calls["b"].state is RunState.FAILED
    assert [part for part in seen.parts if isinstance(part, CustomPart)] == [
        CustomPart("progress", {"done": 1}, "weather"),
        CustomPart("chart", {"bars": [1]}),
        CustomPart("custom", [7]),
    ]
    assert seen.text == "Let me look.\n\nDone."


async def test_nodes_have_words_and_may_write_text_themselves() -> None:
    def plan(state: MessagesState) -> dict[str, Any]:
        get_stream_writer()("Planned. ")
        return {}

    def look_up(state: MessagesState) -> dict[str, Any]:
        return {"messages": [AIMessage("Found.")]}

    graph = StateGraph(MessagesState)
    graph.add_sequence([plan, look_up])
    graph.add_edge(START, "plan")
    async with served(langgraph(graph.compile(), stages={"plan": "Making a plan"})) as backend:
        run = await say(backend, "Go")
        bodies = [event.body for event in await events(backend, run)]
        assert (await view(backend, run)).text == "Planned. Found."
    assert [body.name for body in bodies if isinstance(body, StageChanged)] == ["Making a plan", "look up"]


async def test_messages_that_are_written_at_once_follow_each_other() -> None:
    turn = asyncio.Semaphore(1)

    async def one(messages: list[BaseMessage]) -> AsyncIterator[str]:
        for word in ("One ", "and ", "one."):
            async with turn:
                yield word
            await asyncio.sleep(0)

    async def two(messages: list[BaseMessage]) -> AsyncIterator[str]:
        for word in ("Two ", "and ", "two."):
            async with turn:
                yield word
            await asyncio.sleep(0)

    graph = StateGraph(MessagesState)
    for name, streams in (("first", one), ("second", two)):
        model = FunctionModel(streams=streams)

        async def node(state: MessagesState, model: FunctionModel = model) -> dict[str, Any]:
            return {"messages": [await model.ainvoke(state["messages"])]}

        graph.add_node(name, node)
        graph.add_edge(START, name)
    async with served(langgraph(graph.compile())) as backend:
        seen = await view(backend, await say(backend, "Go"))
    assert sorted(seen.text.split("\n\n")) == ["One and one.", "Two and two."]


class Forecast(BaseModel):
    celsius: int


async def test_a_structured_response_is_a_part() -> None:
    class State(MessagesState):
        structured_response: Forecast

    def node(state: State) -> dict[str, Any]:
        return {"structured_response": Forecast(celsius=9)}

    graph = StateGraph(State)
    graph.add_node("node", node)
    graph.add_edge(START, "node")
    async with served(langgraph(graph.compile())) as backend:
        seen = await view(backend, await say(backend, "Go"))
    assert seen.parts == (CustomPart("Forecast", {"celsius": 9}, "structured_response"),)


async def test_a_checkpointer_that_has_forgotten_is_told_the_conversation(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/chat.db"
    async with served(langgraph(talking(echo, saver=InMemorySaver())), url) as backend:
        first = await say(backend, "One")
    async with served(langgraph(talking(echo, saver=InMemorySaver())), url) as backend:
        second = await say(backend, "Two", after=first)
        assert (await view(backend, second)).text == "[One] [[One] ] [Two] "


@SAVERS
async def test_an_answer_that_was_stopped_is_known_as_far_as_it_got(saver: Any) -> None:
    stopped = asyncio.Event()

    @tool
    def look() -> str:
        """Look."""
        return "nine"

    async def streams(messages: list[BaseMessage]) -> AsyncIterator[Any]:
        said = spoken(messages)
        if len(said) == 1:
            yield call("look")
        elif "Again" not in said:
            yield "It is "
            try:
                await asyncio.Event().wait()
            finally:
                stopped.set()
        else:
            yield " / ".join(said)

    async with served(langgraph(talking(streams, look, saver=saver()))) as backend:
        run = await backend.start_run(ANN, None, "How cold?")
        await reach(backend, run, lambda seen: seen.text == "It is ")
        await backend.stop_run(ANN, run.id)
        assert (await view(backend, run)).state is RunState.CANCELLED
        await asyncio.wait_for(stopped.wait(), 5)
        again = await say(backend, "Again", after=run)
        assert (await view(backend, again)).text == "How cold? / nine / It is  / Again"


async def test_a_run_whose_process_is_killed_goes_on_and_repeats_no_step(tmp_path: Path) -> None:
    worked: list[str] = []

    @tool
    def look() -> str:
        """Look."""
        worked.append("look")
        return "nine"

    def graph(*, hangs: bool) -> Any:
        async def streams(messages: list[BaseMessage]) -> AsyncIterator[Any]:
            if len(messages) == 1:
                yield "Let me look. "
                yield call("look")
                return
            yield "It "
            if hangs:
                await asyncio.Event().wait()
            yield "is nine."

        return langgraph(talking(streams, look, saver=FileSaver(tmp_path / "graph")))

    url = f"sqlite:///{tmp_path}/chat.db"
    async with served(graph(hangs=True), url) as dying:
        run = await dying.start_run(ANN, None, "How cold?")
        await reach(dying, run, lambda seen: seen.text.endswith("It "))
        kill(dying)
        async with served(graph(hangs=False), url) as backend:
            await answer(backend, run)
            seen = await view(backend, run)
    assert seen.text == "Let me look.\n\nIt is nine."
    assert seen.state is RunState.COMPLETED and worked == ["look"]


@SAVERS
async def test_a_graph_that_has_lost_its_checkpoint_begins_the_run_anew(saver: Any, tmp_path: Path) -> None:
    async def streams(messages: list[BaseMessage]) -> AsyncIterator[Any]:
        yield "Once. "
        await going.wait()
        yield "Done."

    url = f"sqlite:///{tmp_path}/chat.db"
    going = asyncio.Event()
    async with served(langgraph(talking(streams, saver=saver())), url) as dying:
        run = await dying.start_run(ANN, None, "Go")
        await reach(dying, run, lambda seen: seen.text == "Once. ")
        kill(dying)
        going.set()
        async with served(langgraph(talking(streams, saver=saver())), url) as backend:
            await answer(backend, run)
            assert (await view(backend, run)).text == "Once. Done."


class Refused(Exception):
    def __init__(self, status_code: int) -> None:
        super().__init__("sk-secret")
        self.status_code = status_code


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (Refused(401), "refused the key of this chat"),
        (Refused(429), "asked too much at once"),
        (Refused(418), "refused the request"),
        (Refused(503), "cannot answer right now"),
        (RuntimeError("sk-secret"), AGENT_FAILED),
    ],
    ids="key rate other server mistake".split(),
)
async def test_what_goes_wrong_is_said_in_a_sentence_and_keeps_the_text(error: Exception, sentence: str) -> None:
    async def streams(messages: list[BaseMessage]) -> AsyncIterator[str]:
        yield "So far. "
        raise error

    async with served(langgraph(talking(streams))) as backend:
        seen = await view(backend, await say(backend, "Go"))
    assert seen.state is RunState.FAILED and seen.text == "So far. "
    assert seen.error is not None and sentence in seen.error and "sk-secret" not in seen.error


async def test_a_graph_that_does_not_end_is_ended() -> None:
    @tool
    def look() -> str:
        """Look."""
        return "nine"

    async def streams(messages: list[BaseMessage]) -> AsyncIterator[Any]:
        yield call("look", id=f"call-{len(messages)}")

    async with served(langgraph(talking(streams, look), config={"recursion_limit": 6})) as backend:
        seen = await view(backend, await say(backend, "Go"))
    assert seen.error is not None and "more steps than this chat allows" in seen.error


@pytest.mark.parametrize("kind", ["value", "function", "coroutine"])
async def test_config_and_context_are_values_or_functions_of_the_request(kind: str) -> None:
    class Context(TypedDict):
        shop: str

    def node(state: MessagesState, config: RunnableConfig) -> dict[str, Any]:
        shop = get_runtime(Context).context["shop"]
        return {"messages": [AIMessage(f"{config['configurable']['who']} in {shop}")]}

    async def later(request: Request) -> Any:
        return values(request)

    def values(request: Request) -> Any:
        return {"configurable": {"who": request.user.id}}

    graph = StateGraph(MessagesState, context_schema=Context)
    graph.add_node("node", node)
    graph.add_edge(START, "node")
    config = {"value": {"configurable": {"who": "ann"}}, "function": values, "coroutine": later}[kind]
    context = {"shop": "Oslo"} if kind == "value" else lambda request: {"shop": "Oslo"}
    async with served(langgraph(graph.compile(), config=config, context=context)) as backend:
        assert (await view(backend, await say(backend, "Go"))).text == "ann in Oslo"


async def test_a_graph_of_another_state_is_given_what_it_takes() -> None:
    class State(TypedDict):
        question: str
        seen: Annotated[list[str], lambda old, new: [*(old or []), *new]]

    def node(state: State) -> dict[str, Any]:
        get_stream_writer()(f"{state['question']} after {state.get('seen', [])}")
        return {"seen": [state["question"]]}

    graph = StateGraph(State)
    graph.add_node("node", node)
    graph.add_edge(START, "node")
    agent = langgraph(graph.compile(checkpointer=InMemorySaver()), input=lambda request, _: {"question": request.text})
    async with served(agent) as backend:
        first = await say(backend, "One")
        second = await say(backend, "Two", after=first)
        assert (await view(backend, second)).text == "Two after ['One']"


def test_wrong_settings_are_refused_where_they_are_given() -> None:
    graph = talking(echo)
    with pytest.raises(TypeError, match="graph must be a compiled graph"):
        langgraph(StateGraph(MessagesState))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="config names a thread_id"):
        langgraph(graph, config={"configurable": {"thread_id": "1"}})
    with pytest.raises(TypeError, match="config must be a dict"):
        langgraph(graph, config="thread")
    with pytest.raises(TypeError, match="stages"):
        langgraph(graph, stages=["agent"])  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="input must be a function"):
        langgraph(graph, input={"messages": []})  # type: ignore[arg-type]
    assert langgraph(graph).name == "LangGraph" and langgraph(graph, name="weather").name == "weather"
