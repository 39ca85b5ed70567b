"""What tests do with the chat's page, in the user's terms, in any browser."""

from __future__ import annotations

import json
from typing import Any

from tests.browser.driving import _DOM
from tests.engines.webdriver import Browser

TEXT = "#composer textarea"
BODY = "#conversation .room-body"
ANSWER = "article.turn[data-role=assistant]"
STATE = f"() => [...document.querySelectorAll('{ANSWER}')].at(-1)?.dataset.state ?? ''"
DISTANCE = "s => { const it = document.querySelector(s); return it.scrollHeight - it.scrollTop - it.clientHeight; }"
TOP = "s => document.querySelector(s).scrollTop"


def open_chat(browser: Browser, url: str) -> None:
    """Open the chat and wait until its scripts are there."""
    browser.open(url)
    browser.wait(
        "() => document.querySelector('chat-log:defined') && document.querySelector('#composer[data-htmx-powered]')"
    )


def send(chat: Browser, text: str) -> None:
    chat.write(TEXT, f"{text}{{Enter}}")


def begin(chat: Browser, text: str) -> None:
    """Send a message and wait until it is answered."""
    before = chat.run("s => document.querySelectorAll(s).length", ANSWER)
    send(chat, text)
    chat.wait("(s, n) => document.querySelectorAll(s).length > n", ANSWER, before)


def start(chat: Browser, text: str, state: str = "completed") -> None:
    """Send a message and wait for its result."""
    begin(chat, text)
    wait_for_state(chat, state)


def wait_for_state(chat: Browser, state: str, seconds: float = 40) -> None:
    chat.wait(f"state => ({STATE})() === state", state, seconds=seconds)


def wait_for_word(chat: Browser, number: int) -> None:
    chat.wait(
        f"word => [...document.querySelectorAll('{ANSWER} .turn-body')].at(-1)?.textContent.includes(word)",
        f"w{number} ",
    )


def words(chat: Browser) -> list[str]:
    """Return the numbered words of the last answer, in order."""
    text = chat.text(f"{ANSWER} .turn-body").replace("=", " ")
    return [word for word in text.split() if word.startswith("w") and word[1:].isdigit()]


def all_words(count: int) -> list[str]:
    return [f"w{number}" for number in range(count)]


def top(chat: Browser, box: str = BODY) -> float:
    return float(chat.run(TOP, box))


def is_at_the_end(chat: Browser, box: str = BODY) -> None:
    chat.wait(f"s => ({DISTANCE})(s) < 2", box)


def assert_same_after_reload(chat: Browser) -> None:
    chat.wait("() => !document.querySelector('chat-live')")
    streamed = chat.run(_DOM)
    chat.reload()
    chat.wait("() => document.querySelector('#turns article')")
    chat.wait("() => document.querySelector('#composer[data-htmx-powered]')")  # times are the reader's by then
    assert chat.run(_DOM) == streamed, f"{chat.run(_DOM)}\n\n{streamed}"


def watch(chat: Browser) -> None:
    """Note what no page may do."""
    chat.run("""() => {
        window.trouble = [];
        addEventListener("error", event => trouble.push(event.message));
        addEventListener("unhandledrejection", event => trouble.push(`${event.reason}`));
        document.addEventListener("securitypolicyviolation", event => trouble.push(`${event.violatedDirective} ${event.blockedURI}`));
    }""")


def trouble(chat: Browser) -> list[Any]:
    return list(json.loads(chat.run("() => JSON.stringify(window.trouble ?? [])")))
