"""A run from the inside: its steps, and the state after each, with a backend that keeps many of them but not all."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
from starlette.testclient import TestClient

from htmxchat import BackendError, NotAllowed, create_chat_app
from tests.inspected import GONE, KEPT, Inspected
from tests.support import FRAGMENT, Element, parse


@pytest.fixture
def client() -> Iterator[TestClient]:
    with TestClient(create_chat_app(Inspected())) as client:
        yield client


@pytest.fixture
def path(client: TestClient) -> str:
    client.get("/")
    location = client.post("/messages", data={"text": "Go"}, follow_redirects=False).headers["location"]
    return f"/runs/{location.partition('#turn-')[2]}"


def room(client: TestClient, path: str) -> Element:
    answer = client.get(path, headers=FRAGMENT)
    assert answer.status_code == 200
    return parse(answer.text)


def slider(page: Element) -> Element:
    return page.one("input", id="inspector-slider")


ROOMS = {
    "": ("run_events", "inspector"),
    "/steps": ("run_steps", "inspector"),
    "/checkpoints?n=3": ("run_checkpoint", "inspector"),
    "/evidence": ("run_evidence", "inspector-evidence"),
}


@pytest.mark.parametrize("part", ROOMS)
@pytest.mark.parametrize("error", [BackendError("The index is broken."), NotAllowed("Not for you."), RuntimeError("x")])
def test_a_view_that_cannot_be_loaded_says_so_in_its_place(
    client: TestClient, path: str, monkeypatch: pytest.MonkeyPatch, part: str, error: Exception
) -> None:
    method, place = ROOMS[part]

    async def fail(*_: object, **__: object) -> object:
        raise error

    async def fail_in_the_middle(*_: object, **__: object) -> AsyncIterator[object]:
        raise error
        yield

    monkeypatch.setattr(Inspected, method, fail_in_the_middle if method == "run_events" else fail)
    wanted = "Something went wrong" if isinstance(error, RuntimeError) else str(error)
    asked = {**FRAGMENT, "HX-Source": "a", "HX-Target": f"div#{place}", "HX-Current-URL": f"http://testserver{path}"}
    answer = client.get(path + part, headers=asked)
    found = parse(answer.text)
    assert answer.status_code == (403 if isinstance(error, NotAllowed) else 502 if "index" in wanted else 500)
    assert "hx-redirect" not in answer.headers
    assert wanted in found.one(cls="notice").text
    again = found.one(cls="notice").one("a")
    assert (again["href"], again["hx-get"], again["hx-target"]) == (path + part, path + part, f"#{place}")
    if place == "inspector":
        assert found.one(id="inspector").all("nav", cls="inspector-tabs")
    whole = client.get(path + part)
    assert wanted in parse(whole.text).one(id="inspector").text
    assert parse(whole.text).all(id="turns")  # the conversation is there all the same


def test_what_cannot_even_be_found_out_about_says_so_in_its_place_too(
    client: TestClient, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> object:
        raise BackendError("The index is broken.")

    monkeypatch.setattr(Inspected, "get_run", fail)
    for part, (_, place) in ROOMS.items():
        asked = {**FRAGMENT, "HX-Source": "a", "HX-Target": f"aside#{place}"}
        answer = client.get(path + part, headers=asked)
        assert (answer.status_code, answer.headers["hx-push-url"]) == (502, "false")
        assert "The index is broken." in parse(answer.text).one(cls="notice").text
    # What stands in other places is worth more than a sentence: it is said beside them.
    for target in ("h1#heading", "article#script-1", "div#turns"):
        answer = client.get(path, headers={**FRAGMENT, "HX-Source": "a", "HX-Target": target})
        assert (answer.status_code, answer.text, answer.headers["hx-reswap"]) == (502, "", "none")
        assert "The index is broken." in answer.headers["hx-trigger"]


def test_the_list_of_runs_and_older_conversations_that_cannot_be_loaded_say_so_in_their_place(
    client: TestClient, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    conversation = client.get("/history", headers=FRAGMENT)
    url = parse(conversation.text).all("a")[0]["href"]

    async def fail(*_: object, **__: object) -> object:
        raise BackendError("The index is broken.")

    monkeypatch.setattr(Inspected, "load_transcript", fail)
    monkeypatch.setattr(Inspected, "list_conversations", fail)
    answer = client.get(f"{url}/runs", headers={**FRAGMENT, "HX-Source": "a", "HX-Target": "aside#inspector"})
    assert "The index is broken." in parse(answer.text).one(id="inspector").one(cls="notice").text
    answer = client.get("/history?cursor=x", headers={**FRAGMENT, "HX-Source": "a", "HX-Target": "a"})
    assert (answer.status_code, answer.headers["hx-reswap"]) == (502, "outerHTML")
    assert "Older conversations cannot be loaded. The index is broken." in parse(answer.text).text


def test_the_last_state_is_shown_first(client: TestClient, path: str) -> None:
    page = room(client, f"{path}/checkpoints")
    assert slider(page)["value"] == slider(page)["max"] == str(KEPT[-1])
    assert page.one("a", id="inspector-forth").attributes.get("aria-disabled") == "true"
    assert "page 28" in page.text


@pytest.mark.parametrize("number", KEPT)
def test_every_state_shows_itself_and_its_neighbours(client: TestClient, path: str, number: int) -> None:
    page = room(client, f"{path}/checkpoints?n={number}")
    assert slider(page)["value"] == str(number)
    place = KEPT.index(number)
    for name, there in (("back", place > 0 and KEPT[place - 1]), ("forth", KEPT[place + 1 : place + 2])):
        link = page.one("a", id=f"inspector-{name}").attributes
        if there is False or there == ():
            assert link["aria-disabled"] == "true" and "href" not in link
        else:
            assert link["href"].endswith(f"n={there if isinstance(there, int) else there[0]}")
    if number == GONE:
        assert "The state after this step is not kept." in page.text
    else:
        assert f"page {number - 1}" in page.text or number == 0
        assert f"k{number}" not in page.text  # the value of a secret


@pytest.mark.parametrize(("asked", "shown"), [(5, 4), (12, 11), (26, 25), (99, 29), (0, 0)])
def test_a_step_without_a_state_leads_to_the_one_before(client: TestClient, path: str, asked: int, shown: int) -> None:
    assert slider(room(client, f"{path}/checkpoints?n={asked}"))["value"] == str(shown)


def test_changes_are_told_since_the_step_before_or_the_one_that_was_chosen(client: TestClient, path: str) -> None:
    page = room(client, f"{path}/checkpoints?n=6")
    assert page.all("h3", cls="part-head")[0].text == "4 changes since step 4"
    page = room(client, f"{path}/checkpoints?n=6&with=3")
    assert "since step 3" in page.all("h3", cls="part-head")[0].text
    removed = page.all("li", data_kind="removed")
    assert [each.one("code").text for each in removed] == ["draft"]
    # One that is not there, or is the same, is none to compare with.
    for other in ("5", "6", "99", "x"):
        page = room(client, f"{path}/checkpoints?n=6&with={other}")
        assert "since step 4" in page.all("h3", cls="part-head")[0].text


def test_a_state_whose_predecessor_is_gone_is_shown_without_changes(client: TestClient, path: str) -> None:
    page = room(client, f"{path}/checkpoints?n={GONE + 1}")
    assert [each.text for each in page.all("h3", cls="part-head")] == ["The whole state"]


def test_only_steps_with_a_state_lead_to_one(client: TestClient, path: str) -> None:
    page = room(client, f"{path}/steps")
    linked = [link["href"].rpartition("n=")[2] for link in page.all("a") if "checkpoints?n=" in link.attributes["href"]]
    assert linked == [str(number) for number in KEPT]


def test_evidence_that_is_none_says_so(client: TestClient, path: str) -> None:
    assert "This answer has no evidence." in room(client, f"{path}/evidence").text
