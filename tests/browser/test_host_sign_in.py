"""A host's own sign-in, as a person sees it: the way there, the way back, and nothing typed is lost."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.driving import answer, send, wait_for_state
from tests.fake_auth import Serving
from tests.test_examples import load

TEXT = "A question that took long to write"
COMPOSER = "#composer textarea"


@pytest.fixture
def url() -> Iterator[str]:
    with Serving(load("fastapi_host").app) as host:
        yield f"{host.url}/chat/"


def sign_in(page: Page, name: str = "ann") -> None:
    page.get_by_role("textbox", name="Your name").fill(name)
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("#history")).to_contain_text(name)


def test_a_person_who_is_signed_out_while_writing_comes_back_to_what_was_typed(url: str, page: Page) -> None:
    page.goto(f"{url}history")
    expect(page.get_by_role("heading")).to_contain_text("Sign in to ")
    page.get_by_role("link", name="Sign in").click()
    sign_in(page)
    assert page.url == f"{url}history"
    page.goto(url)
    send(page, "Hello")
    wait_for_state(page, "completed")
    conversation = page.url
    page.locator(COMPOSER).press_sequentially(TEXT)
    page.context.clear_cookies()
    page.press(COMPOSER, "Enter")
    error = page.locator("#composer-error")
    expect(error).to_contain_text("You are signed out. What you typed is kept.")
    expect(page.locator(COMPOSER)).to_have_value(TEXT)
    error.get_by_role("link", name="Sign in").click()
    sign_in(page)
    assert page.url == conversation
    expect(page.locator(COMPOSER)).to_have_value(TEXT)
    expect(answer(page)).to_contain_text("demo agent")
    page.get_by_role("link", name="Sign out").click()
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    page.goto(url)
    expect(page.get_by_role("heading")).to_contain_text("Sign in to ")


def test_the_hosts_marks_are_on_the_page_and_the_inspector_only_where_it_may_be(page: Page) -> None:
    # The fixtures fail this test on whatever the policy of the pages refuses.
    with Serving(load("own_look").app) as host:
        for name, shown in (("ann", True), ("bob", False)):
            page.goto(f"{host.url}/sign-in?as={name}")
            expect(page.locator(".empty h2")).to_have_text(f"What is broken, {name.title()}?")
            expect(page.locator(".host-header")).to_be_in_viewport(ratio=1)
            expect(page.locator(".host-footer")).to_be_in_viewport(ratio=1)
            expect(page.locator("#composer")).to_be_in_viewport(ratio=1)
            assert page.locator("img.logo").evaluate("image => image.naturalWidth") > 0
            send(page, "Why did checkout get slow at 14:30?")
            wait_for_state(page, "completed")
            expect(page.locator("[name=inspect]")).to_have_count(int(shown))
            expect(page.locator(".opener[data-room=inspector]")).to_have_count(int(shown))
            expect(page.locator(".ledger")).to_contain_text("14:00-15:00")
            assert (page.locator(".ledger pre").count() > 0) == shown
