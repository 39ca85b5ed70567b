"""The OpenAI-compatible agent, against servers on real sockets."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from htmxchat import LocalBackend, RunView, User, fold
from htmxchat.agents import openai
from htmxchat.agents.openai_api import refusals
from htmxchat.models import RunState
from htmxchat.testing import each_event

from .recordings import Played, answer, playing, refusal, stream

ANN = User("ann")


async def ask(backend: LocalBackend, text: str, conversation_id: str | None = None) -> RunView:
    run = await backend.start_run(ANN, conversation_id, text)
    return fold([event async for event in each_event(backend, ANN, run.id)])


async def answered(server: Played, text: str = "Hello", **options: Any) -> RunView:
    backend = LocalBackend(openai(server.url, **{"model": "m", **options}))
    try:
        return await ask(backend, text)
    finally:
        await backend.close()


def posted(request: bytes) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(request.partition(b"\r\n\r\n")[2])
    return body


async def test_an_answer_streams() -> None:
    async with playing(answer("Hello from a model.")) as server:
        view = await answered(server)
    assert view.state is RunState.COMPLETED
    assert view.text == "Hello from a model. "


async def test_nothing_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with playing(answer("Hello.")) as server:
        assert (await answered(server)).text == "Hello. "


async def test_it_sends_the_system_prompt_the_branch_and_further_fields() -> None:
    async with playing(answer("First."), answer("Second.")) as server:
        agent = openai(
            server.url,
            model="m",
            api_key="sk-not-to-be-seen",
            system=lambda request: f"You talk to {request.user.id}.",
            extra={"temperature": 0},
            headers={"X-Team": "blue"},
        )
        backend = LocalBackend(agent)
        await ask(backend, "One")
        (conversation,) = (await backend.list_conversations(ANN)).items
        await ask(backend, "Two", conversation.id)
        await backend.close()
    body = posted(server.requests[1])
    assert body["messages"] == [
        {"role": "system", "content": "You talk to ann."},
        {"role": "user", "content": "One"},
        {"role": "assistant", "content": "First. "},
        {"role": "user", "content": "Two"},
    ]
    assert (body["model"], body["temperature"], body["stream"]) == ("m", 0, True)
    assert "tools" not in body
    head = server.requests[1].partition(b"\r\n\r\n")[0].decode()
    assert "Bearer sk-not-to-be-seen" in head
    assert "X-Team: blue" in head
    assert "sk-not-to-be-seen" not in repr(agent) + repr(vars(agent)["_server"])


async def test_stop_closes_the_connection() -> None:
    async with playing(stream('data: {"choices":[{"delta":{"content":"Once"}}]}'), hold=True) as server:
        backend = LocalBackend(openai(server.url, model="m"))
        run = await backend.start_run(ANN, None, "Tell me a story")
        async for event in each_event(backend, ANN, run.id):
            if fold([event]).text:
                await backend.stop_run(ANN, run.id)
                await asyncio.wait_for(server.closed.wait(), 1)
        view = fold([event async for event in each_event(backend, ANN, run.id)])
        await backend.close()
    assert (view.state, view.text) == (RunState.CANCELLED, "Once")


async def test_a_cut_answer_is_not_complete() -> None:
    async with playing(stream('data: {"choices":[{"delta":{"content":"Half"}}]}')) as server:
        view = await answered(server)
    assert (view.state, view.text, view.error) == (RunState.FAILED, "Half", refusals.CUT)


async def test_a_server_that_is_not_there_is_said_so() -> None:
    async with playing(answer("Hello")) as server:
        pass
    view = await answered(server)
    assert view.state is RunState.FAILED
    assert view.error == "The model's server cannot be reached. Try again in a moment."


async def test_a_busy_server_is_asked_again() -> None:
    async with playing(refusal(429, Retry_After="0"), answer("Here I am.")) as server:
        view = await answered(server)
    assert (view.state, view.text, len(server.requests)) == (RunState.COMPLETED, "Here I am. ", 2)


@pytest.mark.parametrize(
    "base_url", ["", "localhost:11434", "ftp://host/v1", "http://me:secret@host/v1", "http://host/v1?key=secret"]
)
def test_a_wrong_address_is_refused_where_it_is_given(base_url: str) -> None:
    with pytest.raises(ValueError, match="base_url must") as error:
        openai(base_url, model="m")
    assert "secret" not in str(error.value)


def test_a_key_that_cannot_be_sent_is_refused_without_showing_it() -> None:
    with pytest.raises(ValueError, match="api_key cannot be sent") as error:
        openai("http://localhost/v1", model="m", api_key="sk-secret\n")
    assert "sk-secret" not in str(error.value)


@pytest.mark.parametrize("said", ["401", "stream"])
async def test_the_key_is_in_no_log_event_or_error(said: str, caplog: pytest.LogCaptureFixture) -> None:
    key = "sk-0123456789abcdefghijklmnop"
    error = json.dumps({"error": {"message": f"Wrong key {key}, also {key[:7]}*****{key[-4:]}."}})
    trouble = refusal(400, error) if said == "401" else stream(f"data: {error}")
    caplog.set_level("DEBUG")
    async with playing(trouble) as server:
        agent = openai(server.url, model="m", api_key=key, headers={"X-Key": "another secret of the host"})
        backend = LocalBackend(agent)
        run = await backend.start_run(ANN, None, "Hello")
        events = [event async for event in each_event(backend, ANN, run.id)]
        await backend.close()
    assert key in server.requests[0].decode()
    everything = "\n".join(
        [*map(repr, events), repr(agent), caplog.text, *(str(vars(each)) for each in caplog.records)]
    )
    for secret in (key, key[:7], "another secret"):
        assert secret not in everything
    assert "Wrong key [hidden]" in everything
