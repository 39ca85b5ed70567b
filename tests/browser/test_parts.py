"""An answer with every kind of part, in the order in which things happened: live, reloaded, elsewhere, afterwards."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from htmxchat.agents.stub import MORE, STARTERS
from htmxchat.models import Starter

from .conftest import Server
from .driving import answer, assert_same_after_reload, dom, emit, send, start, wait_for_state

Event = tuple[str, dict[str, Any]]


def tool(id: str, *, failed: bool = False) -> list[Event]:
    return [
        ("ToolStarted", {"call_id": id, "name": f"tool_{id}", "arguments": {"id": id}}),
        ("ToolFinished", {"call_id": id, "summary": f"found {id}", "result": f"result {id}", "failed": failed}),
    ]


def kinds(page: Page) -> list[str]:
    """Return what the last answer is made of, from top to bottom as it is seen."""
    return list(
        answer(page)
        .locator(".turn-body")
        .evaluate("""body => [...body.querySelectorAll(".parts > *")]
      .filter(part => part.checkVisibility())
      .sort((a, b) => a.getBoundingClientRect().top - b.getBoundingClientRect().top)
      .map(part => part.className || part.firstElementChild.localName)""")
    )


def top(of: Locator) -> float:
    return float(of.evaluate("it => it.getBoundingClientRect().top"))


EVERYTHING: list[Event] = [
    ("ReasoningDelta", {"text": "Let me think."}),
    ("TextDelta", {"text": "First I look."}),
    ("ToolStarted", {"call_id": "a", "name": "tool_a"}),
    ("ToolStarted", {"call_id": "b", "name": "tool_b"}),
    ("ToolFinished", {"call_id": "b", "summary": "found b"}),
    ("ToolFinished", {"call_id": "a", "summary": "found a"}),
    *tool("c", failed=True),
    ("TextDelta", {"text": "Then I ask."}),
]


@pytest.mark.parametrize("width", [1280, 360])
def test_every_part_stands_where_it_happened(
    new_context: Callable[..., BrowserContext], site: Server, width: int
) -> None:
    context = new_context(viewport={"width": width, "height": 800})
    page = context.new_page()
    page.goto(site.url)
    emit(page, *EVERYTHING, ("InputRequested", {"request_id": "q", "prompt": "Now?", "choices": ["Yes", "No"]}), *tool("d"),
         ("ScriptProposed", {"script_id": "s", "code": "6 * 7", "title": "Compute"}), ("TextDelta", {"text": "At last."}))  # fmt: skip
    page.get_by_role("button", name="Yes").click()
    wait_for_state(page, "completed")
    shown = kinds(page)
    assert shown[:4] == ["ledger", "prose", "ledger", "prose"]
    assert shown[4] == "request" and shown[5] == "ledger" and shown[-1] == "prose"
    calls = answer(page).locator(".ledger").nth(1).locator(".step")
    assert [each.locator("summary code").inner_text() for each in calls.all()] == ["tool_a", "tool_b", "tool_c"]
    assert [each.get_attribute("data-parallel") is not None for each in calls.all()] == [True, True, False]
    expect(calls.last).to_have_attribute("data-state", "failed")
    expect(answer(page).locator(".request")).to_contain_text("You answered")
    expect(answer(page).locator(".request [aria-current]")).to_have_text("Yes")
    other = context.new_page()
    other.goto(page.url)
    assert dom(other) == dom(page)
    assert_same_after_reload(page)


def test_a_question_that_is_answered_stays_and_nothing_moves(chat: Page) -> None:
    start(chat, "ask", "suspended")
    question, rest = answer(chat).locator(".request"), chat.locator("#composer")
    where = top(question), top(rest), question.bounding_box()
    chat.get_by_role("button", name="south").click()
    wait_for_state(chat, "completed")
    expect(answer(chat).locator(".request[data-state=answered]")).to_be_visible()
    expect(answer(chat).locator(".request [aria-current]")).to_have_text("south")
    assert (top(question), top(rest)) == where[:2]
    after, before = question.bounding_box(), where[2]
    assert after and before and abs(after["height"] - before["height"]) <= 1
    assert_same_after_reload(chat)


def test_many_steps_fold_to_one_line_that_opens_and_those_that_failed_stay(chat: Page) -> None:
    calls = [event for number in range(12) for event in tool(str(number), failed=number == 3)]
    emit(chat, *calls, ("TextDelta", {"text": "Done."}))
    wait_for_state(chat, "completed")
    fold, steps = answer(chat).locator(".fold"), answer(chat).locator(".step")
    expect(fold).to_contain_text("Used 12 tools")
    expect(fold).to_contain_text("1 failed")
    assert [step.is_visible() for step in steps.all()] == [number == 3 for number in range(12)]
    fold.locator("summary").press("Enter")
    assert all(step.is_visible() for step in steps.all())
    steps.nth(5).locator("summary").press("Enter")
    expect(steps.nth(5).locator(".io")).to_have_text('Arguments{\n  "id": "5"\n}Resultresult 5')
    steps.nth(3).locator("summary").click()
    expect(steps.nth(3).locator("dt").last).to_have_text("Error")
    chat.reload()
    expect(fold).to_contain_text("Used 12 tools")


def test_while_many_steps_come_the_last_three_show(chat: Page) -> None:
    calls = [event for number in range(8) for event in tool(str(number))]
    send(chat, f"emit {json.dumps([*calls, 'forever'])}")
    expect(answer(chat).locator(".fold")).to_contain_text("8 steps so far")
    steps = answer(chat).locator(".step")
    assert [step.is_visible() for step in steps.all()] == [number > 4 for number in range(8)]
    body = answer(chat).locator(".turn-body")
    streamed = body.inner_html()
    chat.reload()
    assert body.inner_html() == streamed


def test_what_a_user_unfolded_stays_unfolded_while_more_comes(chat: Page) -> None:
    calls = [event for number in range(6) for event in tool(str(number))]
    emit(chat, *calls, ("InputRequested", {"request_id": "q", "prompt": "More?"}))
    wait_for_state(chat, "suspended")
    fold = answer(chat).locator(".fold")
    fold.locator("summary").click()
    chat.get_by_label("More?").fill("yes")
    chat.get_by_role("button", name="Answer", exact=True).click()
    wait_for_state(chat, "completed")
    expect(fold).to_have_attribute("open", "")
    expect(answer(chat).locator(".request .answer")).to_have_text("yes")


SHIFTS = """() => {
  window.shifts = [];
  new PerformanceObserver((list) => {
    for (const shift of list.getEntries()) {
      const moved = shift.sources.map(({ node }) => node?.outerHTML?.slice(0, 120) ?? "");
      if (!shift.hadRecentInput) window.shifts.push([shift.startTime, shift.value, moved]);
    }
  }).observe({ type: "layout-shift" });
}"""


def cumulative(shifts: list[tuple[float, float, list[str]]]) -> float:
    """Return the Cumulative Layout Shift: the most within five seconds without a second's pause.

    https://web.dev/articles/cls
    """
    most = window = 0.0
    begun = last = float("-inf")
    for at, value, _ in shifts:
        if at - last > 1_000 or at - begun > 5_000:
            window, begun = 0.0, at
        window, last = window + value, at
        most = max(most, window)
    return most


@pytest.mark.parametrize("starter", [each for each in (*STARTERS, *MORE) if "each step" not in each.text], ids=str)
@pytest.mark.parametrize("width", [1280, 360])
def test_nothing_jumps_while_an_answer_is_written(
    new_context: Callable[..., BrowserContext], site: Server, starter: Starter, width: int
) -> None:
    page = new_context(viewport={"width": width, "height": 800}).new_page()
    page.goto(site.at("demo/"))
    send(page, starter.text)
    answer(page).wait_for()
    page.evaluate(SHIFTS)
    expect(answer(page)).to_have_attribute("data-state", re.compile("completed|failed|suspended"), timeout=60_000)
    if answer(page).locator("form.request").count():
        answer(page).locator("form.request button").first.click()
        expect(answer(page)).to_have_attribute("data-state", re.compile("completed|suspended"), timeout=60_000)
    shifts = page.evaluate("window.shifts")
    assert cumulative(shifts) < 0.02, shifts
