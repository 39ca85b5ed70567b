"""What tests do with files on a page, in the user's terms."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from playwright.sync_api import FilePayload, Locator, Page, expect

from tests.browser.hosts import PNG

CSV = b"day,bookings\nMonday,412\nTuesday,398\n"

# A browser lets no script say what is in a real drag or clipboard, so the events are made as it makes them.
_CARRY = """([files, types]) => {
  const data = new DataTransfer();
  for (const [type, text] of types) data.setData(type, text);
  for (const { name, type, content } of files) {
    const bytes = Uint8Array.from(atob(content), (each) => each.charCodeAt(0));
    data.items.add(new File([bytes], name, { type }));
  }
  return data;
}"""

# Uploads so many megabytes, without what the page's script looks at before.
UPLOAD = """async megabytes => {
  const body = new FormData();
  body.append('upload', new Blob(Array(megabytes).fill(new Uint8Array(1024 * 1024))), 'large.bin');
  const answer = await fetch('files', { method: 'POST', body, headers: { 'HX-Request': 'true' } });
  return [answer.status, await answer.text()];
}"""


def file(name: str, content: bytes, media_type: str = "text/plain") -> FilePayload:
    return {"name": name, "mimeType": media_type, "buffer": content}


TABLE = file("bookings.csv", CSV, "text/csv")
PICTURE = file("chart.png", PNG, "image/png")


def attach(page: Page, *files: FilePayload) -> None:
    """Choose files, and wait until they are attached."""
    before = tiles(page).count()
    page.set_input_files("#composer input[type=file]", files)
    expect(page.locator("#composer-files > [data-state=draft]")).to_have_count(before + len(files))


def tiles(page: Page) -> Locator:
    """The files that are attached to what is being written."""
    return page.locator("#composer-files > .file")


def tile(page: Page, name: str) -> Locator:
    return tiles(page).filter(has=page.get_by_text(name, exact=True))


def remove(page: Page, name: str) -> None:
    tile(page, name).locator("button[name=remove]").click()


def carry(page: Page, *files: FilePayload, **types: str) -> Any:
    """Return what is dragged or copied: files, and text by its type (`text_html="…"`)."""
    given = [
        {"name": each["name"], "type": each["mimeType"], "content": b64encode(each["buffer"]).decode()}
        for each in files
    ]
    return page.evaluate_handle(_CARRY, [given, [(name.replace("_", "/"), text) for name, text in types.items()]])


def paste(page: Page, *files: FilePayload, **types: str) -> bool:
    """Paste into the message. Returns whether the page has taken it, so that the browser does not."""
    return bool(
        page.locator("#composer textarea").evaluate(
            """(box, clipboardData) => !box.dispatchEvent(
                new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }))""",
            carry(page, *files, **types),
        )
    )


def drag(page: Page, selector: str, kind: str, *files: FilePayload, **types: str) -> bool:
    """Drag something over a place (`dragover`), or drop it there (`drop`). Returns whether the page takes it."""
    return bool(
        page.locator(selector).evaluate(
            """(place, [kind, dataTransfer]) => !place.dispatchEvent(
                new DragEvent(kind, { dataTransfer, bubbles: true, cancelable: true }))""",
            [kind, carry(page, *files, **types)],
        )
    )
