"""For everyone: axe finds nothing, the keyboard reaches everything, and a screen reader hears each thing once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.attaching import PICTURE, TABLE, attach, file
from tests.browser.conftest import Server
from tests.browser.driving import answer, box, emit, fill_history, open_menu, say, send, start, until, wait_for_state

RICH = """\
# Heading

Text with `code`, **bold**, [a link](https://docs.example/) and ~~less~~ [1].

- one
- two
  1. three

- [x] done
- [ ] open

> A quote

| Left | Right |
|---|--:|
| a | 1 |

```python
# a comment
def f(x: int) -> str:
    return f"{x} and 42"
```

---

## Another
"""
REGIONS = "[role=status], [aria-live]:not([aria-live=off]), output:not([aria-live=off])"

HEARD = """() => {
    const status = document.getElementById('status')
    window.heard = []
    new MutationObserver(() => window.heard.push(status.textContent)).observe(
        status, { childList: true, characterData: true, subtree: true })
}"""


def rich(page: Page) -> None:
    call = {"call_id": "1", "name": "search", "summary": "logs", "arguments": {"words": "slow"}}
    emit(
        page,
        ("ReasoningDelta", {"text": "Let me see."}),
        ("ToolStarted", call),
        ("ToolFinished", {"call_id": "1", "summary": "12 results"}),
        ("SourcesFound", {"sources": [{"title": "Runbook", "url": "https://docs.example/", "detail": "section 3"}]}),
        ("TextDelta", {"text": RICH}),
        ("UsageReported", {"input_tokens": 1000, "output_tokens": 234}),
    )
    wait_for_state(page, "completed")
    for step in answer(page).locator(".ledger summary").all():
        step.click()


def searched(page: Page) -> None:
    fill_history(page, ["red apple", "green apple", "fail"])
    tabs = page.get_by_role("navigation", name="Rooms")
    if tabs.is_visible():
        tabs.get_by_text("History").click()
    page.get_by_role("searchbox").fill("apple")
    expect(page.locator("a[data-conversation]")).to_have_count(2)


def deleted(page: Page) -> None:
    start(page, "hello")
    open_menu(page, "Delete")
    page.get_by_role("button", name="Undo").wait_for()


def renaming(page: Page) -> None:
    start(page, "hello")
    open_menu(page, "Rename")
    page.get_by_label("Title").wait_for()


def menu(page: Page) -> None:
    start(page, "hello")
    page.get_by_label("Conversation menu").click()


def inspected(page: Page) -> None:
    failing: list[tuple[str, dict[str, Any]] | str] = [
        ("StageChanged", {"name": "Planning"}),
        ("ToolStarted", {"call_id": "1", "name": "query", "arguments": {"long": "x" * 400, "list": [1, 2]}}),
        ("ToolFinished", {"call_id": "1", "summary": "no answer", "failed": True}),
        ("Unknown", {"type": "x.trace", "data": {"span": 1}}),
        ("TextDelta", {"text": "Half"}),
    ]
    emit(page, *failing)
    wait_for_state(page, "completed")
    page.get_by_role("link", name="Inspect this run").click()
    page.locator("#inspector-rows > [data-type=ToolStarted] > summary").click()
    page.locator("#inspector-rows .json").wait_for()
    page.get_by_text("Show as table").click()


def inspected_live(page: Page) -> None:
    emit(page, ("StageChanged", {"name": "Planning"}), ("TextDelta", {"text": "Half"}), "forever")
    wait_for_state(page, "running")
    page.get_by_role("link", name="Inspector", exact=True).click()
    page.get_by_role("button", name="Pause").click()
    page.get_by_label("More controls").click()


def filtered(page: Page) -> None:
    inspected(page)
    page.get_by_label("Type").select_option("problems")
    page.locator(".found").wait_for()


def listed(page: Page) -> None:
    start(page, "fail", "failed")
    page.goto(page.url + "/runs")
    page.locator(".run-list a").wait_for()


def refused(page: Page) -> None:
    start(page, "forever", "running")
    send(page, "more")
    expect(page.locator("#composer-error")).not_to_be_empty()


def hold(page: Page) -> None:
    """Leave what is sent on its way."""
    page.route("**/*", lambda route: None if route.request.method == "POST" else route.fallback())


def sending(page: Page) -> None:
    hold(page)
    send(page, "hello")
    expect(page.locator("#composer.htmx-request")).to_be_attached()


def answering(page: Page) -> None:
    start(page, "ask", "suspended")
    hold(page)
    page.locator(".request button").first.click()
    expect(page.locator(".request button[data-pressed]")).to_be_attached()


def attached(page: Page) -> None:
    """Have files that are there, on their way and refused, and Send say why it waits."""
    attach(page, TABLE, PICTURE)
    page.route("**/files", lambda route: None)
    page.set_input_files("#composer input[type=file]", [file("slow.txt", b"slow"), file("empty.txt", b"")])
    expect(page.locator("#composer-files [data-state=running] progress")).to_be_visible()
    send(page, "Look")
    expect(page.locator("#composer-error")).not_to_be_empty()


def given(page: Page) -> None:
    attach(page, TABLE)
    send(page, 'give [["notes.txt", "words"], ["chart.png", "picture"]]')
    wait_for_state(page, "completed")


def opened(page: Page) -> None:
    given(page)
    page.locator(".file a.name", has_text="bookings.csv").click()
    expect(page.locator("dialog table")).to_be_visible()


def editing(page: Page) -> None:
    attach(page, TABLE, PICTURE)
    start(page, "Look")
    page.get_by_role("link", name="Edit").click()
    page.locator("chat-edit:defined").get_by_role("textbox", name="Your message").fill("Look again")
    page.keyboard.press("Enter")
    expect(page.locator(".versions")).to_contain_text("2/2")
    wait_for_state(page, "completed")
    page.mouse.move(0, 0)  # what comes under a pointer at rest is not pressed for a moment
    page.get_by_role("link", name="Edit").click()
    expect(page.locator("#edit-files > .file")).to_have_count(2)
    expect(page.locator("#edit-files img").first).to_be_visible()


def to_correct(page: Page) -> None:
    start(page, "ask form", "suspended")
    expect(page.locator("chat-form:defined")).to_be_visible()
    page.get_by_role("button", name="Send answer").click()
    expect(page.locator(".wrong")).to_have_count(5)


def approved(page: Page) -> None:
    start(page, "ask leave", "suspended")
    expect(page.locator("chat-form:defined")).to_be_visible()
    page.locator("[name='answer/batch']").fill("4")
    page.get_by_role("button", name="Approve with changes").click()
    wait_for_state(page, "completed")


def rated(page: Page) -> None:
    start(page, "hello")
    page.get_by_role("button", name="Bad answer").click()
    expect(page.get_by_role("textbox", name="What was wrong?")).to_be_visible()


def keys(page: Page) -> None:
    start(page, "hello")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()


def palette(page: Page) -> None:
    start(page, "hello")
    page.keyboard.press("Control+K")
    expect(page.get_by_role("option", name="hello")).to_be_visible()


def copying(page: Page) -> None:
    start(page, "hello")
    page.get_by_role("button", name="Copy as…").click()
    expect(page.get_by_role("button", name="Copy as text")).to_be_visible()


STATES: dict[str, Callable[[Page], object]] = {
    "empty": lambda page: None,
    "sending": sending,
    "answering": answering,
    "running": lambda page: emit(page, ("StageChanged", {"name": "Reading"}), ("TextDelta", {"text": "A"}), "forever"),
    "rich answer": rich,
    "failed": lambda page: start(page, "fail", "failed"),
    "suspended": lambda page: start(page, "ask", "suspended"),
    "suspended, in words": lambda page: start(page, "ask freely", "suspended"),
    "search": searched,
    "deleted": deleted,
    "rename": renaming,
    "menu": menu,
    "refused": refused,
    "rated": rated,
    "keys": keys,
    "palette": palette,
    "copying": copying,
    "editing": editing,
    "files": attached,
    "files of an answer": given,
    "file opened": opened,
    "inspector": inspected,
    "inspector, live": inspected_live,
    "inspector, filtered": filtered,
    "runs": listed,
    "too long": lambda page: box(page).fill("x" * 20_001),
    "not found": lambda page: page.goto(page.url + "c/nowhere"),
    "signed out": lambda page: page.goto(page.url.replace("/chat/", "/signed-out/")),
    "form": lambda page: start(page, "ask form", "suspended"),
    "form to correct": to_correct,
    "approval": lambda page: start(page, "ask leave", "suspended"),
    "approved": approved,
    "history page": lambda page: page.goto(page.url + "history"),
}


COLORS = {"runOnly": ["color-contrast", "link-in-text-block"]}
"""The rules that see colors: all that can differ between light and dark."""


def assert_accessible(page: Page, **options: Any) -> None:
    # What passes is not described, which takes as long as finding it.
    found: list[dict[str, Any]] = (
        Axe().run(page, options={"resultTypes": ["violations"], **options}).response["violations"]
    )
    assert [(each["id"], [node["html"][:120] for node in each["nodes"]]) for each in found] == []


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("width", [1440, 360])
def test_axe_finds_nothing(
    new_context: Callable[..., BrowserContext], site: Server, state: str, width: Literal[1440, 360]
) -> None:
    # Without motion, so that no color is seen on its way from light to dark.
    context = new_context(viewport={"width": width, "height": 800}, color_scheme="light", reduced_motion="reduce")
    page = context.new_page()
    page.goto(site.url)
    STATES[state](page)
    assert_accessible(page)
    page.emulate_media(color_scheme="dark")
    assert_accessible(page, **COLORS)


def test_each_state_is_said_once(chat: Page) -> None:
    start(chat, "hello")
    chat.evaluate(HEARD)
    send(chat, "words 300 0.005")
    expect(chat.locator("article.turn")).to_have_count(4)
    wait_for_state(chat, "completed")
    until(lambda: chat.evaluate("heard.at(-1)") == "The answer is complete.")
    # That a message is on its way is said only when that takes long.
    heard = [words for words in chat.evaluate("heard") if words and not words.startswith("Sending")]
    assert heard == ["The agent is answering.", "The answer is complete."]


def test_a_stopped_answer_is_said_step_by_step(chat: Page) -> None:
    start(chat, "forever", "running")
    chat.evaluate(HEARD)
    chat.get_by_role("button", name="Stop").click()
    wait_for_state(chat, "cancelled")
    until(lambda: chat.evaluate("heard.at(-1)") == "The answer was stopped.")
    heard = [words for words in chat.evaluate("heard") if words]
    assert heard in (["Stopping the answer.", "The answer was stopped."], ["The answer was stopped."])


def test_there_is_one_live_region_in_every_state(chat: Page) -> None:
    start(chat, "ask", "suspended")
    open_menu(chat, "Delete")
    expect(chat.locator("#status")).to_have_text("Conversation deleted. You can undo this.")
    expect(chat.locator(REGIONS)).to_have_count(1)


def test_the_log_is_silent(chat: Page) -> None:
    start(chat, "ask", "suspended")
    expect(chat.locator(REGIONS)).to_have_count(1)
    expect(chat.locator("#turns")).to_have_attribute("aria-live", "off")
    expect(answer(chat)).to_have_attribute("aria-busy", "true")
    expect(chat.get_by_role("alert")).to_have_count(1)
    expect(chat.locator("#composer-error")).to_be_empty()


def test_the_outline_names_who_speaks_and_when(chat: Page) -> None:
    say(chat, RICH)
    expect(chat.get_by_role("heading", level=1)).to_have_count(1)
    names = [heading.inner_text() for heading in chat.locator("#turns").get_by_role("heading", level=2).all()]
    assert [name.partition(",")[0] for name in names] == ["You", "Agent"]
    levels = chat.evaluate(
        "[...document.querySelectorAll('#turns .turn-body :is(h1,h2,h3,h4)')].map(it => it.localName)"
    )
    assert levels == ["h3", "h4"]


def test_the_first_tab_skips_to_the_composer(chat: Page, site: Server) -> None:
    start(chat, "hello")
    chat.reload()
    chat.keyboard.press("Tab")
    skip = chat.get_by_role("link", name="Skip to the composer")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    chat.keyboard.press("Enter")
    expect(box(chat)).to_be_focused()


def tab_to(page: Page, selector: str, key: str = "Tab") -> None:
    """Press a key until something has the focus, which must then be seen."""
    for _ in range(60):
        page.keyboard.press(key)
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            break
    focused = page.locator(":focus")
    assert focused.evaluate("(it, selector) => it.matches(selector)", selector), selector
    expect(focused).to_be_in_viewport()
    ring = """it => [it, it.closest('.search, #composer, .room-body')]
        .some(it => it && getComputedStyle(it).outlineStyle !== 'none')"""
    assert focused.evaluate(ring), f"no ring on {selector}"


def test_the_keyboard_alone_does_everything(chat: Page) -> None:
    # Send
    expect(box(chat)).to_be_focused()
    chat.keyboard.type("forever")
    chat.keyboard.press("Enter")
    wait_for_state(chat, "running")
    expect(box(chat)).to_be_focused()
    # Stop; the button goes, and the focus stays where one writes
    tab_to(chat, "button[name=stop]")
    chat.keyboard.press("Enter")
    wait_for_state(chat, "cancelled")
    expect(chat.get_by_role("button", name="Stop")).to_have_count(0)
    expect(box(chat)).to_be_focused()
    # Answer again; the focus is below the new answer
    tab_to(chat, "button[name=retry]", "Shift+Tab")
    chat.keyboard.press("Enter")
    wait_for_state(chat, "running")
    expect(answer(chat).locator(".turn-tail")).to_be_focused()
    tab_to(chat, "button[name=stop]")
    chat.keyboard.press("Enter")
    wait_for_state(chat, "cancelled")
    # Rename
    tab_to(chat, "chat-menu summary", "Shift+Tab")
    chat.keyboard.press("Enter")
    tab_to(chat, "chat-menu .menu a")
    chat.keyboard.press("Enter")
    expect(chat.get_by_label("Title")).to_be_focused()
    chat.keyboard.type("Renamed")
    chat.keyboard.press("Enter")
    expect(chat.locator("h1")).to_have_text("Renamed")
    expect(chat.get_by_label("Conversation menu")).to_be_focused()
    # Search, and back to all
    tab_to(chat, "#search", "Shift+Tab")
    chat.keyboard.type("nothing like it")
    expect(chat.locator("#history-list .nothing")).to_contain_text("No results for")
    chat.keyboard.press("Control+A")
    chat.keyboard.press("Delete")
    expect(chat.locator("a[data-conversation]")).to_have_count(1)
    # Open, and read
    tab_to(chat, "a[data-conversation]")
    chat.keyboard.press("Enter")
    expect(chat.locator("#turns")).to_be_focused()
    # Delete, and bring back
    tab_to(chat, "chat-menu summary", "Shift+Tab")
    chat.keyboard.press("Enter")
    tab_to(chat, "chat-menu .menu form[action$='/delete'] button")
    chat.keyboard.press("Enter")
    expect(chat.get_by_role("button", name="Undo")).to_be_visible()
    tab_to(chat, ".undo button")
    chat.keyboard.press("Enter")
    expect(chat.locator("h1")).to_have_text("Renamed")


def test_a_question_is_answered_with_the_keyboard(chat: Page) -> None:
    start(chat, "ask", "suspended")
    tab_to(chat, "form.request button[value=south]", "Shift+Tab")
    chat.keyboard.press("Enter")
    wait_for_state(chat, "completed")
    expect(answer(chat)).to_contain_text("You chose south.")


def test_nothing_moves_for_who_wants_that(new_context: Callable[..., BrowserContext], site: Server) -> None:
    page = new_context(reduced_motion="reduce").new_page()
    page.goto(site.url)
    emit(page, ("StageChanged", {"name": "Reading"}), ("TextDelta", {"text": "A"}), "forever")
    expect(answer(page).locator(".prose")).to_have_text("A")
    assert page.evaluate("document.getAnimations().length") == 0
    page.emulate_media(reduced_motion="no-preference")
    until(lambda: page.evaluate("document.getAnimations().length") > 0)


def test_states_can_be_told_in_forced_colors(new_context: Callable[..., BrowserContext], site: Server) -> None:
    page = new_context(forced_colors="active").new_page()
    page.goto(site.url)
    start(page, "fail", "failed")
    question = page.locator("article.turn[data-role=user]")
    assert question.evaluate("it => getComputedStyle(it).borderTopStyle") == "solid"
    open_link = page.locator("a[data-conversation][aria-current]")
    assert open_link.evaluate("it => getComputedStyle(it).outlineStyle") == "solid"
    mark = "it => getComputedStyle(it, '::before').backgroundColor"
    assert page.locator("a[data-conversation] .state").evaluate(mark) != "rgba(0, 0, 0, 0)"


def test_paper_gets_the_conversation_and_nothing_else(chat: Page) -> None:
    say(chat, RICH * 3)
    send(chat, "ask form")
    expect(chat.locator("form.ask")).to_be_visible()
    chat.locator("a[name=inspect]").first.click()
    expect(chat.locator("#inspector")).to_be_visible()
    chat.emulate_media(media="print")
    hides = (
        "#history",
        "#composer",
        ".tabs",
        ".turn-foot",
        "chat-menu",
        "button[name=copy]",
        "#inspector",
        "form.ask .row",
    )
    for hidden in hides:
        for each in chat.locator(hidden).all():
            expect(each).to_be_hidden()
    expect(chat.locator("h1")).to_be_visible()
    expect(answer(chat)).to_contain_text("Tell customers about the delay")
    # All of it, in its own height: the first question begins and the last answer ends on the paper.
    for turn in chat.locator("article.turn").all():
        expect(turn).to_be_visible()
    assert chat.evaluate("document.documentElement.scrollHeight") > 900
    assert chat.evaluate(
        "document.querySelector('#turns').getBoundingClientRect().bottom <= document.documentElement.scrollHeight"
    )
