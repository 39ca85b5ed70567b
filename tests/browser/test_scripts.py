"""The queue of scripts with real Python in a real browser: every state, in order, in several tabs, by keyboard."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Dialog, Locator, Page, Route, expect

from tests.browser.conftest import Server
from tests.browser.driving import answer, assert_same_after_reload, dom, say, send, start, until, wait_for_state

# Ends when the test says so: by the file that it makes of it, no; by time, no. It waits to be cancelled.
FOREVER = "import time\nprint('begun')\nwhile True:\n    time.sleep(0.01)"
READY = 60_000


@pytest.fixture
def context(context_with_python: BrowserContext) -> BrowserContext:
    """The browser of each test's page."""
    return context_with_python


def propose(page: Page, *codes: str) -> None:
    """Have the agent propose scripts, and open the room."""
    start(page, f"propose {json.dumps(codes)}")
    open_room(page)
    expect(page.locator("article.script")).to_have_count(len(codes))


def ask(page: Page, code: str) -> None:
    """Have the agent wait for a script, and open the room at it."""
    send(page, f"run {json.dumps(code)}")
    page.locator("chat-proposal a").last.click()
    expect(page.locator("#scripts button[name=approve]").last).to_be_focused()


def open_room(page: Page) -> None:
    page.locator(".opener[data-room=scripts]").click()
    expect(page.locator("#scripts h2")).to_be_visible()


def card(page: Page, title: str = "The script") -> Locator:
    return page.locator("article.script", has=page.get_by_role("heading", name=title, exact=True))


def expect_state(script: Locator, state: str) -> None:
    expect(script).to_have_attribute("data-state", state, timeout=READY)


def press(script: Locator, name: str) -> None:
    # Away from where it pressed before: what comes to rest under a pointer is not pressed for a moment.
    script.page.mouse.move(0, 0)
    script.locator(f"button[name={name}]").click()


def address(script: Locator) -> str:
    """Where it is told what to do."""
    return script.locator("form").get_attribute("action") or ""


def output(script: Locator) -> Locator:
    return script.locator(".script-output")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_may_mislead_is_seen_and_said_and_selects_as_it_is(chat: Page, scheme: Literal["light", "dark"]) -> None:
    code = "is_admin\u3164 = 'a\u202eb\u200b'\ns\u043ere = 1  # \U000e0041\x1b"
    chat.emulate_media(color_scheme=scheme)
    propose(chat, code)
    lines = chat.locator(".lines")
    expect(lines.locator(".odd[data-code]")).to_have_count(5)
    expect(lines.get_by_role("img", name="U+3164 Hangul filler, which cannot be seen")).to_be_visible()
    expect(lines.locator(".odd:not([data-code])")).to_have_text("\u043e")
    assert lines.locator("code").evaluate("code => code.textContent") == code
    for mark in lines.locator(".odd").all():
        box = mark.bounding_box()
        assert box is not None and box["width"] > 5
    # A browser selects the code and none of its marks.
    selected = lines.locator("code").evaluate(
        "code => (getSelection().selectAllChildren(code), String(getSelection()))"
    )
    assert selected.rstrip("\n").replace("\n", "") == code.replace("\n", "")
    expect(chat.locator(".doubts")).to_contain_text("line 1, column 9: U+3164")
    found = Axe().run(chat)
    assert found.violations_count == 0, found.generate_report()
    press(card(chat, "Script 0"), "edit")
    expect(chat.locator("form.edit .doubts")).to_contain_text("6 characters here")
    assert chat.locator("form.edit textarea").input_value() == code


def test_a_script_runs_once_it_is_approved_and_the_agent_goes_on(chat: Page) -> None:
    ask(chat, "print('hello')\n6 * 7")
    script = card(chat)
    expect_state(script, "queued")
    expect(answer(chat)).to_have_attribute("data-state", "suspended")
    chat.keyboard.press("Enter")
    expect_state(script, "done")
    expect(output(script)).to_contain_text("hello")
    expect(output(script)).to_contain_text("42")
    expect(script.locator(".state")).to_have_text(re.compile(r"Done( in \d+\.\d\d? s)?"))
    wait_for_state(chat, "completed")
    expect(answer(chat).locator(".prose")).to_have_text("done: hello\n42")
    shown, turns = chat.locator("#scripts .room-body").inner_text(), dom(chat)
    chat.reload()
    expect(script).to_be_visible()
    assert chat.locator("#scripts .room-body").inner_text() == shown
    assert dom(chat) == turns


