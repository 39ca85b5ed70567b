"""Days and times are the reader's: in other zones, past midnight, and for who travels while the page is open."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import Server
from tests.browser.driving import start

HEADS = "#history-list h2"


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "America/Los_Angeles", "Asia/Tokyo"])
def test_what_was_said_now_was_said_today_wherever_one_is(
    new_context: Callable[..., BrowserContext], site: Server, zone: str
) -> None:
    page = new_context(timezone_id=zone).new_page()
    page.goto(site.url)
    start(page, "hello")
    expect(page.locator(HEADS)).to_have_text(["Today"])
    expect(page.locator("#history-list")).to_have_attribute("data-zone", zone)
    page.reload()
    # The server's own words: the page comes with them.
    with page.expect_response(re.compile(r"/c/\w+$")) as answered:
        page.reload()
    html = answered.value.text()
    assert "<h2>Today</h2>" in html and "(UTC)" not in html
    page.goto(page.url + "/runs")
    run = page.locator("a[data-run]").get_attribute("data-run")
    summary = page.request.get(f"{site.url}runs/{run}/summary.md").text()
    assert re.search(r"Started: \d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d\d:\d\d", summary), summary


def test_midnight_passes_while_the_page_is_open(page: Page, site: Server) -> None:
    page.clock.install(time=datetime.now(UTC))
    page.goto(site.url)
    start(page, "hello")
    expect(page.locator("#history-list")).to_have_attribute("data-zone", re.compile("."))
    shown = page.locator("#history-list time").inner_text()
    assert re.match(r"\d", shown), "a time of today"
    with page.expect_request(re.compile(r"/changes\?")):
        page.clock.fast_forward("25:00:00")
    expect(page.locator("#history-list time")).not_to_have_text(shown)


def test_without_the_script_the_days_say_that_they_are_utc(
    new_context: Callable[..., BrowserContext], site: Server
) -> None:
    page = new_context(java_script_enabled=False, timezone_id="Asia/Tokyo").new_page()
    page.goto(site.url)
    page.fill("#text", "hello")
    page.get_by_role("button", name="Send").click()
    expect(page.locator(HEADS).first).to_have_text("Today (UTC)")
    expect(page.locator("#history-list time").first).to_contain_text("UTC")
    expect(page.locator(HEADS).first).to_be_visible()


def test_who_travels_has_the_days_of_where_they_are(new_context: Callable[..., BrowserContext], site: Server) -> None:
    page = new_context(timezone_id="Asia/Tokyo").new_page()
    page.goto(site.url)
    start(page, "hello")
    expect(page.locator("#history-list")).to_have_attribute("data-zone", "Asia/Tokyo")
    # A browser notices by itself; this one's zone is fixed, so it is told.
    page.evaluate("""() => {
      Intl.DateTimeFormat.prototype.resolvedOptions = () => ({ timeZone: "America/Lima" });
      document.dispatchEvent(new Event("visibilitychange"));
    }""")
    expect(page.locator("#history-list")).to_have_attribute("data-zone", "America/Lima")
