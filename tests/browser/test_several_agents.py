"""Several agents: the choice in the composer, who answered, and another answer by another agent."""

from __future__ import annotations

from collections.abc import Callable

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import Server
from tests.browser.driving import answer, assert_same_after_reload, box, reload_until, send, submit, wait_for_state

CHOICE = "#composer-agent"


def assert_accessible(page: Page) -> None:
    violations = Axe().run(page).response["violations"]
    assert violations == [], violations


def test_the_choice_stays_with_the_conversation_in_every_tab(page: Page, site: Server) -> None:
    page.goto(site.at("several/"))
    expect(page.locator(CHOICE)).to_have_value("Fast")
    page.get_by_label("Agent", exact=True).select_option("Careful")
    page.get_by_role("button", name="Greet").click()
    expect(page.locator("article.turn")).to_have_count(2)
    wait_for_state(page, "completed")
    expect(answer(page).locator(".by summary")).to_have_text("Careful")
    expect(page.locator(CHOICE)).to_have_value("Careful")
    assert_same_after_reload(page)

    other = page.context.new_page()
    other.goto(page.url)
    expect(other.locator(CHOICE)).to_have_value("Careful")
    page.locator(CHOICE).select_option("Fast")
    send(page, "more")
    expect(page.locator("article.turn")).to_have_count(4)
    wait_for_state(page, "completed")
    other.bring_to_front()
    expect(other.locator("article.turn")).to_have_count(4)
    expect(other.locator(CHOICE)).to_have_value("Fast")
    other.close()

    # Another one answers the same message, by the keyboard.
    page.bring_to_front()
    assert_accessible(page)
    name = answer(page).locator(".by summary")
    name.focus()
    page.keyboard.press("Enter")
    assert_accessible(page)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".versions")).to_contain_text("2/2")
    expect(answer(page).locator(".by summary")).to_have_text("Careful")
    expect(page.locator(CHOICE)).to_have_value("Careful")
    assert_same_after_reload(page)

    # An edit may have another one than the answer before.
    page.keyboard.press("Escape")
    page.locator("#turns").get_by_role("link", name="Edit this message").first.click()
    edited = page.locator("#edit-agent")
    expect(edited).to_have_value("Careful")
    edited.select_option("Fast")
    assert_accessible(page)
    page.get_by_role("button", name="Save and send").click()
    expect(page.locator("article.turn")).to_have_count(2)
    wait_for_state(page, "completed")
    expect(answer(page).locator(".by summary")).to_have_text("Fast")
    expect(page.locator(CHOICE)).to_have_value("Fast")

    page.set_viewport_size({"width": 360, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    expect(page.locator(CHOICE)).to_be_visible()
    assert_accessible(page)


def test_the_choice_works_without_javascript(new_context: Callable[..., BrowserContext], site: Server) -> None:
    page = new_context(java_script_enabled=False).new_page()
    page.goto(site.at("several/"))
    page.locator(CHOICE).select_option("Careful")
    box(page).fill("hello")
    submit(page, "Send")
    reload_until(page, "completed")
    expect(page.locator(CHOICE)).to_have_value("Careful")
    answer(page).locator(".by summary").click()
    page.get_by_role("button", name="Fast").click()
    reload_until(page, "completed")
    expect(answer(page).locator(".by summary")).to_have_text("Fast")
    expect(page.locator(".versions")).to_contain_text("2/2")
