"""A conversation: answers as they come, and what can be done with them."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import Server
from tests.browser.driving import (
    answer,
    assert_same_after_reload,
    body,
    distance,
    emit,
    open_menu,
    rename,
    say,
    send,
    start,
    until,
    wait_for_state,
    wait_for_word,
)
from tests.browser.proxy import Proxy

LONG = "\n\n".join(f"Paragraph {number}. " + "Words that fill a line or two. " * 8 for number in range(40))
CODE = "```python\nprint('one')\nprint('two')\n```"


def focused(page: Page) -> str:
    """Return what has the focus, as its id, name or tag."""
    return str(page.evaluate("(it => it.id || it.name || it.localName)(document.activeElement)"))


class TestBeginning:
    def test_a_starter_begins_a_conversation(self, chat: Page) -> None:
        chat.get_by_role("button", name="Greet").click()
        wait_for_state(chat, "completed")
        expect(answer(chat)).to_contain_text("Echo: Say hello")
        expect(chat).to_have_url(re.compile("/chat/c/"))
        expect(chat).to_have_title("Say hello · Test chat")
        expect(chat.locator("h1")).to_have_text("Say hello")
        assert_same_after_reload(chat)

    def test_back_and_forward_lead_through_conversations_without_loading_the_page(self, chat: Page) -> None:
        chat.evaluate("document.body.dataset.mark = 'same'")
        start(chat, "first")
        chat.get_by_role("link", name="New").click()
        expect(chat.locator("h1")).to_have_text("New conversation")
        start(chat, "second")
        titles = ("New conversation", "first", "New conversation", "second")
        for go, title in zip((chat.go_back, chat.go_back, chat.go_forward, chat.go_forward), titles, strict=True):
            go()
            expect(chat.locator("h1")).to_have_text(title)
            expect(chat).to_have_title("Test chat" if title == "New conversation" else f"{title} · Test chat")
        expect(chat.locator("a[data-conversation][aria-current=page]")).to_contain_text("second")
        expect(chat.locator("body")).to_have_attribute("data-mark", "same")

    def test_a_page_that_went_back_can_go_on(self, chat: Page) -> None:
        start(chat, "first")
        chat.go_back()
        expect(chat.locator("h1")).to_have_text("New conversation")
        chat.go_forward()
        expect(chat.locator("h1")).to_have_text("first")
        send(chat, "second")
        expect(chat.locator("article.turn")).to_have_count(4)
        wait_for_state(chat, "completed")


class TestAnswering:
    def test_stop_ends_the_answer_and_keeps_what_was_written(self, chat: Page) -> None:
        start(chat, "forever", "running")
        wait_for_word(chat, 3)
        chat.get_by_role("button", name="Stop").click()
        wait_for_state(chat, "cancelled")
        expect(answer(chat)).to_contain_text("Stopped")
        expect(chat.get_by_role("button", name="Stop")).to_have_count(0)
        assert_same_after_reload(chat)

    def test_a_failed_answer_says_so_without_its_secrets_and_the_next_takes_its_place(self, chat: Page) -> None:
        start(chat, "fail", "failed")
        expect(answer(chat)).to_contain_text("The first half of")
        expect(answer(chat)).to_contain_text("The answer failed.")
        assert "secret" not in chat.content()
        failed = answer(chat).get_attribute("id")
        assert_same_after_reload(chat)
        answer(chat).get_by_role("button", name="Try again").click()
        expect(chat.locator(f"#{failed}")).to_have_count(0)
        wait_for_state(chat, "failed")
        expect(chat.locator("article.turn")).to_have_count(2)
        assert_same_after_reload(chat)

    def test_the_last_answer_can_be_given_again(self, chat: Page) -> None:
        start(chat, "one")
        send(chat, "two")
        expect(chat.locator("article.turn")).to_have_count(4)
        wait_for_state(chat, "completed")
        again = chat.get_by_role("button", name="Answer again").last
        first = answer(chat).get_attribute("id")
        again.click()
        expect(chat.locator(f"#{first}")).to_have_count(0)
        wait_for_state(chat, "completed")
        expect(chat.locator("article.turn")).to_have_count(4)

    def test_a_question_is_answered_with_one_of_its_choices(self, chat: Page) -> None:
        start(chat, "ask", "suspended")
        expect(chat.locator("#status")).to_have_text("The agent is waiting for your answer.")
        answer(chat).get_by_role("group", name="Which region?").get_by_role("button", name="north").click()
        wait_for_state(chat, "completed")
        expect(answer(chat)).to_contain_text("You chose north.")
        expect(answer(chat).locator("form.request")).to_have_count(0)
        assert_same_after_reload(chat)

    def test_a_question_without_choices_is_answered_in_words(self, chat: Page) -> None:
        start(chat, "ask freely", "suspended")
        chat.get_by_label("What is its name?").fill("Ada")
        chat.get_by_label("What is its name?").press("Enter")
        wait_for_state(chat, "completed")
        expect(answer(chat)).to_contain_text("Its name is Ada.")

    def test_steps_that_were_unfolded_stay_so_when_they_change(self, chat: Page) -> None:
        call = {"call_id": "1", "name": "search", "summary": "logs", "arguments": {"words": "slow"}}
        emit(chat, ("StageChanged", {"name": "Searching"}), ("ToolStarted", call), "forever")
        step = answer(chat).locator(".ledger details")
        expect(step).to_contain_text("Running")
        expect(answer(chat).locator(".stage")).to_have_text("Searching")
        step.locator("summary").click()
        expect(step.locator("pre")).to_be_visible()
        chat.get_by_role("button", name="Stop").click()
        wait_for_state(chat, "cancelled")
        expect(step.locator("summary")).to_contain_text("Stopped")
        expect(step.locator("pre")).to_be_visible()

    def test_everything_around_an_answer_is_there_after_a_reload(self, chat: Page) -> None:
        call = {"call_id": "1", "name": "search", "summary": "logs", "arguments": {"words": "slow"}}
        source = {"title": "Runbook", "url": "https://docs.example/", "detail": "section 3", "excerpt": "Roll back"}
        emit(
            chat,
            ("ReasoningDelta", {"text": "Let me see."}),
            ("ToolStarted", call),
            ("ToolFinished", {"call_id": "1", "summary": "12 results"}),
            ("SourcesFound", {"sources": [source]}),
            ("TextDelta", {"text": "# Found\n\n| a | b |\n|---|--:|\n| 1 | 2 |\n\n" + CODE}),
            ("UsageReported", {"input_tokens": 1000, "output_tokens": 234}),
        )
        wait_for_state(chat, "completed")
        expect(answer(chat).locator(".ledger")).to_contain_text("12 results")
        expect(answer(chat).get_by_role("list", name="Sources").get_by_role("link")).to_contain_text("Runbook")
        expect(answer(chat).locator(".turn-foot")).to_contain_text("1,234 tokens")
        assert_same_after_reload(chat)

    def test_a_lost_connection_is_said_until_it_is_back(self, site: Server, page: Page) -> None:
        with Proxy(site.port) as proxy:
            page.goto(f"http://127.0.0.1:{proxy.port}/chat/")
            start(page, "forever", "running")
            wait_for_word(page, 3)
            notice = answer(page).locator(".connection")
            expect(notice).to_be_hidden()
            proxy.cut()
            expect(notice).to_be_visible()
            expect(page.locator("#status")).to_have_text(re.compile("Connection lost"))
            proxy.forward()
            expect(notice).to_be_hidden()
            expect(page.locator("#status")).to_have_text("Connected again.")
            page.get_by_role("button", name="Stop").click()
            wait_for_state(page, "cancelled")


class TestReading:
    def test_the_page_stays_at_the_end_while_an_answer_grows(self, chat: Page) -> None:
        send(chat, "words 1000 0.001")
        wait_for_state(chat, "completed")
        until(lambda: distance(chat) < 4)
        expect(chat.get_by_text("Latest")).to_be_hidden()

    def test_who_has_scrolled_up_is_not_pulled_down_and_can_jump(self, chat: Page) -> None:
        send(chat, "words 900 0.004")
        wait_for_word(chat, 300)
        body(chat).evaluate("it => it.scrollTo(0, 100)")
        expect(chat.get_by_text("Latest")).to_be_visible()
        wait_for_word(chat, 600)
        assert body(chat).evaluate("it => it.scrollTop") == 100
        chat.get_by_text("Latest").click()
        expect(chat.get_by_text("Latest")).to_be_hidden()
        wait_for_state(chat, "completed")
        until(lambda: distance(chat) < 4)

    @pytest.mark.parametrize("by", ["wheel", "keyboard", "scrollbar"])
    def test_the_smallest_move_up_ends_following_and_is_not_undone(self, chat: Page, by: str) -> None:
        say(chat, LONG)
        send(chat, "words 1500 0.004")
        wait_for_word(chat, 100)
        body(chat).hover()
        if by == "wheel":
            chat.mouse.wheel(0, -3)
        elif by == "keyboard":
            body(chat).focus()
            chat.keyboard.press("ArrowUp")
        else:
            body(chat).evaluate("it => it.scrollBy(0, -3)")
        expect(chat.get_by_text("Latest")).to_be_visible()
        until(lambda: distance(chat) > 100)
        top = body(chat).evaluate("it => it.scrollTop")
        at = distance(chat)
        until(lambda: distance(chat) > at + 200)
        assert body(chat).evaluate("it => it.scrollTop") == top
        chat.get_by_role("button", name="Stop").click()
        wait_for_state(chat, "cancelled")

    def test_a_wheel_that_cannot_move_the_page_leaves_it_following(self, chat: Page) -> None:
        send(chat, "words 500 0.004")
        wait_for_state(chat, "running")
        body(chat).hover()
        chat.mouse.wheel(0, -3)
        wait_for_state(chat, "completed")
        until(lambda: distance(chat) < 4)

    def test_the_way_to_the_latest_shows_while_there_is_more_below(self, chat: Page) -> None:
        say(chat, LONG)
        expect(chat.get_by_text("Latest")).to_be_hidden()
        body(chat).evaluate("it => it.scrollTo(0, 0)")
        expect(chat.get_by_text("Latest")).to_be_visible()
        chat.get_by_text("Latest").click()
        expect(chat.get_by_text("Latest")).to_be_hidden()

    def test_text_can_be_selected_while_the_answer_grows(self, chat: Page) -> None:
        send(chat, "words 400 0.005")
        wait_for_word(chat, 100)
        answer(chat).locator(".turn-body p").first.evaluate("it => getSelection().selectAllChildren(it)")
        selected = chat.evaluate("getSelection().toString()")
        assert selected.startswith("w0 w1")
        top = body(chat).evaluate("it => it.scrollTop")
        wait_for_state(chat, "completed")
        assert chat.evaluate("getSelection().toString()") == selected
        assert body(chat).evaluate("it => it.scrollTop") == top

    def test_a_long_conversation_opens_at_its_end_and_a_link_to_a_turn_at_the_turn(self, chat: Page) -> None:
        say(chat, LONG)
        send(chat, "short")
        expect(answer(chat)).to_contain_text("Echo: short")
        wait_for_state(chat, "completed")
        first = chat.locator("article.turn").nth(1)
        id = first.get_attribute("id")
        chat.reload()
        until(lambda: distance(chat) < 4)
        expect(first).to_have_id(id or "")
        url = chat.url
        chat.goto("about:blank")
        chat.goto(f"{url}#{id}")
        expect(first.locator("p").first).to_be_in_viewport()
        assert distance(chat) > 100

    def test_code_and_answers_are_copied_and_the_button_says_so(self, chat: Page, context: BrowserContext) -> None:
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        say(chat, f"# Look\n\n{CODE}")
        code, whole = chat.locator("figure.code button[name=copy]"), chat.get_by_role("button", name="Copy the answer")
        for button, text in ((code, "print('one')\nprint('two')\n"), (whole, f"# Look\n\n{CODE}")):
            button.click()
            expect(button).to_have_attribute("data-said", "Copied")
            expect(chat.locator("#status")).to_have_text("Copied.")
            assert chat.evaluate("navigator.clipboard.readText()").strip() == text.strip()
        expect(chat.locator("[data-said]")).to_have_count(0)

    def test_times_are_the_readers_own(self, new_context: Callable[..., BrowserContext], site: Server) -> None:
        page = new_context(locale="de-DE", timezone_id="Asia/Kolkata").new_page()
        page.goto(site.url)
        start(page, "hello")
        at = page.locator("a[data-conversation] time")
        wanted = at.evaluate("it => new Intl.DateTimeFormat('de-DE', {hour: 'numeric', minute: '2-digit',"
                             " timeZone: 'Asia/Kolkata'}).format(new Date(it.dateTime))")  # fmt: skip
        expect(at).to_have_text(wanted)
        for turn in page.locator("article.turn time").all():
            expect(turn).to_have_text(wanted)
        assert at.get_attribute("title")


class TestTitle:
    def test_the_title_is_changed_everywhere_at_once(self, chat: Page) -> None:
        start(chat, "hello")
        rename(chat, "A better title")
        expect(chat).to_have_title("A better title · Test chat")
        expect(chat.locator("a[data-conversation]")).to_contain_text("A better title")
        chat.reload()
        expect(chat.locator("h1")).to_have_text("A better title")
        expect(chat).to_have_title("A better title · Test chat")

    def test_escape_leaves_the_title_as_it_was(self, chat: Page) -> None:
        start(chat, "hello")
        open_menu(chat, "Rename")
        title = chat.get_by_label("Title")
        expect(title).to_be_focused()
        assert chat.evaluate("getSelection().toString()") == "hello"
        title.fill("Something else")
        title.press("Escape")
        expect(title).to_have_count(0)
        expect(chat.locator("h1")).to_have_text("hello")
        expect(chat.get_by_label("Conversation menu")).to_be_focused()

    def test_the_menu_closes_on_escape_and_when_something_else_is_pressed(self, chat: Page) -> None:
        start(chat, "hello")
        choice = chat.locator("chat-menu").get_by_text("Rename")
        chat.get_by_label("Conversation menu").click()
        expect(choice).to_be_visible()
        chat.keyboard.press("Escape")
        expect(choice).to_be_hidden()
        expect(chat.get_by_label("Conversation menu")).to_be_focused()
        chat.get_by_label("Conversation menu").click()
        chat.locator("article.turn").first.click()
        expect(choice).to_be_hidden()


class TestDeleting:
    def test_a_deleted_conversation_can_be_brought_back(self, chat: Page, site: Server) -> None:
        start(chat, "keep me")
        url = chat.url
        open_menu(chat, "Delete")
        expect(chat).to_have_url(site.url)
        expect(chat).to_have_title("Test chat")
        expect(chat.locator("h1")).to_have_text("New conversation")
        expect(chat.locator("a[data-conversation]")).to_have_count(0)
        expect(chat.locator(".undo").get_by_text("Conversation deleted.")).to_be_visible()
        chat.get_by_role("button", name="Undo").click()
        expect(chat).to_have_url(url)
        expect(chat.locator("h1")).to_have_text("keep me")
        expect(chat.locator("article.turn")).to_have_count(2)
        expect(chat.locator("a[data-conversation]")).to_have_count(1)
        expect(chat.locator(".undo").get_by_text("Conversation deleted.")).to_have_count(0)

    def test_a_conversation_that_is_gone_is_a_page_that_says_so(self, chat: Page, site: Server) -> None:
        start(chat, "delete me")
        gone = chat.url
        open_menu(chat, "Delete")
        expect(chat).to_have_url(site.url)
        chat.goto(gone)
        expect(chat.locator("h1")).to_have_text("Page not found")
        chat.get_by_role("link", name="Go to the chat").click()
        expect(chat).to_have_url(site.url)
