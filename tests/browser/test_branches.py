"""Editing a message in its place, and switching between versions: by mouse, keyboard and finger, and without scripts."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.browser.conftest import Server
from tests.browser.driving import (
    answer,
    assert_same_after_reload,
    box,
    reload_until,
    send,
    start,
    submit,
    wait_for_state,
    wait_for_word,
)


def editor(page: Page) -> Locator:
    # Enter sends only when the page's script for it has come.
    return page.locator("chat-edit:defined").get_by_role("textbox", name="Your message")


def talk(page: Page, *texts: str) -> None:
    """Have a conversation in which the agent has answered all of these."""
    start(page, texts[0])
    for number, text in enumerate(texts[1:], 2):
        send(page, text)
        expect(page.locator("article.turn")).to_have_count(2 * number)
        wait_for_state(page, "completed")


def edit(page: Page, place: int, text: str) -> None:
    page.get_by_role("link", name="Edit this message").nth(place).click()
    editor(page).fill(text)
    page.get_by_role("button", name="Save and send").click()
    expect(page.locator("article.turn")).to_have_count(2 * place + 2)
    wait_for_state(page, "completed")


def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.name || document.activeElement.id"))


class TestEditing:
    def test_a_message_is_edited_by_the_mouse_and_the_page_is_what_a_reload_shows(self, chat: Page) -> None:
        talk(chat, "one", "two")
        edit(chat, 0, "better")
        expect(answer(chat)).to_contain_text("Echo: better")
        expect(chat).to_have_url(re.compile("/c/[0-9a-f]+$"))
        expect(chat.locator(".versions")).to_contain_text("2/2")
        assert_same_after_reload(chat)

    def test_up_edits_the_last_message_and_the_keyboard_does_the_rest(self, chat: Page) -> None:
        talk(chat, "one", "two")
        box(chat).press("ArrowUp")
        expect(editor(chat)).to_be_focused()
        expect(editor(chat)).to_have_value("two")
        editor(chat).press_sequentially(" and more")
        editor(chat).press("Enter")
        expect(chat.locator("article.turn")).to_have_count(4)
        expect(answer(chat)).to_contain_text("Echo: two and more")

    def test_up_in_a_text_only_moves_the_caret(self, chat: Page) -> None:
        talk(chat, "one")
        box(chat).fill("typed")
        box(chat).press("ArrowUp")
        expect(editor(chat)).to_have_count(0)

    def test_a_draft_survives_a_reload_and_escape_leaves_it(self, chat: Page) -> None:
        talk(chat, "one", "two")
        chat.get_by_role("link", name="Edit this message").first.click()
        editor(chat).fill("half a thought")
        chat.reload()
        expect(editor(chat)).to_have_value("half a thought")
        editor(chat).press("Escape")
        expect(editor(chat)).to_have_count(0)
        expect(chat.locator("article.turn").first).to_contain_text("one")
        expect(chat.get_by_role("link", name="Edit this message").first).to_be_focused()
        chat.keyboard.press("Enter")
        expect(editor(chat)).to_have_value("half a thought")
        chat.get_by_role("link", name="Cancel").click()
        expect(editor(chat)).to_have_count(0)
        chat.get_by_role("link", name="Edit this message").first.click()
        expect(editor(chat)).to_have_value("one")

    def test_what_was_typed_stays_where_it_is_said_that_the_agent_answers(self, chat: Page) -> None:
        talk(chat, "one")
        send(chat, "forever")
        wait_for_word(chat, 2)
        chat.get_by_role("link", name="Edit this message").first.click()
        editor(chat).fill("typed")
        editor(chat).press("Enter")
        expect(chat.locator("#edit-error")).to_contain_text("still answering")
        expect(editor(chat)).to_have_value("typed")
        chat.get_by_role("button", name="Stop").click()
        wait_for_state(chat, "cancelled")
        expect(chat.locator("#edit-error")).to_be_hidden()
        chat.get_by_role("button", name="Save and send").click()
        expect(chat.locator("article.turn")).to_have_count(2)
        expect(answer(chat)).to_contain_text("Echo: typed")

    def test_an_edit_that_does_not_arrive_is_still_there(self, chat: Page) -> None:
        talk(chat, "one")
        chat.get_by_role("link", name="Edit this message").click()
        editor(chat).fill("typed")
        chat.context.set_offline(True)
        editor(chat).press("Enter")
        expect(chat.locator("#edit-error")).to_contain_text("could not be sent")
        chat.context.set_offline(False)
        editor(chat).press("Enter")
        expect(answer(chat)).to_contain_text("Echo: typed")


class TestVersions:
    def test_versions_are_switched_by_the_mouse_and_nothing_moves_from_under_it(self, chat: Page) -> None:
        talk(chat, "one", "two")
        long = "\n\n".join(f"line {number}" for number in range(30))
        edit(chat, 0, long)
        edit(chat, 0, "short")
        earlier = chat.locator("[name=earlier]")
        place = earlier.bounding_box()
        for version in "2/3", "1/3":
            earlier.click()
            expect(chat.locator(".versions")).to_contain_text(version)
            now = earlier.bounding_box()
            assert place and now and abs(now["y"] - place["y"]) < 1 and abs(now["x"] - place["x"]) < 1
        expect(chat.locator("article.turn")).to_have_count(4)
        assert focused(chat) == "earlier"

    def test_versions_of_an_answer_are_switched_by_arrow_keys_and_keep_the_focus(self, chat: Page) -> None:
        talk(chat, "one", "two")
        first = chat.locator("article.turn").nth(1)
        first.get_by_role("button", name="Answer again").click()
        expect(chat.locator("article.turn")).to_have_count(2)
        wait_for_state(chat, "completed")
        assert_same_after_reload(chat)
        chat.locator("[name=earlier]").focus()
        chat.keyboard.press("ArrowLeft")
        expect(chat.locator(".versions")).to_contain_text("1/2")
        expect(chat.locator("article.turn")).to_have_count(4)
        assert focused(chat) == "earlier"
        chat.keyboard.press("ArrowRight")
        expect(chat.locator(".versions")).to_contain_text("2/2")
        assert focused(chat) == "later"
        assert_same_after_reload(chat)

    def test_another_tab_follows_and_keeps_what_is_typed_there(self, chat: Page) -> None:
        talk(chat, "one", "two")
        edit(chat, 0, "better")
        other = chat.context.new_page()
        other.goto(chat.url)
        other.get_by_role("link", name="Edit this message").click()
        editor(other).fill("typed")
        edited = other.locator("article[data-edit]").get_attribute("id")
        send(chat, "three")
        expect(other.locator("article.turn")).to_have_count(4)
        expect(other.locator(f"#{edited}[data-edit]")).to_have_count(1)
        expect(editor(other)).to_have_value("typed")
        editor(other).press("Escape")
        expect(editor(other)).to_have_count(0)
        wait_for_state(chat, "completed")
        chat.locator("[name=earlier]").click()
        expect(other.locator(".versions")).to_contain_text("1/2")
        expect(other.locator("article.turn").nth(2)).to_contain_text("two")

    def test_what_is_shown_outlives_the_server(
        self, page: Page, serve: Callable[..., Server], tmp_path: object
    ) -> None:
        server = serve("--db", f"{tmp_path}/chat.db")
        page.goto(server.url)
        talk(page, "one", "two")
        edit(page, 0, "better")
        page.locator("[name=earlier]").click()
        expect(page.locator(".versions")).to_contain_text("1/2")
        server.stop()
        server = serve("--db", f"{tmp_path}/chat.db", "--port", str(server.port))
        page.reload()
        expect(page.locator(".versions")).to_contain_text("1/2")
        page.locator("[name=later]").click()
        expect(page.locator("article.turn")).to_have_count(2)


class TestDeleting:
    def test_a_message_goes_with_what_follows_and_comes_back(self, chat: Page) -> None:
        talk(chat, "one", "two", "three")
        chat.locator("article.turn").nth(2).hover()
        chat.get_by_role("button", name="Delete this message and what follows").nth(1).click()
        expect(chat.locator("article.turn")).to_have_count(2)
        expect(chat.get_by_role("button", name="Undo")).to_be_focused()
        assert_same_after_reload(chat)

    def test_undo_by_the_keyboard_brings_all_back(self, chat: Page) -> None:
        talk(chat, "one", "two")
        chat.locator("[name=delete]").nth(1).focus()
        chat.keyboard.press("Enter")
        expect(chat.get_by_role("button", name="Undo")).to_be_focused()
        chat.keyboard.press("Enter")
        expect(chat.locator("article.turn")).to_have_count(4)
        expect(chat.get_by_role("button", name="Undo")).to_have_count(0)
        assert_same_after_reload(chat)

    def test_another_tab_sees_it(self, chat: Page) -> None:
        talk(chat, "one", "two")
        other = chat.context.new_page()
        other.goto(chat.url)
        expect(other.locator("article.turn")).to_have_count(4)
        chat.locator("[name=delete]").first.focus()
        chat.keyboard.press("Enter")
        expect(chat.locator("article.turn")).to_have_count(0)
        expect(other.locator("article.turn")).to_have_count(0)
        send(other, "anew")
        expect(answer(other)).to_contain_text("Echo: anew")
        expect(answer(chat)).to_contain_text("Echo: anew")


class TestGoingOn:
    def test_an_answer_that_was_stopped_is_continued(self, chat: Page) -> None:
        start(chat, "forever", "running")
        wait_for_word(chat, 2)
        chat.get_by_role("button", name="Stop").click()
        wait_for_state(chat, "cancelled")
        chat.get_by_role("button", name="Continue").click()
        expect(answer(chat)).to_contain_text("Echo: Continue")
        expect(chat.locator("article.turn")).to_have_count(4)
        wait_for_state(chat, "completed")
        assert_same_after_reload(chat)

    def test_a_search_hit_opens_the_branch_that_has_the_words(self, chat: Page) -> None:
        talk(chat, "one", "persimmon")
        edit(chat, 0, "better")
        chat.fill("#search", "persimmon")
        chat.locator("#history-list a[data-conversation]:has(mark)").click()
        expect(chat.locator("article.turn")).to_have_count(4)
        expect(chat).to_have_url(re.compile("/c/[0-9a-f]+#turn-[0-9a-f]+$"))
        found = chat.locator("article.turn").nth(2)
        expect(found).to_contain_text("persimmon")
        expect(found).to_be_in_viewport()
        chat.reload()
        expect(chat.locator("article.turn")).to_have_count(4)


def test_editing_and_switching_work_without_javascript(
    new_context: Callable[..., BrowserContext], site: Server
) -> None:
    page = new_context(java_script_enabled=False).new_page()
    page.goto(site.url)
    page.get_by_label("Message", exact=True).fill("one")
    submit(page, "Send")
    reload_until(page, "completed")
    page.get_by_role("link", name="Edit this message").click()
    page.get_by_label("Your message").fill("better")
    submit(page, "Save and send")
    reload_until(page, "completed")
    expect(answer(page)).to_contain_text("Echo: better")
    submit(page, "Version before")
    expect(answer(page)).to_contain_text("Echo: one")
    expect(page.locator(".versions")).to_contain_text("1/2")


def test_a_phone_edits_and_switches(new_context: Callable[..., BrowserContext], site: Server) -> None:
    page = new_context(viewport={"width": 360, "height": 700}, has_touch=True).new_page()
    page.goto(site.url)
    talk(page, "one")
    page.get_by_role("link", name="Edit this message").tap()
    editor(page).fill("better")
    page.get_by_role("button", name="Save and send").tap()
    expect(answer(page)).to_contain_text("Echo: better")
    wait_for_state(page, "completed")
    page.get_by_role("button", name="Version before").tap()
    expect(answer(page)).to_contain_text("Echo: one")
    assert page.evaluate("document.scrollingElement.scrollWidth") <= 360


def test_the_field_of_an_edit_stays_in_view_on_a_page_that_follows_its_end(
    new_context: Callable[..., BrowserContext], site: Server
) -> None:
    page = new_context(viewport={"width": 360, "height": 700}, has_touch=True).new_page()
    page.goto(site.url)
    talk(page, "one", "words 60 0")
    link = page.get_by_role("link", name="Edit this message").last
    room = page.evaluate("document.querySelector('#turns article:last-child').getBoundingClientRect().top")
    page.set_viewport_size({"width": 360, "height": 700 - round(room) + 96})
    expect(link).to_be_in_viewport(ratio=1)
    link.tap()
    expect(editor(page)).to_be_focused()
    expect(page.get_by_role("button", name="Save and send")).to_be_visible()
    expect(editor(page)).to_be_in_viewport(ratio=1)
