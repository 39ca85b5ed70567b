"""The core of the chat: what every browser must do, whatever else it does."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.browser.conftest import Server
from tests.browser.proxy import Proxy
from tests.engines.chatting import (
    ANSWER,
    BODY,
    DISTANCE,
    TEXT,
    all_words,
    assert_same_after_reload,
    begin,
    is_at_the_end,
    open_chat,
    send,
    start,
    top,
    trouble,
    wait_for_state,
    wait_for_word,
    watch,
    words,
)
from tests.engines.webdriver import Browser


@pytest.fixture
def proxy(site: Server) -> Iterator[Proxy]:
    with Proxy(site.port) as proxy:
        yield proxy


def test_an_answer_streams_and_is_the_same_after_a_reload(chat: Browser) -> None:
    watch(chat)
    start(chat, "words 400 0.001")
    assert words(chat) == all_words(400)
    assert trouble(chat) == []
    assert_same_after_reload(chat)


def test_a_reload_in_the_middle_loses_nothing(chat: Browser) -> None:
    begin(chat, "words 500 0.004")
    wait_for_word(chat, 150)
    chat.reload()
    wait_for_state(chat, "completed")
    assert words(chat) == all_words(500)


def test_a_cut_in_the_middle_loses_nothing_and_is_told(engine: Browser, proxy: Proxy) -> None:
    open_chat(engine, f"http://127.0.0.1:{proxy.port}/chat/")
    begin(engine, "words 500 0.006")
    wait_for_word(engine, 100)
    proxy.cut()
    engine.wait("() => document.querySelector('.connection')?.checkVisibility()")
    proxy.forward()
    wait_for_state(engine, "completed")
    assert words(engine) == all_words(500)
    engine.wait("() => !document.querySelector('.connection')?.checkVisibility()")


def test_a_message_that_cannot_be_sent_is_kept(engine: Browser, proxy: Proxy) -> None:
    open_chat(engine, f"http://127.0.0.1:{proxy.port}/chat/")
    proxy.cut()
    send(engine, "an important message")
    engine.wait("() => document.querySelector('#composer-error')?.textContent.trim()")
    assert engine.run("s => document.querySelector(s).value", TEXT) == "an important message"
    proxy.forward()
    engine.write(TEXT, "{Enter}")
    wait_for_state(engine, "completed")
    assert "Echo: an important message" in engine.text(ANSWER)


def test_stop_ends_an_answer_and_the_next_one_comes(chat: Browser) -> None:
    begin(chat, "forever")
    wait_for_word(chat, 5)
    chat.click("#composer button[name=stop]")
    wait_for_state(chat, "cancelled")
    start(chat, "hello")
    assert "Echo: hello" in chat.text(ANSWER)


def test_a_question_is_answered_by_a_choice_and_by_words(chat: Browser) -> None:
    start(chat, "ask", "suspended")
    chat.click(f"{ANSWER} form button")
    wait_for_state(chat, "completed")
    assert "You chose south." in chat.text(ANSWER)
    start(chat, "ask freely", "suspended")
    chat.write(f"{ANSWER} form :is(input:not([type=hidden]), textarea)", "Fido{Enter}")
    wait_for_state(chat, "completed")
    assert "Its name is Fido." in chat.text(ANSWER)


def test_the_page_stays_at_the_end_through_answers_questions_and_failures(chat: Browser) -> None:
    start(chat, "words 300 0.001")
    is_at_the_end(chat)
    start(chat, "ask", "suspended")
    is_at_the_end(chat)
    chat.click(f"{ANSWER} form button")
    wait_for_state(chat, "completed")
    is_at_the_end(chat)
    for text, state in (("fail", "failed"), ("hello", "completed"), ("words 120 0.001", "completed")):
        start(chat, text, state)
        is_at_the_end(chat)


@pytest.mark.parametrize("by", ["wheel", "keyboard"])
def test_the_smallest_move_up_ends_following_and_is_not_undone(chat: Browser, by: str) -> None:
    start(chat, "words 600 0")
    begin(chat, "words 3000 0.003")
    wait_for_word(chat, 60)
    if by == "wheel":
        chat.wheel(BODY, -3)
    else:
        chat.run("s => document.querySelector(s).focus()", BODY)
        chat.press("ArrowUp")
    chat.wait("() => document.querySelector('.jump').dataset.more !== undefined")
    before = top(chat)
    chat.wait(f"(s, n) => ({DISTANCE})(s) > n", BODY, chat.run(DISTANCE, BODY) + 200)
    assert top(chat) <= before  # a browser may still be on its smooth way up
    chat.click(".jump")
    is_at_the_end(chat)
    chat.click("#composer button[name=stop]")
    wait_for_state(chat, "cancelled")
    is_at_the_end(chat)


def test_the_inspector_follows_until_the_reader_moves_up(chat: Browser) -> None:
    rows = "#inspector .room-body"
    chat.size(1280, 560)  # few rows fill it, so they need not come fast
    begin(chat, "ticks 0.2")
    wait_for_state(chat, "running")
    chat.click("a.opener[data-room=inspector]")
    chat.wait(
        "s => { const it = document.querySelector(s); return it && it.scrollHeight > it.clientHeight + 60; }", rows
    )
    is_at_the_end(chat, rows)
    # What is put into the page later has the style of the rest.
    assert chat.run("() => [...document.querySelectorAll('.icon')].every(i => i.getBoundingClientRect().width <= 20)")
    chat.wheel(rows, -3)
    chat.wait("() => document.querySelector('button[name=follow]').getAttribute('aria-pressed') === 'false'")
    before = top(chat, rows)
    chat.wait(
        "n => document.querySelectorAll('#inspector-rows > *').length > n",
        chat.run("() => document.querySelectorAll('#inspector-rows > *').length + 10"),
    )
    assert top(chat, rows) <= before
    chat.click("button[name=follow]")
    is_at_the_end(chat, rows)
    chat.click("#composer button[name=stop]")
    wait_for_state(chat, "cancelled")
    chat.size(1280, 880)
