"""A page of the host's own, made with the chat's fragments: `examples/own_page.py`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from tests.support import Element, parse
from tests.test_examples import ask, load


@pytest.fixture
def client() -> Iterator[TestClient]:
    with TestClient(load("own_page").app) as client:
        client.get("/desk")
        yield client


def desk(client: TestClient) -> Element:
    """Return the page's main part; the head is written as people write HTML, without closing everything."""
    html = client.get("/desk").text
    return parse(html[html.index("<main") : html.index("</html>")])


def test_the_page_has_its_own_content_before_anything_was_asked(client: TestClient) -> None:
    page = desk(client)
    assert "The board is green." in page.text
    assert page.all("article") == []


def test_it_shows_the_latest_conversations_and_the_turns_of_the_last(client: TestClient) -> None:
    first, _ = ask(client, "/chat", "first question")
    second, _ = ask(client, "/chat", "second question")
    page = desk(client)
    assert [each["href"] for each in page.all("a") if "data-conversation" in each.attributes] == [second, first]
    assert [each["data-role"] for each in page.all("article")] == ["user", "assistant"]
    assert "second question" in page.one("article", data_role="user").text
    assert "demo agent" in page.one("article", data_role="assistant").text
    ids = Counter(each["id"] for each in page if "id" in each.attributes)
    assert max(ids.values()) == 1


def test_its_links_and_forms_lead_to_the_mounted_chat(client: TestClient) -> None:
    ask(client, "/chat", "a question")
    page = desk(client)
    for link in page.all("a"):
        assert link["href"].startswith("/chat/")
        assert client.get(link["href"]).status_code == 200
    forms = {form["action"].rpartition("/")[2]: form["action"] for form in page.all("form")}
    assert all(action.startswith("/chat/") for action in forms.values())
    response = client.post(forms["retry"], follow_redirects=False)
    assert response.status_code == 303
    assert response.headers["location"].startswith("/chat/c/")


def test_its_style_is_the_chats_and_kept_by_browsers(client: TestClient) -> None:
    html = client.get("/desk").text
    path = html.partition('rel="stylesheet" href="')[2].partition('"')[0]
    response = client.get(path)
    assert response.status_code == 200
    assert "immutable" in response.headers["cache-control"]


def test_it_shows_nobody_what_somebody_else_asked(client: TestClient) -> None:
    ask(client, "/chat", "a secret question")
    client.cookies.clear()
    assert "secret" not in desk(client).text


def test_older_conversations_are_found_in_the_chat(client: TestClient) -> None:
    for number in range(7):
        ask(client, "/chat", f"question {number}")
    page = desk(client)
    assert len([each for each in page.all("a") if "data-conversation" in each.attributes]) == 5
    (older,) = [each for each in page.all("a") if each.text == "Show older"]
    assert older["href"].startswith("/chat/history?cursor=")