def test_a_script_that_comes_while_the_queue_is_watched_is_shown(chat: Page) -> None:
    send(chat, "ask first")
    form = chat.locator(".turn form:has(button[value=yes])")
    action = form.get_attribute("action") or ""
    chat.reload()  # so that nothing but the answer's stream can tell the page
    expect(chat.locator("chat-runner:defined")).to_be_attached()
    with chat.expect_response(lambda response: response.request.headers.get("accept") == "application/json"):
        open_room(chat)
    chat.request.post(chat.url.partition("/chat/")[0] + action, form={"request": "run", "answer": "yes"})
    expect(card(chat).locator("button[name=approve]")).to_be_visible()
    expect(chat.locator(".opener[data-room=scripts] .badge")).to_contain_text("1")


def test_a_page_whose_server_was_away_when_the_queue_was_to_be_watched_watches_it_later(chat: Page) -> None:
    chat.route("**/js/scripts.js", lambda route: route.abort())
    with chat.expect_event("requestfailed"):
        send(chat, 'run "print(1)"')
    expect(chat.locator("chat-proposal a")).to_be_visible()
    chat.unroute("**/js/scripts.js")
    chat.get_by_role("button", name="Stop").click()
    wait_for_state(chat, "cancelled")
    send(chat, 'run "print(2)"')
    expect(chat.locator(".opener[data-room=scripts] .badge")).to_contain_text("1")


def test_it_works_where_streams_do_not(page: Page, site: Server) -> None:
    page.goto(site.at("polling/"))
    ask(page, "6 * 7")
    page.keyboard.press("Enter")
    expect_state(card(page), "done")
    expect(answer(page).locator(".prose")).to_have_text("done: 42")


def test_nothing_runs_before_it_is_approved(chat: Page) -> None:
    asked: list[str] = []
    chat.on("request", lambda request: asked.append(request.url))
    propose(chat, "print(1)", "print(2)")
    press(card(chat, "Script 0"), "reject")
    expect_state(card(chat, "Script 0"), "rejected")
    chat.reload()
    expect_state(card(chat, "Script 1"), "queued")
    assert not [url for url in asked if "sandbox" in url or "pyodide" in url]


def test_scripts_run_one_at_a_time_in_the_order_of_approval(chat: Page) -> None:
    propose(chat, FOREVER, "print('second')", "print('third')")
    first, second, third = (card(chat, f"Script {number}") for number in range(3))
    press(first, "approve")
    expect(output(first)).to_contain_text("begun", timeout=READY)
    expect(first.locator(".state")).to_contain_text("Running")
    press(third, "approve")
    expect_state(third, "approved")
    press(second, "approve")
    expect_state(second, "approved")
    expect(chat.locator("article[data-state=running]")).to_have_count(1)
    press(first, "cancel")
    expect_state(first, "cancelled")
    expect(output(first)).to_contain_text("begun")
    expect_state(second, "done")
    expect_state(third, "done")
    finished = chat.locator(".finished article h3").all_inner_texts()
    assert finished == ["Script 1", "Script 2", "Script 0"], "the one approved first ran first"


def test_all_scripts_of_an_answer_can_be_approved_at_once(chat: Page) -> None:
    propose(chat, *(f"print('number {number}')" for number in range(3)))
    chat.get_by_role("button", name="Approve and run all").click()
    for number in range(3):
        expect_state(card(chat, f"Script {number}"), "done")
    assert chat.locator(".finished article h3").all_inner_texts() == ["Script 2", "Script 1", "Script 0"]
    chat.get_by_role("button", name="Clear finished").click()
    expect(chat.locator("article.script")).to_have_count(0)
    expect(chat.locator("#scripts .nothing")).to_be_visible()


def test_an_edited_script_runs_as_it_was_edited(chat: Page) -> None:
    ask(chat, "print('before')")
    press(card(chat), "edit")
    box = chat.get_by_role("textbox", name="Code")
    expect(box).to_be_focused()
    expect(box).to_have_value("print('before')")
    box.fill("print('after')")
    press(card(chat), "save")
    expect(card(chat).locator(".lines")).to_have_text("print('after')")
    expect(card(chat)).to_contain_text("edited by you")
    press(card(chat), "edit")
    box.fill("print('after all')\n\n")
    press(card(chat), "approve")
    expect_state(card(chat), "done")
    expect(output(card(chat))).to_contain_text("after all")
    expect(answer(chat).locator(".prose")).to_have_text("done: after all")


def test_an_edit_survives_what_happens_meanwhile_and_can_be_discarded(chat: Page) -> None:
    propose(chat, "print('one')", "print('two')")
    press(card(chat, "Script 0"), "edit")
    chat.get_by_role("textbox", name="Code").fill("print('mine')")
    press(card(chat, "Script 1"), "approve")
    expect_state(card(chat, "Script 1"), "done")
    expect(chat.get_by_role("textbox", name="Code")).to_have_value("print('mine')")
    chat.get_by_role("link", name="Discard").click()
    expect(card(chat, "Script 0").locator(".lines")).to_have_text("print('one')")
    expect(card(chat, "Script 0").locator("button[name=approve]")).to_be_visible()


