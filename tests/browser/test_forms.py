"""Forms and approvals in the browser: by mouse and keyboard, on a desk and a phone, live, reloaded, without JavaScript."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from .conftest import Server
from .driving import answer, assert_same_after_reload, body, reload_until, send, submit, wait_for_state

PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True, "color_scheme": "dark"}


def field(page: Page, path: str) -> Locator:
    return page.locator(f"[name='answer/{path}']")


def ask(page: Page, what: str) -> None:
    send(page, f"ask {what}")
    expect(answer(page).locator("form.ask chat-form")).to_be_visible()
    expect(page.locator("chat-form:defined")).to_be_visible()


def fill(page: Page) -> None:
    """Fill in what the form of the notice needs."""
    field(page, "subject").fill("Late mails")
    field(page, "reply_to").fill("ops@example.com")
    field(page, "on").fill("2027-01-31")
    field(page, "who").select_option(label="All tenants")
    page.get_by_label("banner").check()


def wrong(page: Page) -> list[str]:
    return page.locator("form.ask .wrong").all_inner_texts()


@pytest.fixture(params=["desk", "phone"])
def place(request: pytest.FixtureRequest, new_context: Callable[..., BrowserContext], site: Server) -> Iterator[Page]:
    """The chat, on a desk and on a phone."""
    page = new_context(**(PHONE if request.param == "phone" else {})).new_page()
    page.goto(site.url)
    yield page


def test_a_form_is_filled_in_and_its_value_reaches_the_agent_and_stays(place: Page) -> None:
    ask(place, "form")
    fill(place)
    field(place, "mails").fill("1904")
    field(place, "contact/name").fill("Ann")
    place.get_by_role("button", name="Send answer").click()
    wait_for_state(place, "completed")
    said = answer(place).locator("code").inner_text()
    assert said == (
        '{"subject": "Late mails", "reply_to": "ops@example.com", "mails": 1904, "on": "2027-01-31", "who": "all", '
        '"page": true, "ways": ["banner"], "contact": {"name": "Ann"}}'
    )
    for _ in range(2):
        record = answer(place).locator(".request[data-state=answered]")
        expect(record).to_contain_text("You answered")
        expect(record.locator(".given > div", has_text="Who gets it").locator("dd")).to_have_text("All tenants")
        expect(record.locator(".given > div", has_text="Who can be called: Name").locator("dd")).to_have_text("Ann")
        assert place.evaluate("document.documentElement.scrollWidth <= innerWidth")
        place.reload()


def test_an_answered_form_stays_in_its_place_and_what_follows_fills_its_room(place: Page) -> None:
    room = "parseFloat(document.getElementById('turns').style.marginBlockEnd || 0)"
    record = answer(place).locator(".request[data-state=answered]")
    send(place, "words 300 0")
    wait_for_state(place, "completed")
    ask(place, "leave")
    top = answer(place).locator("form.ask").evaluate("it => it.getBoundingClientRect().top")
    place.get_by_role("button", name="Deny").click()
    wait_for_state(place, "completed")
    # On a phone the composer has lost a row by then, and the room is higher.
    higher = place.evaluate("innerWidth < 400") and 40
    assert abs(record.evaluate("it => it.getBoundingClientRect().top") - top) < 2 + higher
    assert place.evaluate(room) > 20
    ask(place, "form")
    assert place.evaluate(room) == 0
    fill(place)
    place.get_by_role("button", name="Send answer").click()
    wait_for_state(place, "completed")
    expect(record).to_be_in_viewport(ratio=1)
    assert place.evaluate(room) > 20
    place.reload()
    assert place.evaluate(room) == 0


def test_what_is_not_right_is_said_below_its_field_and_the_first_gets_the_focus(place: Page) -> None:
    ask(place, "form")
    field(place, "subject").fill("Hi")
    field(place, "reply_to").fill("ops@example")
    place.get_by_role("button", name="Send answer").click()
    assert wrong(place) == [
        "Needs 3 to 80 characters",
        "Needs an address like name@example.com",
        "Needs a date, such as 2027-01-31",
        "Choose one",
        "Choose 1 to 2",
    ]
    expect(field(place, "subject")).to_be_focused()
    expect(field(place, "subject")).to_have_attribute("aria-invalid", "true")
    described = field(place, "subject").get_attribute("aria-describedby") or ""
    expect(place.locator(f"[id='{described}']")).to_have_text("Needs 3 to 80 characters")
    expect(place.locator("form.ask .row")).to_contain_text("5 fields to correct")
    field(place, "subject").fill("Hello")
    expect(field(place, "subject")).not_to_have_attribute("aria-invalid", "true")
    expect(place.locator("form.ask .row")).to_contain_text("4 fields to correct")
    fill(place)
    expect(place.locator("form.ask .wrong")).to_have_count(0)


def test_a_group_that_is_begun_is_to_be_completed(chat: Page) -> None:
    ask(chat, "form")
    fill(chat)
    field(chat, "contact/phone").fill("12345")
    chat.get_by_role("button", name="Send answer").click()
    assert wrong(chat) == ["Needs an answer"]
    expect(field(chat, "contact/name")).to_be_focused()
    field(chat, "contact/phone").fill("")
    chat.get_by_role("button", name="Send answer").click()
    wait_for_state(chat, "completed")


def test_the_server_says_what_only_it_can_check_and_what_is_typed_stays(chat: Page) -> None:
    ask(chat, "form")
    fill(chat)
    chat.evaluate("document.querySelector('form.ask').noValidate = true")
    field(chat, "mails").fill("0")
    field(chat, "subject").fill("No")
    chat.get_by_role("button", name="Send answer").click()
    expect(chat.locator("form.ask .wrong")).to_have_text(
        ["Needs 3 to 80 characters", "Needs a whole number from 1 to 100,000"]
    )
    expect(field(chat, "subject")).to_be_focused()
    expect(field(chat, "reply_to")).to_have_value("ops@example.com")
    expect(chat.get_by_label("banner")).to_be_checked()
    field(chat, "mails").fill("2")
    field(chat, "subject").fill("Late mails")
    field(chat, "subject").press("Enter")
    wait_for_state(chat, "completed")


def test_a_form_can_be_declined_as_it_is(chat: Page) -> None:
    ask(chat, "form")
    chat.get_by_role("button", name="Decline").click()
    wait_for_state(chat, "completed")
    expect(answer(chat)).to_contain_text("The notice: null")
    expect(answer(chat).locator(".request")).to_contain_text("You declined")


def test_a_form_is_filled_in_by_keyboard(chat: Page) -> None:
    ask(chat, "form")
    field(chat, "subject").focus()
    chat.keyboard.type("Late mails")
    chat.keyboard.press("Tab")
    chat.keyboard.type("ops@example.com")
    chat.keyboard.press("Tab")
    chat.keyboard.type("12")
    field(chat, "on").fill("2027-01-31")
    field(chat, "who").focus()
    chat.keyboard.press("ArrowDown")
    chat.keyboard.press("Tab")
    chat.keyboard.press("Space")
    chat.get_by_label("mail", exact=True).focus()
    chat.keyboard.press("Space")
    field(chat, "subject").focus()
    chat.keyboard.press("Enter")
    wait_for_state(chat, "completed")
    expect(answer(chat)).to_contain_text('"page": false')
    expect(answer(chat)).to_contain_text('"who": "late"')


def test_what_is_typed_survives_a_reload(chat: Page) -> None:
    ask(chat, "form")
    fill(chat)
    chat.get_by_label("Post it on the status page").uncheck()
    chat.reload()
    expect(field(chat, "subject")).to_have_value("Late mails")
    expect(field(chat, "who")).to_have_value("1")
    expect(chat.get_by_label("banner")).to_be_checked()
    expect(chat.get_by_label("Post it on the status page")).not_to_be_checked()
    chat.get_by_role("button", name="Send answer").click()
    wait_for_state(chat, "completed")
    assert chat.evaluate("Object.keys(localStorage).filter((key) => key.includes(':answer:')).length") == 0


def test_a_page_whose_question_another_page_answers_says_so_and_shows_what_was_typed(chat: Page) -> None:
    ask(chat, "form")
    other = chat.context.new_page()
    other.goto(chat.url)
    field(other, "subject").fill("Only here")
    top = answer(other).locator("form.ask").evaluate("it => it.getBoundingClientRect().top")
    fill(chat)
    chat.get_by_role("button", name="Send answer").click()
    wait_for_state(chat, "completed")
    expect(other.locator("#composer-error")).to_contain_text("no longer open")
    expect(other.locator("#composer-error")).to_contain_text("Subject: Only here")
    expect(answer(other).locator(".given")).to_contain_text("Late mails")
    record = answer(other).locator(".request[data-state=answered]")
    expect(record).to_be_in_viewport(ratio=1)
    # The form began above what was seen of it: the record stands at the top.
    highest = body(other).evaluate("it => it.getBoundingClientRect().top") + 16
    assert abs(record.evaluate("it => it.getBoundingClientRect().top") - max(top, highest)) < 2


def test_a_call_is_approved_with_another_argument_and_a_reason(place: Page) -> None:
    ask(place, "leave")
    expect(place.get_by_role("button", name="Approve", exact=True)).to_be_visible()
    field(place, "batch").fill("4")
    row = place.locator(".args > [data-edited]")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("was 10")
    place.get_by_label("Reason").fill("The relay is slow.")
    place.get_by_role("button", name="Approve with changes").click()
    wait_for_state(place, "completed")
    said = answer(place).locator("code").inner_text()
    assert said == (
        '{"approved": true, "reason": "The relay is slow.", '
        '"arguments": {"pool": "eu-west", "batch": 4, "drain_seconds": 30}}'
    )
    for _ in range(2):
        record = answer(place).locator(".request")
        expect(record).to_contain_text("You approved with changes")
        expect(record.locator(".given > div", has_text="batch")).to_contain_text("4 was 10")
        expect(record).to_contain_text("The relay is slow.")
        place.reload()


def test_changes_are_undone_and_an_argument_that_is_not_right_is_told(chat: Page) -> None:
    ask(chat, "leave")
    field(chat, "batch").fill("51")
    chat.get_by_role("button", name="Approve with changes").click()
    assert wrong(chat) == ["Needs a whole number from 1 to 50"]
    chat.get_by_role("button", name="Undo changes").click()
    expect(field(chat, "batch")).to_have_value("10")
    expect(chat.locator("form.ask .wrong")).to_have_count(0)
    chat.get_by_role("button", name="Approve", exact=True).click()
    wait_for_state(chat, "completed")
    assert answer(chat).locator("code").inner_text() == '{"approved": true}'


def test_a_call_is_denied_with_a_reason_whatever_stands_in_its_fields(chat: Page) -> None:
    ask(chat, "leave")
    field(chat, "batch").fill("")
    chat.get_by_label("Reason").fill("Not today.")
    chat.get_by_role("button", name="Deny").click()
    wait_for_state(chat, "completed")
    assert answer(chat).locator("code").inner_text() == '{"approved": false, "reason": "Not today."}'
    expect(answer(chat).locator(".request")).to_contain_text("You denied")


def test_forms_work_without_javascript(new_context: Callable[..., BrowserContext], site: Server) -> None:
    plain = new_context(java_script_enabled=False).new_page()
    plain.goto(site.url)
    plain.fill("#composer textarea", "ask form")
    submit(plain, "Send")
    reload_until(plain, "suspended")
    fill(plain)
    plain.get_by_label("mail", exact=True).check()
    plain.get_by_label("text", exact=True).check()
    submit(plain, "Send answer")
    assert wrong(plain) == ["Choose 1 to 2"]
    expect(field(plain, "subject")).to_have_value("Late mails")
    plain.get_by_label("text", exact=True).uncheck()
    submit(plain, "Send answer")
    reload_until(plain, "completed")
    expect(answer(plain).locator(".given")).to_contain_text("mail, banner")


def test_approvals_work_without_javascript(new_context: Callable[..., BrowserContext], site: Server) -> None:
    plain = new_context(java_script_enabled=False).new_page()
    plain.goto(site.url)
    plain.fill("#composer textarea", "ask leave")
    submit(plain, "Send")
    reload_until(plain, "suspended")
    field(plain, "batch").fill("4")
    submit(plain, "Approve")
    reload_until(plain, "completed")
    assert '"batch": 4' in answer(plain).locator("code").inner_text()


def test_a_form_is_the_same_after_a_reload(chat: Page) -> None:
    ask(chat, "form")
    before = answer(chat).locator("form.ask .fields").first.inner_html()
    chat.reload()
    expect(chat.locator("chat-form:defined")).to_be_visible()
    assert _plain(answer(chat).locator("form.ask .fields").first.inner_html()) == _plain(before)


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_forms_that_wait_over_a_restart_are_answered_after_it_also_without_javascript(
    new_context: Callable[..., BrowserContext],
    serve: Callable[..., Server],
    request: pytest.FixtureRequest,
    tmp_path: Path,
    database: str,
) -> None:
    url = f"{tmp_path}/chat.db" if database == "sqlite" else request.getfixturevalue("postgres").url
    server = serve("--db", url)
    page, plain = new_context().new_page(), new_context(java_script_enabled=False).new_page()
    page.goto(server.at("resumable/"))
    ask(page, "form")
    field(page, "subject").fill("Late mails")
    plain.goto(server.at("resumable/"))
    plain.fill("#composer textarea", "ask form")
    submit(plain, "Send")
    reload_until(plain, "suspended")
    server.stop()
    serve("--db", url, "--port", str(server.port))
    expect(field(page, "subject")).to_have_value("Late mails")
    fill(page)
    page.get_by_role("button", name="Send answer").click()
    wait_for_state(page, "completed")
    fill(plain)
    submit(plain, "Send answer")
    reload_until(plain, "completed")
    for each in (page, plain):
        expect(answer(each).locator(".request[data-state=answered]")).to_contain_text("Late mails")
        expect(answer(each).locator("code")).to_contain_text('"who": "all"')
    assert_same_after_reload(page)


def _plain(html: str) -> Any:
    return re.sub(r' data-htmx[\w-]*="[^"]*"', "", html)
