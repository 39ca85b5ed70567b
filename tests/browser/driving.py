"""What tests do with the page, in the user's terms."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

# What htmx notes on elements, and what only says where the mouse or the focus is, is not the page's content.
_DOM = """() => {
  const turns = document.querySelector('#turns').cloneNode(true);
  for (const element of [turns, ...turns.querySelectorAll('*')]) {
    for (const { name } of [...element.attributes]) if (name.startsWith('data-htmx')) element.removeAttribute(name);
    if (element.getAttribute('class') === '') element.removeAttribute('class');
  }
  turns.normalize();
  return turns.innerHTML;
}"""


def send(page: Page, text: str) -> None:
    page.fill("#composer textarea", text)
    page.press("#composer textarea", "Enter")


def answer(page: Page) -> Locator:
    return page.locator("article.turn[data-role=assistant]").last


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
