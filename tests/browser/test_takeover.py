"""The process that answers goes while a page is open: another one continues, and the page hardly shows it."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.driving import answer, assert_complete, assert_same_after_reload, send, wait_for_state, wait_for_word
from tests.browser.proxy import Proxy
from tests.servers import Host, uvicorn

# In `handed-over`, no one ever takes a process for dead: what continues there was handed over.
APP = """
from starlette.applications import Starlette
from starlette.routing import Mount
from htmxchat import Checkpoint, InputRequested, LocalBackend, Store, chat_lifespan, create_chat_app
from htmxchat.journal import Timing
from tests.browser.hosts import NOTICE, respond
from tests.fleet.host import Resumable

class Agent(Resumable):
    async def resume(self, request, checkpoint):
        if not request.text.startswith("ask"):
            async for said in super().resume(request, checkpoint):
                yield said
            return
        if checkpoint != "asked":
            yield "Before. "
            yield Checkpoint("asked")
        form = dict(schema=NOTICE) if request.text == "ask form" else dict(choices=("red", "blue"))
        answer = yield InputRequested("colour", "Which colour?", **form)
        yield f"It is {{answer}}."

def chat(name, agent, **timing):
    backend = LocalBackend(agent, Store("sqlite:///{folder}/" + name), timing=Timing(renew=0.3, **timing))
    return create_chat_app(backend)

chats = {{
    "resumable": chat("resumable", Agent(), expire=2.0, watch=0.6),
    "handed-over": chat("handed-over", Agent(), expire=1_000.0),
    "plain": chat("plain", respond, expire=2.0, watch=0.6),
}}
mounts = [Mount("/" + name, each) for name, each in chats.items()]
app = Starlette(routes=mounts, lifespan=chat_lifespan(*chats.values()))
"""


GOES = [
    pytest.param("resumable", signal.SIGKILL, id="killed"),
    pytest.param("handed-over", signal.SIGTERM, id="stopped"),
]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two processes on one store; what the page asks goes to the first until that has gone."""

    first: Host
    second: Host
    proxy: Proxy

    def open(self, page: Page, chat: str) -> None:
        page.goto(f"http://127.0.0.1:{self.proxy.port}/{chat}/")

    def end(self, number: int) -> None:
        """Send the first process a signal; from now on the second serves."""
        self.proxy.to(self.second.port)
        self.first.stop(number)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> str:
    return APP.format(folder=tmp_path_factory.mktemp("databases"))


@pytest.fixture(scope="module")
def second(source: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    with uvicorn(tmp_path_factory.mktemp("second"), source) as host:
        yield host


@pytest.fixture
def pair(source: str, second: Host, tmp_path: Path) -> Iterator[Pair]:
    with uvicorn(tmp_path, source) as first, Proxy(first.port) as proxy:
        yield Pair(first, second, proxy)


@contextmanager
def not_reloaded(page: Page) -> Iterator[None]:
    """What happens to the page happens to the same document."""
    page.evaluate("document.documentElement.dataset.marked = 'yes'")
    yield
    assert page.evaluate("document.documentElement.dataset.marked") == "yes"


@pytest.mark.parametrize(("chat", "number"), GOES)
def test_an_answer_is_finished_in_its_turn_when_the_process_that_writes_it_goes(
    page: Page, pair: Pair, chat: str, number: int
) -> None:
    pair.open(page, chat)
    send(page, "words 90 15")
    wait_for_word(page, 20)
    turn = answer(page).get_attribute("id")
    with not_reloaded(page):
        pair.end(number)
        assert_complete(page, 90)
        expect(page.locator("#turns article")).to_have_count(2)
        assert answer(page).get_attribute("id") == turn
    assert_same_after_reload(page)


@pytest.mark.parametrize(("chat", "number"), GOES)
def test_a_question_from_before_a_deployment_is_answered_after_it_and_the_run_goes_on(
    page: Page, pair: Pair, chat: str, number: int
) -> None:
    pair.open(page, chat)
    send(page, "ask")
    wait_for_state(page, "suspended")
    with not_reloaded(page):
        pair.end(number)
        page.get_by_role("button", name="blue").click()
        wait_for_state(page, "completed")
        expect(answer(page).locator(".turn-body")).to_contain_text("It is blue.")
    assert_same_after_reload(page)


@pytest.mark.parametrize(("chat", "number"), GOES)
def test_what_is_typed_into_a_form_survives_a_deployment_and_a_reload(
    page: Page, pair: Pair, chat: str, number: int
) -> None:
    pair.open(page, chat)
    send(page, "ask form")
    expect(page.locator("chat-form:defined")).to_be_visible()
    page.locator("[name='answer/subject']").fill("Late mails")
    pair.end(number)
    page.reload()
    expect(page.locator("[name='answer/subject']")).to_have_value("Late mails")
    page.locator("[name='answer/reply_to']").fill("ops@example.com")
    page.locator("[name='answer/on']").fill("2027-01-31")
    page.locator("[name='answer/who']").select_option("0")
    page.get_by_label("mail", exact=True).check()
    page.get_by_role("button", name="Send answer").click()
    wait_for_state(page, "completed")
    expect(answer(page).locator(".turn-body")).to_contain_text("Late mails")
    assert_same_after_reload(page)


def test_a_plain_generators_question_can_no_longer_be_answered_and_can_be_asked_again(page: Page, pair: Pair) -> None:
    pair.open(page, "plain")
    send(page, "ask")
    wait_for_state(page, "suspended")
    with not_reloaded(page):
        pair.end(signal.SIGKILL)
        wait_for_state(page, "failed")
        expect(answer(page)).to_contain_text("This question can no longer be answered")
        expect(answer(page).locator(".request[data-state=withdrawn]")).to_contain_text("Which region?")
        expect(answer(page).locator("form.request")).to_have_count(0)
    assert_same_after_reload(page)
    with not_reloaded(page):
        page.get_by_role("button", name="Try again").click()
        wait_for_state(page, "suspended")
        page.get_by_role("button", name="north").click()
        wait_for_state(page, "completed")
        expect(answer(page).locator(".turn-body")).to_contain_text("You chose north.")
    assert_same_after_reload(page)
