"""Where the focus is after an action that takes its own button away: in sight, at what comes next, never lost."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.browser.conftest import Server
from tests.browser.driving import answer, box, fill_history, open_menu, send, start, wait_for_state
from tests.browser.test_scripts import card, expect_state, propose


def press(button: Locator) -> None:
    """Press a button by keyboard."""
    button.focus()
    button.press("Enter")


def expect_here(place: Locator) -> None:
    """The focus is here, and is seen."""
    expect(place).to_be_focused()
    expect(place).to_be_in_viewport()
    assert place.evaluate("it => it.matches(':focus-visible') && getComputedStyle(it).outlineStyle !== 'none'")


def tail(page: Page) -> Locator:
    return answer(page).locator(".turn-tail")


def test_after_an_answer_the_focus_is_where_the_question_stood(chat: Page) -> None:
    start(chat, "ask", "suspended")
    press(chat.locator(".request button").first)
    wait_for_state(chat, "completed")
    expect_here(tail(chat))
    assert chat.locator(":focus").bounding_box()["height"] < 100  # type: ignore[index]
    chat.keyboard.press("Tab")
    expect(answer(chat).locator(".turn-foot :focus")).to_have_count(1)


def test_after_an_answer_in_words_too(chat: Page) -> None:
    start(chat, "ask freely", "suspended")
    field = chat.locator(".request input[name=answer]")
    field.fill("blue")
    field.press("Enter")
    wait_for_state(chat, "completed")
    expect_here(tail(chat))


def test_after_answer_again_the_focus_is_below_the_new_answer(chat: Page) -> None:
    start(chat, "hello")
    old = answer(chat).get_attribute("id")
    press(answer(chat).locator("button[name=retry]"))
    expect(answer(chat)).not_to_have_id(old or "")
    wait_for_state(chat, "completed")
    expect_here(tail(chat))


def test_after_stop_and_after_a_starter_one_can_write(chat: Page) -> None:
    chat.locator(".starters button").first.focus()
    chat.keyboard.press("Enter")
    expect(chat.locator("article.turn")).to_have_count(2)
    expect(box(chat)).to_be_focused()
    wait_for_state(chat, "completed")
    send(chat, "forever")
    wait_for_state(chat, "running")
    press(chat.locator("button[name=stop]"))
    wait_for_state(chat, "cancelled")
    expect(box(chat)).to_be_focused()


def test_after_a_deletion_it_can_be_undone_at_once_and_after_that_the_conversation_is_there(chat: Page) -> None:
    start(chat, "hello")
    open_menu(chat, "Delete")
    undo = chat.get_by_role("button", name="Undo")
    expect(undo).to_be_focused()
    chat.keyboard.press("Enter")
    expect(chat.locator("a[data-conversation][aria-current]")).to_have_count(1)
    expect(chat.locator(":focus")).to_have_count(1)


def test_what_is_rejected_or_cleared_leaves_the_focus_in_the_room(chat: Page) -> None:
    propose(chat, "print(1)", "print(2)")
    press(card(chat, "Script 0").locator("button[name=reject]"))
    expect_state(card(chat, "Script 0"), "rejected")
    expect(card(chat, "Script 0")).to_be_focused()
    press(chat.get_by_role("button", name="Clear"))
    expect(card(chat, "Script 0")).to_have_count(0)
    expect(card(chat, "Script 1")).to_be_focused()


def test_older_conversations_are_where_the_button_was(chat: Page) -> None:
    fill_history(chat, [f"Number {number}" for number in range(40)])
    links = chat.locator("a[data-conversation]")
    chat.locator("a.older").focus()
    expect(links).to_have_count(40)
    expect(links.nth(30)).to_be_focused()


@pytest.mark.parametrize("command", ["ask", "forever"])
def test_a_touch_screen_shows_no_keyboard_for_it(
    new_context: Callable[..., BrowserContext], site: Server, command: str
) -> None:
    page = new_context(viewport={"width": 360, "height": 780}, has_touch=True, is_mobile=True).new_page()
    page.goto(site.url)
    start(page, command, "suspended" if command == "ask" else "running")
    button = page.locator(".request button").first if command == "ask" else page.locator("button[name=stop]")
    button.tap()
    wait_for_state(page, "completed" if command == "ask" else "cancelled")
    expect(tail(page)).to_be_focused()


def test_earlier_rows_are_where_the_link_was(chat: Page) -> None:
    steps = [["ToolStarted", {"call_id": str(n), "name": f"tool_{n}"}] for n in range(250)]
    start(chat, f"emit {json.dumps(steps)}")
    answer(chat).locator("a[name=inspect]").click()
    chat.get_by_label("More controls").click()
    chat.get_by_role("link", name="Last row").click()
    earlier = chat.locator("#inspector-earlier")
    # The rows before are fetched once one looks at where they would be, and not while the end is looked at.
    expect(chat.locator("#inspector-rows > details").last).to_be_in_viewport()
    expect(earlier).to_be_visible()
    press(earlier)
    expect(earlier).to_be_hidden()
    expect(chat.locator("#inspector-rows :focus")).to_have_count(1)
