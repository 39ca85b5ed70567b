"""Writing: nothing that was typed is ever lost, and nothing is sent that was not meant."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Server
from tests.browser.driving import box, fill_history, send, start, until, wait_for_state

LIMIT = 20_000


def turns(page: Page) -> int:
    return page.locator("article.turn").count()


def hold(page: Page) -> list[Route]:
    """Hold back what is sent."""
    held: list[Route] = []
    page.route("**/messages", lambda route: held.append(route))
    return held


def release(page: Page, held: list[Route]) -> None:
    """Let the one message through that was held back."""
    until(lambda: page.evaluate("1") and held)
    (message,) = held
    message.continue_()


def test_enter_sends_and_shift_enter_begins_a_line(chat: Page) -> None:
    text = box(chat)
    expect(text).to_be_focused()
    chat.keyboard.type("one")
    chat.keyboard.press("Shift+Enter")
    chat.keyboard.type("two")
    expect(text).to_have_value("one\ntwo")
    chat.keyboard.press("Enter")
    wait_for_state(chat, "completed")
    assert chat.locator("article.turn").first.locator(".turn-body").inner_text() == "one\ntwo"
    expect(text).to_have_value("")
    expect(text).to_be_focused()


def test_send_looks_ready_only_when_there_is_something_to_send(chat: Page) -> None:
    def colour() -> str:
        return str(
            chat.get_by_role("button", name="Send").evaluate("(button) => getComputedStyle(button).backgroundColor")
        )

    empty = colour()
    start(chat, "one")
    wait_for_state(chat, "completed")
    until(lambda: colour() == empty)
    box(chat).fill("two")
    until(lambda: colour() != empty)


def test_the_focus_stays_through_a_second_message(chat: Page) -> None:
    start(chat, "one")
    chat.get_by_role("button", name="Send").wait_for()
    box(chat).fill("two")
    chat.get_by_role("button", name="Send").click()
    expect(chat.locator("article.turn")).to_have_count(4)
    expect(box(chat)).to_be_focused()


def test_enter_that_ends_a_composition_does_not_send(chat: Page) -> None:
    box(chat).fill("日本")
    pressed = {"key": "Enter", "bubbles": True, "cancelable": True}
    # While it is composed; and in Safari, which ends the composition first and then tells of the key by its code alone.
    for kind in ({"isComposing": True}, {"keyCode": 229}, {"isComposing": True, "ctrlKey": True}):
        box(chat).dispatch_event("keydown", pressed | kind)
    expect(box(chat)).to_have_value("日本")
    assert turns(chat) == 0


def test_white_space_is_not_sent(chat: Page, site: Server) -> None:
    send(chat, "  \n ")
    expect(box(chat)).to_have_value("  \n ")
    expect(chat).to_have_url(site.url)


def test_a_message_is_sent_once_however_often_it_is_pressed(chat: Page) -> None:
    start(chat, "hello")
    held = hold(chat)
    send(chat, "once")
    chat.keyboard.press("Enter")
    chat.keyboard.press("Enter")
    release(chat, held)
    expect(chat.locator("article.turn")).to_have_count(4)
    wait_for_state(chat, "completed")


def test_what_is_typed_while_a_message_is_sent_stays(chat: Page) -> None:
    start(chat, "hello")
    held = hold(chat)
    send(chat, "first")
    box(chat).fill("second")
    release(chat, held)
    expect(chat.locator("article.turn")).to_have_count(4)
    expect(box(chat)).to_have_value("second")


def test_drafts_are_kept_for_each_conversation_and_over_reloads(chat: Page) -> None:
    fill_history(chat, ["one", "two"])
    text = box(chat)
    text.fill("draft for a new one")
    chat.get_by_role("link", name="one").click()
    expect(chat.locator("h1")).to_have_text("one")
    expect(text).to_have_value("")
    text.fill("draft for one")
    chat.get_by_role("link", name="two").click()
    expect(chat.locator("h1")).to_have_text("two")
    expect(text).to_have_value("")
    chat.get_by_role("link", name="one").click()
    expect(text).to_have_value("draft for one")
    chat.reload()
    expect(text).to_have_value("draft for one")
    chat.get_by_role("link", name="New").click()
    expect(text).to_have_value("draft for a new one")


def test_a_draft_is_forgotten_once_it_is_sent(chat: Page) -> None:
    start(chat, "hello")
    chat.go_back()
    expect(chat.locator("h1")).to_have_text("New conversation")
    expect(box(chat)).to_have_value("")
    chat.go_forward()
    expect(chat.locator("h1")).to_have_text("hello")
    send(chat, "more")
    expect(chat.locator("article.turn")).to_have_count(4)
    chat.reload()
    expect(box(chat)).to_have_value("")


def test_the_length_is_counted_near_the_limit_as_the_server_counts_it(chat: Page) -> None:
    text, count = box(chat), chat.locator(".count")
    text.fill("x" * 17_000)
    expect(count).to_have_count(0)
    text.fill("😀" * 19_000)
    expect(count).to_have_text("19,000 of 20,000 characters")
    text.fill("x")
    expect(count).to_have_text("")


def test_a_text_that_is_too_long_stays_and_says_so(chat: Page, site: Server) -> None:
    text = box(chat)
    text.fill("x" * (LIMIT + 1))
    expect(chat.locator(".count")).to_have_text("20,001 of 20,000 characters")
    expect(chat.locator(".count")).to_have_attribute("data-over", "")
    text.press("Enter")
    expect(text).to_have_value("x" * (LIMIT + 1))
    expect(chat.locator("#composer-error")).to_have_text("Shorten the message by 1 character.")
    expect(chat).to_have_url(site.url)
    text.fill("x" * LIMIT)
    text.press("Enter")
    wait_for_state(chat, "completed")


def test_who_sends_while_the_agent_answers_is_told_and_keeps_the_text(chat: Page) -> None:
    start(chat, "forever", "running")
    send(chat, "and then?")
    expect(chat.locator("#composer-error")).to_have_text(
        "The agent is still answering. Wait for it or stop it, then send your message."
    )
    expect(box(chat)).to_have_value("and then?")
    chat.get_by_role("button", name="Stop").click()
    wait_for_state(chat, "cancelled")
    expect(box(chat)).to_have_value("and then?")
    box(chat).press("Enter")
    expect(chat.locator("article.turn")).to_have_count(4)
    expect(chat.locator("#composer-error")).to_be_empty()


def test_a_message_that_does_not_get_through_is_kept_and_can_be_sent_again(chat: Page) -> None:
    start(chat, "hello")
    failures: list[Callable[[Route], None]] = [
        lambda route: route.abort(),
        lambda route: route.fulfill(status=502, content_type="text/html", body="<h1>Bad gateway</h1>"),
    ]
    for fail in failures:
        chat.route("**/messages", fail)
        send(chat, "precious")
        expect(chat.locator("#composer-error")).to_contain_text("could not be sent. It is still here")
        expect(box(chat)).to_have_value("precious")
        chat.unroute("**/messages")
    expect(chat.locator("body")).not_to_contain_text("Bad gateway")
    box(chat).press("Enter")
    expect(chat.locator("article.turn")).to_have_count(4)
    expect(chat.locator("#composer-error")).to_be_empty()


def test_the_box_grows_with_the_text_and_no_further_than_it_should(chat: Page) -> None:
    text = box(chat)
    heights = []
    for lines in (1, 4, 100):
        text.fill("\n".join("line" for _ in range(lines)))
        heights.append(int(text.evaluate("it => it.clientHeight")))
    one, four, many = heights
    assert one < four < many <= 200


def test_a_stop_that_does_not_get_through_is_told_only_while_there_is_something_to_stop(chat: Page) -> None:
    start(chat, "forever", "running")
    chat.route("**/stop", lambda route: route.abort())
    chat.get_by_role("button", name="Stop").click()
    expect(chat.locator("#composer-error")).to_contain_text("could not be stopped")
    chat.unroute("**/stop")
    chat.get_by_role("button", name="Stop").click()
    wait_for_state(chat, "cancelled")
    expect(chat.locator("#composer-error")).to_be_empty()
