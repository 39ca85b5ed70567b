"""The list of conversations: found, searched, long, and up to date."""

from __future__ import annotations

import re
from typing import Literal

import pytest
from playwright.sync_api import Page, expect

from tests.browser.driving import emit, fill_history, open_menu, rename, send, start, until, wait_for_state

TITLES = [f"Question {number}" for number in range(60)]


def titles(page: Page) -> list[str]:
    return page.locator("a[data-conversation] .cut").all_inner_texts()


def scroll(page: Page, top: int) -> None:
    page.locator("#history .room-body").evaluate("(it, top) => it.scrollTo(0, top)", top)


def test_conversations_stand_newest_first_and_the_open_one_is_marked(chat: Page) -> None:
    fill_history(chat, ["one", "two", "three"])
    assert titles(chat) == ["three", "two", "one"]
    expect(chat.locator("#history-list h2")).to_have_text(["Today"])
    expect(chat.locator("a[data-conversation][aria-current]")).to_have_count(0)
    chat.locator("a[data-conversation]", has_text="two").click()
    expect(chat.locator("h1")).to_have_text("two")
    assert chat.locator("a[data-conversation][aria-current=page] .cut").all_inner_texts() == ["two"]
    send(chat, "again")
    until(lambda: titles(chat) == ["two", "three", "one"])


def test_the_open_conversation_stays_marked_while_a_room_beside_it_has_the_address(chat: Page) -> None:
    fill_history(chat, ["another"])
    start(chat, "hello")
    marked = chat.locator("a[data-conversation][aria-current=page]")
    expect(marked).to_contain_text("hello")
    chat.locator("a[name=inspect]").click()
    expect(chat).to_have_url(re.compile("/runs/"))
    expect(marked).to_contain_text("hello")
    rename(chat, "A better title")
    expect(marked).to_contain_text("A better title")
    chat.reload()
    expect(marked).to_contain_text("A better title")
    chat.get_by_role("link", name="New", exact=True).click()
    expect(marked).to_have_count(0)


def test_a_live_conversation_is_marked_in_words(chat: Page) -> None:
    start(chat, "forever", "running")
    link = chat.get_by_role("link", name="forever")
    expect(link).to_contain_text("Answering")
    expect(link).to_have_attribute("data-state", "running")
    chat.get_by_role("button", name="Stop").click()
    wait_for_state(chat, "cancelled")
    expect(link).not_to_contain_text("Answering")


@pytest.mark.parametrize(("how", "place"), [("mouse", "text"), ("keyboard", "turns")])
def test_who_opens_a_conversation_is_where_they_want_to_go_on(
    chat: Page, how: Literal["mouse", "keyboard"], place: str
) -> None:
    fill_history(chat, ["one", "two"])
    link = chat.get_by_role("link", name="one")
    if how == "mouse":
        link.click()
    else:
        link.press("Enter")
    expect(chat.locator(f"#{place}")).to_be_focused()
    expect(chat.locator("#status")).to_have_text("one")


def test_search_narrows_the_list_while_it_is_typed(chat: Page) -> None:
    fill_history(chat, ["red apple", "green apple", "red cherry"])
    search = chat.get_by_role("searchbox", name="Search conversations")
    search.press_sequentially("red")
    until(lambda: titles(chat) == ["red cherry", "red apple"])
    search.press_sequentially(" plum")
    expect(chat.locator("#history-list .nothing")).to_have_text("No results for “red plum”.")
    expect(search).to_be_focused()
    chat.get_by_role("link", name="Clear search").click()
    expect(search).to_be_focused()
    expect(search).to_have_value("")
    until(lambda: titles(chat) == ["red cherry", "green apple", "red apple"])


def test_a_search_survives_that_the_list_changes(chat: Page) -> None:
    fill_history(chat, ["red apple", "green apple", "red cherry"])
    search = chat.get_by_role("searchbox", name="Search conversations")
    search.fill("red")
    until(lambda: titles(chat) == ["red cherry", "red apple"])
    chat.get_by_role("link", name="red apple").click()
    expect(chat.locator("h1")).to_have_text("red apple")
    rename(chat, "red pear")
    until(lambda: titles(chat) == ["red cherry", "red pear"] or titles(chat) == ["red pear", "red cherry"])
    expect(search).to_have_value("red")


def test_older_conversations_come_when_the_list_is_scrolled(chat: Page) -> None:
    fill_history(chat, TITLES)
    expect(chat.locator("a[data-conversation]")).to_have_count(30)
    chat.get_by_role("link", name="Show older").scroll_into_view_if_needed()
    expect(chat.locator("a[data-conversation]")).to_have_count(60)
    assert titles(chat) == TITLES[::-1]
    expect(chat.locator("#history-list h2")).to_have_text(["Today"])
    expect(chat.get_by_role("link", name="Show older")).to_have_count(0)


