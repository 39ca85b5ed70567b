"""What stands beside the conversation when it is wanted: feedback, keys, palette, copying, quoting, what came meanwhile."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import Server
from tests.browser.driving import (
    answer,
    assert_same_after_reload,
    body,
    box,
    dom,
    fill_history,
    say,
    send,
    start,
    until,
    wait_for_state,
)

# What a hidden page is, and that a while has passed; a test waits for neither.
HIDE = """() => {
  Object.defineProperty(document, 'hidden', { get: () => window.isHidden ?? false, configurable: true });
  const [now, since] = [Date.now.bind(Date), performance.now.bind(performance)];
  Date.now = () => now() - (window.earlier ?? 0);
  performance.now = () => since() + (window.later ?? 0);
}"""


def hide(page: Page, hidden: bool) -> None:
    page.evaluate("it => { isHidden = it; document.dispatchEvent(new Event('visibilitychange')); }", hidden)


def leave_the_fields(page: Page) -> None:
    page.evaluate("document.activeElement.blur()")


def test_an_answer_is_rated_and_another_tab_follows(chat: Page) -> None:
    start(chat, "hello")
    other = chat.context.new_page()
    other.goto(chat.url)
    chat.bring_to_front()
    bad = answer(chat).get_by_role("button", name="Bad answer")
    bad.focus()
    chat.keyboard.press("Enter")
    expect(bad).to_have_attribute("aria-pressed", "true")
    expect(bad).to_be_focused()
    comment = answer(chat).get_by_role("textbox", name="What was wrong?")
    comment.fill("No numbers.")
    # What is typed outlives what changes beside it.
    answer(chat).get_by_role("button", name="Good answer").click()
    expect(answer(chat).get_by_role("button", name="Good answer")).to_have_attribute("aria-pressed", "true")
    comment = answer(chat).get_by_role("textbox", name="What was good?")
    expect(comment).to_have_value("No numbers.")
    answer(chat).get_by_role("button", name="Send feedback").click()
    expect(answer(chat).locator(".said")).to_have_text("No numbers.")
    expect(comment).to_be_hidden()
    other.bring_to_front()
    expect(answer(other).locator(".said")).to_have_text("No numbers.")
    chat.bring_to_front()
    expect(chat.locator("#turns")).to_have_attribute("data-feedback", "3")
    assert_same_after_reload(chat)
    other.bring_to_front()
    expect(other.locator("#turns")).to_have_attribute("data-feedback", "3")
    assert dom(other) == dom(chat)


def test_the_sheet_of_keys_says_what_works_here(chat: Page) -> None:
    expect(box(chat)).to_be_focused()
    chat.keyboard.type("?")
    expect(box(chat)).to_have_value("?")  # who types gets what they type
    box(chat).fill("")
    leave_the_fields(chat)
    chat.keyboard.press("?")
    sheet = chat.get_by_role("dialog", name="Keys")
    expect(sheet).to_contain_text("Send")
    expect(sheet).not_to_contain_text("Edit the last question")
    expect(sheet).not_to_contain_text("Conversations")
    expect(sheet.get_by_role("button", name="Close")).to_be_focused()
    chat.keyboard.press("Escape")
    expect(sheet).to_have_count(0)
    chat.get_by_role("button", name="Keys and notices").click()
    expect(sheet).to_contain_text("Send")
    chat.keyboard.press("Escape")
    expect(sheet).to_have_count(0)
    start(chat, "hello")
    chat.reload()
    chat.get_by_label("Conversation menu").click()
    chat.get_by_role("button", name="Keys").click()
    expect(sheet).to_contain_text("Edit the last question")
    expect(sheet.get_by_role("heading", name="Conversations")).to_be_visible()
    expect(sheet).to_contain_text("RenameF2")
    # Headless Chromium allows no notices, and says so at once.
    sheet.get_by_role("checkbox", name="Notify me").click()
    expect(sheet.get_by_role("status")).to_contain_text("does not allow it")
    expect(sheet.get_by_role("checkbox", name="Notify me")).not_to_be_checked()


def test_the_palette_leads_to_conversations_and_does_what_the_page_does(chat: Page) -> None:
    fill_history(chat, ["alpha", "beta", "gamma"])
    chat.keyboard.press("Control+K")
    field = chat.get_by_role("combobox", name="Go to a conversation")
    expect(field).to_be_focused()
    options = chat.get_by_role("option")
    expect(options.filter(has_text="beta")).to_have_count(1)
    marked = chat.locator("[role=option][aria-selected=true]")
    expect(marked).to_have_text("New conversation")
    expect(field).to_have_attribute("aria-activedescendant", marked.get_attribute("id") or "?")
    chat.keyboard.press("ArrowUp")
    expect(marked).to_have_text("alpha")  # it is a circle
    chat.keyboard.press("ArrowDown")
    chat.keyboard.type("bet")
    expect(options).to_have_count(1)
    expect(marked).to_have_text("beta")
    chat.keyboard.press("Enter")
    expect(field).to_have_count(0)
    expect(chat.locator("h1")).to_have_text("beta")
    expect(chat.locator("#history [aria-current]")).to_contain_text("beta")
    chat.keyboard.press("Control+K")
    expect(field).to_be_focused()
    chat.keyboard.type("open insp")
    expect(options).to_have_count(1)
    options.click()
    expect(chat.locator("#inspector")).to_be_visible()
    chat.keyboard.press("Control+K")
    expect(field).to_be_focused()
    chat.keyboard.type("no such thing")
    expect(chat.get_by_role("dialog").get_by_role("status")).to_have_text("Nothing found.")
    chat.keyboard.press("Control+K")
    expect(chat.get_by_role("dialog")).to_have_count(0)


def test_escape_stops_the_answer_unless_something_is_open(chat: Page) -> None:
    start(chat, "forever", "running")
    chat.get_by_label("Conversation menu").click()
    chat.keyboard.press("Escape")
    expect(chat.locator("chat-menu .menu").first).to_be_hidden()
    leave_the_fields(chat)
    chat.keyboard.press("?")
    expect(chat.get_by_role("dialog")).to_have_count(1)
    chat.keyboard.press("Escape")
    expect(chat.get_by_role("dialog")).to_have_count(0)
    expect(answer(chat)).to_have_attribute("data-state", "running")
    box(chat).focus()
    chat.keyboard.press("Escape")
    wait_for_state(chat, "cancelled")


def test_an_answer_is_copied_as_text_and_a_selection_is_quoted(
    new_context: Callable[..., BrowserContext], site: Server
) -> None:
    context = new_context()
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.goto(site.url)
    say(
        page,
        "All **forty** are back, `x` too.\n\n- one\n- two\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```\nx = 1\ny\n```",
    )
    before = dom(page)
    choice = answer(page).get_by_role("button", name="Copy as…")
    choice.click()
    page.get_by_role("button", name="Copy as text").click()
    expect(answer(page).locator("[name=copy][data-said=Copied]").last).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == "All forty are back, x too.\n\n- one\n- two\n\na\tb\n1\t2\n\nx = 1\ny"
    expect(choice).to_be_focused()
    choice.press("Enter")
    expect(page.get_by_role("button", name="Copy as Markdown")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Copy as Markdown")).to_have_count(0)
    expect(choice).to_be_focused()

    page.fill("#composer textarea", "First.")
    leave_the_fields(page)
    answer(page).locator("p").first.evaluate("it => getSelection().selectAllChildren(it)")
    quote = page.get_by_role("button", name="Quote")
    expect(quote).to_be_visible()
    page.keyboard.press("Tab")
    expect(quote).to_be_focused()
    page.keyboard.press("Enter")
    expect(box(page)).to_have_value("First.\n\n> All forty are back, x too.\n\n")
    expect(box(page)).to_be_focused()
    expect(quote).to_be_hidden()
    until(lambda: "data-said" not in dom(page))
    assert dom(page) == before


def test_what_came_while_nobody_looked_is_marked_until_it_is_read(chat: Page) -> None:
    start(chat, "hello")
    send(chat, "words 3000 0.01")
    expect(answer(chat)).to_contain_text("w3 ")
    until(lambda: chat.evaluate("performance.getEntriesByType('resource').some(it => it.name.endsWith('/away.js'))"))
    chat.evaluate(HIDE)
    title = chat.title()
    chat.evaluate("earlier = 60_000")
    hide(chat, True)
    chat.evaluate("[earlier, later] = [0, 20_000]")
    chat.locator("#composer [name=stop]").evaluate("it => it.click()")
    until(lambda: chat.title() == f"● {title}")
    hide(chat, False)
    wait_for_state(chat, "cancelled")
    assert chat.title() == title
    line = chat.locator("[data-since]")
    expect(line).to_have_count(1)
    assert str(line.get_attribute("data-since")).startswith("Since you left, ")
    chat.reload()
    expect(line).to_have_count(1)  # not read yet
    send(chat, "hello")
    expect(line).to_have_count(0)
    assert body(chat).is_visible()


def test_a_question_that_the_agent_asks_while_nobody_looks_is_told(chat: Page) -> None:
    start(chat, "hello")
    title = chat.title()
    chat.evaluate(HIDE)
    send(chat, "words 30 0.1")
    expect(answer(chat)).to_contain_text("w3 ")
    until(lambda: chat.evaluate("performance.getEntriesByType('resource').some(it => it.name.endsWith('/away.js'))"))
    chat.route("**/state", lambda route: route.fulfill(body="suspended"))
    hide(chat, True)
    until(lambda: chat.title() == f"● {title}")
    hide(chat, False)
    assert chat.title() == title
