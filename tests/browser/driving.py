"""What tests do with the page, in the user's terms."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterable
from typing import Any

from playwright.sync_api import Locator, Page, expect

# What htmx notes on elements, what only says where the mouse or the focus is, and what the page's script adds to an
# answer once it has ended, is not the page's content.
_DOM = """() => {
  const turns = document.querySelector('#turns').cloneNode(true);
  for (const element of [turns, ...turns.querySelectorAll('*')]) {
    for (const { name } of [...element.attributes]) if (name.startsWith('data-htmx')) element.removeAttribute(name);
    if (element.getAttribute('class') === '') element.removeAttribute('class');
  }
  for (const added of turns.querySelectorAll('button:is([name=run], [name=wrap], [name=numbers], [name=download])')) added.remove();
  turns.normalize();
  return turns.innerHTML;
}"""


def send(page: Page, text: str) -> None:
    page.fill("#composer textarea", text)
    page.press("#composer textarea", "Control+Enter")  # on a touch keyboard, too


def box(page: Page) -> Locator:
    """Where the user writes."""
    return page.get_by_role("textbox", name="Message")


def say(page: Page, markdown: str) -> None:
    """Have the agent answer with exactly this, and wait until it has."""
    turns = page.locator("article.turn")
    before = turns.count()
    send(page, f"say {json.dumps(markdown)}")
    expect(turns).to_have_count(before + 2)
    wait_for_state(page, "completed")


def emit(page: Page, *events: tuple[str, dict[str, Any]] | str) -> None:
    """Have the agent send these events; with "forever" at the end it continues."""
    send(page, f"emit {json.dumps(events)}")


def start(page: Page, text: str, state: str = "completed") -> None:
    """Send a first message and wait for its result."""
    send(page, text)
    wait_for_state(page, state)
    expect(page).to_have_url(re.compile("/c/"))


def fill_history(page: Page, texts: Iterable[str]) -> None:
    """Have conversations that begin with these messages, the last one newest."""
    for text in texts:
        response = page.request.post(page.url.partition("/chat/")[0] + "/chat/messages", form={"text": text})
        assert response.ok
    page.reload()


def open_menu(page: Page, choice: str) -> None:
    """Choose from the conversation's menu."""
    page.get_by_label("Conversation menu").click()
    page.locator("chat-menu .menu").get_by_text(choice).click()


def rename(page: Page, title: str) -> None:
    open_menu(page, "Rename")
    page.get_by_label("Title", exact=True).fill(title)
    page.get_by_label("Title", exact=True).press("Enter")
    expect(page.locator("h1")).to_have_text(title)


def body(page: Page) -> Locator:
    """The part of the conversation that scrolls."""
    return page.locator("#conversation .room-body")


def distance(page: Page) -> int:
    """Return how many pixels below what is shown the conversation ends."""
    return int(body(page).evaluate("it => it.scrollHeight - it.scrollTop - it.clientHeight"))


def until(condition: Callable[[], object], seconds: float = 20) -> None:
    """Wait for what no locator can say."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(0.05)


def answer(page: Page) -> Locator:
    return page.locator("article.turn[data-role=assistant]").last


def submit(page: Page, button: str) -> None:
    """Press a button of a page without JavaScript, and wait for the page that comes of it."""
    with page.expect_navigation():
        page.get_by_role("button", name=button).click()


def reload_until(page: Page, state: str) -> None:
    """Reload a page without JavaScript, as it asks for, until the last answer is in this state."""
    for _ in range(200):
        if answer(page).get_attribute("data-state") == state:
            return
        page.wait_for_timeout(50)
        page.reload()
    raise AssertionError(answer(page).inner_text())


def wait_for_state(page: Page, state: str, timeout: float = 40_000) -> None:
    expect(answer(page)).to_have_attribute("data-state", state, timeout=timeout)


def wait_for_word(page: Page, number: int) -> None:
    expect(answer(page).locator(".turn-body")).to_contain_text(f"w{number} ", timeout=40_000)


def dom(page: Page) -> str:
    """Return the HTML of the turns."""
    return str(page.evaluate(_DOM))


def assert_same_after_reload(page: Page) -> None:
    """The best single test: what was streamed is what a reload shows."""
    page.wait_for_selector("chat-live", state="detached")
    streamed = dom(page)
    page.reload()
    page.wait_for_selector("#turns article")
    assert dom(page) == streamed


def shown_words(page: Page) -> list[str]:
    """Return the numbered words of the last answer, in order."""
    text = answer(page).locator(".turn-body").inner_text()
    return [word for word in text.replace("=", " ").split() if word.startswith("w") and word[1:].isdigit()]


def assert_complete(page: Page, count: int = 1_500) -> None:
    wait_for_state(page, "completed")
    assert shown_words(page) == [f"w{number}" for number in range(count)]
