"""The run inspector in a browser: every control by mouse and by keyboard, live and from the log."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Route, StorageState, expect

from tests.browser.conftest import Server
from tests.browser.driving import emit, reload_until, send, start, submit, until, wait_for_state

EVENTS: list[tuple[str, dict[str, Any]] | str] = [
    ("StageChanged", {"name": "Planning"}),
    (
        "ToolStarted",
        {"call_id": "1", "name": "query", "summary": "all", "arguments": {"token": "s3cret-t0ken", "n": 1}},
    ),
    ("ToolFinished", {"call_id": "1", "summary": "no answer", "failed": True}),
    ("TextDelta", {"text": "Half an answer"}),
    ("StageChanged", {"name": "Writing"}),
    ("TextDelta", {"text": " and the rest."}),
]


def rows(page: Page) -> Locator:
    """Those in sight."""
    return page.locator("#inspector-rows > details:not([data-held])")


def lines(page: Page) -> list[str]:
    """Return what each row shows."""
    shown = "all => all.map(it => [...it.children].map(part => part.textContent).join('|'))"
    return list(rows(page).locator("> summary").evaluate_all(shown))


def numbers(page: Page) -> list[int]:
    return [int(each) for each in rows(page).evaluate_all("all => all.map(it => it.dataset.seq)")]


def grow(page: Page, count: int) -> None:
    """Wait until there are so many more rows."""
    at = len(numbers(page))
    until(lambda: len(numbers(page)) > at + count)


def scroll(page: Page, top: str) -> None:
    """Scroll the rows, and wait until others have come."""
    before = numbers(page)
    page.locator("#inspector .room-body").evaluate(f"it => it.scrollTo(0, {top})")
    until(lambda: numbers(page) != before)


def inspect(page: Page) -> None:
    page.get_by_role("link", name="Inspector", exact=True).click()
    expect(page.locator("chat-inspector[data-run]:defined")).to_be_attached()


def begin(page: Page, text: str = "ticks 0.02") -> None:
    """Begin a run that continues, and inspect it."""
    send(page, text)
    wait_for_state(page, "running")
    inspect(page)
    expect(rows(page).first).to_be_visible()


def stop(page: Page) -> None:
    page.get_by_role("button", name="Stop").click()
    wait_for_state(page, "cancelled")
    page.wait_for_selector("chat-live", state="detached")


def came(page: Page) -> int:
    """Return how many rows have come while the view stands still, as its button says."""
    said = re.search(r"Resume, (\d+)", page.locator("button[name=pause]").inner_text())
    return int(said[1]) if said else 0


def key(page: Page, name: str) -> None:
    page.keyboard.press(name)


def assert_same_after_reload(page: Page) -> None:
    live = lines(page)
    page.reload()
    expect(rows(page).first).to_be_visible()
    assert lines(page) == live[:200]  # as many as a page begins with


def test_live_rows_are_what_a_reload_shows(chat: Page) -> None:
    emit(chat, *EVENTS)
    wait_for_state(chat, "completed")
    send(chat, "words 200 0.005")
    wait_for_state(chat, "running")
    inspect(chat)
    wait_for_state(chat, "completed")
    chat.wait_for_selector("chat-live", state="detached")
    expect(rows(chat).last).to_contain_text("RunEnded")
    assert_same_after_reload(chat)
    expect(chat.locator("#inspector-live button")).to_have_count(0)


def test_pause_counts_and_going_on_misses_nothing(chat: Page) -> None:
    begin(chat)
    chat.get_by_role("button", name="Pause").click()
    resume = chat.get_by_role("button", name="Resume")
    expect(resume).to_have_text(re.compile(r"^Resume, \d+ new$"))
    shown = numbers(chat)
    until(lambda: came(chat) > 20)
    assert numbers(chat) == shown
    resume.click()
    expect(chat.get_by_role("button", name="Pause")).to_have_text("Pause")
    until(lambda: len(numbers(chat)) > len(shown) + 20)
    found = numbers(chat)
    assert found == list(range(found[0], found[-1] + 1))
    stop(chat)
    assert_same_after_reload(chat)


def test_pausing_asks_for_nothing_and_holds_the_row_that_grows(chat: Page) -> None:
    begin(chat, "words 100000 0.02")
    growing = rows(chat).last
    expect(growing).to_have_attribute("data-type", "TextDelta")
    id = growing.get_attribute("id")
    asked: list[str] = []
    chat.on("request", lambda request: asked.append(request.url))
    growing.locator("summary").focus()
    key(chat, "p")
    shown = lines(chat)
    reached = numbers(chat)[-1]
    until(lambda: int(chat.locator(f"#{id}").get_attribute("data-seq") or 0) > reached + 20)  # it continues hidden
    assert lines(chat) == shown
    expect(chat.locator("button[name=pause]")).to_have_text("Resume")
    key(chat, "p")
    assert numbers(chat)[-1] > reached + 20
    expect(chat.locator(f"#{id} > summary")).to_be_focused()
    assert [each for each in asked if "/changes?" not in each] == []  # the page asks what other tabs have changed
    stop(chat)
    assert_same_after_reload(chat)


def test_what_is_looked_at_stays_when_very_much_comes_while_paused(chat: Page) -> None:
    begin(chat)
    chat.get_by_role("button", name="Pause").click()
    shown = numbers(chat)
    # As the server does for a page that is far behind.
    chat.evaluate("""() => {
      const list = document.querySelector('#inspector-rows');
      const rows = [...Array(200).keys()].map((number) => {
        const row = list.lastElementChild.cloneNode(true);
        row.id = `row-${100000 + number}`;
        return row;
      });
      list.replaceChildren(...rows);
    }""")
    resume = chat.get_by_role("button", name="Resume")
    expect(resume).to_have_text(re.compile(r"^Resume, \d+\+ new$"))
    assert numbers(chat) == shown
    resume.click()
    expect(rows(chat).first).to_have_attribute("id", "row-100000")
    expect(chat.locator("#inspector-earlier")).to_have_attribute("href", re.compile("before=100000"))


def test_controls_are_shown_once_they_do_something(chat: Page) -> None:
    held: list[Route] = []
    chat.route("**/js/inspector.js", lambda route: held.append(route))
    send(chat, "ticks 0.02")
    wait_for_state(chat, "running")
    chat.get_by_role("link", name="Inspector", exact=True).click()
    expect(rows(chat).first).to_be_visible()
    pause = chat.locator("button[name=pause]")
    expect(pause).to_be_hidden()
    until(lambda: chat.evaluate("1") and held)
    held[0].continue_()
    pause.click()
    expect(pause).to_contain_text("new")


def test_what_came_while_paused_is_there_after_the_end(chat: Page) -> None:
    begin(chat)
    chat.get_by_role("button", name="Pause").click()
    until(lambda: came(chat) > 1)
    stop(chat)
    expect(rows(chat).last).to_contain_text("RunEnded")
    found = numbers(chat)
    assert found == list(range(found[0], found[-1] + 1))


def test_rows_survive_a_lost_connection(chat: Page) -> None:
    begin(chat)
    before = len(numbers(chat))
    for _ in range(3):
        chat.context.set_offline(True)
        chat.wait_for_timeout(300)
        chat.context.set_offline(False)
        grow(chat, 5)
    found = numbers(chat)
    assert len(found) > before and found == list(range(found[0], found[-1] + 1))
    stop(chat)
    assert_same_after_reload(chat)


def test_filters_are_addresses_and_hold_for_live_rows(chat: Page) -> None:
    begin(chat)
    chat.get_by_label("Type").select_option("StageChanged")
    expect(chat).to_have_url(re.compile("type=StageChanged"))
    until(lambda: len(numbers(chat)) > 10)
    expect(chat.locator("#inspector-rows > :not([data-type=StageChanged])")).to_have_count(0)
    stop(chat)
    chat.get_by_label("Search the events").fill("tick 7 7")
    expect(chat).to_have_url(re.compile(r"q=tick"))
    until(lambda: all("7" in line for line in lines(chat)) and lines(chat))
    expect(chat.locator(".found")).to_contain_text(" of ")
    assert_same_after_reload(chat)
    chat.get_by_role("link", name="Show all").click()
    expect(rows(chat).last).to_contain_text("RunEnded")


def test_a_filter_keeps_what_it_shows_as_it_is(chat: Page) -> None:
    emit(chat, *EVENTS, "forever")
    wait_for_state(chat, "running")
    inspect(chat)
    row = chat.locator("#inspector-rows > [data-type=ToolStarted]")
    row.locator("> summary").click()
    expect(row.locator(".json")).to_contain_text("arguments")
    chat.get_by_text("Overview").click()
    asked: list[str] = []
    chat.on("request", lambda request: asked.append(request.url.partition("?")[0].rpartition("/")[2]))
    chat.get_by_label("Type").select_option("steps")
    expect(chat.locator("#inspector-rows > [data-type=TextDelta]")).to_have_count(0)
    expect(row.locator(".json")).to_be_visible()
    expect(chat.locator(".timeline")).to_be_hidden()
    until(lambda: chat.evaluate("1") and "stream" in asked)
    run = chat.locator("chat-inspector").get_attribute("data-run")
    assert (asked.count(str(run)), asked.count("stream")) == (1, 1)
    chat.go_back()
    expect(chat.locator("#inspector-rows > [data-type=TextDelta]")).not_to_have_count(0)
    stop(chat)
    assert_same_after_reload(chat)


def test_the_latest_run_is_at_once_there_and_the_others_one_press_away(chat: Page) -> None:
    start(chat, "hello")
    send(chat, "once more")
    expect(chat.locator("article[data-role=assistant][data-state=completed]")).to_have_count(2)
    runs = [
        str(each)[5:]
        for each in chat.locator("article[data-role=assistant]").evaluate_all("all => all.map(it => it.id)")
    ]
    inspect(chat)
    expect(chat.locator("chat-inspector")).to_have_attribute("data-run", runs[1])
    expect(chat).to_have_url(re.compile(runs[1]))
    chat.get_by_label("All runs").focus()
    key(chat, "Enter")
    expect(chat.locator(".run-list a")).to_have_count(2)
    assert chat.locator("#inspector .room-body > *").last.get_attribute("class") == "find-run"
    chat.locator(f".run-list a[data-run='{runs[0]}']").click()
    expect(chat.locator("chat-inspector")).to_have_attribute("data-run", runs[0])
    chat.go_back()
    expect(chat.locator(".run-list a")).to_have_count(2)
    chat.go_back()
    expect(chat.locator("chat-inspector")).to_have_attribute("data-run", runs[1])


def test_clear_hides_and_shows_again(chat: Page) -> None:
    emit(chat, *EVENTS)
    wait_for_state(chat, "completed")
    inspect(chat)
    expect(rows(chat)).to_have_count(8)
    chat.get_by_label("More controls").click()
    chat.get_by_role("button", name="Clear the view").click()
    expect(rows(chat).first).to_be_hidden()
    chat.get_by_label("More controls").click()
    chat.get_by_role("button", name="Show cleared rows").click()
    expect(rows(chat).first).to_be_visible()


def test_a_row_opens_to_its_json_without_secrets(chat: Page) -> None:
    chat.context.grant_permissions(["clipboard-read", "clipboard-write"])
    emit(chat, *EVENTS)
    wait_for_state(chat, "completed")
    inspect(chat)
    row = chat.locator("#inspector-rows > [data-type=ToolStarted]")
    row.locator("summary").click()
    expect(row.locator(".json")).to_contain_text("arguments")
    expect(row.locator(".json")).not_to_contain_text("s3cret")
    row.get_by_role("button", name="Copy as JSON").click()
    expect(chat.locator("#status")).to_have_text("Copied.")
    copied = chat.evaluate("navigator.clipboard.readText()")
    assert '"query"' in copied and "s3cret" not in copied


def test_bars_and_the_first_problem_lead_to_their_rows(chat: Page) -> None:
    emit(chat, *EVENTS)
    wait_for_state(chat, "completed")
    inspect(chat)
    chat.get_by_role("link", name="First problem").click()
    problem = chat.locator("#inspector-rows > [data-failed]")
    expect(problem).to_have_attribute("open", "")
    expect(problem.locator("summary").first).to_be_focused()
    bar = chat.locator(".timeline [data-kind=tool] a.bar")
    expect(bar).to_have_attribute("aria-label", re.compile(r"^query: .* failed$"))
    bar.focus()
    key(chat, "Enter")
    expect(chat.locator("#inspector-rows > [data-type=ToolStarted] > summary")).to_be_focused()
    chat.get_by_text("Show as table").click()
    expect(chat.locator(".timeline-text")).to_contain_text("query")


def test_a_link_to_a_row_that_grows_opens_it(chat: Page) -> None:
    begin(chat, "words 100000 0.02")
    growing = chat.locator("#inspector-rows > [data-type=TextDelta]")
    until(lambda: numbers(chat)[-1] > 20)
    bar = chat.locator(".timeline [data-kind=streaming] a.bar")
    expect(bar).to_be_visible()
    chat.evaluate("window.unmoved = true")
    bar.dispatch_event("click")
    expect(growing).to_have_attribute("open", "")
    assert chat.evaluate("window.unmoved")
    chat.goto(str(bar.evaluate("it => new URL(it.getAttribute('href'), location).href")))
    expect(growing).to_have_attribute("open", "")


def test_the_keyboard_does_it_all(chat: Page) -> None:
    begin(chat)
    chat.locator("#inspector .room-body").focus()
    key(chat, "p")
    expect(chat.get_by_role("button", name="Resume")).to_be_visible()
    key(chat, "p")
    expect(chat.get_by_role("button", name="Pause")).to_be_visible()
    key(chat, "f")
    expect(chat.get_by_role("button", name="Follow", exact=True)).to_have_attribute("aria-pressed", "false")
    key(chat, "c")
    expect(rows(chat).first).to_be_hidden()
    key(chat, "c")
    expect(rows(chat).first).to_be_visible()
    stop(chat)
    chat.locator("#inspector .room-body").focus()
    key(chat, "Home")
    expect(rows(chat).first.locator("summary")).to_be_focused()
    key(chat, "ArrowDown")
    expect(rows(chat).nth(1).locator("summary")).to_be_focused()
    key(chat, "ArrowUp")
    key(chat, "Enter")
    expect(rows(chat).first.locator(".json")).to_be_visible()
    key(chat, "End")
    expect(rows(chat).last.locator("summary")).to_be_focused()
    key(chat, "/")
    expect(chat.get_by_label("Search the events")).to_be_focused()
    key(chat, "Escape")
    expect(chat.locator("#inspector .room-body")).to_be_focused()
    key(chat, "t")
    expect(chat.get_by_label("Type")).to_be_focused()
    key(chat, "Escape")
    key(chat, "Escape")
    expect(chat.locator("#inspector")).to_be_hidden()


def test_following_stays_at_the_end_until_the_reader_scrolls_up(chat: Page) -> None:
    begin(chat)
    body = chat.locator("#inspector .room-body")
    until(lambda: len(numbers(chat)) > 60)
    distance = "it => it.scrollHeight - it.scrollTop - it.clientHeight"
    until(lambda: body.evaluate(distance) < 40)
    body.hover()
    chat.mouse.wheel(0, -400)
    expect(chat.get_by_role("button", name="Follow", exact=True)).to_have_attribute("aria-pressed", "false")
    top = body.evaluate("it => it.scrollTop")
    at = len(numbers(chat))
    until(lambda: len(numbers(chat)) > at + 10)
    assert body.evaluate("it => it.scrollTop") == top
    chat.get_by_role("button", name="Follow", exact=True).click()
    until(lambda: body.evaluate(distance) < 40)


def test_following_that_is_switched_off_stays_off_while_the_page_still_scrolls(chat: Page) -> None:
    begin(chat)
    body = chat.locator("#inspector .room-body")
    until(lambda: body.evaluate("it => it.scrollHeight > it.clientHeight + 50"))
    chat.get_by_role("button", name="Pause").click()
    until(lambda: came(chat) > 0)
    until(lambda: body.evaluate("it => it.scrollHeight - it.scrollTop - it.clientHeight < 1"))
    body.evaluate("""async it => {
      const frame = () => new Promise(requestAnimationFrame);
      const button = document.querySelector("button[name=follow]");
      it.scrollTop = it.scrollHeight - it.clientHeight - 10;
      await frame();
      await frame();
      window.ended = button.getAttribute("aria-pressed");
      button.click();
      button.click();
      await frame();
      await frame();
    }""")
    assert chat.evaluate("ended") == "false"  # ten pixels up are the reader's
    expect(chat.get_by_role("button", name="Follow", exact=True)).to_have_attribute("aria-pressed", "false")


def test_another_run_takes_over_and_leaves_one_stream(chat: Page) -> None:
    start(chat, "hello")
    begin(chat, "ticks 0.1")
    streams: list[str] = []
    chat.on("request", lambda request: streams.append(request.url) if "/stream" in request.url else None)
    for number in range(20):
        if number % 2 == 0:
            chat.get_by_role("link", name="Inspect this run").click()
        else:
            chat.locator("#inspector .room-head a[href$='/runs']").click()
            chat.locator(".run-list a").first.click()
        expect(chat.locator("chat-inspector")).to_be_attached()
        chat.wait_for_function(
            "id => document.querySelector('chat-inspector').dataset.run === id",
            arg=chat.locator("article[data-role=assistant]").nth(number % 2).get_attribute("id")[5:],  # type: ignore[index]
        )
    until(lambda: len(numbers(chat)) > 3)
    at = len(numbers(chat))
    until(lambda: len(numbers(chat)) > at + 10)
    found = numbers(chat)
    assert found == list(range(found[0], found[-1] + 1))
    assert len(streams) <= 21
    stop(chat)


@pytest.fixture(scope="module")
def long_run(browser: Browser, site: Server) -> tuple[str, StorageState]:
    """A conversation with 10,000 steps: its address, and the browser of the user whose it is."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(site.url)
    start(page, "stages 10000")
    wait_for_state(page, "completed")
    found = page.url, context.storage_state()
    context.close()
    return found