def test_a_change_keeps_place_focus_and_the_older_conversations(chat: Page) -> None:
    fill_history(chat, TITLES)
    chat.get_by_role("link", name="Show older").scroll_into_view_if_needed()
    expect(chat.locator("a[data-conversation]")).to_have_count(60)
    scroll(chat, 600)
    link = chat.get_by_role("link", name="Question 30")
    link.focus()
    place = chat.locator("#history .room-body").evaluate("it => it.scrollTop")
    chat.request.post(chat.url + "messages", form={"text": "newest"})
    chat.evaluate("document.body.dispatchEvent(new Event('chat:changed'))")
    until(lambda: titles(chat)[0] == "newest")
    assert len(titles(chat)) == 60
    expect(link).to_be_focused()
    assert abs(int(chat.locator("#history .room-body").evaluate("it => it.scrollTop")) - place) < 60


def test_the_list_keeps_its_place_over_a_reload(chat: Page) -> None:
    fill_history(chat, TITLES[:30])
    scroll(chat, 200)
    chat.reload()
    until(lambda: chat.locator("#history .room-body").evaluate("it => it.scrollTop") == 200)


def test_a_list_that_cannot_be_loaded_says_so_and_can_be_tried_again(chat: Page) -> None:
    start(chat, "hello")
    chat.route("**/history*", lambda route: route.abort())
    chat.get_by_role("searchbox").fill("hel")
    expect(chat.locator("#status")).to_have_text("The chat cannot be reached. Check the connection and try again.")
    expect(chat.locator("#status")).to_be_visible()
    chat.locator("#status").click()
    expect(chat.locator("#status[data-shown]")).to_have_count(0)
    chat.unroute("**/history*")
    chat.get_by_role("searchbox").fill("hell")
    until(lambda: titles(chat) == ["hello"])


def test_a_warning_goes_when_there_is_something_else_to_say(chat: Page) -> None:
    start(chat, "hello")
    warning = chat.locator("#status[data-shown]")
    chat.route("**/rename", lambda route: route.abort())
    for _ in range(2):
        open_menu(chat, "Rename")
        expect(warning).to_contain_text("The chat cannot be reached.")
        expect(warning).to_be_visible()
    send(chat, "words 5 0.01")
    expect(warning).to_have_count(0)
    wait_for_state(chat, "completed")


def choose(page: Page, title: str, choice: str) -> None:
    """Choose from the menu of a conversation in the list."""
    row = page.locator("#history-list li", has_text=title)
    row.hover()
    row.locator("summary").click()
    row.locator(".menu").get_by_text(choice).click()


def test_a_conversation_is_deleted_from_the_list_while_another_stays_open(chat: Page) -> None:
    fill_history(chat, ["another"])
    start(chat, "hello")
    open_one = chat.url
    choose(chat, "another", "Delete")
    until(lambda: titles(chat) == ["hello"])
    undo = chat.get_by_role("button", name="Undo")
    expect(undo).to_be_focused()
    expect(chat).to_have_url(open_one)
    expect(chat.locator("h1")).to_have_text("hello")
    undo.click()
    expect(chat.locator("h1")).to_have_text("another")
    until(lambda: titles(chat) == ["hello", "another"])
    expect(undo).to_have_count(0)
    choose(chat, "another", "Delete")
    expect(chat.locator("h1")).to_have_text("New conversation")


def test_a_conversation_is_renamed_from_the_list(chat: Page) -> None:
    fill_history(chat, ["another"])
    start(chat, "hello")
    address, title = chat.url, chat.locator("#history-list").get_by_label("Title", exact=True)
    choose(chat, "another", "Rename")
    expect(title).to_be_focused()
    assert chat.evaluate("getSelection().toString()") == "another"
    # What else changes meanwhile is drawn around it.
    title.fill("Something")
    assert chat.request.post(chat.url.partition("/c/")[0] + "/messages", form={"text": "new"}).ok
    until(lambda: len(titles(chat)) == 3)
    expect(title).to_have_value("Something")
    chat.locator("#text").click()
    until(lambda: titles(chat) == ["new", "hello", "Something"])
    chat.get_by_role("link", name="Something").dblclick()
    title.fill("A better title")
    title.press("Enter")
    expect(chat.locator("h1")).to_have_text("A better title")
    expect(chat.get_by_role("link", name="A better title")).to_be_focused()
    until(lambda: titles(chat) == ["new", "hello", "A better title"])
    chat.get_by_role("link", name="A better title").press("F2")
    title.fill("No")
    title.press("Escape")
    expect(title).to_have_count(0)
    chat.reload()
    assert titles(chat) == ["new", "hello", "A better title"] and chat.url != address


def test_the_menu_of_a_row_is_reached_and_left_by_keyboard(chat: Page) -> None:
    fill_history(chat, ["one", "two"])
    chat.get_by_role("link", name="two").focus()
    chat.keyboard.press("Tab")
    expect(chat.get_by_label("Menu of two")).to_be_focused()
    chat.keyboard.press("Enter")
    expect(chat.locator("#history-list .menu")).to_be_visible()
    chat.keyboard.press("Escape")
    expect(chat.locator("#history-list .menu")).to_be_hidden()
    expect(chat.get_by_label("Menu of two")).to_be_focused()


