"""1,500 words, 5 ms each, complete and once, whatever happens on the way."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import Server
from tests.browser.driving import (
    answer,
    assert_complete,
    assert_same_after_reload,
    send,
    shown_words,
    wait_for_state,
    wait_for_word,
)
from tests.browser.proxy import Proxy

ASK = "words 1500 0.005"


def test_a_long_answer_streams_in_complete(site: Server, page: Page) -> None:
    page.goto(site.url)
    send(page, ASK)
    assert_complete(page)
    assert_same_after_reload(page)


def test_a_reload_midway_loses_and_repeats_nothing(site: Server, page: Page) -> None:
    page.goto(site.url)
    send(page, ASK)
    wait_for_word(page, 400)
    page.reload()
    assert int(shown_words(page)[-1][1:]) >= 400
    assert_complete(page)
    assert_same_after_reload(page)


def test_a_network_cut_midway_loses_and_repeats_nothing(site: Server, page: Page) -> None:
    with Proxy(site.port) as proxy:
        page.goto(f"http://127.0.0.1:{proxy.port}/chat/")
        send(page, ASK)
        wait_for_word(page, 400)
        proxy.cut()
        expect(answer(page).locator(".connection")).to_be_visible()
        page.wait_for_timeout(2_000)
        proxy.forward()
        assert_complete(page)
        assert_same_after_reload(page)


def test_a_proxy_that_answers_503_for_a_while_loses_and_repeats_nothing(site: Server, page: Page) -> None:
    with Proxy(site.port) as proxy:
        page.goto(f"http://127.0.0.1:{proxy.port}/chat/")
        send(page, ASK)
        wait_for_word(page, 400)
        proxy.unavailable()
        page.wait_for_timeout(2_000)
        proxy.forward()
        assert_complete(page)
        assert_same_after_reload(page)


def test_a_server_killed_midway_leaves_an_interrupted_turn_that_can_be_tried_again(
    serve: Callable[..., Server], page: Page, tmp_path: Path
) -> None:
    db = str(tmp_path / "chat.db")
    server = serve("--db", db)
    page.goto(server.url)
    send(page, ASK)
    wait_for_word(page, 300)
    server.kill()
    serve("--db", db, "--port", str(server.port))
    wait_for_state(page, "failed")
    kept = shown_words(page)
    assert kept == [f"w{number}" for number in range(len(kept))]
    assert len(kept) >= 300
    expect(answer(page)).to_contain_text("interrupted")
    assert_same_after_reload(page)
    answer(page).get_by_role("button", name="Try again").click()
    assert_complete(page)
    assert page.locator("article.turn[data-role=assistant]").count() == 1
    assert_same_after_reload(page)


def test_polling_shows_the_same_as_streaming(site: Server, page: Page) -> None:
    page.goto(site.at("polling/"))
    send(page, ASK)
    wait_for_word(page, 300)
    page.reload()
    assert_complete(page)
    assert_same_after_reload(page)


def test_a_stream_that_delivers_nothing_becomes_polling(site: Server, page: Page) -> None:
    with Proxy(site.port) as proxy:
        page.goto(f"http://127.0.0.1:{proxy.port}/chat/")
        proxy.buffer()
        send(page, "words 4000 0.005")
        wait_for_word(page, 500)
        assert page.locator("chat-live[hx-get]").count() == 1
        assert_complete(page, 4_000)
        assert_same_after_reload(page)


def test_two_tabs_see_the_same_answer(site: Server, page: Page, context: BrowserContext) -> None:
    page.goto(site.url)
    send(page, ASK)
    wait_for_word(page, 100)
    other = context.new_page()
    other.goto(page.url)
    for each in (page, other):
        assert_complete(each)
        assert_same_after_reload(each)


def test_seven_tabs_at_once_over_http_1_all_arrive(site: Server, page: Page, context: BrowserContext) -> None:
    pages = [page, *(context.new_page() for _ in range(6))]
    for each in pages:
        each.goto(site.url)
        send(each, ASK)
    for each in pages:
        assert_complete(each)
        assert_same_after_reload(each)
