"""A phone shows one room at a time, and nothing is wider than it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import Server
from tests.browser.driving import answer, box, emit, fill_history, open_menu, say, send, start, wait_for_state

WIDE = "\n\n".join(
    [
        "# " + "Incomprehensibilities" * 4,
        "x" * 300,
        "`" + "y" * 200 + "`",
        "https://docs.example/" + "path/" * 40,
        "```python\n" + "value = " + "1 + " * 80 + "1\n```",
        "| "
        + " | ".join(f"Column {n}" for n in range(14))
        + " |\n"
        + "|---" * 14
        + "|\n"
        + "| a value here " * 14
        + "|",
        "> " + "q" * 200,
        "- " + "z" * 200 + "\n  - " + "z" * 200,
    ]
)


@pytest.fixture
def phone(new_context: Callable[..., BrowserContext], site: Server) -> Page:
    page = new_context(viewport={"width": 360, "height": 780}, has_touch=True, is_mobile=True).new_page()
    page.goto(site.url)
    return page


def assert_fits(page: Page) -> None:
    """Nothing reaches past the screen, and no room scrolls sideways."""
    wide = page.locator("html, .room, .room-body, .room-head, .turn, #composer").evaluate_all("""all => all
        .filter(it => it.scrollWidth > it.clientWidth + 1 && it.clientWidth > 1)
        .map(it => it.id || it.className || it.localName)""")
    assert wide == []
    assert page.evaluate("visualViewport.width") == 360


def test_the_tabs_lead_to_the_rooms_and_back_without_a_request(phone: Page) -> None:
    start(phone, "hello")
    tabs = phone.get_by_role("navigation", name="Rooms")
    expect(tabs.locator("[aria-current]")).to_have_text("Chat")
    phone.evaluate("document.body.dataset.mark = 'same'")
    tabs.get_by_text("History").tap()
    expect(phone.locator("#history-list")).to_be_visible()
    expect(phone.locator("#composer")).to_be_hidden()
    expect(tabs.locator("[aria-current]")).to_have_text("History")
    expect(phone.get_by_role("heading", level=1)).to_have_count(1)
    tabs.get_by_text("Chat").tap()
    expect(phone.locator("#composer")).to_be_visible()
    expect(phone.locator("#history-list")).to_be_hidden()
    expect(phone.locator("body")).to_have_attribute("data-mark", "same")


def test_a_conversation_chosen_from_the_history_is_shown_without_the_keyboard(phone: Page) -> None:
    fill_history(phone, ["one", "two"])
    phone.get_by_role("navigation", name="Rooms").get_by_text("History").tap()
    phone.get_by_role("link", name="one").tap()
    expect(phone.locator("h1")).to_have_text("one")
    expect(phone.locator("article.turn").first).to_be_visible()
    expect(phone.locator("#history-list")).to_be_hidden()
    expect(phone.locator("#turns")).to_be_focused()


def test_the_history_is_a_page_of_its_own_too(phone: Page, site: Server) -> None:
    fill_history(phone, ["one", "two"])
    phone.goto(site.url + "history")
    expect(phone.locator("#history-list")).to_be_visible()
    phone.get_by_role("link", name="two").tap()
    expect(phone.locator("h1")).to_have_text("two")
    expect(phone.locator("#composer")).to_be_visible()
    phone.go_back()
    expect(phone.locator("#history-list")).to_be_visible()
    phone.get_by_role("navigation", name="Rooms").get_by_text("Chat").tap()
    expect(phone.locator("#composer")).to_be_visible()


def test_the_greeting_is_what_one_sees_first(phone: Page) -> None:
    expect(phone.locator(".empty h2")).to_be_in_viewport()
    expect(phone.get_by_text("Latest")).to_be_hidden()


def test_a_deleted_conversation_can_be_brought_back(phone: Page) -> None:
    start(phone, "keep me")
    open_menu(phone, "Delete")
    phone.get_by_role("button", name="Undo").tap()
    expect(phone.locator("h1")).to_have_text("keep me")
    expect(phone.locator("#composer")).to_be_visible()


def test_nothing_in_an_answer_is_wider_than_the_screen(phone: Page) -> None:
    assert_fits(phone)
    say(phone, WIDE)
    assert_fits(phone)
    table = answer(phone).locator(".table")
    assert table.evaluate("it => it.scrollWidth > it.clientWidth && getComputedStyle(it).overflowX === 'auto'")


def test_nothing_around_an_answer_is_wider_than_the_screen(phone: Page) -> None:
    long = "w" * 120
    call = {"call_id": "1", "name": long, "summary": long, "arguments": {long: long}}
    emit(
        phone,
        ("ReasoningDelta", {"text": long * 3}),
        ("ToolStarted", call),
        ("ToolFinished", {"call_id": "1", "summary": long}),
        (
            "SourcesFound",
            {"sources": [{"title": long, "url": f"https://{long}.example/", "detail": long, "excerpt": long}]},
        ),
        ("TextDelta", {"text": "Done."}),
        ("InputRequested", {"request_id": "1", "prompt": long, "choices": [long, "no"]}),
    )
    wait_for_state(phone, "suspended")
    for step in answer(phone).locator(".ledger summary").all():
        step.tap()
    assert_fits(phone)


def test_long_words_fit_in_titles_messages_and_the_form_that_renames(phone: Page) -> None:
    word = "Donaudampfschifffahrtsgesellschaft" * 5
    start(phone, word)
    assert_fits(phone)
    open_menu(phone, "Rename")
    expect(phone.get_by_label("Title")).to_be_visible()
    assert_fits(phone)
    expect(phone.get_by_role("button", name="Save")).to_be_in_viewport()
    expect(phone.get_by_role("link", name="Cancel")).to_be_in_viewport()
    phone.get_by_role("navigation", name="Rooms").get_by_text("History").tap()
    assert_fits(phone)


def test_a_text_that_is_too_long_is_counted_here_too(phone: Page) -> None:
    box(phone).fill("x" * 20_001)
    expect(phone.locator(".count")).to_be_visible()
    assert_fits(phone)


def test_stop_is_within_reach(phone: Page) -> None:
    send(phone, "forever")
    stop = phone.get_by_role("button", name="Stop")
    expect(stop).to_be_in_viewport()
    size = stop.bounding_box()
    assert size is not None
    assert size["height"] >= 40
    stop.tap()
    wait_for_state(phone, "cancelled")


def test_enter_on_a_touch_keyboard_begins_a_line_and_the_button_sends(phone: Page) -> None:
    expect(box(phone)).to_have_attribute("enterkeyhint", "enter")
    box(phone).tap()
    phone.keyboard.type("one")
    phone.keyboard.press("Enter")
    phone.keyboard.type("two")
    expect(box(phone)).to_have_value("one\ntwo")
    phone.get_by_role("button", name="Send").tap()
    wait_for_state(phone, "completed")
    assert phone.locator("article.turn").first.locator(".turn-body").inner_text() == "one\ntwo"


def test_a_wide_touch_screen_does_not_promise_that_enter_sends(
    new_context: Callable[..., BrowserContext], site: Server
) -> None:
    page = new_context(viewport={"width": 1200, "height": 800}, has_touch=True, is_mobile=True).new_page()
    page.goto(site.url)
    expect(page.locator(".hint")).not_to_contain_text("sends", use_inner_text=True)
    expect(box(page)).to_have_attribute("enterkeyhint", "enter")
    # With a keyboard of its own, as some tablets have, it can be sent from there.
    box(page).fill("hello")
    page.keyboard.press("Control+Enter")
    wait_for_state(page, "completed")
