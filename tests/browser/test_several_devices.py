"""Two tabs and a phone on one conversation: what one of them does, the others show by themselves."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import Server
from tests.browser.driving import answer, dom, open_menu, rename, send, start, until, wait_for_state

Devices = tuple[Page, Page, Page]


@pytest.fixture
def devices(context_with_python: BrowserContext, site: Server, new_context: Callable[..., BrowserContext]) -> Devices:
    """A tab, another one, and a phone of the same user, all on a conversation with one answer."""
    first = context_with_python.new_page()
    first.goto(site.url)
    start(first, "one")
    phone = new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    phone.add_cookies(context_with_python.cookies())  # type: ignore[arg-type]
    pages = first, context_with_python.new_page(), phone.new_page()
    for page in pages[1:]:
        page.goto(first.url)
        expect(page.locator("article.turn")).to_have_count(2)
    for page in pages:
        page.evaluate("window.stayed = true")
    return pages


def assert_equal(pages: Devices) -> None:
    """All show the same turns, and none was loaded again."""
    shown = dom(pages[0])
    for page in pages[1:]:
        until(partial(lambda page: dom(page) == shown, page))
    assert all(page.evaluate("window.stayed") for page in pages)


def hears_of(page: Page) -> int:
    """Wait until a page has asked twice: what was there before is on it by then. Return the last answer's status."""
    for _ in range(2):
        with page.expect_response("**/changes?*") as answered:
            pass
    return answered.value.status


def test_a_visible_page_asks_in_time_to_show_everything_within_two_seconds(devices: Devices) -> None:
    for page in devices:
        assert int(page.locator("chat-changes").get_attribute("data-every") or 0) <= 1_500
        assert hears_of(page) == 204, "nothing is otherwise"


def test_a_turn_is_seen_and_streams_in_the_others(devices: Devices) -> None:
    first, second, phone = devices
    send(first, "words 60 0.02")
    expect(answer(first)).to_have_attribute("data-state", "running")
    for page in (second, phone):
        expect(page.locator("article.turn")).to_have_count(4)
    for page in devices:
        wait_for_state(page, "completed")
        expect(page.locator("chat-live")).to_have_count(0)
    assert_equal(devices)
    send(phone, "three")
    for page in devices:
        expect(page.locator("article.turn")).to_have_count(6)
        wait_for_state(page, "completed")
    assert_equal(devices)


def test_an_answer_that_is_tried_again_takes_its_place_in_the_others(devices: Devices) -> None:
    first, *others = devices
    old = str(answer(first).get_attribute("id"))
    with first.expect_response("**/retry"):
        first.locator("button[name=retry]").click()
    for page in others:
        expect(page.locator(f"#{old}")).to_have_count(0)
    for page in devices:
        wait_for_state(page, "completed")
    assert_equal(devices)


def test_a_title_is_seen_in_the_others_also_in_the_list(devices: Devices) -> None:
    first, second, phone = devices
    rename(first, "A better title")
    for page in (second, phone):
        expect(page.locator("h1")).to_have_text("A better title")
        expect(page.locator("a[data-conversation]")).to_contain_text("A better title")
        expect(page).to_have_title("A better title · Test chat")
    assert_equal(devices)


def test_a_conversation_that_is_deleted_is_gone_from_the_others_and_what_was_typed_is_kept(devices: Devices) -> None:
    first, second, phone = devices
    phone.fill("#composer textarea", "a precious text")
    open_menu(first, "Delete")
    expect(first.locator(".undo")).to_be_visible()
    for page in (second, phone):
        expect(page.locator("#composer-error")).to_contain_text("not there any more")
        expect(page.locator("a[data-conversation]")).to_have_count(0)
    first.locator(".undo button").click()
    for page in (second, phone):
        expect(page.locator("a[data-conversation]")).to_have_count(1)
    phone.press("#composer textarea", "Control+Enter")
    wait_for_state(phone, "completed")
    expect(answer(phone).locator(".prose")).to_have_text("Echo: a precious text")
    for page in (first, second):
        expect(page.locator("a[data-conversation]")).to_have_count(2)