def test_a_failed_script_shows_its_own_lines_and_can_run_again(chat: Page) -> None:
    ask(chat, "def f():\n    return 1 / 0\n\nf()")
    press(card(chat), "approve")
    expect_state(card(chat), "failed")
    expect(output(card(chat)).locator(".error")).to_have_text("ZeroDivisionError: division by zero")
    expect(output(card(chat))).to_contain_text("return 1 / 0")
    expect(answer(chat).locator(".turn-body")).to_contain_text("failed: ")
    before = card(chat).get_attribute("data-revision")
    press(card(chat), "rerun")
    expect(card(chat)).not_to_have_attribute("data-revision", before or "")
    expect_state(card(chat), "failed")


def test_a_script_that_takes_too_long_is_stopped_and_the_next_one_runs(page: Page, site: Server) -> None:
    page.goto(site.at("hurried/"))
    propose(page, "print('on and on')\nwhile True: pass", "print('next')")
    page.get_by_role("button", name="Approve and run all").click()
    expect_state(card(page, "Script 0"), "timed-out")
    expect(output(card(page, "Script 0"))).to_contain_text("on and on")
    expect_state(card(page, "Script 1"), "done")


def test_a_waiting_script_can_be_called_off(chat: Page) -> None:
    propose(chat, FOREVER, "print('never')")
    press(card(chat, "Script 0"), "approve")
    expect_state(card(chat, "Script 0"), "running")
    press(card(chat, "Script 1"), "approve")
    expect_state(card(chat, "Script 1"), "approved")
    press(card(chat, "Script 1"), "cancel")
    expect_state(card(chat, "Script 1"), "cancelled")
    expect_state(card(chat, "Script 0"), "running")
    press(card(chat, "Script 0"), "cancel")
    expect_state(card(chat, "Script 0"), "cancelled")


def test_the_room_can_be_closed_while_a_script_runs(chat: Page) -> None:
    ask(chat, "import time\nfor n in range(20):\n    print(n)\n    time.sleep(0.05)")
    press(card(chat), "approve")
    expect_state(card(chat), "running")
    chat.get_by_role("link", name="Close the scripts").click()
    expect(chat.locator("#scripts")).to_be_hidden()
    wait_for_state(chat, "completed")
    expect(answer(chat).locator(".turn-body")).to_contain_text("19")
    chat.locator("chat-proposal a").click()
    expect_state(card(chat), "done")


def test_values_are_shown_as_what_they_are(chat: Page) -> None:
    table = "[{'name': 'a', 'n': 1}, {'name': '<b>', 'n': 2.5}]"
    drawing = (
        "class Drawing:\n    def _repr_svg_(self):\n"
        "        return '<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"20\" height=\"20\"><script>alert(1)</script>"
        "<rect width=\"20\" height=\"20\"/></svg>'\nDrawing()"
    )  # fmt: skip
    propose(chat, table, drawing, "print('\\x1b[31mred\\x1b[0m <i>')", "'\\n'.join(map(str, range(500)))")
    chat.get_by_role("button", name="Approve and run all").click()
    for number in range(4):
        expect_state(card(chat, f"Script {number}"), "done")
    shown = output(card(chat, "Script 0")).locator("table")
    expect(shown.locator("th")).to_have_text(["name", "n"])
    expect(shown.locator("td")).to_have_text(["a", "1", "<b>", "2.5"])
    picture = output(card(chat, "Script 1")).locator("img")
    expect(picture).to_have_attribute("alt", "Script 1, picture 1 of 1")
    assert picture.evaluate("it => it.decode().then(() => it.naturalWidth)") == 20
    expect(output(card(chat, "Script 2")).locator(".ansi-1")).to_have_text("red")
    expect(output(card(chat, "Script 2")).locator("pre")).to_have_text("red <i>")
    fold = output(card(chat, "Script 3")).locator("summary")
    fold.click()
    expect(output(card(chat, "Script 3")).locator("details pre")).to_be_visible()
    with chat.expect_download() as download:
        card(chat, "Script 0").get_by_text("Download").click()
        card(chat, "Script 0").get_by_role("link", name="table.csv").click()
    assert download.value.path().read_text().splitlines()[0] == "name,n"


# The result of a script stands in the answer.

