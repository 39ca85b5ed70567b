"""What is done in the host, and what is drawn of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

from playwright.sync_api import Locator, Page, expect

from scripts.benchmarks.browser import chromium
from scripts.illustrations.host import operations_site

_PATIENCE = 120_000  # milliseconds; the first script has Python loaded
_EARLIER = ("Show me the runbook for a failed nightly import.", "Export last month's bookings.")
_QUEUE = "The notifier queue is growing. Find out why."
_ALERT = "Why did checkout get slow at 14:30?"
_PYTHON = "Summarize these response times with Python."
_EXPORT = "Export last month's bookings."


def pictures(folder: Path) -> Iterator[Path]:
    """Make the pictures in `folder`; yield the path of each."""
    folder.mkdir(parents=True, exist_ok=True)
    with operations_site() as url, chromium() as browser:
        for name, (draw, scheme, width, height) in _PICTURES.items():
            context = browser.new_context(
                viewport={"width": width, "height": height}, device_scale_factor=2, color_scheme=scheme
            )
            page = context.new_page()
            page.set_default_timeout(_PATIENCE)
            expect.set_options(timeout=_PATIENCE)
            page.goto(url)
            drawn = draw(page)
            page.evaluate("document.fonts.ready")
            path = folder / f"{name}.png"
            # Scaled and without motion, so that two that show the same are the same.
            drawn.screenshot(path=path, animations="disabled", caret="hide")
            context.close()
            yield path


def _say(page: Page, text: str, state: str = "completed") -> Locator:
    page.fill("#composer textarea", text)
    page.press("#composer textarea", "Control+Enter")
    answer = page.locator("article.turn[data-role=assistant]").last
    expect(answer).to_have_attribute("data-state", state)
    return answer


def _approving(page: Page) -> Locator:
    """A conversation, its inspector, and a script that needs approval."""
    for text in _EARLIER:
        _say(page, text, "failed" if text == _EXPORT else "completed")
        page.get_by_role("link", name="New", exact=True).first.click()
        expect(page.locator("#turns")).to_be_hidden()
    answer = _say(page, _QUEUE, "suspended")
    answer.get_by_role("button", name="Now").click()
    expect(answer.locator("chat-proposal")).to_have_count(2)
    page.locator(".opener[data-room=inspector]").click()
    expect(page.locator("#inspector .event").first).to_be_visible()
    answer.locator("chat-proposal a").last.click()
    expect(page.locator("article.script").last).to_be_visible()
    page.locator("#text").focus()
    return page.locator("html")


def _inspecting(page: Page) -> Locator:
    answer = _say(page, _ALERT)
    answer.locator("[name=inspect]").click()
    expect(page.locator("#inspector .event").first).to_be_visible()
    return page.locator("html")


def _failed(page: Page) -> Locator:
    answer = _say(page, _EXPORT, "failed")
    answer.locator("[name=inspect]").click()
    page.get_by_role("link", name="First problem").click()
    expect(page.locator("#inspector .event[open]")).to_be_visible()
    return page.locator("#inspector")


def _steps(page: Page) -> Locator:
    _failed(page)
    page.locator(".inspector-tabs").get_by_role("link", name="Steps").click()
    expect(page.locator("#inspector .steps > li").last).to_be_visible()
    return page.locator("#inspector")


def _scripts(page: Page) -> Locator:
    answer = _say(page, _PYTHON, "suspended")
    answer.locator("chat-proposal a").click()
    page.locator("article.script [name=approve]").click()
    expect(answer).to_have_attribute("data-state", "completed")
    _say(page, _PYTHON, "suspended")
    expect(page.locator("article.script")).to_have_count(2)
    page.locator("#scripts .room-body").evaluate("it => it.scrollTo(0, 0)")
    return page.locator("html")


_PICTURES: dict[str, tuple[Callable[[Page], Locator], Literal["light", "dark"], int, int]] = {
    "chat": (_approving, "light", 1600, 1000),
    "chat-dark": (_approving, "dark", 1600, 1000),
    "inspector": (_inspecting, "light", 1440, 860),
    "inspector-failed": (_failed, "light", 1280, 760),
    "inspector-steps": (_steps, "light", 1280, 760),
    "scripts": (_scripts, "light", 1440, 860),
}
