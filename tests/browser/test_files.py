"""Files: attached by button, drop and paste, sent with a message, given back by an answer, looked at and saved."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, FileChooser, FilePayload, Page, Route, expect

from tests.browser.attaching import (
    CSV,
    PICTURE,
    TABLE,
    UPLOAD,
    attach,
    drag,
    file,
    paste,
    remove,
    tile,
    tiles,
)
from tests.browser.conftest import Server
from tests.browser.driving import (
    answer,
    assert_same_after_reload,
    box,
    fill_history,
    send,
    start,
    until,
    wait_for_state,
)
from tests.browser.hosts import PNG
from tests.browser.proxy import Proxy
from tests.servers import Postgres, free_port, uvicorn

LARGE = file("large.bin", b"\0\1" * 3_000_000, "application/octet-stream")
ERROR = "#composer-error"


@pytest.fixture
def proxy(site: Server) -> Iterator[Proxy]:
    with Proxy(site.port) as proxy:
        yield proxy


@pytest.fixture
def behind(page: Page, proxy: Proxy) -> Page:
    """A page whose network can be cut."""
    page.goto(f"http://127.0.0.1:{proxy.port}/chat/")
    return page


@pytest.fixture
def limited(page: Page, site: Server) -> Page:
    """A page that takes three files of 100 KB: pictures and text."""
    page.goto(site.at("limited/"))
    return page


def question(page: Page) -> list[str]:
    """Return the names of the files of the last message."""
    return page.locator("article.turn[data-role=user]").last.locator(".file .name").all_inner_texts()


# Attach and send


@pytest.mark.parametrize("phone", [False, True], ids=["desk", "phone"])
def test_files_go_with_a_message_and_the_agent_reads_them(
    phone: bool, new_context: Callable[..., BrowserContext], site: Server
) -> None:
    options = {"viewport": {"width": 360, "height": 700}, "has_touch": True, "is_mobile": True} if phone else {}
    page = new_context(**options).new_page()
    page.goto(site.url)
    attach(page, TABLE, PICTURE)
    expect(tile(page, "bookings.csv").locator(".meta")).to_have_text(f"{len(CSV)} bytes")
    expect(tile(page, "chart.png").locator("img")).to_have_js_property("naturalWidth", 520)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    start(page, "Look at these")
    expect(tiles(page)).to_have_count(0)
    expect(box(page)).to_have_attribute("required", "")
    assert question(page) == ["bookings.csv", "chart.png"]
    expect(answer(page)).to_contain_text(f"bookings.csv is text/csv, {len(CSV)} bytes.")
    expect(answer(page)).to_contain_text(f"chart.png is image/png, {len(PNG)} bytes.")
    assert_same_after_reload(page)
    expect(tiles(page)).to_have_count(0)


def test_files_need_no_words(chat: Page) -> None:
    start(chat, "hello")
    attach(chat, TABLE)
    chat.get_by_role("button", name="Send").click()
    expect(chat.locator("article.turn")).to_have_count(4)
    wait_for_state(chat, "completed")
    assert question(chat) == ["bookings.csv"]
    box(chat).press("Enter")
    expect(chat.locator("article.turn")).to_have_count(4)
    assert_same_after_reload(chat)


def test_files_are_dropped_on_the_chat_and_nowhere_else(chat: Page) -> None:
    drop = chat.locator(".drop")
    expect(drop).to_be_hidden()
    assert drag(chat, "#history", "dragover", TABLE)
    expect(drop).to_be_visible()
    expect(drop).to_contain_text("Drop to attach")
    expect(drop).to_contain_text("up to 25 MB each")
    assert not drag(chat, "body", "dragover", TABLE), "the page around the chat is the host's"
    expect(drop).to_be_hidden()
    assert not drag(chat, "#turns", "dragover", text_plain="words")
    assert drag(chat, "#conversation", "dragover", TABLE, PICTURE)
    assert drag(chat, "#conversation", "drop", TABLE, PICTURE)
    expect(drop).to_be_hidden()
    expect(tiles(chat)).to_have_count(2)
    expect(tile(chat, "chart.png")).to_have_attribute("data-state", "draft")


def test_pictures_are_pasted_and_get_names(chat: Page) -> None:
    copied = file("image.png", PNG, "image/png")
    assert paste(chat, copied)
    expect(tile(chat, "Pasted picture.png")).to_have_attribute("data-state", "draft")
    assert paste(chat, copied)
    expect(tile(chat, "Pasted picture 2.png")).to_have_attribute("data-state", "draft")
    # A file that was copied has its own name, and its name as a text.
    assert paste(chat, file("notes.txt", b"notes"), text_plain="notes.txt")
    expect(tile(chat, "notes.txt")).to_have_attribute("data-state", "draft")
    # What was copied from a table is text, though it is there as a picture too.
    assert not paste(chat, copied, text_plain="1\t2", text_html="<table>")
    assert not paste(chat, text_plain="words")
    expect(tiles(chat)).to_have_count(3)


def test_the_keyboard_attaches_and_removes(chat: Page) -> None:
    # Before the first key: that the browser is to leave choosing to the test takes it a moment.
    choosers: list[FileChooser] = []
    chat.on("filechooser", lambda chooser: choosers.append(chooser))
    box(chat).focus()
    chat.keyboard.press("Tab")
    expect(chat.get_by_label("Attach files")).to_be_focused()
    chat.keyboard.press("Enter")
    until(lambda: chat.evaluate("1") and choosers)
    choosers[0].set_files([TABLE, PICTURE])
    expect(tiles(chat)).to_have_count(2)
    expect(chat.get_by_label("Remove chart.png")).to_be_visible()
    chat.get_by_label("Remove bookings.csv").focus()
    chat.keyboard.press("Enter")
    expect(chat.get_by_label("Remove chart.png")).to_be_focused()
    chat.keyboard.press("Enter")
    expect(tiles(chat)).to_have_count(0)
    expect(box(chat)).to_be_focused()


def test_what_uploads_files_is_loaded_when_it_is_needed(page: Page, site: Server) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url.rpartition("/")[2]))
    page.goto(site.url)
    start(page, "hello")
    assert "chat.js" in asked and not {"files.js", "file-window.js"} & {*asked}
    page.get_by_label("Attach files").focus()
    until(lambda: page.evaluate("1") and "files-upload.js" in asked)
    assert "file-window.js" not in asked


def test_nothing_is_said_of_files_where_there_are_none(page: Page, site: Server) -> None:
    page.goto(site.at("without-files/"))
    expect(page.get_by_label("Attach files")).to_have_count(0)
    assert not drag(page, "#conversation", "dragover", TABLE)
    assert not paste(page, PICTURE)
    start(page, "hello")
    assert page.request.get(site.at("without-files/files")).status == 403


# Limits


REFUSED: list[tuple[str, FilePayload, str]] = [
    ("large", file("long.txt", b"x" * 100 * 1024 + b"x"), "It is larger than 100 KB"),
    ("empty", file("empty.txt", b""), "It is empty"),
    ("type", file("film.mp4", b"film", "video/mp4"), "Files of this type cannot be sent"),
]


@pytest.mark.parametrize(("wrong", "words"), [each[1:] for each in REFUSED], ids=[each[0] for each in REFUSED])
def test_what_cannot_be_sent_is_told_before_it_is_uploaded(limited: Page, wrong: FilePayload, words: str) -> None:
    uploads: list[str] = []
    limited.on("request", lambda request: uploads.append(request.url) if request.url.endswith("/files") else None)
    limited.set_input_files("#composer input[type=file]", [wrong])
    expect(tile(limited, wrong["name"])).to_have_attribute("data-state", "failed")
    expect(tile(limited, wrong["name"]).locator(".meta")).to_have_text(words)
    expect(limited.locator("#status")).to_have_text(re.compile(f"{wrong['name']} is not attached: ", re.I))
    send(limited, "Look")
    expect(limited.locator(ERROR)).to_contain_text("A file is not attached.")
    remove(limited, wrong["name"])
    expect(limited.locator(ERROR)).to_be_empty()
    start(limited, "Look")
    assert uploads == [] and question(limited) == []


def test_what_is_much_too_large_is_refused_with_a_sentence_while_it_is_still_being_sent(
    limited: Page, new_context: Callable[..., BrowserContext], tmp_path: Path
) -> None:
    large = tmp_path / "large.bin"
    with large.open("wb") as made:
        made.truncate(200 * 1024 * 1024)
    told = limited.evaluate(UPLOAD, 200)
    assert told == [413, "The request is larger than 812 KB. Send less at a time."]
    page = new_context(java_script_enabled=False).new_page()
    page.goto(limited.url)
    page.get_by_label("Attach files").set_input_files(large)
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("main")).to_contain_text("The request is larger than 812 KB.")


def test_too_many_are_told_and_the_others_are_attached(limited: Page) -> None:
    expect(limited.locator(".attach")).to_have_attribute(
        "title", "Attach files: Images and text, up to 100 KB each, 3 at a time"
    )
    files = [file(f"{number}.txt", b"text") for number in range(5)]
    limited.set_input_files("#composer input[type=file]", files)
    expect(limited.locator("#composer-files > [data-state=draft]")).to_have_count(3)
    expect(limited.locator("#composer-files > [data-refused] .meta")).to_have_text(["3 files are the limit"] * 2)
    for name in ("3.txt", "4.txt"):
        tile(limited, name).get_by_label(f"Remove {name}").press("Enter")
    start(limited, "Look")
    assert question(limited) == ["0.txt", "1.txt", "2.txt"]


def test_what_the_server_finds_in_a_file_is_told_on_its_tile(limited: Page) -> None:
    limited.set_input_files(
        "#composer input[type=file]", [file("chart.png", b"\x7fELF\2\1\1" + bytes(60), "image/png")]
    )
    forged = tile(limited, "chart.png")
    expect(forged).to_have_attribute("data-refused", "")
    said = forged.locator(".meta").inner_text()
    assert "chart.png" in said and not said.startswith("<")
    expect(limited.locator("#status")).to_contain_text(said)
    remove(limited, "chart.png")
    attach(limited, PICTURE)


# On the way


def test_an_upload_shows_how_far_it_is_and_can_be_cancelled(behind: Page, proxy: Proxy) -> None:
    proxy.hold()
    behind.set_input_files("#composer input[type=file]", [LARGE])
    slow = tile(behind, "large.bin")
    expect(slow.locator(".meta")).to_have_text(re.compile(r"^[1-9]\d?% of 5.7 MB$"))
    expect(slow.get_by_role("progressbar", name="large.bin")).to_be_visible()
    expect(behind.locator(".pending")).to_have_text("1 uploading")
    behind.get_by_label("Cancel large.bin").click()
    expect(tiles(behind)).to_have_count(0)
    expect(behind.locator(".pending")).to_be_empty()
    proxy.forward()
    attach(behind, TABLE)
    start(behind, "Look")
    assert question(behind) == ["bookings.csv"]


def test_send_waits_for_what_is_on_its_way_and_says_so(behind: Page, proxy: Proxy) -> None:
    behind.set_input_files("#composer input[type=file]", [])
    proxy.hold()
    behind.set_input_files("#composer input[type=file]", [LARGE])
    expect(tile(behind, "large.bin")).to_have_attribute("data-state", "running")
    send(behind, "Look")
    expect(behind.locator(ERROR)).to_contain_text("A file is still being uploaded.")
    expect(box(behind)).to_have_value("Look")
    proxy.forward()
    expect(tile(behind, "large.bin")).to_have_attribute("data-state", "draft")
    expect(behind.locator(ERROR)).to_be_empty()
    expect(behind.locator("#status")).to_have_text("All files are attached.")
    box(behind).press("Enter")
    wait_for_state(behind, "completed")
    expect(answer(behind)).to_contain_text("large.bin is application/octet-stream, 6000000 bytes.")


def test_a_cut_is_told_and_the_upload_tried_again(behind: Page, proxy: Proxy) -> None:
    behind.get_by_label("Attach files").focus()
    attach(behind, TABLE)
    proxy.hold()
    behind.set_input_files("#composer input[type=file]", [LARGE])
    expect(tile(behind, "large.bin").locator(".meta")).to_contain_text("%")
    proxy.cut()
    expect(tile(behind, "large.bin").locator(".meta")).to_have_text("Failed. Retry")
    expect(behind.locator(".pending")).to_have_text("1 failed")
    proxy.forward()
    behind.get_by_role("button", name="Retry large.bin").click()
    expect(tile(behind, "large.bin")).to_have_attribute("data-state", "draft")
    start(behind, "Look")
    assert question(behind) == ["bookings.csv", "large.bin"]


def test_an_upload_goes_on_while_another_conversation_is_open(behind: Page, proxy: Proxy) -> None:
    fill_history(behind, ["one"])
    behind.get_by_label("Attach files").focus()
    attach(behind, TABLE)
    proxy.hold()
    behind.set_input_files("#composer input[type=file]", [LARGE])
    expect(tile(behind, "large.bin").locator(".meta")).to_contain_text("%")
    behind.get_by_role("link", name="one").click()
    expect(behind.locator("h1")).to_have_text("one")
    expect(tiles(behind)).to_have_count(0)
    proxy.forward()
    behind.go_back()
    expect(behind.locator("h1")).to_have_text("New conversation")
    expect(behind.locator("#composer-files > [data-state=draft]")).to_have_count(2)


# Drafts


def test_what_is_attached_is_there_after_a_reload_and_goes_once_it_is_sent(chat: Page) -> None:
    fill_history(chat, ["one"])
    attach(chat, TABLE, PICTURE)
    box(chat).fill("Look")
    chat.reload()
    expect(tiles(chat)).to_have_count(2)
    expect(box(chat)).to_have_value("Look")
    chat.get_by_role("link", name="one").click()
    expect(chat.locator("h1")).to_have_text("one")
    expect(tiles(chat)).to_have_count(0)
    chat.get_by_role("link", name="New").click()
    expect(tiles(chat)).to_have_count(2)
    remove(chat, "chart.png")
    box(chat).press("Enter")
    wait_for_state(chat, "completed")
    assert question(chat) == ["bookings.csv"]
    chat.get_by_role("link", name="New").click()
    expect(chat.locator("h1")).to_have_text("New conversation")
    chat.reload()
    chat.get_by_label("Attach files").focus()
    expect(tiles(chat)).to_have_count(0)


def test_what_is_gone_from_the_server_is_not_shown_as_attached(chat: Page) -> None:
    attach(chat, TABLE, PICTURE)
    chat.evaluate("url => fetch(url, { method: 'POST' })", tile(chat, "chart.png").get_attribute("data-discard"))
    chat.reload()
    expect(tiles(chat)).to_have_count(1)
    expect(tile(chat, "bookings.csv")).to_be_visible()


def test_a_page_that_does_not_know_yet_what_is_attached_sends_nothing(chat: Page) -> None:
    attach(chat, TABLE)
    chat.route("**/files?*", lambda route: route.abort())
    chat.reload()
    expect(chat.locator(".pending")).to_have_text("Looking for your files")
    send(chat, "Look")
    expect(chat.locator(ERROR)).to_contain_text("The files of this message are not here yet.")
    chat.unroute("**/files?*")
    expect(tiles(chat)).to_have_count(1)
    box(chat).press("Enter")
    wait_for_state(chat, "completed")
    assert question(chat) == ["bookings.csv"]


def test_two_tabs_write_the_same_message(chat: Page, context: BrowserContext) -> None:
    start(chat, "hello")
    other = context.new_page()
    other.goto(chat.url)
    other.get_by_label("Attach files").focus()
    attach(chat, TABLE, PICTURE)
    expect(tiles(other)).to_have_count(2)
    remove(chat, "chart.png")
    expect(tiles(other)).to_have_count(1)
    send(other, "Look")
    wait_for_state(other, "completed")
    expect(tiles(chat)).to_have_count(0)
    expect(chat.locator("article.turn")).to_have_count(4)
    assert question(chat) == ["bookings.csv"]


def test_a_message_that_is_refused_gives_its_files_back(chat: Page) -> None:
    start(chat, "hello")
    attach(chat, TABLE)
    chat.route("**/messages", lambda route: route.abort())
    send(chat, "Look")
    expect(chat.locator(ERROR)).to_contain_text("could not be sent")
    expect(tiles(chat)).to_have_count(1)
    expect(box(chat)).to_have_value("Look")
    chat.unroute("**/messages")
    box(chat).press("Enter")
    expect(chat.locator("article.turn")).to_have_count(4)
    wait_for_state(chat, "completed")
    assert question(chat) == ["bookings.csv"]


def test_a_message_on_its_way_shows_its_files_and_what_is_attached_meanwhile_stays(chat: Page) -> None:
    start(chat, "hello")
    attach(chat, TABLE)
    held: list[Route] = []
    chat.route("**/messages", lambda route: held.append(route))
    send(chat, "Look")
    expect(chat.locator(".turn[data-sending] .file .name")).to_have_text("bookings.csv")
    expect(chat.locator(".turn[data-sending] .file :is(button, input)")).to_have_count(0)
    expect(tiles(chat)).to_have_count(0)
    attach(chat, PICTURE)
    until(lambda: chat.evaluate("1") and held)
    held[0].continue_()
    expect(chat.locator("article.turn")).to_have_count(4)
    assert question(chat) == ["bookings.csv"]
    expect(tiles(chat)).to_have_count(1)
    expect(tile(chat, "chart.png")).to_be_visible()


def test_a_restart_keeps_what_is_attached_and_an_upload_it_breaks_can_be_tried_again(
    page: Page, serve: Callable[..., Server], tmp_path: Path
) -> None:
    database = str(tmp_path / "chat.db")
    server = serve("--db", database)
    with Proxy(server.port) as proxy:
        page.goto(f"http://127.0.0.1:{proxy.port}/chat/")
        attach(page, TABLE)
        proxy.hold()
        page.set_input_files("#composer input[type=file]", [LARGE])
        expect(tile(page, "large.bin").locator(".meta")).to_contain_text("%")
        server.kill()
        expect(tile(page, "large.bin").locator(".meta")).to_have_text("Failed. Retry")
        proxy.forward()
        proxy.to(serve("--db", database).port)
        page.get_by_role("button", name="Retry large.bin").click()
        expect(tile(page, "large.bin")).to_have_attribute("data-state", "draft")
        start(page, "Look")
        expect(answer(page)).to_contain_text("bookings.csv is text/csv")
        expect(answer(page)).to_contain_text("6000000 bytes")
        assert_same_after_reload(page)


def test_a_draft_is_of_the_conversation_that_the_page_is_in_by_then(chat: Page) -> None:
    attach(chat, TABLE)
    start(chat, "Look")
    attach(chat, PICTURE)
    chat.reload()
    expect(tile(chat, "chart.png")).to_be_visible()
    chat.get_by_role("link", name="New").click()
    expect(chat.locator("h1")).to_have_text("New conversation")
    expect(tiles(chat)).to_have_count(0)


def test_an_edit_keeps_the_files_of_its_message(chat: Page) -> None:
    attach(chat, TABLE)
    start(chat, "Look")
    chat.get_by_role("link", name="Edit").click()
    chat.locator("chat-edit:defined").get_by_role("textbox", name="Your message").fill("Look again")
    chat.keyboard.press("Enter")
    expect(answer(chat)).to_contain_text("Echo: Look again")
    expect(answer(chat)).to_contain_text("bookings.csv is text/csv")
    assert question(chat) == ["bookings.csv"]
    assert_same_after_reload(chat)


def test_an_edit_takes_files_away_and_adds_some_and_its_draft_outlives_a_reload(
    chat: Page, context: BrowserContext
) -> None:
    attach(chat, TABLE, PICTURE)
    start(chat, "Look")
    edited = chat.locator("#edit-files > .file")
    for again in (False, True):
        chat.get_by_role("link", name="Edit").click()
        expect(edited).to_have_count(2)
        chat.get_by_role("button", name="Remove bookings.csv").click()
        expect(edited).to_have_count(1)
        chat.locator("chat-edit input[type=file]").set_input_files(file("notes.txt", b"told"))
        expect(chat.locator("#edit-files > [data-state=draft]")).to_have_count(2)
        if again:
            break
        chat.get_by_role("link", name="Cancel").click()
        expect(edited).to_have_count(0)
    expect(tiles(chat)).to_have_count(0)
    chat.reload()
    expect(chat.locator("#edit-files .name")).to_have_text(["chart.png", "notes.txt"])
    chat.locator("chat-edit:defined").get_by_role("textbox", name="Your message").fill("")
    chat.get_by_role("button", name="Save and send").click()
    expect(answer(chat)).to_contain_text("notes.txt is text/plain, 4 bytes.")
    expect(answer(chat)).not_to_contain_text("bookings.csv")
    assert question(chat) == ["chart.png", "notes.txt"]
    assert_same_after_reload(chat)
    chat.locator("[name=earlier]").click()
    expect(answer(chat)).to_contain_text("bookings.csv is text/csv")
    assert question(chat) == ["bookings.csv", "chart.png"]
    with chat.expect_download() as saved:
        chat.evaluate("document.querySelector('.turn .file a.name').removeAttribute('data-preview')")
        chat.locator(".turn .file a.name").first.click()
    assert saved.value.path().read_bytes() == CSV
    chat.get_by_role("link", name="Edit").click()
    expect(edited).to_have_count(2)
    for name in ("chart.png", "bookings.csv"):  # what comes under the pointer is not pressed for a moment
        chat.get_by_role("button", name=f"Remove {name}").click()
    chat.locator("chat-edit:defined").get_by_role("textbox", name="Your message").fill("Nothing")
    chat.keyboard.press("Enter")
    expect(answer(chat)).to_contain_text("Echo: Nothing")
    expect(chat.locator(".versions")).to_contain_text("3/3")
    assert question(chat) == []


POSTGRES = """
from fastapi import FastAPI
from htmxchat import LocalBackend, Store, create_chat_app
from tests.browser.hosts import respond

