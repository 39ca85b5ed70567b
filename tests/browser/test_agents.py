"""Agents that people have, in the page: what a model does through its tools."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, expect

from .conftest import ROOT, Server
from .driving import answer, assert_same_after_reload, send, wait_for_state

READY = 60_000


@pytest.fixture
def model_host() -> Iterator[Server]:
    """A chat with a scripted model behind an OpenAI-compatible API."""
    command = [sys.executable, "-m", "tests.browser.model_host"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    server = Server(process, int(process.stdout.readline()))
    yield server
    server.kill()
    process.stdout.close()


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
