"""Files, where browsers differ: how they are chosen, dropped, uploaded, shown and opened."""

from __future__ import annotations

from base64 import b64encode

import pytest

from tests.browser.attaching import UPLOAD
from tests.browser.conftest import Server
from tests.browser.hosts import PNG
from tests.engines.chatting import ANSWER, assert_same_after_reload, open_chat, start, trouble, wait_for_state, watch
from tests.engines.webdriver import Browser

TILES = "() => [...document.querySelectorAll('#composer-files > [data-state=draft] .name')].map(it => it.textContent)"
BRING = """([how, files]) => {
  const data = new DataTransfer();
  for (const [name, type, content] of files) {
    data.items.add(new File([Uint8Array.from(atob(content), each => each.charCodeAt(0))], name, { type }));
  }
  const input = document.querySelector('chat-files input');
  if (how === 'choose') {
    input.files = data.files;
    input.dispatchEvent(new Event('change', { bubbles: true }));
    return;
  }
  for (const kind of ['dragover', 'drop']) {
    document.querySelector('#conversation').dispatchEvent(
      new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true }));
  }
}"""
FILES = [
    ["late.csv", "text/csv", b64encode(b"tenant,late\nt-1,412\n").decode()],
    ["chart.png", "image/png", b64encode(PNG).decode()],
]


@pytest.mark.parametrize("how", ["choose", "drop"])
def test_files_are_attached_sent_shown_and_opened(chat: Browser, how: str) -> None:
    watch(chat)
    chat.run(BRING, [how, FILES])
    chat.wait(f"() => ({TILES})().length === 2")
    assert sorted(chat.run(TILES)) == ["chart.png", "late.csv"]
    chat.wait("() => document.querySelector('#composer-files img')?.naturalWidth === 520")
    start(chat, "Look")
    assert "late.csv is text/csv, 20 bytes." in chat.text(ANSWER)
    assert f"chart.png is image/png, {len(PNG)} bytes." in chat.text(ANSWER)
    chat.click(".turn a.name[title='late.csv']")
    chat.wait("() => document.querySelector('dialog[open] td')?.textContent === 't-1'")
    chat.press("Escape")
    chat.wait("() => !document.querySelector('dialog')")
    assert trouble(chat) == []
    assert_same_after_reload(chat)


def test_an_answer_gives_files_the_same_after_a_reload(chat: Browser) -> None:
    start(chat, 'give [["notes.txt", "words"], ["chart.png", "picture"]]')
    wait_for_state(chat, "completed")
    chat.wait("() => document.querySelector('.turn .shown img')?.naturalWidth === 520")
    assert_same_after_reload(chat)


def test_what_is_much_too_large_is_refused_with_a_sentence_while_it_is_still_being_sent(
    engine: Browser, site: Server
) -> None:
    open_chat(engine, site.at("limited/"))
    for _ in range(2):
        assert engine.run(UPLOAD, 50) == [413, "The request is larger than 812 KB. Send less at a time."]
