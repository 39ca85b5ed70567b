"""Several agents in one chat: the user chooses, each run keeps its agent, and each agent its memory."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Any

import anyio
import pytest
from starlette.testclient import TestClient

from htmxchat import (
    JSON,
    Checkpoint,
    InvalidInput,
    LocalBackend,
    Remember,
    Request,
    Run,
    RunEvent,
    RunState,
    Said,
    Store,
    User,
    create_chat_app,
    fold,
)
from htmxchat.testing import each_event
from tests.support import FRAGMENT, QUICK, Element, kill, parse

pytestmark = pytest.mark.anyio

Make = Callable[[Any], LocalBackend]


class Remembering:
    """Says its name and what it was given."""

    def __init__(self, name: str) -> None:
        self._name = name

    async def answer(self, request: Request) -> AsyncGenerator[Said, None]:
        yield f"{self._name} {request.memory} {[turn.text for turn in request.history if turn.run]}"
        yield Remember(f"{self._name} {request.text}")


class Counting:
    """Counts up to ten, and can be resumed elsewhere."""

    name = "not used where there are several"

    def __init__(self, word: str, pace: float = 0) -> None:
        self._word = word
        self._pace = pace

    async def answer(self, request: Request) -> AsyncGenerator[Said, None]:
        async for said in self.resume(request, 0):
            yield said

    async def resume(self, request: Request, checkpoint: JSON) -> AsyncGenerator[Said, None]:
        for number in range(checkpoint if isinstance(checkpoint, int) else 0, 10):
            yield f"{self._word}{number} "
            yield Checkpoint(number + 1)
            await anyio.sleep(self._pace)


async def respond(request: Request) -> AsyncIterator[str]:
    yield "Plain"


@pytest.fixture
async def make(url: str) -> AsyncIterator[Make]:
    made: list[LocalBackend] = []

    def make(agent: Any) -> LocalBackend:
        made.append(LocalBackend(agent, Store(url), timing=QUICK))
        return made[-1]

    yield make
    for backend in made:
        await backend.close()


async def read(backend: LocalBackend, user: User, run: Run) -> list[RunEvent]:
    with anyio.fail_after(20):
        return [event async for event in each_event(backend, user, run.id)]


async def said(backend: LocalBackend, user: User, run: Run) -> str:
    return fold(await read(backend, user, run)).text


async def test_each_agent_has_its_own_memory_on_the_branch_and_the_history_of_all(make: Make, ann: User) -> None:
    backend = make({"fast": Remembering("F"), "careful": Remembering("C")})
    first = await backend.start_run(ann, None, "one")
    assert (first.agent, await said(backend, ann, first)) == ("fast", "F None []")
    conversation = first.conversation_id
    second = await backend.start_run(ann, conversation, "two", agent="careful")
    assert await said(backend, ann, second) == "C None ['F None []']"
    third = await backend.start_run(ann, conversation, "three", agent="fast")
    assert (await said(backend, ann, third)).startswith("F F one ['F None []', ")
    fourth = await backend.start_run(ann, conversation, "four", agent="careful")
    assert (await said(backend, ann, fourth)).startswith("C C two [")
    edited = await backend.edit_turn(ann, conversation, second.turn_id, "zwei", agent="careful")
    assert await said(backend, ann, edited) == "C None ['F None []']"
    assert [turn.run.agent for turn in (await backend.load_transcript(ann, conversation)).turns if turn.run] == [
        "fast",
        "careful",
    ]
    assert [each.run.agent for each in await backend.list_runs(ann, conversation)] == ["careful", "fast"]


async def test_without_a_choice_the_same_agent_goes_on(make: Make, ann: User) -> None:
    backend = make({"fast": respond, "careful": respond})
    assert backend.agents == ("fast", "careful")
    first = await backend.start_run(ann, None, "one", agent="careful")
    await read(backend, ann, first)
    second = await backend.start_run(ann, first.conversation_id, "two")
    assert second.agent == "careful"
    await read(backend, ann, second)
    third = await backend.start_run(ann, first.conversation_id, "three", agent="fast")
    assert fold(await read(backend, ann, third)).agent == "fast"
    retried = await backend.retry_run(ann, first.id)
    await read(backend, ann, retried)
    edited = await backend.edit_turn(ann, first.conversation_id, second.turn_id, "zwei")
    await read(backend, ann, edited)
    assert (retried.agent, edited.agent) == ("careful", "careful")
    again = await backend.retry_run(ann, second.id, agent="fast")
    assert (again.agent, again.turn_id) == ("fast", second.turn_id)
    await read(backend, ann, again)
    for call in (
        backend.start_run(ann, first.conversation_id, "four", agent="slow"),
        backend.start_run_once(ann, None, "four", "once", agent="slow"),
        backend.retry_run(ann, again.id, agent="slow"),
        backend.edit_turn(ann, first.conversation_id, first.turn_id, "eins", agent="slow"),
    ):
        with pytest.raises(InvalidInput, match="not there any more"):
            await call


async def test_an_agent_that_is_not_there_any_more_is_followed_by_the_first(make: Make, ann: User) -> None:
    before = make({"careful": Remembering("C"), "slow": Remembering("S")})
    run = await before.start_run(ann, None, "one", agent="slow")
    await read(before, ann, run)
    await before.close()
    after = make({"fast": Remembering("F"), "careful": Remembering("C")})
    again = await after.retry_run(ann, run.id)
    assert (again.agent, await said(after, ann, again)) == ("fast", "F None []")
    assert (await after.get_run(ann, run.id)).agent == "slow"


async def test_a_single_agent_has_no_name_and_no_choice(make: Make, ann: User) -> None:
    backend = make(Remembering("A"))
    run = await backend.start_run(ann, None, "one")
    assert (backend.agents, run.agent, fold(await read(backend, ann, run)).agent) == ((), "", "")
    alone = make({"only": Remembering("A")})
    run = await alone.start_run(ann, run.conversation_id, "two")
    assert (alone.agents, run.agent) == ((), "only")
    assert (await said(alone, ann, run)).startswith("A None ['A None")


async def test_a_run_is_resumed_by_its_own_agent_and_left_by_a_process_that_lacks_it(make: Make, ann: User) -> None:
    both = {"fast": Counting("f", 0.02), "careful": Counting("c", 0.02)}
    here = make(both)
    lacking = make({"other": Counting("o"), "plain": respond})
    await lacking.open()
    runs = [await here.start_run(ann, None, "Count", agent=name) for name in both]
    for run in runs:
        with anyio.fail_after(20):
            while len((await here._store.logs.read_events(run.id, 0))[0]) < 3:  # noqa: ASYNC110
                await anyio.sleep(0.01)
    kill(here)
    there = make(both)
    await there.open()
    for run, word in zip(runs, "fc", strict=True):
        view = fold(await read(there, ann, run))
        assert (view.state, view.text) == (RunState.COMPLETED, "".join(f"{word}{number} " for number in range(10)))
    assert lacking._journal.runs == {}


async def test_logs_and_metrics_have_the_name_that_was_chosen(
    make: Make, ann: User, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "htmxchat")
    backend = make({"fast": respond, "careful": Counting("c")})
    await read(backend, ann, await backend.start_run(ann, None, "one", agent="careful"))
    assert "agent=careful" in caplog.text and "not used" not in caplog.text


async def test_agents_differ_in_what_they_can_do(make: Make, ann: User) -> None:
    """One that cannot be resumed ends with its process, beside one that can."""
    here = make({"fast": respond, "careful": Counting("c")})
    assert here._agents.resumable == {"careful"} and here._agents.stopping == frozenset()
    assert [here._agents.resumable_as(name) for name in here.agents] == [None, "careful"]


@pytest.mark.parametrize(
    ("agents", "error", "sentence"),
    [
        ({}, ValueError, "at least one agent"),
        ({"": respond}, ValueError, "name of an agent"),
        ({1: respond}, TypeError, "name of an agent"),
        ({"a\nb": respond}, ValueError, "one line"),
        ({"x" * 61: respond}, ValueError, "60 characters"),
        ({"fast": "respond"}, TypeError, r"agent\['fast'\] must be"),
    ],
    ids=["none", "no-name", "no-string", "two-lines", "too-long", "no-agent"],
)
def test_agents_that_cannot_be_used_are_refused(agents: Any, error: type[Exception], sentence: str) -> None:
    with pytest.raises(error, match=sentence):
        LocalBackend(agents)


# The page


async def identify(request: Any) -> User:
    return User("ann")


class Slow:
    def __init__(self, name: str) -> None:
        self._name = name

    async def answer(self, request: Request) -> AsyncGenerator[Said, None]:
        yield f"{self._name}: {request.text}"


@pytest.fixture
def client() -> AsyncIterator[TestClient]:  # type: ignore[misc]
    backend = LocalBackend({"Fast": Slow("F"), "Careful & slow": Slow("C")})
    app = create_chat_app(backend, identify=identify)
    with TestClient(app, base_url="https://chat.test", follow_redirects=False) as client:
        yield client


def choice(page: Element) -> list[tuple[str, bool]]:
    return [
        (each.text, "selected" in each.attributes) for each in page.one("select", id="composer-agent").all("option")
    ]


def settled(client: TestClient, path: str, words: str) -> Element:
    for _ in range(1000):
        if words in (html := client.get(path).text) and 'aria-busy="true"' not in html:
            return parse(html)
    raise AssertionError(html)


def test_the_choice_is_in_the_composer_and_stays_with_the_conversation(client: TestClient) -> None:
    assert choice(parse(client.get("/").text)) == [("Fast", False), ("Careful & slow", False)]
    sent = client.post("/messages", data={"text": "Hello", "agent": "Careful & slow"})
    path = sent.headers["location"].partition("#")[0]
    page = settled(client, path, "C: Hello")
    assert choice(page) == [("Fast", False), ("Careful & slow", True)]
    (answer,) = [turn for turn in page.one(id="turns").all("article") if turn["data-role"] == "assistant"]
    assert answer.one("h2").text.startswith("Careful & slow, ")
    assert answer.one("chat-menu").one("summary").text.strip() == "Careful & slow"
    (other,) = answer.one("chat-menu").all("button")
    assert (other["name"], other["value"]) == ("agent", "Fast")
    again = client.post(f"/runs/{answer['id'].removeprefix('turn-')}/retry", data={"agent": "Fast"})
    page = settled(client, path, "F: Hello")
    assert again.status_code == 303 and choice(page) == [("Fast", True), ("Careful & slow", False)]


def test_a_page_that_another_one_has_outrun_gets_the_choice_too(client: TestClient) -> None:
    path = client.post("/messages", data={"text": "Hello"}).headers["location"].partition("#")[0]
    page = settled(client, path, "F: Hello")
    headers = {**FRAGMENT, "Chat-Last-Turn": page.one(id="turns").all("article")[-1]["id"].removeprefix("turn-")}
    sent = client.post(f"{path}/messages", data={"text": "More", "agent": "Careful & slow"}, headers=headers)
    assert sent.status_code == 200
    assert (
        choice(parse(sent.text))
        == choice(settled(client, path, "C: More"))
        == [("Fast", False), ("Careful & slow", True)]
    )


def test_a_choice_that_is_gone_is_refused_and_the_text_is_kept(client: TestClient) -> None:
    page = client.post("/messages", data={"text": "Hello", "agent": "Gone"})
    assert page.status_code == 422
    shown = parse(page.text)
    assert shown.one("textarea", id="text").text.strip() == "Hello"
    assert "not there any more" in shown.one(id="composer-error").text


def test_a_conversation_that_comes_back_from_a_file_says_who_answered(client: TestClient) -> None:
    sent = client.post("/messages", data={"text": "Hello", "agent": "Careful & slow"})
    path = sent.headers["location"].partition("#")[0]
    settled(client, path, "C: Hello")
    data = client.get(f"{path}/export.json").text
    again = client.post("/import", files={"upload": ("c.json", data)}).headers["location"]
    page = settled(client, again, "C: Hello")
    assert again != path and choice(page) == [("Fast", False), ("Careful & slow", True)]
    assert page.one("chat-menu", cls="by").one("summary").text.strip() == "Careful & slow"


def test_one_agent_shows_nothing_of_this() -> None:
    with TestClient(create_chat_app(LocalBackend({"Only": Slow("O")}), identify=identify)) as client:
        page = settled(client, client.post("/messages", data={"text": "Hello", "agent": "Fast"}).url.path, "O: Hello")
    assert not page.all("select", id="composer-agent") and not page.all(cls="by")
