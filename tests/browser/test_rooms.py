"""The four rooms: closed sides take no space, one opens beside the conversation, a phone shows one at a time."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import Server
from tests.browser.driving import fill_history, open_menu, send, start, wait_for_state
from tests.browser.test_accessibility import assert_accessible

SIZES = {"narrow": 1000, "wide": 1280, "very wide": 1800}


def opener(page: Page) -> None:
    page.locator("a.opener[data-room=inspector]").click()


@pytest.mark.parametrize("width", SIZES.values(), ids=SIZES)
def test_a_side_opens_beside_the_conversation_and_closes_again(chat: Page, width: int) -> None:
    chat.set_viewport_size({"width": width, "height": 800})
    start(chat, "hello")
    address = chat.url
    expect(chat.locator("#inspector")).to_be_hidden()
    before = chat.locator("#conversation").bounding_box()
    opener(chat)
    expect(chat.locator("#inspector .facts")).to_be_visible()
    expect(chat).to_have_url(re.compile("/runs/[0-9a-f]{32}$"))
    expect(chat.locator("a.opener[data-room=inspector]")).to_be_hidden()
    expect(chat.locator("#composer")).to_be_visible()
    chat.get_by_role("link", name="Close the inspector").click()
    expect(chat.locator("#inspector")).to_be_hidden()
    expect(chat).to_have_url(address)
    expect(chat.locator("a.opener[data-room=inspector]")).to_be_focused()
    assert chat.locator("#conversation").bounding_box() == before


def test_back_and_forward_open_and_close_it_as_it_was(chat: Page) -> None:
    start(chat, "hello")
    opener(chat)
    expect(chat).to_have_url(re.compile("/runs/[0-9a-f]+$"))
    expect(chat.locator("#inspector .facts")).to_be_visible()
    chat.get_by_label("All runs").click()
    expect(chat.locator("#inspector .run-list a")).to_have_count(1)
    chat.go_back()
    expect(chat.locator("#inspector .facts")).to_be_visible()
    chat.go_back()
    expect(chat.locator("#inspector")).to_be_hidden()
    expect(chat.locator("article.turn")).to_have_count(2)
    chat.go_forward()
    expect(chat.locator("#inspector .facts")).to_be_visible()


SHIFTED = """() => new Promise((done) => new PerformanceObserver((seen) => done(seen.getEntries()
    .flatMap(({ sources }) => sources.map(({ node }) => node?.id)))).observe({ type: "layout-shift", buffered: true })
    || setTimeout(() => done([]), 300))"""


def breadth(page: Page, room: str) -> float:
    return float(page.locator(room).evaluate("it => it.getBoundingClientRect().width")) / 16


def test_rooms_keep_the_width_that_they_were_given(chat: Page) -> None:
    start(chat, "hello")
    opener(chat)
    chat.set_viewport_size({"width": 1600, "height": 800})
    handle = chat.get_by_role("separator", name="Width of the list of conversations")
    box = handle.bounding_box()
    assert box is not None
    chat.mouse.move(box["x"] + 4, 200)
    chat.mouse.down()
    chat.mouse.move(20 * 16, 300)
    chat.mouse.up()
    assert breadth(chat, "#history") == 20
    handle.press("ArrowRight")
    expect(handle).to_have_attribute("aria-valuenow", "21")
    side = chat.get_by_role("separator", name="Width of the room at the side")
    for key, width in ("Home", 20), ("ArrowLeft", 21), ("ArrowRight", 20), ("ArrowLeft", 21):
        side.press(key)
        assert breadth(chat, "#inspector") == width
    assert_accessible(chat)
    chat.reload()
    assert (breadth(chat, "#history"), breadth(chat, "#inspector")) == (21, 21)
    chat.keyboard.press("Tab")
    expect(handle).to_be_visible()
    assert not {"history", "conversation", "inspector"} & set(chat.evaluate(SHIFTED))

    chat.evaluate("document.documentElement.dir = 'rtl'")
    handle.press("ArrowLeft")
    assert breadth(chat, "#history") == 22
    handle.press("Enter")
    expect(chat.locator("#history")).to_be_hidden()
    expect(chat.get_by_role("link", name="New conversation")).to_be_visible()
    assert_accessible(chat)
    chat.reload()
    expect(chat.locator("#history")).to_be_hidden()
    chat.keyboard.press("Tab")
    chat.get_by_role("button", name="Show conversations").click()
    assert breadth(chat, "#history") == 22
    handle.dblclick(position={"x": 4, "y": 100})
    assert breadth(chat, "#history") == 16.5
    chat.set_viewport_size({"width": 400, "height": 800})
    expect(chat.locator(".divider").first).to_be_hidden()
    assert breadth(chat, "#inspector") == 25


def test_another_conversation_closes_it(chat: Page) -> None:
    fill_history(chat, ["one", "two"])
    chat.get_by_role("link", name="one").click()
    expect(chat.locator("h1")).to_have_text("one")
    opener(chat)
    expect(chat.locator("#inspector .facts")).to_be_visible()
    chat.locator("a[data-conversation]", has_text="two").click()
    expect(chat.locator("h1")).to_have_text("two")
    expect(chat.locator("#inspector")).to_be_hidden()
    opener(chat)
    expect(chat.locator("#inspector .facts")).to_be_visible()


def test_opening_it_leaves_the_answer_streaming(chat: Page) -> None:
    send(chat, "words 150 0.01")
    wait_for_state(chat, "running")
    opener(chat)
    expect(chat.locator("#inspector .facts")).to_be_visible()
    wait_for_state(chat, "completed")


def test_a_phone_shows_the_rooms_in_turn(new_context: Callable[..., BrowserContext], site: Server) -> None:
    page = new_context(viewport={"width": 360, "height": 780}, has_touch=True, is_mobile=True).new_page()
    page.goto(site.url)
    start(page, "hello")
    tabs = page.get_by_role("navigation", name="Rooms")
    tabs.get_by_text("Inspector").tap()
    expect(page.locator("#inspector .facts")).to_be_visible()
    expect(page.locator("#composer")).to_be_hidden()
    expect(tabs.locator("[aria-current]")).to_have_text("Inspector")
    page.reload()
    expect(page.locator("#inspector .facts")).to_be_visible()
    page.evaluate("document.body.dataset.mark = 'same'")
    for name, room in (("Chat", "#composer"), ("History", "#history-list"), ("Inspector", "#inspector .facts")):
        tabs.get_by_text(name).tap()
        expect(page.locator(room)).to_be_visible()
        expect(tabs.locator("[aria-current]")).to_have_text(name)
    expect(page.locator("body")).to_have_attribute("data-mark", "same")


def test_a_title_that_is_not_changed_after_all_leaves_it_open(chat: Page) -> None:
    start(chat, "hello")
    opener(chat)
    expect(chat.locator("#inspector .facts")).to_be_visible()
    open_menu(chat, "Rename")
    chat.locator("form.rename").get_by_role("link", name="Cancel").click()
    expect(chat.locator("form.rename")).to_have_count(0)
    expect(chat.locator("#inspector .facts")).to_be_visible()


def test_the_opener_leads_to_the_latest_run_however_many_came_since(chat: Page) -> None:
    start(chat, "one")
    send(chat, "two")
    expect(chat.locator("article.turn[id]")).to_have_count(4)
    wait_for_state(chat, "completed")
    latest = chat.locator("article.turn").last.get_attribute("id")
    opener(chat)
    expect(chat).to_have_url(re.compile(f"/runs/{str(latest).removeprefix('turn-')}$"))
