"""A Pydantic AI agent of this process, with models that are functions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from pydantic_ai import Agent, CustomEvent, NativeOutput, RunContext, ToolFailed, ToolReturn, UsageLimits
from pydantic_ai import exceptions as e
from pydantic_ai.exceptions import ModelHTTPError, ModelRetry
from pydantic_ai.messages import ModelMessage
from pydantic_ai.models.function import AgentInfo, DeltaThinkingPart, FunctionModel

from htmxchat import Custom, Outcome, Request, RunEnded, RunState, StageChanged
from htmxchat.agents import pydantic_ai
from htmxchat.backends.active import AGENT_FAILED
from htmxchat.parts import CustomPart, Reasoning, Text, ToolCall
from tests.agents.pydantic_models import call, echoing, scripted, spoken
from tests.agents.talking import ANN, events, reach, say, served, view

pytestmark = pytest.mark.anyio


async def test_text_and_reasoning_stream_and_tokens_are_counted() -> None:
    thoughts = [{0: DeltaThinkingPart(content="Nine ")}, {0: DeltaThinkingPart(content="degrees.")}]
    agent = scripted([*thoughts, "It is ", "cold."])
    async with served(pydantic_ai(agent)) as backend:
        run = await say(backend, "How is it?")
        seen = await view(backend, run)
        bodies = [event.body for event in await events(backend, run)]
    match seen.parts:
        case (Reasoning(text="Nine degrees."), Text(text="It is cold.")):
            pass
        case _:
            raise AssertionError(seen.parts)
    assert seen.state is RunState.COMPLETED
    assert seen.usage is not None and seen.usage.input_tokens > 0 and seen.usage.output_tokens > 0
    assert bodies[-1] == RunEnded(Outcome.COMPLETED)


async def test_tools_show_arguments_and_results_and_say_that_they_failed() -> None:
    agent = scripted(
        [call("weather", '{"city": "Oslo"}', "a"), call("broken", "{}", "b", 1), call("picky", "{}", "c", 2)],
        call("picky", "{}", "d"),
        "Done.",
    )
    asked = 0

    @agent.tool_plain
    def weather(city: str) -> dict[str, Any]:
        return {"city": city, "celsius": 9}

    @agent.tool_plain
    def broken() -> str:
        raise ToolFailed("no thermometer")

    @agent.tool_plain
    def picky() -> str:
        nonlocal asked
        asked += 1
        if asked == 1:
            raise ModelRetry("say please")
        return "pleased"

    async with served(pydantic_ai(agent)) as backend:
        seen = await view(backend, await say(backend, "Go"))
    calls = {part.call_id: part for part in seen.parts if isinstance(part, ToolCall)}
    assert [(each.name, each.state) for each in calls.values()] == [
        ("weather", RunState.COMPLETED),
        ("broken", RunState.FAILED),
        ("picky", RunState.FAILED),
        ("picky", RunState.COMPLETED),
    ]
    assert calls["1-a"].summary == "Oslo" and calls["1-a"].arguments == {"city": "Oslo"}
    assert calls["1-a"].result == {"city": "Oslo", "celsius": 9}
    assert "no thermometer" in str(calls["1-b"].result)
    assert calls["1-c"].found == "tried again" and "say please" in str(calls["1-c"].result)
    assert calls["2-d"].found == "pleased"
    assert seen.text == "Done."


async def test_tools_report_progress_and_show_parts_of_the_host() -> None:
    @dataclass(kw_only=True)
    class Progress(CustomEvent):
        done: int

    agent = scripted(call("count"), "Counted.")

    @agent.tool
    async def count(ctx: RunContext[None]) -> ToolReturn[str]:
        for done in range(3):
            await ctx.emit(Progress(done=done))
        return ToolReturn("three", metadata=[Custom("chart", {"bars": [1, 2]}), StageChanged("Reading"), "not ours"])

    async with served(pydantic_ai(agent)) as backend:
        seen = await view(backend, await say(backend, "Count"))
    parts = [part for part in seen.parts if isinstance(part, CustomPart)]
    assert parts == [CustomPart("progress", {"done": 2}, "1-call-1"), CustomPart("chart", {"bars": [1, 2]})]


class Forecast(BaseModel):
    city: str
    celsius: int


async def test_a_structured_output_is_a_part_with_the_name_of_its_class() -> None:
    agent = scripted(
        ["Looking. ", call("final_result", '{"city": "Oslo", "celsius": 9}', index=1)], output_type=Forecast
    )
    async with served(pydantic_ai(agent)) as backend:
        seen = await view(backend, await say(backend, "Go"))
    assert seen.parts[-1] == CustomPart("Forecast", {"city": "Oslo", "celsius": 9})
    assert seen.text == "Looking. "


async def test_an_output_that_the_model_writes_as_json_is_a_part_and_no_text() -> None:
    agent = scripted(['{"city": "Oslo", ', '"celsius": 9}'], output_type=NativeOutput(Forecast))
    agent.model.profile = {**agent.model.profile, "supports_json_schema_output": True}  # type: ignore[union-attr]
    async with served(pydantic_ai(agent)) as backend:
        seen = await view(backend, await say(backend, "Go"))
    assert seen.parts == (CustomPart("Forecast", {"city": "Oslo", "celsius": 9}),)


async def test_a_text_that_a_function_makes_is_the_answer() -> None:
    def shout(word: str) -> str:
        return word.upper()

    agent = scripted(call("final_result", '{"word": "hey"}'), output_type=shout)
    async with served(pydantic_ai(agent)) as backend:
        assert (await view(backend, await say(backend, "Go"))).text == "HEY"


async def test_an_answer_that_was_stopped_is_known_as_far_as_it_got() -> None:
    agent = scripted([call("look")], "Later.")
    stopped = asyncio.Event()

    @agent.tool_plain
    async def look() -> str:
        return "nine"

    async def hang(messages: list[ModelMessage], info: AgentInfo) -> AsyncIterator[Any]:
        if len(spoken(messages)) == 1:
            yield call("look")
        elif "Again" not in spoken(messages):
            yield "It is "
            try:
                await asyncio.Event().wait()
            finally:
                stopped.set()
        else:
            yield " / ".join(spoken(messages))

    agent.model = FunctionModel(stream_function=hang)
    async with served(pydantic_ai(agent)) as backend:
        run = await backend.start_run(ANN, None, "How cold?")
        await reach(backend, run, lambda seen: seen.text == "It is ")
        await backend.stop_run(ANN, run.id)
        assert (await view(backend, run)).state is RunState.CANCELLED
        await asyncio.wait_for(stopped.wait(), 5)
        again = await say(backend, "Again", after=run)
        assert (await view(backend, again)).text == "How cold? / nine / It is  / Again"


async def test_another_agents_conversation_goes_on(tmp_path: Path) -> None:
    async def parrot(request: Request) -> AsyncIterator[str]:
        yield f"You said {request.text}."

    url = f"sqlite:///{tmp_path}/chat.db"
    async with served(parrot, url) as backend:
        run = await say(backend, "Hello")
    async with served(pydantic_ai(echoing()), url) as backend:
        after = await say(backend, "And?", after=run)
        assert (await view(backend, after)).text == "[Hello] [You said Hello.] [And?] "


def http(category: Any, status: int, **headers: str) -> ModelHTTPError:
    return ModelHTTPError.for_category(category, status_code=status, model_name="m", body="sk-secret", headers=headers)


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (http(e.ModelAuthenticationError, 401), "refused the key of this chat"),
        (http(e.ModelRateLimitError, 429, **{"retry-after": "12"}), "Try again in 12 seconds."),
        (http(e.ModelRateLimitError, 429), "Try again in a moment."),
        (http(e.ModelContextWindowExceededError, 400), "too long for the model"),
        (http(e.ModelOverloadedError, 529), "not available right now"),
        (http(None, 418), "could not answer"),
        (e.ModelConnectionError("m", "sk-secret"), "cannot be reached right now"),
        (e.UnexpectedModelBehavior("sk-secret"), "could not be used"),
        (e.UsageLimitExceeded("sk-secret"), "more steps or tokens than this chat allows"),
        (e.FallbackExceptionGroup("all", [http(e.ModelNotFoundError, 404)]), "does not exist"),
        (e.UserError("sk-secret"), AGENT_FAILED),
        (RuntimeError("sk-secret"), AGENT_FAILED),
    ],
    ids="key rate-with-time rate window overloaded http connection behaviour usage fallback user other".split(),
)
async def test_what_goes_wrong_is_said_in_a_sentence_and_keeps_the_text(error: Exception, sentence: str) -> None:
    async def stream(messages: list[ModelMessage], info: AgentInfo) -> AsyncIterator[str]:
        yield "So far. "
        raise error

    async with served(pydantic_ai(Agent(FunctionModel(stream_function=stream)))) as backend:
        seen = await view(backend, await say(backend, "Go"))
    assert seen.state is RunState.FAILED and seen.text == "So far. "
    assert seen.error is not None and sentence in seen.error and "sk-secret" not in seen.error


async def test_a_limit_ends_the_run() -> None:
    agent = scripted(call("look"), "Never.")

    @agent.tool_plain
    def look() -> str:
        return "nine"

    async with served(pydantic_ai(agent, usage_limits=UsageLimits(request_limit=1))) as backend:
        seen = await view(backend, await say(backend, "Go"))
    assert seen.error is not None and "more steps or tokens" in seen.error and seen.usage is not None


@pytest.mark.parametrize("kind", ["value", "function", "coroutine"])
async def test_deps_are_a_value_or_a_function_of_the_request(kind: str) -> None:
    async def later(request: Request) -> str:
        return f"deps of {request.user.id}"

    def at_once(request: Request) -> str:
        return f"deps of {request.user.id}"

    agent = scripted(call("look"), "Done.", deps_type=str)

    @agent.tool
    def look(ctx: RunContext[str]) -> str:
        return ctx.deps

    deps = {"value": "deps of ann", "function": at_once, "coroutine": later}[kind]
    async with served(pydantic_ai(agent, deps=deps)) as backend:
        seen = await view(backend, await say(backend, "Go"))
    assert [part.result for part in seen.parts if isinstance(part, ToolCall)] == ["deps of ann"]


def test_wrong_settings_are_refused_where_they_are_given() -> None:
    with pytest.raises(TypeError, match="agent must be a Pydantic AI agent"):
        pydantic_ai("openai:gpt")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="usage_limits"):
        pydantic_ai(echoing(), usage_limits=3)  # type: ignore[arg-type]
    assert pydantic_ai(echoing(name="weather")).name == "weather"
    assert pydantic_ai(echoing()).name == "pydantic_ai"
