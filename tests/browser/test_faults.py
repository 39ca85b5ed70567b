"""A page whose server stops, or whose server's database goes away: it says what is so, and continues."""

from __future__ import annotations

import re
import signal
import time
from pathlib import Path

from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.driving import answer, assert_complete, assert_same_after_reload, send, wait_for_state, wait_for_word
from tests.conftest import running
from tests.servers import free_port, uvicorn

APP = """
from fastapi import FastAPI
from htmxchat import LocalBackend, Store, create_chat_app
from tests.browser.hosts import respond

app = FastAPI()
app.mount("/chat", create_chat_app(LocalBackend(respond, Store({url!r}))))
"""


def test_a_page_that_waits_lets_the_server_stop_and_is_told_what_became_of_its_question(
    tmp_path: Path, page: Page, context: BrowserContext
) -> None:
    source, port = APP.format(url=f"sqlite:///{tmp_path}/chat.db"), free_port()
    with uvicorn(tmp_path / "app", source, port=port) as host:
        page.goto(f"{host.url}/chat/")
        send(page, "ask")
        wait_for_state(page, "suspended")
        # Another tab answers nothing yet, but waits as well.
        other = context.new_page()
        other.goto(page.url)
        assert host.stop(signal.SIGINT) < 15
    with uvicorn(tmp_path / "app", source, port=port):
        for each in (page, other):
            each.bring_to_front()
            wait_for_state(each, "failed")
            expect(answer(each)).to_contain_text("can no longer be answered")
            expect(answer(each).locator(".request[data-state=withdrawn]")).to_be_visible()
        assert_same_after_reload(page)


def test_a_page_says_that_its_answer_is_delayed_while_the_database_is_away(tmp_path: Path, page: Page) -> None:
    with running() as database, uvicorn(tmp_path / "app", APP.format(url=database.url)) as host:
        page.goto(f"{host.url}/chat/")
        send(page, "words 200 0.05")
        wait_for_word(page, 20)
        database.stop()
        away = time.monotonic()
        notice = answer(page).locator(".connection")
        expect(notice).to_be_visible()
        expect(notice).to_have_text(re.compile("delayed"))
        page.wait_for_timeout(max(0, 8_000 - 1_000 * (time.monotonic() - away)))
        expect(notice).to_be_visible()
        expect(answer(page)).not_to_contain_text("interrupted")
        database.start()
        expect(notice).to_be_hidden()
        assert_complete(page, 200)
        assert_same_after_reload(page)
