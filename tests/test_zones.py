"""Days and times are the reader's: around midnight, over a change of the clock, and with a zone that no one knows."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from starlette.testclient import TestClient

from htmxchat import create_chat_app
from htmxchat.backends.stub import StubBackend
from htmxchat.fragments import history
from htmxchat.html import render
from htmxchat.models import Conversation, ConversationPage
from htmxchat.text.zones import COOKIE, exact, zone_of
from htmxchat.urls import Urls

from .support import parse

BERLIN, KIRITIMATI, LOS_ANGELES = map(ZoneInfo, ["Europe/Berlin", "Pacific/Kiritimati", "America/Los_Angeles"])


def days(now: str, *changed: str, zone: ZoneInfo | None) -> list[tuple[str, int]]:
    """Return the heads of the history with how many conversations stand below each; times are UTC's."""
    talks = [
        Conversation(f"c{n}", "u", "Talk", at, at)
        for n, at in enumerate(datetime.fromisoformat(f"{c}Z") for c in changed)
    ]
    shown = history(
        ConversationPage(tuple(talks)), urls=Urls(), brand="Chat", now=datetime.fromisoformat(f"{now}Z"), zone=zone
    )
    heads = parse(render(shown)).one(id="history-list").elements
    return [(head.text, len(below.all("li"))) for head, below in zip(heads[::2], heads[1::2], strict=True)]


def test_a_day_begins_at_the_readers_midnight() -> None:
    changed = "2026-11-21T23:30", "2026-11-21T22:30", "2026-11-20T22:30"
    assert days("2026-11-22T00:30", *changed, zone=BERLIN) == [("Today", 1), ("Yesterday", 1), ("Previous 7 days", 1)]
    assert days("2026-11-22T00:30", *changed, zone=LOS_ANGELES) == [("Today", 2), ("Yesterday", 1)]
    assert days("2026-11-21T12:00", "2026-11-21T09:00", zone=KIRITIMATI) == [("Yesterday", 1)]


def test_without_a_zone_the_days_are_those_of_utc_and_say_so() -> None:
    assert days("2026-11-22T00:30", "2026-11-22T00:10", "2026-11-21T23:30", zone=None) == [
        ("Today (UTC)", 1),
        ("Yesterday (UTC)", 1),
    ]


def test_a_day_on_which_the_clock_changes_is_one_day() -> None:
    # In Berlin the 25th of October 2026 has 25 hours: it begins at 22:00 UTC and ends at 23:00 UTC.
    changed = "2026-10-25T22:30", "2026-10-24T22:30", "2026-10-24T21:30"
    assert days("2026-10-25T22:45", *changed, zone=BERLIN) == [("Today", 2), ("Yesterday", 1)]


def test_months_are_the_readers() -> None:
    assert days("2026-11-22T12:00", "2026-09-30T22:30", zone=BERLIN) == [("October", 1)]
    assert days("2026-11-22T12:00", "2025-12-31T23:30", zone=BERLIN) == [("January", 1)]


@pytest.mark.parametrize(
    "sent",
    [
        None,
        "",
        "Nowhere/Land",
        "../../etc/passwd",
        "/etc/localtime",
        "Europe",
        "x" * 300,
        "a\0b",
        "Europe/Berlin\n",
        "%",
    ],
)
def test_what_is_no_zone_counts_as_none(sent: str | None) -> None:
    assert zone_of(sent) is None


@pytest.mark.parametrize(
    "sent", ["Europe/Berlin", "America%2FLos_Angeles", "America/Argentina/Ushuaia", "Etc/GMT+8", "UTC"]
)
def test_a_zone_is_known_by_its_name(sent: str) -> None:
    assert zone_of(sent) is not None


def test_an_exported_time_says_what_it_is_to_be_compared_with() -> None:
    at = datetime(2026, 7, 1, 22, 30, 5, tzinfo=UTC)
    assert exact(at, BERLIN) == "2026-07-02 00:30:05 +02:00"
    assert exact(at, None) == "2026-07-01 22:30:05 UTC"


def test_the_server_believes_the_cookie_and_nothing_that_is_no_zone() -> None:
    with TestClient(create_chat_app(StubBackend(pace=0))) as client:
        client.get("/")
        talk = client.post("/messages", data={"text": "Hello"}).url.path
        assert "(UTC)" in client.get(talk).text
        client.cookies.set(COOKIE, "Europe%2FBerlin", path="/")
        page = parse(client.get(talk).text)
        assert page.one(id="history-list")["data-zone"] == "Europe/Berlin"
        assert "UTC" not in page.one(id="history-list").text
        run = page.all("article", data_role="assistant")[0]["id"].removeprefix("turn-")
        assert any(offset in client.get(f"/runs/{run}/summary.md").text for offset in ("+01:00", "+02:00"))
        client.cookies.set(COOKIE, "../../etc/passwd", path="/")
        assert "(UTC)" in client.get(talk).text
