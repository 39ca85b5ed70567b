"""What a LangGraph graph asks the user with `interrupt()`, and answers that come after a restart."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, TypedDict

import pytest
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode
from langgraph.types import interrupt
from pydantic import BaseModel

from htmxchat import JSON, RunState, ScriptResult, ScriptState
from htmxchat.agents import langgraph
from htmxchat.parts import Question, ToolCall
from htmxchat.scripts.actions import Approve, Claim, Finish
from htmxchat.scripts.states import digest
from tests.agents.graph_models import FileSaver
from tests.agents.talking import ANN, answer, asks, reach, say, served, view

pytestmark = pytest.mark.anyio


class State(TypedDict):
    messages: list[Any]
    got: Annotated[list[Any], lambda old, new: [*(old or []), *new]]


def asking(*values: Any, saver: Any = None, together: bool = False, **settings: Any) -> Any:
    """A graph that asks, in one node after the other or in one, and says what it got."""

    def ask_all(state: State) -> dict[str, Any]:
        return {"got": [interrupt(value, **settings) for value in values]}

    def told(state: State) -> dict[str, Any]:
        return {"messages": [("ai", repr(state["got"]))]}

    graph = StateGraph(State)
    graph.add_node("told", told)
    if together:
        for number, value in enumerate(values):
            graph.add_node(f"ask{number}", lambda state, value=value: {"got": [interrupt(value, **settings)]})
            graph.add_edge(START, f"ask{number}")
            graph.add_edge(f"ask{number}", "told")
    else:
        graph.add_node("ask", ask_all)
        graph.add_edge(START, "ask")
        graph.add_edge("ask", "told")
    return langgraph(graph.compile(checkpointer=saver or InMemorySaver()))


async def test_interrupts_of_a_node_are_asked_one_after_the_other() -> None:
    agent = asking("Who?", {"question": "Which?", "choices": ["red", "blue"]})
    async with served(agent) as backend:
        seen = await view(backend, await say(backend, "Go", ["Ann", "blue"]))
    questions = [part.request for part in seen.parts if isinstance(part, Question)]
    assert [(each.prompt, each.choices) for each in questions] == [("Who?", ()), ("Which?", ("red", "blue"))]
    assert seen.text == "['Ann', 'blue']" and seen.state is RunState.COMPLETED


async def test_interrupts_at_once_are_all_answered() -> None:
    async with served(asking("One?", "Two?", together=True)) as backend:
        seen = await view(backend, await say(backend, "Go", ["1", "2"]))
    assert seen.text == "['1', '2']"


async def test_a_question_is_answered_after_a_restart(tmp_path: Path) -> None:
    url, file = f"sqlite:///{tmp_path}/chat.db", tmp_path / "graph"
    question = {"question": "Which?", "choices": ["red", "blue"]}
    async with served(asking("Who?", question, saver=FileSaver(file)), url) as backend:
        run = await backend.start_run(ANN, None, "Go")
        first = await reach(backend, run, asks)
    assert first.request is not None
    async with served(asking("Who?", question, saver=FileSaver(file)), url) as backend:
        await backend.answer_request(ANN, run.id, first.request.request_id, "Ann")
        second = await reach(backend, run, lambda seen: seen.request is not None and seen.request.choices)
    assert second.request is not None
    async with served(asking("Who?", question, saver=FileSaver(file)), url) as backend:
        await backend.answer_request(ANN, run.id, second.request.request_id, "red")
        await answer(backend, run)
        seen = await view(backend, run)
    assert seen.text == "['Ann', 'red']"
    assert [part.state for part in seen.parts if isinstance(part, Question)] == ["answered"] * 2


class Address(BaseModel):
    city: str


@pytest.mark.parametrize(
    ("value", "schema", "choices", "answers", "got"),
    [
        ({"message": "Sure?"}, bool, ("Yes", "No"), ["Yes"], True),
        ({"message": "Which?", "options": [{"label": "Red", "value": 7}, 8]}, None, ("Red", "8"), ["Red"], 7),
        ({"message": "Which?", "schema": {"enum": ["a", 2]}}, None, ("a", "2"), ["2"], 2),
        ({"message": "Where?"}, Address, (), ["Oslo", {"town": 1}, 7, {"city": "Oslo"}], Address(city="Oslo")),
        ({"message": "How many?", "schema": {"type": "integer"}}, None, (), ["many", 3], 3),
        ({"message": "Name?", "schema": {"type": "string"}}, None, (), ["3"], "3"),
        ({"topic": 1}, None, (), ["ok"], "ok"),
        (
            {"action_requests": [{"name": "pay", "args": {"euros": 5}}], "review_configs": []},
            None,
            (),
            [{"approved": True}],
            {"decisions": [{"type": "approve"}]},
        ),
        (
            {"action_requests": [{"name": "pay", "args": {"euros": 5}}], "review_configs": []},
            None,
            (),
            [{"approved": True, "arguments": {"euros": 4}}],
            {"decisions": [{"type": "edit", "edited_action": {"name": "pay", "args": {"euros": 4}}}]},
        ),
        (
            {
                "action_requests": [{"name": "pay", "args": {}}],
                "review_configs": [{"allowed_decisions": ["edit", "reject"]}],
            },
            None,
            (),
            [{"approved": True}],
            {"decisions": [{"type": "edit", "edited_action": {"name": "pay", "args": {}}}]},
        ),
        (
            {"action_requests": [{"name": "pay", "args": {}}], "review_configs": []},
            None,
            (),
            [{"approved": False, "reason": "Too much."}],
            {"decisions": [{"type": "reject", "message": "Too much."}]},
        ),
        (
            {"action_requests": [{"name": "ask"}], "review_configs": [{"allowed_decisions": ["respond"]}]},
            None,
            (),
            ["blue"],
            {"decisions": [{"type": "respond", "message": "blue"}]},
        ),
        (
            [{"action_request": {"action": "pay", "args": {}}, "config": {"allow_accept": True, "allow_ignore": True}}],
            None,
            (),
            [{"approved": False}],
            [{"type": "ignore", "args": None}],
        ),
        (
            {
                "action_request": {"action": "pay", "args": {"n": 1}},
                "config": {"allow_accept": True, "allow_respond": True},
            },
            None,
            (),
            [{"approved": False, "reason": "Why?"}],
            {"type": "response", "args": "Why?"},
        ),
        (
            {
                "action_request": {"action": "pay", "args": {"n": 1}},
                "config": {"allow_accept": True, "allow_ignore": True, "allow_edit": True},
            },
            None,
            (),
            [{"approved": True, "arguments": {"n": 2}}],
            {"type": "edit", "args": {"action": "pay", "args": {"n": 2}}},
        ),
    ],
    ids="boolean labels enum model integer string other approve edit again reject respond inbox reply change".split(),
)
async def test_all_forms_of_questions_are_asked_and_answered(
    value: Any, schema: Any, choices: tuple[str, ...], answers: list[JSON], got: Any
) -> None:
    settings = {} if schema is None else {"response_schema": schema}
    async with served(asking(value, **settings)) as backend:
        seen = await view(backend, await say(backend, "Go", answers))
    questions = [part.request for part in seen.parts if isinstance(part, Question)]
    assert questions[0].choices == choices and len(questions) == len(answers)
    assert seen.text == repr([got])
    if len(answers) > 1:
        assert questions[1].prompt.startswith("The answer does not fit") and questions[0].prompt in questions[1].prompt


async def test_a_choice_that_was_not_offered_is_asked_again() -> None:
    async with served(asking({"question": "Which?", "choices": ["red"]})) as backend:
        seen = await view(backend, await say(backend, "Go", ["green", {"red": 1}, "red"]))
    assert seen.text == "['red']"


async def test_a_tool_that_asks_is_one_call() -> None:
    @tool
    def pay(euros: int) -> str:
        """Pay."""
        return "paid" if interrupt({"question": f"Pay {euros}?", "choices": ["Yes", "No"]}) == "Yes" else "not paid"

    def model(state: MessagesState) -> dict[str, Any]:
        call = {"name": "pay", "args": {"euros": 5}, "id": "a", "type": "tool_call"}
        return {"messages": [{"role": "assistant", "content": "", "tool_calls": [call]}]}

    graph = StateGraph(MessagesState)
    graph.add_node("tools", ToolNode([pay]))
    graph.add_node("model", model)
    graph.add_edge(START, "model")
    graph.add_edge("model", "tools")
    async with served(langgraph(graph.compile(checkpointer=InMemorySaver()))) as backend:
        seen = await view(backend, await say(backend, "Go", ["Yes"]))
    assert [(part.state, part.result) for part in seen.parts if isinstance(part, ToolCall)] == [
        (RunState.COMPLETED, "paid")
    ]


@pytest.mark.parametrize(("said", "text"), [("Go on", "done"), ("Stop", "")])
async def test_a_graph_that_was_compiled_to_stop_asks_whether_to_go_on(said: str, text: str) -> None:
    graph = StateGraph(MessagesState)
    graph.add_node("plan", lambda state: {})
    graph.add_node("act", lambda state: {"messages": [("ai", "done")]})
    graph.add_edge(START, "plan")
    graph.add_edge("plan", "act")
    compiled = graph.compile(checkpointer=InMemorySaver(), interrupt_before=["act"])
    async with served(langgraph(compiled)) as backend:
        seen = await view(backend, await say(backend, "Go", [said]))
    assert seen.text == text and seen.state is RunState.COMPLETED


async def test_python_of_a_graph_runs_in_the_users_browser() -> None:
    async with served(asking({"run_python": "6 * 7", "title": "Multiply"})) as backend:
        run = await backend.start_run(ANN, None, "Go")
        await reach(backend, run, lambda seen: seen.awaited)
        (script,) = await backend.list_scripts(ANN, run.conversation_id)
        approved = digest("6 * 7")
        await backend.change_script(ANN, run.id, script.id, Approve(approved))
        await backend.change_script(ANN, run.id, script.id, Claim("tab", approved))
        await backend.change_script(ANN, run.id, script.id, Finish("tab", ScriptResult(ScriptState.DONE, stdout="42")))
        await answer(backend, run)
        assert (await view(backend, run)).text == "[{'state': 'done', 'text': '42'}]"


async def test_a_graph_that_asks_without_a_checkpointer_fails_and_says_so_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    graph = StateGraph(MessagesState)
    graph.add_node("ask", lambda state: interrupt("Who?"))
    graph.add_edge(START, "ask")
    async with served(langgraph(graph.compile())) as backend:
        seen = await view(backend, await say(backend, "Go"))
    assert seen.state is RunState.FAILED and "checkpointer" in caplog.text
