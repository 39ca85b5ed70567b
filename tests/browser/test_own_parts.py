"""Parts that the host draws, as a person sees them: live, reloaded, in another tab; with forms that keep what was typed."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from fasthtml.common import Button, Div, Form, Input, Label, P, Progress
from playwright.sync_api import BrowserContext, Page, expect
from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Mount, Route

from htmxchat import Custom, LocalBackend, PartContext, Request, Said, chat_lifespan, create_chat_app
from tests.browser.driving import assert_same_after_reload, dom, send, start, wait_for_state
from tests.fake_auth import Serving
from tests.test_examples import load


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The example as it is."""
    with Serving(load("own_parts").app) as host:
        yield f"{host.url}/chat/"


def look(page: Page, name: str) -> None:
    """Keep a picture where one is wanted."""
    if folder := os.environ.get("PICTURES"):
        page.screenshot(path=f"{folder}/{name}.png")


def test_a_chart_is_the_same_live_and_reloaded_and_reads_well(url: str, page: Page) -> None:
    page.goto(url)
    start(page, "What is the forecast for Oslo?")
    chart = page.get_by_role("img", name="19 degrees at 14")
    expect(chart).to_be_visible()
    expect(page.locator(".drawn .step")).to_contain_text("get_forecast")
    assert_same_after_reload(page)
    assert chart.evaluate("e => e.getBoundingClientRect().width") > 200
    look(page, "chart")
    assert Axe().run(page).response["violations"] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_parts_fit_any_page(url: str, new_context: Callable[..., BrowserContext], width: int, scheme: Any) -> None:
    page = new_context(viewport={"width": width, "height": 800}, color_scheme=scheme).new_page()
    page.goto(url)
    start(page, "What is the forecast for Oslo?")
    send(page, "Book a table for us.")
    wait_for_state(page, "completed")
    expect(page.get_by_label("Guests")).to_be_visible()
    for card in page.locator(".card").all():
        assert card.evaluate("e => e.scrollWidth <= e.clientWidth")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    look(page, f"parts-{width}-{scheme}")
    assert Axe().run(page).response["violations"] == []


def test_a_form_goes_to_the_host_and_its_answer_is_there_after_a_reload(url: str, page: Page) -> None:
    page.goto(url)
    start(page, "Book a table for us.")
    guests = page.get_by_label("Guests")
    guests.fill("90")
    page.locator(".card form").evaluate("form => form.noValidate = true")
    page.get_by_role("button", name="Book", exact=True).click()
    expect(page.get_by_role("alert").filter(has_text="1 to 12")).to_be_visible()
    guests.fill("4")
    guests.press("Enter")
    expect(page.locator(".card")).to_contain_text("Booked for 4.")
    page.reload()
    expect(page.locator(".card")).to_contain_text("Booked for 4.")
    expect(page.locator(".card form")).to_have_count(0)


def test_a_card_moves_in_its_place_in_every_tab(url: str, page: Page, context: BrowserContext) -> None:
    page.goto(url)
    send(page, "Restart the workers.")
    card = page.locator(".card")
    expect(card).to_contain_text("of 40")
    card.evaluate("e => { window.card = e }")
    other = context.new_page()
    other.goto(page.url)
    early = int(re.findall(r"(\d+) of", card.inner_text())[0])
    expect(other.locator(".card")).to_contain_text("of 40")
    look(page, "progress")
    wait_for_state(page, "completed")
    assert early < 40, "it was not seen to move"
    expect(card).to_contain_text("40 of 40")
    assert page.evaluate("window.card === document.querySelector('.card')"), "it was replaced"
    wait_for_state(other, "completed")
    for each in (page, other):
        each.wait_for_selector("chat-live", state="detached")
    assert dom(other) == dom(page)
    assert_same_after_reload(page)


class Steps:
    """A chat whose card is brought up to date when the test says so."""

    def __init__(self) -> None:
        self.next = asyncio.Event()

    async def respond(self, request: Request) -> AsyncIterator[Said]:
        for number in range(3):
            yield Custom("card", number, "card")
            await self.next.wait()
            self.next.clear()

    async def step(self, request: object) -> HTMLResponse:
        self.next.set()
        return HTMLResponse("<p>Taken</p>")

    def draw(self, data: int, context: PartContext) -> Any:
        return Div(
            P(f"Step {data}"),
            Progress(value=data, max=3, aria_label="Steps"),
            Form(Label("Name", Input(name="name")), Button("Save"), hx_post="/step"),
            Div(id=f"{context.id}-said"),
        )


def test_what_is_typed_into_a_card_outlives_its_updates(page: Page) -> None:
    steps = Steps()
    chat = create_chat_app(LocalBackend(steps.respond), parts={"card": steps.draw})
    routes = [Route("/step", steps.step, methods=["POST"]), Mount("/chat", chat)]
    with Serving(Starlette(routes=routes, lifespan=chat_lifespan(chat))) as host:
        page.goto(f"{host.url}/chat/")
        send(page, "Go")
        name = page.get_by_label("Name")
        name.click()
        name.press_sequentially("Ann")
        for number in (1, 2):
            page.request.post(f"{host.url}/step")
            expect(page.locator(".card")).to_contain_text(f"Step {number}")
            expect(name).to_have_value("Ann")
            expect(name).to_be_focused()
        name.press_sequentially("a")
        expect(name).to_have_value("Anna")
        page.request.post(f"{host.url}/step")
        wait_for_state(page, "completed")
        expect(name).to_have_value("Anna")
