"""The OpenAI-compatible agent in front of llama.cpp's own server, with a model that acts out scripts."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from htmxchat import LocalBackend, Part, Reasoning, RunView, TextDelta, ToolCall, User, fold
from htmxchat.agents import openai
from htmxchat.models import RunState
from htmxchat.testing import each_event

from .llama import is_busy, llama, needs_llama

ANN = User("ann")
AFTER = "It is 21 degrees there, says the tool."

pytestmark = needs_llama


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the server's API."""
    with llama(tmp_path_factory.mktemp("model")) as url:
        yield f"{url}/v1"


def get_weather(city: str, unit: str = "celsius") -> str:
    """Tell the weather."""
    return f"21 {unit} in {city}"


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


async def answered(server: str, text: str, api: Any) -> RunView:
    backend = LocalBackend(openai(server, model="tiny", tools=[get_weather, add], api=api))
    run = await backend.start_run(ANN, None, text)
    view = fold([event async for event in each_event(backend, ANN, run.id)])
    await backend.close()
    return view


def said(part: Part) -> tuple[str, Any]:
    match part:
        case ToolCall():
            return part.name, part.result
        case Reasoning(text=text):
            return "thought", text
    return "text", getattr(part, "text", part)


@pytest.mark.parametrize("api", ["chat", "responses"])
@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("hello", [("text", "Hello from a tiny scripted model. The answer is forty-two.")]),
        ("[tool]", [("get_weather", "21 celsius in Paris"), ("text", AFTER)]),
        ("[tools2]", [("get_weather", "21 kelvin in Oslo"), ("add", 42), ("text", AFTER)]),
        (
            "[talktool]",
            [("text", "Let me look that up.\n"), ("get_weather", '21 celsius in Lima "Centro" é'), ("text", AFTER)],
        ),
        ("[thinktool]", [("thought", "I need the tool for this.\n"), ("add", 3), ("text", AFTER)]),
        (
            "[think]",
            [("thought", "The user asks for a sum. Two and two make four.\n"), ("text", "It is 4.")],
        ),
    ],
    ids=["text", "tool", "parallel tools", "text and tool", "reasoning and tool", "reasoning"],
)
async def test_the_server_is_understood(server: str, api: str, script: str, expected: list[tuple[str, Any]]) -> None:
    view = await answered(server, script, api)
    assert (view.state, view.error) == (RunState.COMPLETED, None)
    assert [said(part) for part in view.parts] == expected
    assert view.usage is not None
    assert view.usage.output_tokens > 0


@pytest.mark.parametrize("api", ["chat", "responses"])
async def test_characters_that_some_take_for_line_ends_come_whole(server: str, api: str) -> None:
    view = await answered(server, "[uni]", api)
    assert view.text.startswith("line\u2028sep, par\u2029sep, nel\x85end, tab\tCR\r\nLF")
    assert view.text.endswith("ZWJ family 😀")


@pytest.mark.parametrize("api", ["chat", "responses"])
async def test_stop_frees_the_server(server: str, api: Any) -> None:
    backend = LocalBackend(openai(server, model="tiny", api=api))
    run = await backend.start_run(ANN, None, "[loop]")
    async for event in each_event(backend, ANN, run.id):
        if isinstance(event.body, TextDelta):
            await backend.stop_run(ANN, run.id)
            break
    async with asyncio.timeout(5):
        while await asyncio.to_thread(is_busy, server.removesuffix("/v1")):
            pass
    view = fold([event async for event in each_event(backend, ANN, run.id)])
    await backend.close()
    assert view.state is RunState.CANCELLED


async def test_a_conversation_that_is_too_long_is_said_so(server: str) -> None:
    view = await answered(server, "word " * 9_000, "chat")
    assert view.error is not None
    assert "too long for the model" in view.error
