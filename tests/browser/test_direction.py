"""Text that is written from right to left, in every place where users' or agents' words stand."""

from __future__ import annotations

import json
from collections.abc import Callable

from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import Server
from tests.browser.driving import answer, box, open_menu, send, start, wait_for_state

ARABIC = "ما هو الوقت الآن"
EVENTS = [
    ["ToolStarted", {"call_id": "1", "name": "find", "summary": ARABIC, "arguments": {"q": ARABIC}}],
    ["ToolFinished", {"call_id": "1", "summary": ARABIC}],
    ["TextDelta", {"text": f"{ARABIC}\n\n- {ARABIC}\n"}],
    ["SourcesFound", {"sources": [{"title": ARABIC, "detail": ARABIC, "excerpt": ARABIC}]}],
    ["ScriptProposed", {"script_id": "1", "code": "1", "title": ARABIC}],
]


def directions(page: Page, selector: str) -> set[str]:
    found = page.locator(selector)
    expect(found.first).to_be_attached()
    return set(found.evaluate_all("all => all.map(it => getComputedStyle(it).direction)"))


def test_what_is_written_from_right_to_left_is_shown_so(
    new_context: Callable[..., BrowserContext], site: Server
) -> None:
    page = new_context(viewport={"width": 2200, "height": 1000}).new_page()
    page.goto(site.url)
    box(page).fill(ARABIC)
    assert directions(page, "#text") == {"rtl"}
    page.fill("#search", ARABIC)
    assert directions(page, "#search") == {"rtl"}
    page.fill("#search", "")

    start(page, f"emit {json.dumps(EVENTS)}")
    open_menu(page, "Rename")
    page.get_by_label("Title").fill(ARABIC)
    assert directions(page, "#title") == {"rtl"}
    page.get_by_label("Title").press("Enter")
    for place in ("h1#heading", "a[data-conversation] .cut"):
        expect(page.locator(place).first).to_have_text(ARABIC)
        assert directions(page, place) == {"rtl"}
    steps = ".ledger summary .cut", ".ledger summary .state"
    for place in (
        *steps,
        ".turn[data-role=assistant] .prose ul",
        ".sources b",
        ".sources .excerpt",
        "chat-proposal b",
    ):
        assert directions(page, place) == {"rtl"}, place

    answer(page).locator("a[name=inspect]").click()
    page.locator("#inspector-q").fill(ARABIC)
    assert directions(page, "#inspector-q") == {"rtl"}
    page.locator(".opener[data-room=scripts]").click()
    assert directions(page, "article.script h3") == {"rtl"}
    page.locator("button[name=edit]").click()
    assert directions(page, "article.script textarea") == {"ltr"}, "code is code"


def test_each_block_of_an_answer_finds_its_direction(chat: Page) -> None:
    """Marks of a list, the line of a quotation and the columns of a table are where its own words begin."""
    block = "{0}\n\n1. {0}\n\n> {0}\n\n| {0} |\n|-|\n| 1 |\n\n"
    start(chat, f"say {json.dumps(block.format(ARABIC) + block.format('A word'))}")
    marked = answer(chat).locator(".prose > :is(ol, blockquote, .table)")
    assert marked.evaluate_all("all => all.map(it => getComputedStyle(it).direction)") == ["rtl"] * 3 + ["ltr"] * 3
    # A paragraph begins at its own side, too.
    sides = """all => all.map(it => {
      const range = document.createRange();
      range.selectNodeContents(it);
      const [text, box] = [range.getBoundingClientRect(), it.getBoundingClientRect()];
      return text.left - box.left < box.right - text.right ? "left" : "right";
    })"""
    assert answer(chat).locator(".prose > p").evaluate_all(sides) == ["right", "left"]


def test_a_question_and_its_choices_find_their_direction(chat: Page) -> None:
    asked = {"request_id": "q", "prompt": ARABIC, "choices": [ARABIC, "Yes"]}
    send(chat, f"emit {json.dumps([['InputRequested', asked], 'forever'])}")
    wait_for_state(chat, "suspended")
    assert directions(chat, ".request legend") == {"rtl"}
    assert directions(chat, ".request button") == {"rtl", "ltr"}


def test_the_field_for_an_answer_finds_its_direction(chat: Page) -> None:
    start(chat, "ask freely", "suspended")
    chat.locator(".request input[name=answer]").fill(ARABIC)
    assert directions(chat, ".request input[name=answer]") == {"rtl"}


def test_what_was_said_wrong_finds_its_direction(chat: Page) -> None:
    send(chat, f"emit {json.dumps([['RunEnded', {'outcome': 'failed', 'error': ARABIC}]])}")
    wait_for_state(chat, "failed")
    assert directions(chat, ".failure bdi") == {"rtl"}