def test_ten_thousand_events(new_context: Callable[..., BrowserContext], long_run: tuple[str, StorageState]) -> None:
    url, user = long_run
    page = new_context(storage_state=user).new_page()
    page.goto(url)
    inspect(page)
    expect(page.locator("#inspector-facts")).to_contain_text("10,002")
    rows(page).first.locator("summary").focus()
    for _ in range(8):
        scroll(page, "it.scrollHeight")
    expect(page.locator("#inspector .room-body")).to_be_focused()  # what had the focus is not on the page any more
    found = numbers(page)
    assert found == list(range(found[0], found[-1] + 1)) and len(found) <= 1_200

    def at_the_first() -> bool:
        scroll(page, "0")
        return numbers(page)[0] == 1

    until(at_the_first)
    page.get_by_label("More controls").click()
    page.get_by_role("link", name="Last row").click()
    expect(rows(page).last).to_contain_text("RunEnded")
    expect(rows(page).last).to_be_in_viewport()
    page.get_by_label("Search the events").fill("stage 7777")
    until(lambda: len(lines(page)) == 1)


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (360, "dark")])
def test_every_control_at_desk_and_on_a_phone(
    new_context: Callable[..., BrowserContext], long_run: tuple[str, StorageState], width: int, scheme: str
) -> None:
    phone = width < 800
    url, user = long_run
    page = new_context(
        viewport={"width": width, "height": 800},
        color_scheme=scheme,
        has_touch=phone,
        is_mobile=phone,
        storage_state=user,
    ).new_page()
    page.goto(url)
    inspect(page)
    assert page.locator("#composer").is_visible() is not phone
    row = rows(page).nth(3)
    row.locator("> summary").click()
    expect(row.locator(".json")).to_contain_text("Stage 2")
    page.get_by_label("Type").select_option("problems")
    expect(page.get_by_text("No event matches.")).to_be_visible()
    page.get_by_label("Type").select_option("steps")
    expect(page.locator(".found")).to_have_text("10,002 of 10,002")
    page.get_by_label("Search the events").fill("9876")
    expect(rows(page)).to_have_count(1)
    page.get_by_role("link", name="Show all").click()
    expect(rows(page).first).to_have_attribute("data-seq", "1")
    for name in ("Clear the view", "Show cleared rows"):
        page.get_by_label("More controls").click()
        page.get_by_role("button", name=name).click()
        expect(rows(page).first).to_be_visible(visible=name == "Show cleared rows")
    page.get_by_label("More controls").click()
    page.get_by_role("link", name="Last row").click()
    expect(rows(page).last).to_contain_text("RunEnded")
    expect(rows(page).last).to_be_in_viewport()
    page.get_by_label("More controls").click()
    page.get_by_role("link", name="First row").click()
    expect(rows(page).first).to_have_attribute("data-seq", "1")
    bar = page.locator("a.bar").last
    bar.focus()
    key(page, "Enter")
    expect(page.locator("#inspector-rows > details[open] > summary").first).to_be_focused()
    page.get_by_text("Overview").click()
    expect(page.locator(".timeline")).to_be_hidden()
    page.get_by_label("Export this run").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="JSON Lines").click()
    assert download.value.path().read_text().count("\n") == 10_002
    wide = page.locator("#inspector, #inspector .room-body, #inspector .room-head, .toolbar").evaluate_all(
        "all => all.filter(it => it.scrollWidth > it.clientWidth + 1).map(it => it.className)"
    )
    assert wide == []
    page.get_by_label("All runs").click()
    page.locator(".run-list a").click()
    expect(rows(page).first).to_be_visible()
    page.get_by_role("link", name="Close the inspector").click()
    expect(page.locator("#inspector")).to_be_hidden()
    expect(page.locator("#composer")).to_be_visible()


def test_without_javascript_it_is_a_page(new_context: Callable[..., BrowserContext], site: Server) -> None:
    page = new_context(java_script_enabled=False).new_page()
    page.goto(site.url)
    page.fill("#text", "stages 500")
    submit(page, "Send")
    reload_until(page, "completed")
    page.locator("a[name=inspect]").click()
    expect(rows(page)).to_have_count(200)
    page.get_by_role("link", name="Later rows").click()
    expect(rows(page).first).to_have_attribute("data-seq", "201")
    page.get_by_label("Type").select_option("RunEnded")
    page.get_by_role("button", name="Filter").click()
    expect(rows(page)).to_have_count(1)
    rows(page).first.locator("summary").click()
    rows(page).first.get_by_role("link", name="JSON").click()
    expect(page.locator("body")).to_contain_text('"outcome": "completed"')
