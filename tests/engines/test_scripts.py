"""A script from the agent's request to the agent's answer."""

from __future__ import annotations

import json

from tests.engines.chatting import ANSWER, assert_same_after_reload, begin, wait_for_state
from tests.engines.webdriver import Browser

CARD = "#scripts article.script"
CODE = "import asyncio\nprint(6)\nawait asyncio.sleep(0.1)\n6 * 7"


def test_a_script_is_approved_runs_and_what_came_of_it_reaches_the_agent(chat: Browser) -> None:
    begin(chat, f"run {json.dumps(CODE)}")
    wait_for_state(chat, "suspended")
    chat.click(f"{ANSWER} a[data-script]")
    chat.click(f"{CARD} button[name=approve]")
    wait_for_state(chat, "completed", seconds=90)  # Python is loaded first
    assert chat.text(f"{ANSWER} .prose").split() == ["done:", "6", "42"]
    chat.wait("() => document.querySelector('#scripts').innerText.includes('42')")
    assert_same_after_reload(chat)
    # One that fails, in the same page.
    begin(chat, "run " + json.dumps("1 / 0"))
    wait_for_state(chat, "suspended")
    chat.click(f"{ANSWER} a[data-script]")
    chat.click(f"{CARD} button[name=approve]")
    wait_for_state(chat, "completed", seconds=90)
    assert chat.text(f"{ANSWER} .prose").startswith("failed: ")
    chat.wait("() => document.querySelector('#scripts').innerText.includes('ZeroDivisionError: division by zero')")
