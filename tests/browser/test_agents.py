"""Agents of other servers, in the page: what a model does through its tools, and what is shown when things go wrong."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.agents.llama import is_busy, llama, needs_llama
from tests.browser.conftest import Server, launched
from tests.browser.driving import answer, assert_same_after_reload, send, wait_for_state
from tests.servers import Host, uvicorn, wait_until

READY = 60_000
AG_UI_SERVER = """
import asyncio, json
from starlette.applications import Starlette
from starlette.responses import StreamingResponse
from starlette.routing import Route

async def talk():
    yield frame(type="RUN_STARTED")
    number = 0
    while True:
        yield frame(type="TEXT_MESSAGE_CHUNK", messageId="m", delta=f"word{number} ")
        number += 1
        await asyncio.sleep(0.05)

def frame(**event):
    return f"data: {json.dumps(event)}\\n\\n"

async def answer(request):
    return StreamingResponse(talk(), media_type="text/event-stream")

app = Starlette(routes=[Route("/", answer, methods=["POST"])])
"""
CHAT = """
from htmxchat import LocalBackend, create_chat_app
from htmxchat.agents import ag_ui, openai

app = create_chat_app(LocalBackend({agent}))
"""


def test_an_ag_ui_server_that_is_killed_in_the_middle_of_its_answer_ends_it_honestly(
    page: Page, tmp_path: Path
) -> None:
    with (
        uvicorn(tmp_path / "agent", AG_UI_SERVER) as agent,
        uvicorn(tmp_path / "chat", CHAT.format(agent=f"ag_ui('{agent.url}/')")) as chat,
    ):
        page.goto(f"{chat.url}/")
        send(page, "Talk")
        expect(answer(page)).to_contain_text("word5")
        agent.stop(signal.SIGKILL)
        wait_for_state(page, "failed")
        expect(answer(page)).to_contain_text("word5")
        expect(answer(page)).to_contain_text("broke off in the middle of its answer")
        expect(answer(page).get_by_role("button", name="Try again")).to_be_visible()
        assert_same_after_reload(page)


SILENT_SERVER = """
import asyncio, json
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route

under_way = []

def answering(*events):
    async def talk():
        under_way.append(events)
        try:
            for event in events:
                yield f"data: {json.dumps(event)}\\n\\n"
            await asyncio.Event().wait()
        finally:
            under_way.remove(events)

    async def answer(request):
        return StreamingResponse(talk(), media_type="text/event-stream")

    return answer

model = answering({"choices": [{"index": 0, "delta": {"content": "I think"}, "finish_reason": None}]})
agent = answering({"type": "RUN_STARTED"}, {"type": "TEXT_MESSAGE_CHUNK", "messageId": "m", "delta": "I think"})

async def count(request):
    return PlainTextResponse(str(len(under_way)))

app = Starlette(routes=[
    Route("/v1/chat/completions", model, methods=["POST"]), Route("/", agent, methods=["POST"]), Route("/count", count),
])
"""


@pytest.mark.parametrize("agent", ["openai('{url}/v1', model='m')", "ag_ui('{url}/')"], ids=["openai", "ag_ui"])
def test_stop_closes_the_request_to_a_server_that_says_nothing(page: Page, tmp_path: Path, agent: str) -> None:
    with (
        uvicorn(tmp_path / "agent", SILENT_SERVER) as server,
        uvicorn(tmp_path / "chat", CHAT.format(agent=agent.format(url=server.url))) as chat,
    ):
        page.goto(f"{chat.url}/")
        send(page, "Talk")
        expect(answer(page)).to_contain_text("I think")
        assert _under_way(server) == 1
        page.click("button[name=stop]")
        wait_until(lambda: _under_way(server) == 0, "the request is closed")
        wait_for_state(page, "cancelled")
        expect(answer(page)).to_contain_text("I think")
        assert_same_after_reload(page)


def _under_way(server: Host) -> int:
    return int(httpx.get(f"{server.url}/count", trust_env=False).text)


@needs_llama
def test_stop_frees_the_place_of_a_model_that_llama_cpp_serves(page: Page, tmp_path: Path) -> None:
    with (
        llama(tmp_path) as url,
        uvicorn(tmp_path / "chat", CHAT.format(agent=f"openai('{url}/v1', model='tiny')")) as chat,
    ):
        page.goto(f"{chat.url}/")
        send(page, "[loop]")
        expect(answer(page).locator(".turn-body")).not_to_be_empty()
        wait_until(lambda: is_busy(url), "the model answers")
        page.click("button[name=stop]")
        wait_until(lambda: not is_busy(url), "the model is free")
        wait_for_state(page, "cancelled")
        assert_same_after_reload(page)


@pytest.fixture
def model_host() -> Iterator[Server]:
    """A chat with a scripted model behind an OpenAI-compatible API."""
    server = launched("tests.browser.model_host")
    yield server
    server.kill()


def test_a_model_runs_python_that_the_user_has_changed(context_with_python: BrowserContext, model_host: Server) -> None:
    page = context_with_python.new_page()
    page.goto(model_host.url)
    send(page, "What is it?")
    page.locator("chat-proposal a").last.click()
    script = page.locator("article.script")
    page.mouse.move(0, 0)
    script.locator("button[name=edit]").click()
    field = page.get_by_role("textbox", name="Code")
    field.fill(field.input_value().replace("6 * 7", "6 * 8"))
    script.locator("button[name=approve]").click()
    expect(script).to_have_attribute("data-state", "done", timeout=READY)
    wait_for_state(page, "completed")
    expect(answer(page)).to_contain_text("The number is 48, and I see 1 picture.")
    expect(answer(page).locator("img")).to_be_visible()
    assert_same_after_reload(page)