TABLE = "print('one')\nprint('two')\nprint('three')\n[{'name': f'r{n}', 'n': n} for n in range(16)]"
PLOT = """class Plot:
    def _repr_svg_(self):
        return '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 520 132"><path d="M0 0L520 132" stroke="red"/></svg>'
Plot()"""


def proposal(page: Page, number: int = -1) -> Locator:
    return page.locator("chat-proposal").nth(number)


def expect_table_and_plot(page: Page, table: int = 0, plot: int = 1) -> None:
    for box in (proposal(page, table), proposal(page, plot)):
        box.locator("details").evaluate("it => (it.open = true)")
    box = proposal(page, table)
    expect(box.locator("td")).to_have_text(["r0", "0", "r1", "1", "r2", "2", "r3", "3"])
    expect(box.locator(".rest")).to_have_text("12 more rows")
    expect(box.locator(".label")).to_have_text("stdout, first 2 of 3 lines")
    expect(box.locator("pre")).to_have_text("one\ntwo")
    picture = proposal(page, plot).locator("img")
    assert picture.evaluate("it => it.decode().then(() => [it.naturalWidth > 0, it.height / it.width])") == [
        True,
        pytest.approx(132 / 520, abs=0.01),
    ]


def test_a_plot_and_a_table_stand_in_the_answer_after_the_run_has_ended(tabs: tuple[Page, Page]) -> None:
    first, second = tabs
    propose(first, TABLE, PLOT)
    second.goto(first.url.partition("/scripts")[0])
    heights = "heads => heads.map(head => head.getBoundingClientRect().height)"
    heads = "chat-proposal > header"
    before = first.locator(heads).evaluate_all(heights)
    expect(proposal(first)).to_contain_text("Needs your approval")
    first.get_by_role("button", name="Approve and run all").click()
    for page in tabs:
        expect(proposal(page, 0).locator(".state")).to_have_text(re.compile("^Done"), timeout=READY)
        expect(proposal(page).locator(".state")).to_have_text(re.compile("^Done"), timeout=READY)
        expect_table_and_plot(page)
    assert first.locator(heads).evaluate_all(heights) == before == [40, 40]
    told = dom(first)
    assert dom(second) == told
    first.reload()
    expect_table_and_plot(first)
    assert dom(first) == told


def test_a_plot_and_a_table_stand_in_an_answer_that_goes_on(tabs: tuple[Page, Page]) -> None:
    first, second = tabs
    scripts = [["ScriptProposed", {"script_id": str(n), "code": code}] for n, code in enumerate((TABLE, PLOT))]
    send(first, f"emit {json.dumps([*scripts, 'forever'])}")
    proposal(first, 0).locator("a").first.click()
    second.goto(first.url.partition("/scripts")[0])
    first.get_by_role("button", name="Approve and run all").click()
    for page in tabs:
        expect(proposal(page).locator(".state")).to_have_text(re.compile("^Done"), timeout=READY)
        expect_table_and_plot(page)
    third = first.context.new_page()
    third.goto(second.url)
    expect_table_and_plot(third)
    first.get_by_role("button", name="Stop").click()
    for page in (*tabs, third):
        wait_for_state(page, "cancelled")
        page.wait_for_selector("chat-live", state="detached")
        expect_table_and_plot(page)
    assert dom(first) == dom(second) == dom(third)
    second.reload()
    expect_table_and_plot(second)
    assert dom(second) == dom(first)


def test_what_comes_of_a_script_that_nobody_waits_for_is_folded_so_that_what_is_below_stays(chat: Page) -> None:
    propose(chat, TABLE, "print(1)")
    press(card(chat, "Script 0"), "approve")
    expect(proposal(chat, 0).locator(".state")).to_have_text(re.compile("^Done"), timeout=READY)
    gap = chat.locator("chat-proposal").evaluate_all(
        "([a, b]) => b.getBoundingClientRect().top - a.getBoundingClientRect().top"
    )
    assert gap < 70
    expect(proposal(chat, 0).locator("table")).to_be_hidden()
    proposal(chat, 0).locator("summary").click()
    expect(proposal(chat, 0).locator("table")).to_be_visible()
    press(card(chat, "Script 1"), "approve")
    expect(proposal(chat, 1).locator(".state")).to_have_text(re.compile("^Done"), timeout=READY)
    expect(proposal(chat, 0).locator("table")).to_be_visible()


def test_an_awaited_script_shows_what_came_of_it_where_it_was_proposed(chat: Page) -> None:
    ask(chat, PLOT)
    chat.keyboard.press("Enter")
    wait_for_state(chat, "completed", READY)
    expect(answer(chat).locator(".parts > :first-child img")).to_be_visible()
    expect(answer(chat).locator(".parts > :last-child")).to_contain_text("done: ")
    assert_same_after_reload(chat)
    proposal(chat).locator("a").first.click()
    expect(card(chat)).to_be_focused()


