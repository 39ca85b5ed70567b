"""What a Pydantic AI agent asks the user, and runs that continue in another process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from pydantic_ai import Agent, ApprovalRequired, CallDeferred, DeferredToolRequests, RunContext
from pydantic_ai.messages import ModelMessage
from pydantic_ai.models.function import AgentInfo, FunctionModel

from htmxchat import JSON, Decision, RunState, ScriptResult, ScriptState
from htmxchat.agents import pydantic_ai
from htmxchat.parts import ProposedScript, Question, ToolCall
from htmxchat.scripts.actions import Approve, Claim, Finish
from htmxchat.scripts.states import digest
from tests.agents.pydantic_models import call, scripted, spoken
from tests.agents.talking import ANN, answer, asks, reach, request, say, served, view
from tests.support import kill

pytestmark = pytest.mark.anyio


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/chat.db"


APPROVE, DENY = Decision(True).answer, Decision(False).answer


def deleting(done: list[str], **settings: Any) -> Agent[Any, Any]:
    """An agent that deletes two files and reports its result."""
    calls = [call("delete", '{"path": "a"}', "one"), call("delete", '{"path": "b"}', "two", 1)]

    async def stream(messages: list[ModelMessage], info: AgentInfo) -> AsyncIterator[Any]:
        for piece in calls if len(messages) == 1 else [" / ".join(spoken(messages)[1:])]:
            yield piece

    agent: Agent[Any, Any] = Agent(FunctionModel(stream_function=stream), **settings)

    @agent.tool_plain(requires_approval=True)
    def delete(path: str) -> str:
        done.append(path)
        return f"deleted {path}"

    return agent


async def test_each_tool_that_needs_approval_is_asked_for() -> None:
    done: list[str] = []
    async with served(pydantic_ai(deleting(done))) as backend:
        seen = await view(backend, await say(backend, "Tidy up", [DENY, APPROVE]))
    assert done == ["b"]
    calls = [part for part in seen.parts if isinstance(part, ToolCall)]
    assert [(each.summary, each.state, each.found) for each in calls] == [
        ("a", RunState.FAILED, "denied"),
        ("b", RunState.COMPLETED, "deleted b"),
    ]
    questions = [part for part in seen.parts if isinstance(part, Question)]
    asked = [each.request.approval for each in questions]
    assert [each and (each.tool, each.arguments) for each in asked] == [
        ("delete", {"path": "a"}),
        ("delete", {"path": "b"}),
    ]
    assert asked[0] is not None and asked[0].schema is not None and "path" in asked[0].schema["properties"]
    assert seen.text == "The tool call was denied. / deleted b"


@pytest.mark.parametrize(
    "words",
    ["Approve", "yes", True, {"approved": "yes"}, {"approved": 1}],
    ids=["word", "yes", "true", "text", "number"],
)
async def test_nothing_but_an_approval_approves(words: JSON) -> None:
    done: list[str] = []
    async with served(pydantic_ai(deleting(done))) as backend:
        await say(backend, "Tidy up", [words, words])
    assert done == []


async def test_a_call_is_made_with_the_arguments_of_the_user_and_denied_with_the_reason() -> None:
    done: list[str] = []
    answers: list[JSON] = [Decision(True, "", {"path": "c"}).answer, Decision(False, "Keep it.").answer]
    async with served(pydantic_ai(deleting(done))) as backend:
        seen = await view(backend, await say(backend, "Tidy up", answers))
    assert done == ["c"]
    assert seen.text == "deleted c / Keep it."


async def test_a_question_is_answered_after_a_restart(url: str) -> None:
    done: list[str] = []
    async with served(pydantic_ai(deleting(done)), url) as backend:
        run = await backend.start_run(ANN, None, "Tidy up")
        await reach(backend, run, asks)
    async with served(pydantic_ai(deleting(done)), url) as backend:
        await backend.answer_request(ANN, run.id, "1-one", APPROVE)
        await reach(backend, run, lambda seen: seen.request is not None and seen.request.request_id == "1-two")
    async with served(pydantic_ai(deleting(done)), url) as backend:
        await backend.answer_request(ANN, run.id, "1-two", DENY)
        await answer(backend, run)
        seen = await view(backend, run)
    assert seen.state is RunState.COMPLETED and done == ["a"]
    assert len([part for part in seen.parts if isinstance(part, ToolCall)]) == 2
    assert len([part for part in seen.parts if isinstance(part, Question)]) == 2


async def test_an_agent_with_output_validators_names_the_type_itself() -> None:
    done: list[str] = []
    agent = deleting(done, output_type=[str, DeferredToolRequests])
    agent.output_validator(lambda output: output)
    async with served(pydantic_ai(agent)) as backend:
        seen = await view(backend, await say(backend, "Tidy up", [APPROVE, APPROVE]))
    assert sorted(done) == ["a", "b"] and seen.state is RunState.COMPLETED  # both run at the same time


async def test_the_reason_for_an_approval_is_shown() -> None:
    agent = scripted(call("pay"), "Paid.")

    @agent.tool
    def pay(ctx: RunContext[None]) -> str:
        if not ctx.tool_call_approved:
            raise ApprovalRequired(metadata={"reason": "Above 100 euros."})
        return "paid"

    async with served(pydantic_ai(agent)) as backend:
        run = await backend.start_run(ANN, None, "Pay")
        asked = await reach(backend, run, asks)
        assert asked.request is not None and asked.request.prompt == "Above 100 euros."
        await answer(backend, run, [APPROVE])
        assert (await view(backend, run)).text == "Paid."


async def test_a_tool_that_is_executed_outside_asks_the_user() -> None:
    agent = scripted(call("ask", '{"question": "Which colour?", "options": ["red", "blue"]}'), call("fetch"), "Thanks.")

    @agent.tool_plain
    def ask(question: str, options: list[str]) -> str:
        raise CallDeferred(kind="question")

    @agent.tool_plain
    def fetch() -> str:
        raise CallDeferred

    async with served(pydantic_ai(agent)) as backend:
        seen = await view(backend, await say(backend, "Go", ["blue", "milk"]))
    questions = [part.request for part in seen.parts if isinstance(part, Question)]
    assert [(each.prompt, each.choices) for each in questions] == [("Which colour?", ("red", "blue")), ("fetch()", ())]
    assert [part.result for part in seen.parts if isinstance(part, ToolCall)] == ["blue", "milk"]


async def test_the_models_python_runs_in_the_users_browser() -> None:
    agent = scripted(call("run_python", '{"code": "6 * 7", "title": "Multiply"}'), "Done.")
    async with served(pydantic_ai(agent, run_python=True)) as backend:
        run = await backend.start_run(ANN, None, "What is 6 times 7?")
        seen = await reach(backend, run, lambda seen: seen.awaited)
        (script,) = await backend.list_scripts(ANN, run.conversation_id)
        approved = digest("6 * 7")
        await backend.change_script(ANN, run.id, script.id, Approve(approved))
        await backend.change_script(ANN, run.id, script.id, Claim("tab", approved))
        result = ScriptResult(ScriptState.DONE, stdout="42\n", code="6 * 7")
        await backend.change_script(ANN, run.id, script.id, Finish("tab", result))
        await answer(backend, run)
        seen = await view(backend, run)
    assert [part.script.title for part in seen.parts if isinstance(part, ProposedScript)] == ["Multiply"]
    assert [part.result for part in seen.parts if isinstance(part, ToolCall)] == ["42"]
    assert seen.text == "Done."


async def test_a_run_whose_process_is_killed_goes_on_and_repeats_no_tool(url: str) -> None:
    worked: list[str] = []

    def agent(*, hangs: bool) -> Agent[Any, Any]:
        async def stream(messages: list[ModelMessage], info: AgentInfo) -> AsyncIterator[Any]:
            if len(messages) == 1:
                yield "Let me look. "
                yield call("look", index=1)
                return
            yield "It "
            if hangs:
                await asyncio.Event().wait()
            yield "is nine."

        made: Agent[Any, Any] = Agent(FunctionModel(stream_function=stream))

        @made.tool_plain
        def look() -> str:
            worked.append("look")
            return "nine"

        return made

    async with served(pydantic_ai(agent(hangs=True)), url) as dying:
        run = await dying.start_run(ANN, None, "How cold?")
        await reach(dying, run, lambda seen: seen.text.endswith("It "))
        kill(dying)
        async with served(pydantic_ai(agent(hangs=False)), url) as backend:
            await answer(backend, run)
            seen = await view(backend, run)
    assert seen.text == "Let me look.\n\nIt is nine."
    assert seen.state is RunState.COMPLETED and worked == ["look"]
    assert len([part for part in seen.parts if isinstance(part, ToolCall)]) == 1


async def test_a_checkpoint_of_another_version_begins_anew() -> None:
    agent = pydantic_ai(scripted("Hello."))

    for checkpoint in (None, {"messages": "[{]", "usage": "{}", "requests": None}, {"other": 1}, 7):
        said = [each async for each in agent.resume(request("Hi"), checkpoint)]
        assert any(getattr(each, "text", "") == "Hello." for each in said)
