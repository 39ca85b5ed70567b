"""What `htmx.js` relies on without htmx promising it: a new version of htmx shows here what it changes."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, Request, expect

from tests.browser.conftest import Server
from tests.browser.driving import send, start, until, wait_for_state
from tests.browser.proxy import Proxy

ADAPTER = """
  window.adapter = () => import(document.querySelector('script[type=module]').src);
  addEventListener('htmx:sse:before:connection', ({ detail }) => {
    window.connection = detail.connection;
    window.connections = (window.connections ?? 0) + 1;
  }, true);
"""


@pytest.fixture
def page(page: Page) -> Page:
    page.add_init_script(ADAPTER)
    return page


def test_what_htmx_has_made_its_own_is_marked_and_a_copy_is_not(site: Server, page: Page) -> None:
    page.goto(site.url)
    expect(page.locator("#composer[data-htmx-powered]")).to_be_attached()
    found = page.evaluate("""async () => {
      const { isPowered, unpowered } = await adapter();
      const form = document.querySelector('#composer');
      const copy = unpowered(form);
      const before = [isPowered(form), isPowered(copy)];
      form.replaceWith(copy);
      htmx.process(copy);
      return [...before, isPowered(copy)];
    }""")
    assert found == [True, False, True]


def test_a_copy_in_the_place_of_a_stream_ends_it_and_has_its_own(site: Server, page: Page) -> None:
    page.goto(site.url)
    send(page, "words 10000 0.02")
    wait_for_state(page, "running")
    page.wait_for_function("() => window.connection?.reader")
    page.evaluate("""async () => {
      window.first = connection;
      const live = document.querySelector('chat-live');
      addEventListener('htmx:sse:close', ({ detail }) => detail.connection === first && (window.ended = true), true);
      const copy = (await adapter()).unpowered(live);
      live.replaceWith(copy);
      htmx.process(copy);
    }""")
    page.wait_for_function("() => window.ended")
    page.wait_for_function("() => connection !== first && connection.reader")
    page.get_by_role("button", name="Stop").click()
    wait_for_state(page, "cancelled")


def test_a_connection_is_made_anew_and_without_waiting_when_it_is_told_so(site: Server, page: Page) -> None:
    with Proxy(site.port) as proxy:
        page.goto(f"http://127.0.0.1:{proxy.port}/chat/")
        send(page, "words 10000 0.02")
        wait_for_state(page, "running")
        page.wait_for_function("() => window.connection?.reader")
        before = page.evaluate("connections")
        page.evaluate("adapter().then(({ connectAnew }) => connectAnew(connection))")
        page.wait_for_function("before => connections > before", arg=before)
        page.wait_for_function("() => connection.reader")

        page.evaluate("htmx.config.sse = { ...htmx.config.sse, reconnectDelay: 1e7, reconnectMaxDelay: 1e7 }")
        proxy.cut()
        page.wait_for_function("() => connection.delayCanceller")
        proxy.forward()
        page.evaluate("adapter().then(({ connectNow }) => connectNow(connection))")
        page.wait_for_function("() => connection.reader")
        page.get_by_role("button", name="Stop").click()
        wait_for_state(page, "cancelled")


def test_back_from_an_address_that_was_pushed_has_htmx_restore_the_page(site: Server, page: Page) -> None:
    page.goto(site.url)
    start(page, "Hello")
    address = page.url
    restored: list[str] = []

    def asked(request: Request) -> None:
        if request.headers.get("hx-history-restore-request"):
            restored.append(request.url)

    page.on("request", asked)
    for path in ("first", "second"):
        page.evaluate("path => adapter().then(({ pushAddress }) => pushAddress(location.pathname + '?' + path))", path)
    page.evaluate("history.back()")
    until(lambda: page.evaluate("1") and restored)
    assert restored == [f"{address}?first"]
