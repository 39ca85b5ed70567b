"""Export, import and share in a browser: by mouse and keyboard, over the page and without JavaScript."""

from __future__ import annotations

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Server
from tests.browser.driving import open_menu, reload_until, send, start, submit, wait_for_state

QUESTION = "Why did checkout get slow at 14:30?"
TITLE = "Find the cause of an alert"
"""What the demo's agent calls the conversation."""


def assert_accessible(page: Page) -> None:
    violations = Axe().run(page).response["violations"]
    assert violations == [], violations


def test_a_conversation_is_shared_read_and_taken_back(page: Page, site: Server, browser: Browser) -> None:
    page.goto(site.at("sharing/"))
    start(page, QUESTION)
    page.get_by_label("Conversation menu").focus()
    page.keyboard.press("Enter")
    page.locator("chat-menu .menu").get_by_text("Share…").focus()
    page.keyboard.press("Enter")
    window = page.locator("dialog.window:modal")
    expect(window).to_be_visible()
    assert_accessible(page)
    window.get_by_role("button", name="Create link").click()
    address = page.locator("#share-address")
    expect(address).to_be_visible()
    expect(window.get_by_role("button", name="Save")).to_be_visible()
    expect(window).to_contain_text("up to now, 2 turns")
    url = address.input_value()
    window.get_by_role("button", name="Copy link").click()
    expect(page.locator("#status")).to_contain_text("ink")
    assert_accessible(page)
    page.keyboard.press("Escape")
    expect(window).to_have_count(0)
    expect(page.get_by_label("Conversation menu")).to_be_focused()

    reader = browser.new_context(viewport={"width": 360, "height": 740}, color_scheme="dark").new_page()
    problems: list[str] = []
    reader.on("console", lambda message: problems.append(message.text))
    reader.goto(url)
    expect(reader.locator("main.reading h1")).to_have_text(TITLE)
    expect(reader.locator(".turns > .turn")).to_have_count(2)
    expect(reader.locator("button, form, input, script")).to_have_count(0)
    assert reader.evaluate("document.documentElement.scrollWidth") == 360
    assert reader.context.cookies() == [] and problems == []
    assert_accessible(reader)

    open_menu(page, "Share…")
    window.get_by_text("Only you", exact=True).click()
    window.get_by_role("button", name="Save").click()
    expect(window.get_by_role("button", name="Create link")).to_be_visible()
    answer = reader.goto(url)
    assert answer is not None and answer.status == 404
    reader.context.close()


@pytest.mark.parametrize("javascript", [True, False])
def test_what_is_exported_comes_back(browser: Browser, site: Server, tmp_path: Path, javascript: bool) -> None:
    context = browser.new_context(java_script_enabled=javascript, accept_downloads=True)
    page = context.new_page()
    page.goto(site.at("sharing/"))
    if javascript:
        send(page, QUESTION)
        wait_for_state(page, "completed")
    else:
        page.fill("#composer textarea", QUESTION)
        submit(page, "Send")
        reload_until(page, "completed")
    page.get_by_label("Conversation menu").click()
    with page.expect_download() as download:
        page.get_by_text("Export as JSON").click()
    file = tmp_path / download.value.suggested_filename
    assert file.suffix == ".json"
    download.value.save_as(file)
    page.goto(site.at("sharing/import"))
    page.get_by_label("A file made by").set_input_files(file)
    page.get_by_role("button", name="Import").click()
    expect(page.locator("h1#heading")).to_have_text(TITLE)
    expect(page.locator("article.turn")).to_have_count(2)
    page.goto(page.url + "/share")
    expect(page.locator("dialog.window")).to_be_visible()
    page.get_by_role("button", name="Create link").click()
    expect(page.locator("#share-address")).to_be_visible()
    page.get_by_role("link", name="All shared conversations").click()
    page.get_by_role("button", name="Take back").click()
    expect(page.locator("#shares")).to_contain_text("You share no conversation")
    context.close()
