"""The chat's style sheet in a page of a host's own."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page

HOST = """<!doctype html>
<html lang="en"><head><title>Desk</title>%s</head><body>
<main>
  <h1>Desk</h1><h2>Today</h2>
  <p class="cut quiet">Two <b>deploys</b>, <a href="/">one</a> <mark>open</mark>, by <kbd>Tab</kbd>.</p>
  <ul class="menu"><li class="state" data-state="running">One</li></ul><ol><li>Two</li></ol><dl><dt>a</dt><dd>b</dd></dl>
  <table class="table"><thead><tr><th>n</th></tr></thead><tbody><tr><td>1</td></tr></tbody></table>
  <pre class="code"><code><span class="k">def</span></code></pre><blockquote>So</blockquote><hr><time>12:00</time>
  <details open><summary>More</summary><p hidden>Hidden</p></details>
  <form class="composer">
    <label>Name <input name="name" placeholder="Name"></label><input type="checkbox" checked><textarea>t</textarea>
    <select><option>1</option></select><button class="button" name="copy">Copy</button>
    <progress value="0.5"></progress>
  </form>
  <figure><img alt="" width="10" height="10"><figcaption>F</figcaption></figure>
  <div class="box card badge notice column hidden">x</div>
  <article class="turn" data-role="user"><div class="turn-body">A turn of the host's</div></article>
</main>
<div class="%s" style="position: absolute"><table><tr><td>1</td></tr></table><h1>Chat</h1><button class="button">Go</button></div>
</body></html>"""

PSEUDO = ["::before", "::after", "::placeholder", "::marker", "::selection"]

STYLES = """(pseudo) => [...document.querySelectorAll("html, body, main, main *")].flatMap((element) =>
  [null, ...pseudo].map((part) => {
    const style = getComputedStyle(element, part);
    const names = [...style].filter((name) => !name.startsWith("--"));
    return [element.localName, part, ...names.map((name) => `${name}: ${style.getPropertyValue(name)}`)];
  }))"""


def styles(page: Page, url: str, head: str = "", name: str = "") -> list[Any]:
    """Return all computed styles of the host's own elements, of a page with `head`."""
    page.route(url, lambda route: route.fulfill(body=HOST % (head, name), content_type="text/html"))
    page.goto(url)
    page.unroute(url)
    found: list[Any] = page.evaluate(STYLES, PSEUDO)
    return found


def test_nothing_of_a_hosts_page_changes_outside_of_what_has_the_chats_look(chat: Page) -> None:
    sheet = chat.locator("link[rel=stylesheet]").first.evaluate("it => it.href")
    url = chat.url.partition("#")[0] + "desk"
    bare = styles(chat, url)
    within = "() => getComputedStyle(document.querySelector('body > div button')).borderRadius"
    assert chat.evaluate(within) != "6px"
    link = f'<link rel="stylesheet" href="{sheet}">'
    for name in ("", "htmxchat"):
        for own, changed in zip(bare, styles(chat, url, link, name), strict=True):
            assert own == changed
        assert (chat.evaluate(within) == "6px") == bool(name)
