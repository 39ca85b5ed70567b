"""Two pages on one conversation, one of which has not heard what the other did: it learns that with what is done in it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.driving import (
    answer,
    assert_same_after_reload,
    box,
    dom,
    open_menu,
    rename,
    send,
    start,
    wait_for_state,
)

ERROR, STOP = "#composer-error", "#composer button[name=stop]"


@pytest.fixture
def tab(chat: Page) -> Callable[[], Page]:
    """Open a second page on the conversation that the first shows."""

    def open_tab() -> Page:
        page = chat.context.new_page()
        page.route("**/changes?*", lambda route: route.abort())
        page.goto(chat.url)
        expect(page.locator("article.turn").first).to_be_visible()
        return page

    return open_tab


def hear(page: Page) -> None:
    """From now on the page hears what others do."""
    page.unroute("**/changes?*")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


def answered(page: Page, turns: int) -> None:
    expect(page.locator("article.turn")).to_have_count(turns)
    wait_for_state(page, "completed")


def test_what_a_stale_page_sends_brings_the_turns_that_it_lacks(chat: Page, tab: Callable[[], Page]) -> None:
    start(chat, "one")
    other = tab()
    for number, text in enumerate(["two", "three"]):
        send(chat, text)
        answered(chat, 4 + 2 * number)
    send(other, "four")
    answered(other, 8)
    bodies = other.locator("article.turn[data-role=user] .turn-body")
    expect(bodies).to_have_text(["one", "two", "three", "four"])
    assert_same_after_reload(other)


def test_a_refusal_brings_the_live_run_with_stop_and_keeps_the_text(chat: Page, tab: Callable[[], Page]) -> None:
    start(chat, "one")
    other = tab()
    send(chat, "forever")
    wait_for_state(chat, "running")
    send(other, "and then?")
    expect(other.locator("article.turn")).to_have_count(4)
    expect(other.locator(ERROR)).to_contain_text("The agent is still answering.")
    expect(box(other)).to_have_value("and then?")
    expect(answer(other).locator(".turn-body")).to_contain_text("w20 ")  # it is live
    other.locator(STOP).click()
    for page in (chat, other):
        wait_for_state(page, "cancelled")
        expect(page.locator(STOP)).to_have_count(0)
    # What was said is not true any more, so it is not said any more.
    expect(other.locator(ERROR)).to_be_empty()
    expect(box(other)).to_have_value("and then?")
    assert_same_after_reload(other)


def test_an_answer_that_was_tried_again_elsewhere_is_shown_and_not_tried_once_more(
    chat: Page, tab: Callable[[], Page]
) -> None:
    start(chat, "one")
    old = answer(chat).get_attribute("id")
    other = tab()
    chat.locator("button[name=retry]").click()
    expect(chat.locator(f"#{old}")).to_have_count(0)
    wait_for_state(chat, "completed")
    new = answer(chat).get_attribute("id")
    other.locator("button[name=retry]").click()
    expect(answer(other)).to_have_attribute("id", str(new))
    expect(other.locator("#status")).to_have_text("Another answer has taken this one's place.")
    expect(other.locator("article.turn")).to_have_count(2)
    assert_same_after_reload(other)
    assert dom(chat) == dom(other)


def test_a_message_after_a_retry_elsewhere_replaces_the_old_answer(chat: Page, tab: Callable[[], Page]) -> None:
    start(chat, "one")
    old = answer(chat).get_attribute("id")
    other = tab()
    chat.locator("button[name=retry]").click()
    expect(chat.locator(f"#{old}")).to_have_count(0)
    wait_for_state(chat, "completed")
    send(other, "two")
    answered(other, 4)
    expect(other.locator(f"#{old}")).to_have_count(0)
    assert_same_after_reload(other)


def test_an_answer_that_was_gone_on_from_elsewhere_is_tried_again_on_a_branch_of_its_own(
    chat: Page, tab: Callable[[], Page]
) -> None:
    start(chat, "one")
    other = tab()
    send(chat, "two")
    answered(chat, 4)
    other.locator("button[name=retry]").click()
    expect(other.locator(".versions")).to_contain_text("2/2")
    answered(other, 2)
    other.locator("[name=earlier]").click()
    expect(other.locator("article.turn")).to_have_count(4)
    assert_same_after_reload(other)


def test_a_title_from_elsewhere_comes_with_the_next_message(chat: Page, tab: Callable[[], Page]) -> None:
    start(chat, "one")
    other = tab()
    rename(chat, "A better title")
    send(other, "two")
    answered(other, 4)
    expect(other.locator("h1")).to_have_text("A better title")
    expect(other).to_have_title("A better title · Test chat")
    hear(other)
    expect(other.locator("a[data-conversation]").first).to_contain_text("A better title")


def test_a_question_that_was_answered_elsewhere_is_not_answered_again(chat: Page, tab: Callable[[], Page]) -> None:
    start(chat, "ask", "suspended")
    other = tab()
    # A page that has lost its stream does not see that the question is answered.
    other.route("**/stream*", lambda route: route.abort())
    other.route("**/poll*", lambda route: route.abort())
    other.reload()
    chat.get_by_role("button", name="north").click()
    wait_for_state(chat, "completed")
    other.get_by_role("button", name="south").click()
    expect(other.locator(ERROR)).to_contain_text("This question is not open any more")
    expect(answer(other).locator(".prose")).to_have_text("You chose north.")
    expect(other.locator(STOP)).to_have_count(0)


def test_stop_of_a_run_that_has_ended_brings_its_end(chat: Page, tab: Callable[[], Page]) -> None:
    start(chat, "forever", "running")
    other = tab()
    other.route("**/stream*", lambda route: route.abort())
    other.route("**/poll*", lambda route: route.abort())
    other.reload()
    chat.locator(STOP).click()
    wait_for_state(chat, "cancelled")
    other.locator(STOP).click()
    wait_for_state(other, "cancelled")
    expect(other.locator(STOP)).to_have_count(0)
    assert dom(chat) == dom(other)


def test_a_page_whose_conversation_has_gone_says_so_and_begins_a_new_one(chat: Page, tab: Callable[[], Page]) -> None:
    start(chat, "forever", "running")
    other = tab()
    expect(other.locator(STOP)).to_have_count(1)
    old = other.url
    open_menu(chat, "Delete")
    expect(chat.locator(".undo")).to_be_visible()
    expect(other.locator(STOP)).to_have_count(0)
    send(other, "a precious text")
    expect(other.locator(ERROR)).to_contain_text("This conversation is not there any more.")
    expect(box(other)).to_have_value("a precious text")
    expect(other.locator("chat-menu")).to_have_count(0)
    box(other).press("Enter")
    answered(other, 2)
    expect(answer(other).locator(".prose")).to_have_text("Echo: a precious text")
    assert other.url != old


def test_renaming_and_deleting_what_is_gone_says_so(chat: Page, tab: Callable[[], Page]) -> None:
    start(chat, "one")
    renaming, deleting = tab(), tab()
    open_menu(renaming, "Rename")
    open_menu(chat, "Delete")
    expect(chat.locator(".undo")).to_be_visible()
    renaming.get_by_label("Title").fill("Too late")
    renaming.get_by_label("Title").press("Enter")
    expect(renaming.locator(ERROR)).to_contain_text("This conversation is not there any more.")
    open_menu(deleting, "Delete")
    expect(deleting.locator(ERROR)).to_contain_text("This conversation is not there any more.")
    hear(deleting)
    expect(deleting.locator("a[data-conversation]")).to_have_count(0)


def test_the_composer_says_what_a_message_waits_for(chat: Page) -> None:
    start(chat, "ask", "suspended")
    hint = chat.locator("#composer .hint")
    expect(hint).to_have_text("The agent is waiting for your answer.")
    expect(box(chat)).to_have_attribute("placeholder", "Answer above")
    send(chat, "well?")
    expect(chat.locator(ERROR)).to_contain_text("Answer it, or stop the agent, then send your message.")
    expect(box(chat)).to_have_value("well?")
    chat.get_by_role("button", name="north").click()
    wait_for_state(chat, "completed")
    expect(chat.locator(ERROR)).to_be_empty()
    expect(hint).to_contain_text("sends")
    expect(box(chat)).to_have_attribute("placeholder", "Ask a follow-up")
    box(chat).press("Enter")
    answered(chat, 4)


def test_the_composer_is_told_when_a_run_begins_to_wait_and_goes_on(chat: Page) -> None:
    send(chat, 'run "1"')
    expect(chat.locator("#composer .hint")).to_have_text("The agent is waiting for a script.")
    send(chat, "well?")
    expect(chat.locator(ERROR)).to_contain_text("The agent is waiting for a script.")
    chat.locator(STOP).focus()
    chat.reload()
    expect(chat.locator("#composer .hint")).to_have_text("The agent is waiting for a script.")
    chat.locator(STOP).click()
    wait_for_state(chat, "cancelled")
    expect(chat.locator("#composer .hint")).to_contain_text("sends")


def test_a_conversation_that_was_restored_elsewhere_is_opened_by_undo(chat: Page) -> None:
    start(chat, "one")
    url = chat.url
    open_menu(chat, "Delete")
    expect(chat.locator(".undo")).to_be_visible()
    other = chat.context.new_page()
    other.goto(f"{url.partition('/c/')[0]}/?deleted={url.rpartition('/')[2]}")
    other.locator(".undo button").click()
    expect(other).to_have_url(url)
    chat.locator(".undo button").click()
    expect(chat).to_have_url(url)
    expect(chat.locator("article.turn")).to_have_count(2)


def test_the_list_is_brought_up_to_date_when_the_reader_comes_back(chat: Page, tab: Callable[[], Page]) -> None:
    start(chat, "one")
    other = tab()
    rename(chat, "A better title")
    chat.get_by_role("link", name="New").click()
    expect(chat.locator("h1")).to_have_text("New conversation")
    start(chat, "two")
    expect(other.locator("a[data-conversation]")).to_have_count(1)
    hear(other)
    expect(other.locator("a[data-conversation]")).to_contain_text(["two", "A better title"])