def test_pins_archive_and_several_at_once_by_keyboard_and_mouse(chat: Page) -> None:
    fill_history(chat, ["one", "two", "three", "four", "five"])
    chat.get_by_role("link", name="four").click()
    expect(chat.locator("h1")).to_have_text("four")
    choose(chat, "two", "Pin")
    until(lambda: titles(chat) == ["two", "five", "four", "three", "one"])
    expect(chat.locator("#history-list h2")).to_have_text(["Pinned", "Today"])
    expect(chat.get_by_role("link", name="two")).to_be_focused()
    for key, focused in ("ArrowDown", "five"), ("End", "one"), ("ArrowUp", "three"), ("Home", "two"):
        chat.keyboard.press(key)
        expect(chat.get_by_role("link", name=focused)).to_be_focused()
    chat.keyboard.press("End")
    chat.keyboard.press("Space")
    expect(chat.locator("#selected .count")).to_have_text("1 selected")
    expect(chat.get_by_role("link", name="one")).to_be_focused()
    chat.keyboard.press("Shift+ArrowUp")
    chat.get_by_role("link", name="five").click(modifiers=["Shift"])
    expect(chat.locator("#status")).to_have_text("4 selected")
    chat.get_by_label("Select three").uncheck()
    chat.get_by_role("button", name="Archive").click()
    until(lambda: titles(chat) == ["two", "three"])
    expect(chat.locator("#selected")).to_have_count(0)
    expect(chat.locator("#status")).to_have_text("3 conversations archived. You can undo this.")
    expect(chat.locator("#conversation-menu")).to_have_attribute("data-shelf", "archived")
    chat.locator("a.archive").click()
    until(lambda: titles(chat) == ["five", "four", "one"])
    chat.get_by_role("searchbox").fill("fo")
    until(lambda: titles(chat) == ["four"])
    chat.keyboard.press("ArrowDown")
    expect(chat.get_by_role("link", name="four")).to_be_focused()
    open_menu(chat, "Unarchive")
    expect(chat.locator("#history-list .nothing")).to_have_text("No results for “fo”.")
    chat.get_by_role("link", name="Clear search").click()
    until(lambda: titles(chat) == ["five", "one"])
    chat.get_by_role("link", name="Archived").click()
    until(lambda: titles(chat) == ["two", "four", "three"])


def test_rows_are_renamed_and_deleted_by_keyboard(chat: Page) -> None:
    fill_history(chat, ["one", "two", "three"])
    chat.get_by_role("link", name="two").focus()
    expect(chat.get_by_role("link", name="one")).to_have_attribute("tabindex", "-1")
    chat.keyboard.press("Delete")
    until(lambda: titles(chat) == ["three", "one"])
    expect(chat.get_by_role("button", name="Undo")).to_be_visible()
    expect(chat.get_by_role("link", name="one")).to_be_focused()
    chat.keyboard.press("F2")
    expect(chat.get_by_label("Title")).to_be_focused()
    chat.get_by_label("Title").fill("A better title")
    chat.keyboard.press("Enter")
    until(lambda: titles(chat) == ["three", "A better title"])
    chat.get_by_role("link", name="three").focus()
    chat.keyboard.press("Space")
    expect(chat.locator("#selected .count")).to_have_text("1 selected")
    chat.keyboard.press("Control+a")
    expect(chat.locator("#selected .count")).to_have_text("2 selected")
    chat.keyboard.press("Delete")
    expect(chat.get_by_text("Your conversations are kept here")).to_be_visible()
    expect(chat.locator("h1")).to_have_text("New conversation")
    chat.get_by_role("button", name="Undo").click()
    until(lambda: titles(chat) == ["three", "A better title"])


def test_an_agent_names_the_conversation_in_the_list_the_page_and_other_tabs(chat: Page) -> None:
    other = chat.context.new_page()
    other.goto(chat.url)
    emit(chat, ("TitleSuggested", {"title": "A name by the agent"}))
    wait_for_state(chat, "completed")
    until(lambda: titles(chat) == ["A name by the agent"])
    other.bring_to_front()
    until(lambda: titles(other) == ["A name by the agent"])
    expect(chat.locator("h1")).to_have_text("A name by the agent")
    expect(chat).to_have_title(re.compile("^A name by the agent · "))
    chat.reload()
    expect(chat.locator("h1")).to_have_text("A name by the agent")
    rename(chat, "Mine")
    emit(chat, ("TitleSuggested", {"title": "Not this one"}))
    expect(chat.locator("#turns .turn")).to_have_count(4)
    wait_for_state(chat, "completed")
    other.bring_to_front()
    until(lambda: titles(other) == ["Mine"])
