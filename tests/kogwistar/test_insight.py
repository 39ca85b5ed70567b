"""A run of a kogwistar server from the inside: what its recordings read like in the inspector."""

from __future__ import annotations

import re
from collections.abc import Iterator

import anyio
import pytest
from starlette.requests import Request
from starlette.testclient import TestClient

from htmxchat import Store, User, create_chat_app
from htmxchat.agents.kogwistar import KogwistarBackend
from tests.support import FRAGMENT, Element, parse

from .replay import Replay, token
from .test_backend import FAST

USERS = {"ann": User("ann", token=token("kog-ann")), "ben": User("ben", token=token("kog-ben"))}


async def identify(request: Request) -> User:
    return USERS[request.headers.get("x-user", "ann")]


@pytest.fixture
def server() -> Iterator[Replay]:
    replay = Replay().start()
    yield replay
    replay.stop()


@pytest.fixture(params=["debug.rag.v1"])
def client(server: Replay, request: pytest.FixtureRequest) -> Iterator[TestClient]:
    backend = KogwistarBackend(server.url, Store(), workflow_id=request.param, timing=FAST)
    with TestClient(create_chat_app(backend, identify=identify)) as client:
        yield client


def ask(client: TestClient, text: str, state: str) -> str:
    """Have a run that has got so far; return its path."""
    path = client.post("/messages", data={"text": text}).url.path
    for _ in range(500):
        html = client.get(path).text
        run = re.search(r'id="turn-([\w-]+)" class="turn" data-role="assistant" data-state="(\w+)"', html)
        if run and run[2] == state:
            return f"/runs/{run[1]}"
        client.portal.call(anyio.sleep, 0.02)  # type: ignore[union-attr]
    raise AssertionError(f"it did not become {state}: {run and run[2]}")


def room(client: TestClient, path: str) -> Element:
    answer = client.get(path, headers=FRAGMENT)
    assert answer.status_code == 200
    return parse(answer.text)


def meanings(page: Element) -> list[str]:
    return [each.text for each in page.all("span", cls="meaning")]


def test_a_run_that_failed_says_where_and_why(client: TestClient) -> None:
    run = ask(client, "hidden", "failed")
    page = room(client, run)
    assert "upstream 503 overloaded" in page.one(id="inspector-facts").text
    assert page.one(id="inspector-problem").all("a")
    assert meanings(page)[-1].startswith("Failed after")
    steps = room(client, f"{run}/steps").one("ol", cls="steps")
    failed = [each for each in steps.elements if each["data-state"] == "failed"]
    assert len(failed) == 1 and "upstream 503 overloaded" in failed[0].text
    assert "Traceback" not in steps.text and "/home" not in steps.text


def test_a_run_that_looped_shows_its_stages_twice(client: TestClient) -> None:
    page = room(client, ask(client, "loop", "completed"))
    # The replay plays at once, so bars that would stand apart can be one that says how many it is.
    times = {}
    for row in page.all("tr", data_kind="stage"):
        said = [re.search(r"(\d+) times", bar["aria-label"]) for bar in row.all("a", cls="bar")]
        times[row.one("th").text] = sum(int(each[1]) if each else 1 for each in said)
    once = times["Persisting the assistant response"]
    assert times["Retrieving candidate evidence"] == times["Evaluating the draft answer"] == 2 * once


def test_a_run_that_was_stopped_says_so(client: TestClient) -> None:
    path = ask(client, "forever", "running")
    client.post(f"{path}/stop")
    for _ in range(300):
        page = room(client, path)
        if meanings(page)[-1].startswith("Stopped after"):
            break
        client.portal.call(anyio.sleep, 0.02)  # type: ignore[union-attr]
    assert "Stop requested" in meanings(page)
    assert page.one(id="inspector-facts").one("dd", cls="state").text == "Stopped"


def test_an_answer_tells_what_it_rests_on(client: TestClient) -> None:
    run = ask(client, "evidence", "completed")
    found = parse(client.get(f"{run}/evidence", headers=FRAGMENT).text)
    assert "A hypergraph generalises a graph" in found.text
    state = room(client, f"{run}/checkpoints")
    assert "After step 13" in state.text and "Explain hypergraph" in state.text
    assert state.one("input", type="range")["max"] == "13"
    gone = room(client, f"{run}/checkpoints?n=3")
    assert "not kept" in gone.text


@pytest.mark.parametrize("client", ["demo.suspend"], indirect=True)
def test_a_run_that_waits_says_for_what_and_what_has_changed(client: TestClient) -> None:
    run = ask(client, "suspend", "suspended")
    page = room(client, f"{run}/steps")
    assert "waiting for a result from outside" in page.one(cls="waits").text
    assert "needs a client result" in page.one(cls="waits").text
    state = room(client, f"{run}/checkpoints?n=1")
    assert "since step 0" in state.text
    changed = {each.one("code").text: each["data-kind"] for each in state.one(cls="changes").elements}
    assert changed["asked"] == "added"


@pytest.mark.parametrize("part", ["", "/events", "/steps", "/checkpoints", "/evidence", "/events.jsonl", "/summary.md"])
def test_nobody_else_sees_any_of_it(client: TestClient, part: str) -> None:
    run = ask(client, "debug", "completed")
    assert client.get(run + part).status_code == 200
    assert client.get(run + part, headers={"x-user": "ben"}).status_code == 404
    assert client.get("/runs/no-such-run" + part).status_code == 404


def test_what_is_not_looked_at_is_not_asked_for(client: TestClient, server: Replay) -> None:
    run = ask(client, "evidence", "completed")
    before = server.asked["GET /api/runs/{id}/checkpoints/{n}"]
    room(client, run)
    room(client, f"{run}/steps")
    assert server.asked["GET /api/runs/{id}/checkpoints/{n}"] == before
    assert server.asked["GET /api/runs/{id}/checkpoints"] == 0
