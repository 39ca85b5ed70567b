"""Agents of other servers, as the page shows them when things go wrong."""

from __future__ import annotations

import signal
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.driving import answer, assert_same_after_reload, send, wait_for_state
from tests.servers import uvicorn

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
AG_UI_CHAT = """
from htmxchat import LocalBackend, create_chat_app
from htmxchat.agents import ag_ui

app = create_chat_app(LocalBackend(ag_ui("{url}/")))
"""


def test_an_ag_ui_server_that_is_killed_in_the_middle_of_its_answer_ends_it_honestly(
    page: Page, tmp_path: Path
) -> None:
    with (
        uvicorn(tmp_path / "agent", AG_UI_SERVER) as agent,
        uvicorn(tmp_path / "chat", AG_UI_CHAT.format(url=agent.url)) as chat,
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
