"""Every component in every state: axe finds nothing, and nothing is wider than its page; light and dark, desk and phone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page

from htmxchat.cli.styleguide.pages import addresses
from scripts.illustrations.styleguide import style_guide_site

SIZES: dict[str, tuple[Literal["light", "dark"], int, int]] = {
    "desk, light": ("light", 1200, 800),
    "phone, dark": ("dark", 360, 740),
}
# What is on the page is as wide as its place, no text is cut off without a sign, nothing that is pressed is over
# anything else that is, and each state of a component shows something.
WRONG = """() => [
    document.documentElement.scrollWidth > innerWidth && 'it is wider than the window',
    [...document.querySelectorAll('.guide-case')].some(it => it.lastElementChild.getBoundingClientRect().height < 16)
        && 'a state shows nothing',
    [...document.querySelectorAll('.guide-case, .room')].some(it => it.clientWidth > 1 && it.scrollWidth > it.clientWidth + 1)
        && 'something leaves its place',
    !document.body.innerText.trim() && 'it is empty',
    ...[...document.querySelectorAll('*')].filter(it => it.checkVisibility({ checkOpacity: true }) && it.clientWidth > 1
        && getComputedStyle(it).overflowX === 'hidden' && getComputedStyle(it).textOverflow === 'clip'
        && it.scrollWidth > it.clientWidth + 1).map(it => `text is cut off: ${it.outerHTML.slice(0, 200)}`),
    ...[...document.querySelectorAll('.room, .guide-case')].flatMap(place => {
        const pressed = [...place.querySelectorAll('a, button, summary, input, select, textarea')]
            .filter(it => it.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true })).map(it => [it, it.getBoundingClientRect()]);
        return pressed.flatMap(([one, a], place) => pressed.slice(place + 1)
            .filter(([other, b]) => !one.contains(other) && a.width > 1 && b.width > 1
                && Math.min(a.right, b.right) - Math.max(a.left, b.left) > 2
                && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 2)
            .map(([other]) => `${one.outerHTML.slice(0, 100)} is over ${other.outerHTML.slice(0, 100)}`));
    }),
].filter(Boolean)"""


@pytest.fixture(scope="module")
def guide() -> Iterator[str]:
    with style_guide_site() as url:
        yield url


@pytest.mark.parametrize("size", SIZES)
def test_every_state_of_every_component(new_context: Callable[..., BrowserContext], guide: str, size: str) -> None:
    scheme, width, height = SIZES[size]
    context = new_context(color_scheme=scheme, viewport={"width": width, "height": height})
    page, trouble = context.new_page(), []
    for address in addresses():
        response = page.goto(f"{guide}{address}")
        assert response is not None and response.ok, address
        trouble += [f"{address}: {each}" for each in page.evaluate(WRONG)]
        trouble += [f"{address}: {each['id']}, {each['nodes'][0]['html']}" for each in violations(page)]
    assert trouble == []


def test_the_page_of_all_components(new_context: Callable[..., BrowserContext], guide: str) -> None:
    page = new_context(viewport={"width": 1200, "height": 800}).new_page()
    page.goto(guide)
    assert page.locator("iframe").count() == 2 * len(list(addresses()))
    assert page.locator(".guide-tokens li").count() > 60
    assert violations(page) == [] and page.evaluate(WRONG) == []


def violations(page: Page) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = Axe().run(page).response["violations"]
    return found
