"""What is pressed twice happens once, anyone who was too quick: the finger, the key, the network or the proxy."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Server
from tests.browser.driving import answer, box, send, start, until, wait_for_state


def begun(page: Page) -> int:
    """Return how many conversations there are."""
    page.reload()
    return page.locator("a[data-conversation]").count()


def hold(page: Page, path: str) -> list[Route]:
    """Hold back what is sent to `path`; return it as it comes."""
    held: list[Route] = []
    page.route(path, lambda route: held.append(route))
    return held


def release(page: Page, held: list[Route]) -> None:
    """Let through what was held back: the one that there is."""
    until(lambda: page.evaluate("1") and held)
    (only,) = held
    only.continue_()


def test_a_double_click_on_a_starter_begins_one_conversation(chat: Page) -> None:
    chat.get_by_role("button", name="Greet").dblclick()
    expect(chat).to_have_url(re.compile("/c/"))
    wait_for_state(chat, "completed")
    assert begun(chat) == 1
    expect(chat.locator("article.turn")).to_have_count(2)


def test_enter_held_on_a_starter_begins_one_conversation(chat: Page) -> None:
    held = hold(chat, "**/messages")
    chat.get_by_role("button", name="Greet").focus()
    for _ in range(10):
        chat.keyboard.down("Enter")
    chat.keyboard.up("Enter")
    release(chat, held)
    expect(chat).to_have_url(re.compile("/c/"))
    assert begun(chat) == 1
    expect(chat.locator("article.turn")).to_have_count(2)


def test_a_starter_and_a_message_do_not_begin_two_conversations(chat: Page) -> None:
    held = hold(chat, "**/messages")
    box(chat).fill("mine")
    chat.get_by_role("button", name="Greet").click()
    box(chat).press("Enter")
    release(chat, held)
    expect(chat).to_have_url(re.compile("/c/"))
    assert begun(chat) == 1


def test_a_message_whose_answer_was_lost_is_sent_again_and_taken_once(chat: Page) -> None:
    start(chat, "one")

    def lose(route: Route) -> None:
        route.fetch()
        route.abort()

    chat.route("**/messages", lose)
    send(chat, "two")
    expect(chat.locator("#composer-error")).to_contain_text("could not be sent")
    chat.unroute("**/messages")
    until(lambda: "Echo: two" in chat.request.get(chat.url).text())
    box(chat).press("Enter")
    expect(chat.locator("article.turn")).to_have_count(4)
    expect(answer(chat).locator(".prose")).to_have_text("Echo: two")
    expect(box(chat)).to_have_value("")
    # The same words once more, on purpose, are another message.
    send(chat, "two")
    expect(chat.locator("article.turn")).to_have_count(6)


def test_a_form_that_arrives_twice_without_javascript_leads_to_the_same_run(
    new_context: Callable[..., object], site: Server
) -> None:
    context = new_context(java_script_enabled=False)
    page = context.new_page()  # type: ignore[attr-defined]
    page.goto(site.url)
    submission = page.locator("#composer [name=submission]").get_attribute("value")
    form = {"submission": submission, "text": "hello"}
    first, second = (page.request.post(f"{site.url}messages", form=form, max_redirects=0) for _ in range(2))
    assert first.status == second.status == 303
    assert first.headers["location"] == second.headers["location"]
    page.goto(site.url)
    expect(page.locator("a[data-conversation]")).to_have_count(1)


def test_what_slides_under_the_pointer_is_not_pressed_by_a_second_click(chat: Page) -> None:
    start(chat, "ask", "suspended")
    chat.route("**/retry", lambda route: route.abort())
    asked: list[str] = []
    chat.on("request", lambda request: asked.append(request.url) if request.url.endswith("/retry") else None)
    choice = chat.get_by_role("button", name="north").bounding_box()
    assert choice
    x, y = choice["x"] + 8, choice["y"] + choice["height"] / 2
    # Wherever the layout puts it, here it comes to stand where the choice stood.
    chat.evaluate(
        """([x, y]) => new MutationObserver(() => {
          const button = document.querySelector('button[name=retry]');
          if (!button || button.style.position) return;
          Object.assign(button.style, { position: 'fixed', left: 0, top: 0, zIndex: 9 });
          const at = button.getBoundingClientRect();
          Object.assign(button.style, { left: x - 10 - at.x + 'px', top: y - 10 - at.y + 'px' });
        }).observe(document.body, { childList: true, subtree: true })""",
        [x, y],
    )
    under = "([x, y]) => document.elementFromPoint(x, y).closest('button')?.name"
    chat.mouse.click(x, y)
    chat.wait_for_timeout(400)
    assert chat.evaluate(under, [x, y]) == "retry"
    chat.mouse.click(x, y)
    chat.wait_for_timeout(800)
    assert asked == []
    # Who means it has looked first.
    chat.mouse.click(x, y)
    until(lambda: chat.evaluate("1") and asked)
