"""Formulas are the same in every engine: as the server wrote them, live and after a reload, and large enough to see."""

from __future__ import annotations

import json

from htmxchat.text.mathml import mathml
from tests.engines.chatting import ANSWER, TEXT, assert_same_after_reload, wait_for_state
from tests.engines.webdriver import Browser
from tests.test_mathematics import FORMULAS, latex

WRITE = """(selector, text) => {
    const field = document.querySelector(selector)
    field.value = text
    field.dispatchEvent(new Event('input', { bubbles: true }))
}"""
# What the server wrote, read by the engine's own parser, is what stands on the page.
DIFFERENT = """(selector, written) => {
    const shown = [...document.querySelectorAll(`${selector} .math > math`)]
    const read = document.createElement('template')
    const differs = (formula, place) => {
        read.innerHTML = written[place]
        const { width, height } = formula.getBoundingClientRect()
        const set = formula.namespaceURI === 'http://www.w3.org/1998/Math/MathML' && width > 1 && height > 1
        return !set || formula.outerHTML !== read.innerHTML
    }
    return [shown.length - written.length, ...shown.filter(differs).map(formula => formula.outerHTML)]
}"""


def test_two_hundred_formulas_are_what_the_server_wrote(chat: Browser) -> None:
    written = [mathml(latex(each), display=each.startswith(("$$", "\\["))) for each in FORMULAS]
    text = "say " + json.dumps("\n\n".join(FORMULAS))
    assert len(text) < 20_000
    chat.run(WRITE, TEXT, text)
    chat.write(TEXT, "{Enter}")
    wait_for_state(chat, "completed")
    assert chat.run(DIFFERENT, ANSWER, written) == [0]
    assert_same_after_reload(chat)
    assert chat.run(DIFFERENT, ANSWER, written) == [0]
