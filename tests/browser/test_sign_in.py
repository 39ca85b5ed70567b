"""Signing in through a server, as a person sees it: a token that ends midway costs nothing that was typed."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Page, expect
from starlette.applications import Starlette
from starlette.routing import Mount

from htmxchat import LocalBackend, Request, Store, chat_lifespan, create_chat_app
from htmxchat.agents.kogwistar import KogwistarLogin
from htmxchat.agents.kogwistar.transport.tokens import claims
from tests.browser.driving import answer, send, wait_for_state, wait_for_word
from tests.fake_auth import FakeAuth, Serving

TEXT = "A question that took long to write"
COMPOSER = "#composer textarea"


async def respond(request: Request) -> AsyncIterator[str]:
    number = 0
    while request.text == "forever":
        yield f"w{number} "
        number += 1
        await asyncio.sleep(0.05)
    yield f"Echo: {request.text}"


@dataclass
class Place:
    """A chat that signs people in through a server."""

    auth: FakeAuth
    url: str


@pytest.fixture(params=["dev", "oidc"])
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    store = Store()
    with FakeAuth(request.param) as auth:
        chat = create_chat_app(LocalBackend(respond, store), login=KogwistarLogin(auth.url, store))
        with Serving(Starlette(routes=[Mount("/chat", chat)], lifespan=chat_lifespan(chat))) as host:
            auth.ui_url = f"{host.url}/chat/login/callback"
            yield Place(auth, f"{host.url}/chat/")


def sign_in(page: Page) -> None:
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("#history")).to_contain_text("Dev User")


def wait_for_the_end(place: Place) -> None:
    """Wait until the token that was given out last is good no more, by what it says itself."""
    time.sleep(max(0.0, claims(place.auth.tokens[-1])["exp"] + 0.5 - time.time()))


def test_a_person_signs_in_asks_and_signs_out(place: Place, page: Page) -> None:
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text) if "Content Security" in message.text else None)
    page.goto(f"{place.url}history")
    expect(page.get_by_role("heading")).to_contain_text("Sign in to ")
    sign_in(page)
    assert page.url == f"{place.url}history"
    page.goto(place.url)
    send(page, "Hello")
    wait_for_state(page, "completed")
    expect(answer(page)).to_contain_text("Echo: Hello")
    (token,) = place.auth.tokens
    assert token not in page.content()
    assert token not in page.evaluate("JSON.stringify([document.cookie, {...localStorage}, {...sessionStorage}])")
    assert token not in "".join(str(cookie) for cookie in page.context.cookies())
    assert problems == []
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    page.goto(place.url)
    expect(page.get_by_role("heading")).to_contain_text("Sign in to ")


def test_going_back_after_signing_in_does_no_harm(place: Place, page: Page) -> None:
    page.goto(place.url)
    sign_in(page)
    page.go_back()
    page.wait_for_load_state("networkidle")  # what was gone back to can lead on by itself
    page.goto(place.url)
    expect(page.locator("#history")).to_contain_text("Dev User")


def test_a_token_that_ends_mid_conversation_costs_nothing_that_was_typed(place: Place, page: Page) -> None:
    place.auth.lasts = 12
    page.goto(place.url)
    sign_in(page)
    send(page, "Hello")
    wait_for_state(page, "completed")
    conversation = page.url
    page.locator(COMPOSER).press_sequentially(TEXT)
    wait_for_the_end(place)
    page.press(COMPOSER, "Enter")
    error = page.locator("#composer-error")
    expect(error).to_contain_text("You are signed out. What you typed is kept.")
    expect(page.locator(COMPOSER)).to_have_value(TEXT)
    place.auth.lasts = 14_400
    error.get_by_role("link", name="Sign in").click()
    sign_in(page)
    assert page.url == conversation
    expect(page.locator(COMPOSER)).to_have_value(TEXT)
    expect(answer(page)).to_contain_text("Echo: Hello")
    page.press(COMPOSER, "Enter")
    expect(answer(page)).to_contain_text(f"Echo: {TEXT}")
    expect(page.locator(COMPOSER)).to_have_value("")


@pytest.mark.parametrize("place", ["dev"], indirect=True)
def test_a_stream_that_is_open_when_the_token_ends_stops_with_a_sentence(place: Place, page: Page) -> None:
    place.auth.lasts = 12
    page.goto(place.url)
    sign_in(page)
    send(page, "forever")
    wait_for_word(page, 3)
    page.locator(COMPOSER).press_sequentially(TEXT)
    wait_for_the_end(place)
    expect(answer(page).locator(".connection")).to_contain_text("You are signed out.")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.wait_for_timeout(3_000)
    # What other tabs have changed is asked for once more at most, and the answer says that nobody is signed in.
    assert [each for each in asked if "/changes?" not in each] == []
    assert len(asked) <= 1
    place.auth.lasts = 14_400
    page.reload()
    sign_in(page)
    expect(page.locator(COMPOSER)).to_have_value(TEXT)
    seen = answer(page).inner_text()
    expect(answer(page)).not_to_have_text(seen)  # it has gone on meanwhile, and does
    page.locator("#composer").get_by_role("button", name="Stop").click()
    wait_for_state(page, "cancelled")


def test_an_account_that_cannot_chat_is_told_so(place: Place, page: Page) -> None:
    answers: list[str] = []
    page.on("response", lambda response: answers.append(f"{response.status} {response.url}"))
    place.auth.user |= {"role": "ro", "ns": "docs"}
    page.goto(place.url)
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("main")).to_contain_text("You have signed in as Dev User, but this account may only read")
    expect(page).to_have_url(re.compile(r"/login\?back="))
    assert "token" not in page.content() + page.evaluate("location.href + document.referrer")
    # No page ever had the token's address: the browser's history does not, with or without scripts.
    assert [each[:3] for each in answers if "token=" in each] == ["303"]
    page.reload()
    expect(page.get_by_role("heading")).to_contain_text("Sign in to ")