app = FastAPI()
app.mount("/chat", create_chat_app(LocalBackend(respond, Store({url!r}))))
"""


def test_files_edits_and_answers_to_forms_are_kept_in_postgresql_over_restarts(
    page: Page, postgres: Postgres, tmp_path: Path
) -> None:
    source, port = POSTGRES.format(url=postgres.url), free_port()
    with uvicorn(tmp_path / "app", source, port=port) as host:
        page.goto(f"{host.url}/chat/")
        attach(page, TABLE, LARGE)
    with uvicorn(tmp_path / "app", source, port=port):
        page.reload()
        expect(tiles(page)).to_have_count(2)
        start(page, "Look")
        expect(answer(page)).to_contain_text("large.bin is application/octet-stream, 6000000 bytes.")
        send(page, "give " + json.dumps([["chart.png", "picture"]]))
        expect(page.locator("article.turn")).to_have_count(4)
        wait_for_state(page, "completed")
        assert_same_after_reload(page)
        expect(answer(page).get_by_role("img", name="chart.png")).to_have_js_property("naturalWidth", 520)
        page.get_by_role("link", name="Edit").first.click()
        page.get_by_role("button", name="Remove large.bin").click()
        page.locator("chat-edit:defined").get_by_role("textbox", name="Your message").fill("ask leave")
        page.keyboard.press("Enter")
        page.get_by_role("button", name="Approve").click()
        wait_for_state(page, "completed")
    with uvicorn(tmp_path / "app", source, port=port):
        page.reload()
        expect(page.locator(".request[data-state=answered]")).to_be_visible()
        assert question(page) == ["bookings.csv"]
        page.locator("[name=earlier]").click()
        expect(page.locator("article.turn")).to_have_count(4)
        assert_same_after_reload(page)


# Look at


@pytest.mark.parametrize("content", ["table", "picture", "text"])
def test_a_file_opens_in_a_window(chat: Page, content: str) -> None:
    files = {"table": TABLE, "picture": PICTURE, "text": file("notes.md", b"# Title\n<b>not bold</b>")}
    name = files[content]["name"]
    attach(chat, files[content])
    start(chat, "Look")
    link = chat.locator("article.turn[data-role=user] .file a.name")
    link.focus()
    chat.keyboard.press("Enter")
    window = chat.get_by_role("dialog", name=name)
    expect(window).to_be_visible()
    if content == "table":
        expect(window.locator("tr")).to_have_text(["daybookings", "Monday412", "Tuesday398"])
    elif content == "picture":
        expect(window.get_by_role("img", name=name)).to_have_js_property("naturalWidth", 520)
    else:
        expect(window.locator("pre")).to_have_text("# Title\n<b>not bold</b>")
    with chat.expect_download() as saved:
        window.get_by_role("link", name="Download").click()
    assert saved.value.suggested_filename == name
    assert Path(saved.value.path()).read_bytes() == files[content]["buffer"]
    chat.keyboard.press("Escape")
    expect(window).to_have_count(0)
    expect(link).to_be_focused()


def test_what_cannot_be_shown_is_saved(chat: Page) -> None:
    attach(chat, file("report.pdf", b"%PDF-1.7\n" + b"\0" * 64, "application/pdf"))
    start(chat, "Look")
    with chat.expect_download() as saved:
        chat.locator("article.turn .file a.name").click()
    assert saved.value.suggested_filename == "report.pdf"


# What an answer gives back


@pytest.mark.parametrize("stream", ["chat", "polling"])
def test_files_of_an_answer_stand_in_their_place_live_and_after_a_reload(stream: str, page: Page, site: Server) -> None:
    page.goto(site.at(f"{stream}/"))
    send(page, "give " + json.dumps([["late.csv", "a,b\n1,2\n"], ["notes.txt", "words"], ["chart.png", "picture"]]))
    wait_for_state(page, "completed")
    parts = answer(page).locator(".parts > *")
    expect(parts).to_have_count(3)
    expect(parts.nth(1).locator(".file .name")).to_have_text(["late.csv", "notes.txt", "chart.png"])
    expect(parts.nth(1).get_by_role("img", name="chart.png")).to_have_js_property("naturalWidth", 520)
    expect(parts.nth(2)).to_have_text("That is all.")
    assert_same_after_reload(page)
    answer(page).locator("a.name", has_text="late.csv").click()
    expect(page.get_by_role("dialog", name="late.csv").locator("td")).to_have_text(["1", "2"])


def test_the_demo_gives_files_and_looks_into_those_that_it_is_given(page: Page, site: Server) -> None:
    page.goto(site.at("demo/"))
    page.get_by_role("button", name="Export the bookings").click()
    wait_for_state(page, "completed")
    expect(answer(page).locator(".file .name")).to_have_text(["bookings.csv", "bookings.png"])
    assert_same_after_reload(page)
    attach(page, TABLE)
    start(page, "What is in it?")
    expect(answer(page)).to_contain_text("bookings.csv: text/csv, 36 bytes, 3 lines")
    expect(answer(page).locator(".file .name")).to_have_text(["summary.csv", "bookings.png"])


# Without the page's script


def with_files_sent(page: Page, site: Server) -> Page:
    """Send a message with a table and a picture from a new page."""
    page.goto(site.url)
    box(page).fill("Look")
    page.get_by_label("Attach files").set_input_files([TABLE, PICTURE])
    page.get_by_role("button", name="Send").click()
    return page


def test_without_javascript_files_are_sent_with_a_form(
    new_context: Callable[..., BrowserContext], site: Server
) -> None:
    page = with_files_sent(new_context(java_script_enabled=False).new_page(), site)
    expect(page.locator("article.turn[data-role=user] .file .name")).to_have_text(["bookings.csv", "chart.png"])
    until(lambda: page.reload() and answer(page).get_attribute("data-state") == "completed")
    expect(answer(page)).to_contain_text(f"bookings.csv is text/csv, {len(CSV)} bytes.")
    with page.expect_download() as saved:
        page.locator(".file a.name").first.click()
    assert saved.value.suggested_filename == "bookings.csv"


def test_without_javascript_an_edit_takes_files_away_and_adds_some(
    new_context: Callable[..., BrowserContext], site: Server
) -> None:
    page = with_files_sent(new_context(java_script_enabled=False).new_page(), site)
    until(lambda: page.reload() and answer(page).get_attribute("data-state") == "completed")
    page.get_by_role("link", name="Edit").click()
    page.get_by_label("Send bookings.csv").uncheck()
    page.locator("chat-edit input[type=file]").set_input_files(file("notes.txt", b"told"))
    page.get_by_role("button", name="Save and send").click()
    expect(page.locator("article.turn[data-role=user] .file .name")).to_have_text(["chart.png", "notes.txt"])
    until(lambda: page.reload() and answer(page).get_attribute("data-state") == "completed")
    expect(answer(page)).to_contain_text("notes.txt is text/plain, 4 bytes.")


def test_without_javascript_a_refusal_keeps_the_files_to_be_sent_or_not(
    new_context: Callable[..., BrowserContext], site: Server
) -> None:
    page = new_context(java_script_enabled=False).new_page()
    page.goto(site.url)
    box(page).fill("forever")
    page.get_by_role("button", name="Send").click()
    box(page).fill("Look")
    page.get_by_label("Attach files").set_input_files([TABLE, PICTURE])
    page.get_by_role("button", name="Send").click()
    expect(page.locator(ERROR)).to_contain_text("The agent is still answering.")
    expect(box(page)).to_have_value("Look")
    expect(tiles(page)).to_have_count(2)
    page.get_by_label("Send chart.png").uncheck()
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("article.turn")).to_have_count(2)