def test_an_answer_says_why_a_script_failed_that_it_was_rejected_and_what_came_of_the_next_run(chat: Page) -> None:
    propose(chat, "import pathlib\nopen('seen') if pathlib.Path('seen').exists() else 1 / 0", "print(1)")
    press(card(chat, "Script 1"), "reject")
    expect(proposal(chat, 1).locator(".state")).to_have_text("Rejected")
    press(card(chat, "Script 0"), "approve")
    box = proposal(chat, 0)
    expect(box.locator(".error")).to_have_text("ZeroDivisionError: division by zero", timeout=READY)
    expect(box.locator(".frame")).to_have_text(re.compile("^line 2, open"))
    expect(box.locator(".state")).to_have_text(re.compile("^Failed"))
    assert_same_after_reload(chat)
    press(card(chat, "Script 0"), "edit")
    chat.get_by_role("textbox", name="Code").fill("'well'")
    press(card(chat, "Script 0"), "approve")
    expect(box.locator("pre")).to_have_text("'well'", timeout=READY)
    expect(box.locator(".error")).to_have_count(0)
    press(card(chat, "Script 0"), "rerun")
    expect(box).to_have_attribute("data-revision", re.compile(r"^\d{2}|[89]$"), timeout=READY)
    expect(box.locator(".state")).to_have_text(re.compile("^Done"), timeout=READY)
    assert_same_after_reload(chat)


def test_a_python_block_of_an_answer_joins_the_queue(chat: Page) -> None:
    say(chat, "One:\n\n```python\nprint('one')\n```\n\nTwo:\n\n- ```py\n  print('two')\n  ```\n\n```sh\nls\n```\n")
    expect(chat.locator("button[name=run]")).to_have_count(2)
    streamed = dom(chat)
    chat.reload()
    assert dom(chat) == streamed
    expect(chat.locator("button[name=run]")).to_have_count(2)
    chat.locator("button[name=run]").nth(1).click()
    script = card(chat, "Block 2 of the answer")
    expect(script.locator("button[name=approve]")).to_be_focused()
    expect(script.locator(".lines")).to_have_text("print('two')")
    chat.keyboard.press("Enter")
    expect_state(script, "done")
    expect(output(script)).to_contain_text("two")
    chat.locator("button[name=run]").nth(1).click()
    expect(script).to_be_focused()
    expect(chat.locator("article.script")).to_have_count(1)


# Several pages


@pytest.fixture
def tabs(context: BrowserContext, site: Server) -> tuple[Page, Page]:
    """Two tabs of one browser on the same conversation, the second with the room open."""
    first, second = context.new_page(), context.new_page()
    first.goto(site.url)
    return first, second


def test_two_tabs_see_one_queue_and_one_of_them_runs_it(tabs: tuple[Page, Page]) -> None:
    first, second = tabs
    posted: tuple[list[str], list[str]] = [], []
    first.on("request", lambda request: posted[0].append(request.url))
    second.on("request", lambda request: posted[1].append(request.url))
    ask(first, "import time\nprint('here')\ntime.sleep(1)\nprint('there')")
    second.goto(first.url)
    expect_state(card(second), "queued")
    press(card(first), "approve")
    expect_state(card(second), "running")
    expect_state(card(second), "done")
    expect_state(card(first), "done")
    expect(output(card(second))).to_contain_text("there")
    for tab in tabs:
        expect(answer(tab).locator(".turn-body")).to_contain_text("done: here")
    assert [sum(url.endswith("/result") for url in urls) for urls in posted] == [1, 0]


def test_another_tab_can_stop_what_one_runs(tabs: tuple[Page, Page]) -> None:
    first, second = tabs
    ask(first, FOREVER)
    second.goto(first.url)
    press(card(first), "approve")
    expect(output(card(first))).to_contain_text("begun", timeout=READY)
    press(card(second), "cancel")
    expect_state(card(second), "cancelled")
    expect_state(card(first), "cancelled")
    expect(answer(first).locator(".prose")).to_have_text("cancelled: The user cancelled the script.")
    press(card(first), "rerun")
    expect_state(card(first), "running")


