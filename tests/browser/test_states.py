"""How a run stands, in every room of an open page at once: nothing is reloaded unless the test says so."""

from __future__ import annotations

import json
import re

from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import Server
from tests.browser.driving import answer, assert_same_after_reload, dom, send, start, wait_for_state

FOREVER = "import time\nwhile True:\n    time.sleep(0.01)"
READY = 60_000


def expect_everywhere(page: Page, mark: str, word: str, waiting: str | None = None) -> None:
    """In the turn, the history, the inspector and the window's title."""
    expect(answer(page)).to_have_attribute("data-state", mark)
    if waiting:
        expect(answer(page)).to_have_attribute("data-waiting", waiting)
    else:
        expect(answer(page)).not_to_have_attribute("data-waiting", re.compile(""))
    row = page.locator("a[data-conversation]").first
    if mark != "completed":
        expect(row).to_have_attribute("data-state", mark)
        expect(row).to_have_attribute("title", re.compile(f"^{re.escape(word)}$", re.MULTILINE))
    else:
        expect(row).not_to_have_attribute("data-state", re.compile(""))
    fact = page.locator("#inspector-facts dd.state")
    if page.locator("#inspector-facts").count():
        expect(fact).to_have_text(word)
        expect(fact).to_have_attribute("data-state", mark)
    expect(page).to_have_title(re.compile("^○ " if mark == "suspended" else "^[^○]"))


def inspect(page: Page) -> None:
    page.get_by_role("link", name="Inspector", exact=True).click()
    expect(page.locator("#inspector-facts")).to_be_visible()


def test_a_question_is_waiting_everywhere_until_it_is_answered(chat: Page) -> None:
    start(chat, "ask", "suspended")
    expect_everywhere(chat, "suspended", "Waiting for your answer", "answer")
    inspect(chat)
    expect_everywhere(chat, "suspended", "Waiting for your answer", "answer")
    expect(chat.locator("#inspector-facts")).to_contain_text("Waiting since")
    chat.reload()
    expect_everywhere(chat, "suspended", "Waiting for your answer", "answer")
    chat.locator(".request button").first.click()
    wait_for_state(chat, "completed")
    expect_everywhere(chat, "completed", "Done")
    assert_same_after_reload(chat)


def test_a_script_stands_the_same_in_every_room_from_the_proposal_to_its_end(
    context_with_python: BrowserContext, site: Server
) -> None:
    page, other = context_with_python.new_page(), context_with_python.new_page()
    for shown in (page, other):
        shown.set_viewport_size({"width": 2200, "height": 1000})
    page.goto(site.url)
    start(page, f"propose {json.dumps([FOREVER])}")  # its queue is taken, so that the next one has to wait
    send(page, f"run {json.dumps(FOREVER)}")
    expect(page.locator("article.turn")).to_have_count(4)
    line = answer(page).locator("chat-proposal")
    expect(line.locator(".state")).to_have_text("Needs your approval")
    inspect(page)
    expect_everywhere(page, "suspended", "Needs your approval", "approval")
    other.goto(page.url)

    page.locator(".opener[data-room=scripts]").click()
    first, second = (page.locator("article.script").nth(number) for number in range(2))
    first.locator("button[name=approve]").click()
    expect(first).to_have_attribute("data-state", "running", timeout=READY)
    expect(page.locator("chat-proposal").first).to_have_attribute("data-state", "running")
    second.locator("button[name=approve]").click()
    for shown in (page, other):
        expect(shown.locator("chat-proposal").last.locator(".state")).to_have_text("Approved")
        expect(shown.locator("chat-proposal a").last).to_contain_text("Open")
        expect_everywhere(shown, "running", "Script approved", "approved")

    first.locator("button[name=cancel]").click()
    expect(page.locator("chat-proposal").first.locator(".state")).to_have_text(re.compile("^Cancelled"))
    for shown in (page, other):
        expect(shown.locator("chat-proposal").last.locator(".state")).to_contain_text("Running", timeout=READY)
        expect_everywhere(shown, "running", "Running a script", "script")
    other.reload()
    expect(other.locator("chat-proposal").last.locator(".state")).to_have_text("Running")
    expect_everywhere(other, "running", "Running a script", "script")
    page.locator("article.script[data-state=running] button[name=cancel]").click()
    for shown in (page, other):
        wait_for_state(shown, "completed")
        expect(shown.locator("chat-proposal").last.locator(".state")).to_have_text(re.compile("^Cancelled"))
        expect_everywhere(shown, "completed", "Done")
    assert dom(page) == dom(other)
    assert_same_after_reload(page)


def test_the_list_of_runs_follows_while_it_is_open(chat: Page) -> None:
    start(chat, "ask", "suspended")
    chat.goto(chat.url + "/runs")
    run = chat.locator("a[data-run] .state")
    expect(run).to_have_text("Waiting for your answer")
    chat.locator(".request button").first.click()
    expect(run).to_have_text("Done")


def test_a_call_that_the_agent_repeats_is_one_step(chat: Page) -> None:
    call, result = {"call_id": "c1", "name": "delete", "summary": "old.csv"}, {"call_id": "c1", "summary": "gone"}
    start(
        chat,
        "emit "
        + json.dumps(
            [
                ["ToolStarted", call],
                ["ToolFinished", {"call_id": "c1", "summary": "needs approval"}],
                ["ToolStarted", call | {"arguments": {"force": True}}],
                ["ToolFinished", result],
            ]
        ),
    )
    expect(answer(chat).locator(".ledger details")).to_have_count(1)
    expect(answer(chat).locator(".ledger details .state")).to_have_text("gone")
    assert_same_after_reload(chat)
    expect(answer(chat).locator(".ledger details")).to_have_count(1)
