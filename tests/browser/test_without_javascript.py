"""Without JavaScript everything that matters works; what cannot is not shown."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import Server
from tests.browser.driving import answer, box, open_menu, reload_until, submit


@pytest.fixture
def plain(new_context: Callable[..., BrowserContext], site: Server) -> Page:
    page = new_context(java_script_enabled=False).new_page()
    page.goto(site.url)
    return page


def ask(page: Page, text: str, state: str = "completed") -> None:
    box(page).fill(text)
    submit(page, "Send")
    reload_until(page, state)


def test_a_message_gets_its_answer(plain: Page) -> None:
    ask(plain, "hello")
    expect(answer(plain)).to_contain_text("Echo: hello")
    ask(plain, "more")
    expect(plain.locator("article.turn")).to_have_count(4)
    expect(plain).to_have_title("hello · Test chat")
    expect(plain.locator("article.turn time").first).to_contain_text("UTC")


def test_a_starter_begins_a_conversation(plain: Page) -> None:
    submit(plain, "Greet")
    reload_until(plain, "completed")
    expect(answer(plain)).to_contain_text("Echo: Say hello")


def test_a_running_answer_says_how_to_see_more_and_can_be_stopped(plain: Page) -> None:
    ask(plain, "forever", "running")
    assert answer(plain).locator("noscript").inner_text() == "Reload the page to see more of the answer."
    plain.get_by_role("link", name="Reload the page").click()
    expect(answer(plain)).to_have_attribute("data-state", "running")
    submit(plain, "Stop")
    reload_until(plain, "cancelled")
    expect(answer(plain)).to_contain_text("Stopped")


def test_a_message_that_is_refused_is_kept_with_the_reason(plain: Page) -> None:
    ask(plain, "forever", "running")
    box(plain).fill("and then?")
    plain.get_by_role("button", name="Send").click()
    expect(plain.locator("#composer-error")).to_contain_text("The agent is still answering.")
    expect(box(plain)).to_have_value("and then?")
    plain.get_by_role("button", name="Stop").click()


def test_a_failed_answer_can_be_tried_again(plain: Page) -> None:
    ask(plain, "fail", "failed")
    failed = answer(plain).get_attribute("id")
    submit(plain, "Try again")
    expect(plain.locator(f"#{failed}")).to_have_count(0)
    reload_until(plain, "failed")
    expect(plain.locator("article.turn")).to_have_count(2)


def test_a_question_is_answered(plain: Page) -> None:
    ask(plain, "ask", "suspended")
    submit(plain, "south")
    reload_until(plain, "completed")
    expect(answer(plain)).to_contain_text("You chose south.")


def test_a_conversation_is_renamed(plain: Page) -> None:
    ask(plain, "hello")
    open_menu(plain, "Rename")
    plain.get_by_label("Title").fill("A better title")
    plain.get_by_role("button", name="Save").click()
    expect(plain.locator("h1")).to_have_text("A better title")
    open_menu(plain, "Rename")
    plain.get_by_role("link", name="Cancel").click()
    expect(plain.locator("h1")).to_have_text("A better title")


def test_a_deleted_conversation_can_be_brought_back(plain: Page) -> None:
    ask(plain, "keep me")
    open_menu(plain, "Delete")
    expect(plain.get_by_text("Conversation deleted.")).to_be_visible()
    expect(plain.locator("a[data-conversation]")).to_have_count(0)
    plain.get_by_role("button", name="Undo").click()
    expect(plain.locator("h1")).to_have_text("keep me")


def test_the_history_is_searched_and_paged(plain: Page) -> None:
    for number in range(31):
        plain.request.post(plain.url + "messages", form={"text": f"Question {number}"})
    plain.reload()
    plain.get_by_role("link", name="Show older").click()
    expect(plain.locator("a[data-conversation]")).to_have_count(1)
    plain.get_by_role("searchbox").fill("Question 17")
    plain.get_by_role("searchbox").press("Enter")
    expect(plain.locator("a[data-conversation]")).to_have_count(1)
    plain.get_by_role("link", name="Question 17").click()
    expect(plain.locator("h1")).to_have_text("Question 17")


def test_what_needs_a_script_is_not_offered(plain: Page) -> None:
    ask(plain, "say " + '"```python\\nprint()\\n```"')
    for button in plain.locator("button[name=copy]").all():
        expect(button).to_be_hidden()
    expect(plain.get_by_text("starts a new line")).to_be_hidden()


def test_conversations_are_pinned_archived_and_deleted_several_at_once(plain: Page) -> None:
    for text in "one", "two", "three":
        plain.goto(plain.url.partition("/c/")[0].removesuffix("/") + "/")
        ask(plain, text)
    open_menu(plain, "Pin")
    titles = plain.locator("a[data-conversation] .cut")
    expect(plain.locator("#history-list h2").first).to_have_text("Pinned")
    plain.get_by_role("link", name="Select").click()
    expect(plain.locator("a[data-conversation]")).to_have_count(3)
    plain.get_by_label("Select three").check()
    plain.get_by_label("Select one").check()
    plain.get_by_role("button", name="Archive").click()
    expect(titles).to_have_text(["two"])
    plain.get_by_role("link", name="Archived").click()
    expect(titles).to_have_text(["three", "one"])
    plain.get_by_role("searchbox").fill("thr")
    plain.get_by_role("searchbox").press("Enter")
    expect(titles).to_have_text(["three"])
    plain.get_by_role("link", name="Select").click()
    plain.get_by_label("Select three").check()
    plain.get_by_role("button", name="Delete").click()
    expect(titles).to_have_text(["one"])
    plain.get_by_role("link", name="Archived").click()
    expect(titles).to_have_text(["two"])