def test_a_script_is_seen_approved_and_done_in_the_others(devices: Devices) -> None:
    first, second, phone = devices
    send(first, f"run {json.dumps('print(6 * 7)')}")
    for page in devices:
        expect(page.locator("chat-proposal")).to_have_attribute("data-state", "queued")
    for page in devices:
        expect(
            page.locator(".opener[data-room=scripts] .badge, .tabs [data-room=scripts] .badge").first
        ).to_contain_text("1")
    first.locator("chat-proposal a").click()
    second.locator(".opener[data-room=scripts]").click()
    expect(second.locator("article.script")).to_have_attribute("data-state", "queued")
    held: list[Any] = []
    first.route("**/result", lambda route: held.append(route))
    first.locator("button[name=approve]").click()
    until(lambda: first.evaluate("1") and held, 60)
    expect(second.locator("article.script")).to_have_attribute("data-state", "running")
    for page in (second, phone):
        expect(page.locator("chat-proposal")).to_have_attribute("data-state", "running")
        expect(answer(page)).to_have_attribute("data-waiting", "script")
    with first.expect_response("**/result"):
        held[0].continue_()
    for page in (second, phone):
        expect(page.locator("chat-proposal")).to_have_attribute("data-state", "done")
    expect(second.locator("article.script")).to_have_attribute("data-state", "done")
    expect(second.locator(".script-output")).to_contain_text("42")
    for page in devices:
        wait_for_state(page, "completed")
        expect(page.locator(".badge")).to_have_count(0)
    assert_equal(devices)


def test_a_phone_approves_what_a_tab_proposed_and_runs_it(devices: Devices) -> None:
    first, second, phone = devices
    send(second, f"run {json.dumps('print(6 * 7)')}")
    phone.locator("chat-proposal a").click()
    phone.locator("button[name=approve]").click()
    for page in (first, second):
        expect(page.locator("chat-proposal")).to_have_attribute("data-state", "done", timeout=60_000)
        wait_for_state(page, "completed")


def test_a_page_that_nobody_looks_at_asks_nothing_and_asks_when_it_is_shown(devices: Devices) -> None:
    first, second, _ = devices
    hide = """hidden => {
      Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });
      document.dispatchEvent(new Event('visibilitychange'));
    }"""
    second.evaluate(hide, True)
    hears_of(first)  # what was under way has arrived
    asked: list[str] = []
    second.on("request", lambda request: asked.append(request.url))
    send(first, "two")
    wait_for_state(first, "completed")
    hears_of(first)
    second.evaluate("1")
    assert asked == []
    second.evaluate(hide, False)
    expect(second.locator("article.turn")).to_have_count(4)


def test_scripts_and_inspector_show_the_branch_that_is_shown_in_all_tabs(devices: Devices) -> None:
    first, second, phone = devices
    send(first, 'propose ["print(1)"]')
    expect(first.locator("article.turn")).to_have_count(4)
    wait_for_state(first, "completed")
    old = str(answer(first).get_attribute("id")).removeprefix("turn-")
    for page in (first, second):
        page.locator(".opener[data-room=scripts]").click()
        expect(page.locator("article.script")).to_have_count(1)
    second.locator(".opener[data-room=inspector]").click()
    expect(second.locator("#inspector")).to_have_attribute("data-url", re.compile(old))
    first.get_by_role("link", name="Edit this message").nth(1).click()
    first.get_by_role("textbox", name="Your message").fill("better")
    first.get_by_role("button", name="Save and send").click()
    for page in (first, second):
        expect(page.locator("#scripts-elsewhere")).to_have_text("1 script waits in another version. Show it")
        expect(page.locator("article.script")).to_have_count(0)
    for page in devices:
        wait_for_state(page, "completed")
        expect(page.locator("[data-room=scripts] .badge")).to_have_count(0)
    new = str(answer(second).get_attribute("id")).removeprefix("turn-")
    expect(second.locator("#inspector")).to_have_attribute("data-url", re.compile(new))
    expect(second).to_have_url(re.compile(f"/runs/{new}$"))
    first.locator("[name=earlier]").click()
    expect(second.locator("#inspector")).to_have_attribute("data-url", re.compile(old))
    for page in (first, second):
        expect(page.locator("article.script")).to_have_count(1)
    second.reload()
    expect(second.locator("#inspector")).to_have_attribute("data-url", re.compile(old))
    first.locator("[name=later]").click()
    first.locator("#scripts-elsewhere a").click()
    expect(first.locator("chat-proposal")).to_be_visible()
    for page in (second, phone):
        expect(page.locator("chat-proposal")).to_have_attribute("data-state", "queued")