def test_a_script_runs_where_it_was_approved_however_often_another_tab_looks(tabs: tuple[Page, Page]) -> None:
    first, second = tabs
    ask(first, "6 * 7")
    second.goto(first.url)
    expect_state(card(second), "queued")
    held: list[Route] = []
    claims: list[str] = []
    first.route(
        re.compile(r"/runs/\w+/scripts/\w+$"),
        lambda route: held.append(route) if "claim=" in (route.request.post_data or "") else route.fallback(),
    )
    second.on("request", lambda request: claims.append(request.url) if "claim=" in (request.post_data or "") else None)
    press(card(first), "approve")
    expect_state(card(second), "approved")
    for _ in range(2):
        with second.expect_response("**/scripts"):
            second.evaluate("document.dispatchEvent(new Event('chat:scripts'))")
    until(lambda: first.evaluate("1") and held)
    held[0].continue_()
    expect_state(card(second), "done")
    assert claims == []


def test_a_script_goes_on_while_the_reader_is_in_another_conversation(chat: Page) -> None:
    slow = "import time\nprint('begun')\ntime.sleep(2)\nprint('ended')"
    ask(chat, slow)
    press(card(chat), "approve")
    expect(output(card(chat))).to_contain_text("begun", timeout=READY)
    first = chat.url
    chat.get_by_role("link", name="New", exact=True).click()
    expect(chat.locator("article.turn")).to_have_count(0)
    propose(chat, "print('other')")
    press(card(chat, "Script 0"), "approve")
    expect_state(card(chat, "Script 0"), "done")
    chat.goto(first)
    wait_for_state(chat, "completed")
    expect(answer(chat).locator(".turn-body")).to_contain_text("done: begun\nended")


def test_the_browser_asks_before_a_page_that_runs_a_script_is_left(chat: Page) -> None:
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    propose(chat, FOREVER)
    script = card(chat, "Script 0")
    press(script, "approve")
    expect(output(script)).to_contain_text("begun", timeout=READY)
    chat.on("dialog", stay)
    with chat.expect_event("dialog"):
        chat.evaluate("setTimeout(() => location.reload())")
    expect(script).to_have_attribute("data-state", "running")
    press(script, "cancel")
    expect_state(script, "cancelled")
    expect(output(script)).to_contain_text("begun")
    chat.reload()
    expect_state(script, "cancelled")
    assert asked == ["beforeunload"], "once nothing runs, nothing is asked"


def test_the_browser_asks_before_an_edited_text_is_lost(chat: Page) -> None:
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    propose(chat, "print('before')")
    press(card(chat, "Script 0"), "edit")
    box = chat.get_by_role("textbox", name="Code")
    box.fill("print('mine')")
    chat.on("dialog", stay)
    with chat.expect_event("dialog"):
        chat.evaluate("setTimeout(() => location.reload())")
    expect(box).to_have_value("print('mine')")
    press(card(chat, "Script 0"), "save")
    expect(card(chat, "Script 0").locator(".lines")).to_have_text("print('mine')")
    chat.reload()
    expect(card(chat, "Script 0").locator(".lines")).to_have_text("print('mine')")
    assert asked == ["beforeunload"], "once it is saved, nothing is asked"


def test_a_tab_that_is_closed_leaves_a_script_that_another_can_run(tabs: tuple[Page, Page]) -> None:
    first, second = tabs
    propose(first, "import time\nprint('begun')\ntime.sleep(2)\nprint('ended')")
    second.goto(first.url)
    press(card(first, "Script 0"), "approve")
    expect(output(card(first, "Script 0"))).to_contain_text("begun", timeout=READY)
    first.close(run_before_unload=False)
    second.bring_to_front()
    expect_state(card(second, "Script 0"), "failed")
    expect(output(card(second, "Script 0"))).to_contain_text("was closed")
    press(card(second, "Script 0"), "rerun")
    expect_state(card(second, "Script 0"), "done")
    expect(output(card(second, "Script 0"))).to_contain_text("ended")


def test_a_script_that_was_approved_runs_after_a_reload(chat: Page) -> None:
    propose(chat, "print('late')")
    url, digest = address(card(chat, "Script 0")), card(chat, "Script 0").get_attribute("data-digest") or ""
    # As if the page had gone right after the approval.
    chat.request.post(chat.url.partition("/chat/")[0] + url, form={"approve": "yes", "digest": digest})
    chat.reload()
    expect_state(card(chat, "Script 0"), "done")


# Trouble


def test_a_script_whose_text_was_exchanged_on_the_way_does_not_run(chat: Page) -> None:
    propose(chat, "print('approved')")

    def exchange(route: Any) -> None:
        response = route.fetch()
        body = {**response.json(), "code": "print('exchanged')"}
        route.fulfill(response=response, json=body)

    pattern = re.compile(r"/runs/\w+/scripts/\w+$")
    chat.route(
        pattern, lambda route: exchange(route) if "claim=" in (route.request.post_data or "") else route.continue_()
    )
    asked: list[str] = []
    chat.on("request", lambda request: asked.append(request.url))
    press(card(chat, "Script 0"), "approve")
    expect_state(card(chat, "Script 0"), "failed")
    expect(output(card(chat, "Script 0"))).to_contain_text("Nothing was run")
    assert not [url for url in asked if url.endswith("/sandbox")]
    chat.unroute(pattern)
    press(card(chat, "Script 0"), "rerun")
    expect_state(card(chat, "Script 0"), "done")


