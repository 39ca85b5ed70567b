"""What is on its way is seen to be, and comes back when it does not arrive."""

from __future__ import annotations

import re

from playwright.sync_api import Page, Route, expect

from tests.browser.driving import answer, assert_same_after_reload, box, send, start, until, wait_for_state

SENDING = "#turns > [data-sending]"


def hold(page: Page, path: str) -> list[Route]:
    """Hold back what is sent to `path`; return it as it comes."""
    held: list[Route] = []
    page.route(path, lambda route: held.append(route))
    return held


def taken(page: Page, held: list[Route]) -> Route:
    """Return the one that was held back."""
    until(lambda: page.evaluate("1") and held)
    (only,) = held
    return only


def test_a_message_stands_among_the_turns_while_it_is_sent(chat: Page) -> None:
    start(chat, "one")
    held = hold(chat, "**/messages")
    send(chat, "two & <three>")
    message, state = chat.locator(SENDING).first, chat.locator(SENDING).last
    expect(message.locator(".turn-body")).to_have_text("two & <three>")
    expect(state).to_have_text("Sending")
    expect(box(chat)).to_have_value("")
    expect(chat.locator("#status")).to_have_text("Sending your message.")
    at = message.bounding_box()
    taken(chat, held).continue_()
    expect(chat.locator("article.turn[id]")).to_have_count(4)
    expect(chat.locator(SENDING)).to_have_count(0)
    wait_for_state(chat, "completed")
    real = chat.locator("article.turn[data-role=user]").last.bounding_box()
    assert at
    assert real
    assert (at["x"], at["width"], at["height"]) == (real["x"], real["width"], real["height"])
    assert_same_after_reload(chat)


def test_a_first_message_stands_there_too(chat: Page) -> None:
    held = hold(chat, "**/messages")
    send(chat, "hello")
    expect(chat.locator(SENDING).first.locator(".turn-body")).to_have_text("hello")
    expect(chat.locator(".empty")).to_be_hidden()
    taken(chat, held).continue_()
    expect(chat).to_have_url(re.compile("/c/"))
    expect(chat.locator("article.turn")).to_have_count(2)


def test_a_starter_that_does_not_arrive_is_offered_again(chat: Page) -> None:
    held = hold(chat, "**/messages")
    chat.get_by_role("button", name="Greet").click()
    expect(chat.locator(SENDING).first).to_contain_text("Say hello")
    taken(chat, held).abort()
    expect(chat.locator(SENDING)).to_have_count(0)
    expect(chat.get_by_role("button", name="Greet")).to_be_visible()
    expect(chat.locator("#status")).to_have_text("The chat cannot be reached. Check the connection and try again.")


def test_a_message_that_does_not_arrive_comes_back_before_what_was_written_since(chat: Page) -> None:
    start(chat, "one")
    held = hold(chat, "**/messages")
    send(chat, "first")
    box(chat).press_sequentially("second")
    taken(chat, held).abort()
    expect(box(chat)).to_have_value("first\n\nsecond")
    expect(chat.locator("#composer-error")).to_contain_text("could not be sent")
    expect(chat.locator(SENDING)).to_have_count(0)
    chat.reload()
    expect(box(chat)).to_have_value("first\n\nsecond")


def test_the_button_that_is_at_work_shows_it_and_nothing_moves(chat: Page) -> None:
    start(chat, "ask", "suspended")
    held = hold(chat, "**/answer")
    north, south = (chat.get_by_role("button", name=name) for name in ("north", "south"))
    before = [each.bounding_box() for each in (north, south)]
    north.click()
    expect(north).to_have_attribute("data-pressed", "")
    expect(chat.locator("#status")).to_have_text("Sending.")
    assert [each.bounding_box() for each in (north, south)] == before
    chat.wait_for_timeout(800)
    south.click()
    taken(chat, held).continue_()
    wait_for_state(chat, "completed")
    expect(answer(chat).locator(".prose")).to_have_text("You chose north.")


def test_an_answer_that_is_asked_for_again_shows_it(chat: Page) -> None:
    start(chat, "one")
    held = hold(chat, "**/retry")
    retry = chat.locator("button[name=retry]")
    retry.click()
    expect(retry).to_have_attribute("data-pressed", "")
    taken(chat, held).abort()
    expect(retry).not_to_have_attribute("data-pressed", "")
