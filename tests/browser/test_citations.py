"""Citations: from the text to the source, back, and what is shown on the way."""

from __future__ import annotations

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect

from .conftest import Server
from .driving import answer, emit, wait_for_state

EXCERPT = "An idle connection ends at 60 s. " * 5


def source(number: int, **more: Any) -> dict[str, Any]:
    return {"title": f"Source {number}", "url": f"https://docs.example/{number}", **more}


def ask(page: Page, *, count: int = 2, text: str = "") -> None:
    """Have an answer that cites the second source, the last, the second again, and one that is not there."""
    words = "word " * 400
    said = text or f"Slow [2], and [99] too [{count}].\n\n{words}\n\nAgain.[2]"
    found = [source(1), source(2, excerpt=EXCERPT), *(source(number) for number in range(3, count + 1))]
    emit(page, ("TextDelta", {"text": said}), ("SourcesFound", {"sources": found}))
    wait_for_state(page, "completed")


def cite(page: Page, number: int) -> Locator:
    return answer(page).locator("a.cite[href]").nth(number)


def sources(page: Page) -> Locator:
    return answer(page).locator(".sources li[id]")


def card(page: Page) -> Locator:
    return page.get_by_role("tooltip")


def test_a_citation_leads_to_its_source_and_back(chat: Page) -> None:
    ask(chat)
    expect(answer(chat).locator("a.cite[href]")).to_have_count(3)
    url = chat.url
    cite(chat, 0).click()
    expect(sources(chat).nth(1)).to_be_focused()
    expect(sources(chat).nth(1)).to_be_in_viewport()
    expect(cite(chat, 0)).not_to_be_in_viewport()
    sources(chat).nth(1).get_by_role("link", name="c: back to the text").click()
    expect(cite(chat, 2)).to_be_focused()
    chat.go_back()
    expect(sources(chat).nth(1)).to_be_focused()
    chat.go_back()
    expect(cite(chat, 0)).to_be_focused()
    expect(cite(chat, 0)).to_be_in_viewport()
    assert chat.url == url


def test_a_citation_works_by_key(chat: Page) -> None:
    ask(chat)
    cite(chat, 1).focus()
    chat.keyboard.press("Shift+Tab")
    expect(cite(chat, 0)).to_be_focused()
    expect(card(chat)).to_contain_text("An idle connection ends at 60 s.")
    assert cite(chat, 0).evaluate("it => document.getElementById(it.getAttribute('aria-describedby')).textContent")
    chat.keyboard.press("Escape")
    expect(card(chat)).to_have_count(0)
    expect(cite(chat, 0)).to_be_focused()
    chat.keyboard.press("Enter")
    expect(sources(chat).nth(1)).to_be_focused()
    chat.keyboard.press("Tab")
    expect(sources(chat).nth(1).locator("a.source")).to_be_focused()
    chat.keyboard.press("Tab")
    chat.keyboard.press("Enter")
    expect(cite(chat, 0)).to_be_focused()


def test_the_source_shows_beside_a_citation_that_is_pointed_at(chat: Page) -> None:
    ask(chat)
    cite(chat, 0).scroll_into_view_if_needed()
    before = answer(chat).bounding_box()
    cite(chat, 0).hover()
    expect(card(chat)).to_contain_text("Source 2docs.example")
    assert cite(chat, 0).get_attribute("title") is None
    card(chat).hover()
    chat.wait_for_timeout(400)  # longer than the time to get there
    expect(card(chat)).to_be_visible()
    assert answer(chat).bounding_box() == before
    chat.locator("h1").hover()
    expect(card(chat)).to_have_count(0)
    expect(cite(chat, 0)).to_have_attribute("title", "Source 2")


def test_the_card_fits_a_small_window(chat: Page) -> None:
    chat.set_viewport_size({"width": 360, "height": 640})
    ask(chat, text="word " * 7 + "[2]")
    cite(chat, 0).hover()
    box = card(chat).bounding_box()
    assert box is not None
    assert box["x"] >= 0 and box["x"] + box["width"] <= 360
    assert box["y"] >= 0 and box["y"] + box["height"] <= 640
    assert chat.evaluate("document.documentElement.scrollWidth") == 360


def test_a_source_that_is_folded_is_opened_by_what_leads_to_it(chat: Page) -> None:
    ask(chat, count=8)
    last = sources(chat).nth(7)
    expect(last).to_be_hidden()
    expect(answer(chat).locator(".sources summary")).to_have_text("5 more sources")
    cite(chat, 1).click()
    expect(last).to_be_visible()
    expect(last).to_be_focused()
    answer(chat).locator(".sources summary").click()
    expect(last).to_be_hidden()
    chat.reload()
    expect(last).to_be_visible()


def test_a_folded_source_is_reached_without_scripts(site: Server, new_context: Any, chat: Page) -> None:
    ask(chat, count=8)
    page = new_context(java_script_enabled=False, storage_state=chat.context.storage_state()).new_page()
    page.goto(chat.url)
    cite(page, 1).click()
    expect(sources(page).nth(7)).to_be_visible()
    sources(page).nth(7).get_by_role("link", name="Back to the text").click()
    expect(cite(page, 1)).to_be_in_viewport()


def test_what_has_the_focus_keeps_it_when_its_block_is_drawn_again(chat: Page) -> None:
    emit(
        chat,
        ("SourcesFound", {"sources": [source(1)]}),
        ("TextDelta", {"text": "Slow [1] and"}),
        ("InputRequested", {"request_id": "q", "prompt": "Go on?", "choices": ["Yes"]}),
        "forever",
    )
    cite(chat, 0).focus()
    chat.evaluate("document.activeElement.closest('p').outerHTML += ''")
    chat.evaluate("document.dispatchEvent(new CustomEvent('htmx:after:swap', {bubbles: true, detail: {ctx: {}}}))")
    expect(cite(chat, 0)).to_be_focused()
    chat.get_by_role("button", name="Stop").click()
    wait_for_state(chat, "cancelled")


def test_there_is_nothing_to_complain_about(chat: Page) -> None:
    ask(chat, count=8)
    cite(chat, 1).click()
    cite(chat, 0).hover()
    expect(card(chat)).to_be_visible()
    found = Axe().run(chat).response["violations"]
    assert not found, found


def test_sources_show_below_text_that_grows_when_they_are_asked_for(chat: Page) -> None:
    emit(chat, ("SourcesFound", {"sources": [source(1), source(2)]}), ("TextDelta", {"text": "Slow [2]. "}), "forever")
    expect(cite(chat, 0)).to_have_attribute("title", "Source 2")
    expect(answer(chat).locator(".sources")).to_be_hidden()
    cite(chat, 0).click()
    expect(sources(chat).nth(1)).to_be_focused()
    expect(sources(chat).nth(1)).to_be_in_viewport()
    chat.get_by_role("button", name="Stop").click()
    wait_for_state(chat, "cancelled")
    expect(sources(chat).nth(0)).to_be_visible()
    expect(sources(chat).nth(1).locator(".places a")).to_have_count(1)