@pytest.mark.parametrize("exchanged", ["the room", "the queue"])
def test_what_is_shown_and_what_was_approved_must_be_the_same_text(chat: Page, exchanged: str) -> None:
    propose(chat, "print('harmless')")
    claims: list[str] = []

    def exchange(route: Any) -> None:
        response = route.fetch()
        route.fulfill(response=response, body=response.text().replace("harmless", "dangerous"))

    chat.route("**/changes?*" if exchanged == "the room" else "**/scripts", exchange)
    chat.on("request", lambda request: claims.append(request.url) if "claim=" in (request.post_data or "") else None)
    if exchanged == "the queue":
        with chat.expect_response(lambda response: "dangerous" in asked_as_json(response)):
            press(card(chat, "Script 0"), "approve")
        expect_state(card(chat, "Script 0"), "approved")
    else:
        # Another tab has approved it, so this one shows the card again before it would run it.
        url, digest = address(card(chat, "Script 0")), card(chat, "Script 0").get_attribute("data-digest") or ""
        chat.request.post(chat.url.partition("/chat/")[0] + url, form={"approve": "yes", "digest": digest})
        expect(card(chat, "Script 0").locator(".lines")).to_contain_text("dangerous")
    for _ in range(2):
        with chat.expect_response("**/scripts"):
            chat.evaluate("document.body.dispatchEvent(new Event('chat:scripts', { bubbles: true }))")
    assert claims == []


def asked_as_json(response: Any) -> str:
    return str(response.text()) if response.request.headers.get("accept") == "application/json" else ""


def test_a_refusal_is_said_in_the_room(tabs: tuple[Page, Page]) -> None:
    first, second = tabs
    propose(first, "print(1)")
    second.goto(first.url)
    expect(card(second, "Script 0")).to_be_visible()
    second.route("**/changes?*", lambda route: route.abort())
    url, digest = address(card(second, "Script 0")), card(second, "Script 0").get_attribute("data-digest") or ""
    edit: dict[str, str | float | bool] = {"save": "yes", "digest": digest, "code": "print(2)"}
    first.request.post(first.url.partition("/chat/")[0] + url, form=edit)
    press(card(second, "Script 0"), "approve")
    expect(second.locator("#scripts-error")).to_have_text(re.compile("changed since it was shown"))
    second.unroute("**/changes?*")
    expect(card(second, "Script 0").locator(".lines")).to_have_text("print(2)")


def test_a_result_is_posted_again_when_the_server_could_not_take_it(chat: Page) -> None:
    ask(chat, "print('kept')")
    tries: list[int] = []

    def fail(route: Any) -> None:
        tries.append(1)
        if len(tries) == 1:
            route.abort()
        elif len(tries) == 2:
            route.fulfill(status=503, body="Not now.")
        else:
            route.continue_()

    chat.route("**/result", fail)
    press(card(chat), "approve")
    expect_state(card(chat), "done")
    expect(output(card(chat))).to_contain_text("kept")
    assert len(tries) == 3


def test_a_script_that_has_ended_does_not_look_as_if_it_ran_while_its_result_cannot_be_posted(chat: Page) -> None:
    propose(chat, FOREVER)
    script = card(chat, "Script 0")
    chat.route("**/result", lambda route: route.abort())
    press(script, "approve")
    expect(output(script)).to_contain_text("begun", timeout=READY)
    press(script, "cancel")
    expect(script.locator(".state")).to_have_text("Sending the result")
    expect(output(script)).to_contain_text("begun")
    chat.unroute("**/result")
    expect_state(script, "cancelled")


def test_a_result_that_is_too_large_is_kept_without_its_bulk(chat: Page) -> None:
    ask(chat, "print('kept')\n'x' * 20_000")
    sizes: list[int] = []

    def refuse(route: Any) -> None:
        sizes.append(len(route.request.post_data))
        if len(sizes) == 1:
            route.fulfill(status=413, body="Too large.")
        else:
            route.continue_()

    chat.route("**/result", refuse)
    press(card(chat), "approve")
    expect_state(card(chat), "done")
    expect(output(card(chat))).to_contain_text("kept")
    expect(output(card(chat))).to_contain_text("Some output was left out")
    assert sizes[0] > 20_000 > 7_000 > sizes[1]


def test_a_script_that_is_cancelled_while_python_loads_never_runs(chat: Page) -> None:
    ask(chat, "print('never')")
    chat.route("**/pyodide.asm.wasm", lambda route: None)
    press(card(chat), "approve")
    expect_state(card(chat), "running")
    expect(card(chat).locator("progress")).to_be_visible()
    press(card(chat), "cancel")
    expect_state(card(chat), "cancelled")
    expect(answer(chat).locator(".prose")).to_have_text("cancelled: The user cancelled the script.")
    chat.unroute("**/pyodide.asm.wasm")
    press(card(chat), "rerun")
    expect_state(card(chat), "done")


def test_trust_runs_without_asking_where_the_host_allows_it(page: Page, site: Server) -> None:
    page.goto(site.at("trusting/"))
    propose(page, "print('asked')")
    expect_state(card(page, "Script 0"), "queued")
    page.get_by_role("checkbox", name="Run without asking").check()
    expect_state(card(page, "Script 0"), "done")
    expect(card(page, "Script 0")).to_contain_text("run without asking")
    send(page, 'run "6 * 7"')
    expect(answer(page).locator(".prose")).to_have_text("done: 42", timeout=READY)
    page.reload()
    expect(page.get_by_role("checkbox", name="Run without asking")).to_be_checked()


# Everyone


def test_the_keyboard_does_all_of_it_and_states_are_announced_once(chat: Page) -> None:
    send(chat, 'run "print(1)"')
    expect(chat.locator("chat-proposal a")).to_be_visible()
    # Before the script is there, the link is a link to another page.
    expect(chat.locator("chat-runner:defined")).to_be_attached()
    chat.evaluate(
        "() => { window.said = []; new MutationObserver(() => window.said.push(document.getElementById('status').textContent))"
        ".observe(document.getElementById('status'), { childList: true }); }"
    )
    chat.locator("chat-proposal a").focus()
    chat.keyboard.press("Enter")
    expect(card(chat).locator("button[name=approve]")).to_be_focused()
    chat.keyboard.press("Tab")
    expect(card(chat).locator("button[name=edit]")).to_be_focused()
    chat.keyboard.press("Enter")
    expect(chat.get_by_role("textbox", name="Code")).to_be_focused()
    chat.keyboard.press("Control+A")
    chat.keyboard.type("print(2)")
    chat.keyboard.press("Tab")
    chat.keyboard.press("Enter")
    expect_state(card(chat), "done")
    expect(card(chat)).to_be_focused()
    wait_for_state(chat, "completed")
    said = chat.evaluate("window.said")
    assert said.count("The script The script runs.") == 1, said
    assert said.count("The script The script is done.") == 1, said


def violations(page: Page) -> str:
    report = Axe().run(page)
    return "" if not report.violations_count else str(report.generate_report())


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (360, "dark")])
def test_axe_finds_nothing_in_any_state(chat: Page, scheme: Any, width: int) -> None:
    page = chat
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme=scheme)
    start(page, f"propose {json.dumps([FOREVER, 'print(1)', '1 / 0', '[{1: 2}]', 'print(5)', 'print(6)'])}")
    page.locator("chat-proposal a").first.click()
    press(card(page, "Script 4"), "reject")
    for number in (3, 2, 0, 1):
        press(card(page, f"Script {number}"), "approve")
    expect(output(card(page, "Script 0"))).to_contain_text("begun", timeout=READY)
    press(card(page, "Script 5"), "edit")
    expect(page.get_by_role("textbox", name="Code")).to_be_focused()
    states = [each.get_attribute("data-state") for each in page.locator("article.script").all()]
    assert sorted(filter(None, states)) == ["approved", "done", "failed", "queued", "rejected", "running"]
    assert violations(page) == ""
    overflow = page.locator("#scripts .room-body").evaluate("it => it.scrollWidth - it.clientWidth")
    assert overflow == 0
    press(card(page, "Script 0"), "cancel")


def test_a_phone_leads_from_the_answer_to_the_script_and_back(
    new_context: Callable[..., BrowserContext], site: Server
) -> None:
    page = new_context(viewport={"width": 360, "height": 780}, has_touch=True, is_mobile=True).new_page()
    page.goto(site.url)
    send(page, 'run "print(3)"')
    expect(page.locator(".tabs [data-room=scripts] .badge")).to_contain_text("1")
    page.locator("chat-proposal a").tap()
    expect(card(page).locator("button[name=approve]")).to_be_in_viewport()
    card(page).locator("button[name=approve]").tap()
    expect_state(card(page), "done")
    page.get_by_role("navigation", name="Rooms").get_by_text("Chat").tap()
    expect(answer(page).locator(".prose")).to_have_text("done: 3")
