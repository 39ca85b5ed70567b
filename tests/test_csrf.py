"""Forms that another site sends."""

from __future__ import annotations

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.testclient import TestClient

from htmxchat.errors import ChatError, CrossOrigin
from htmxchat.http.csrf import CrossOriginGuard


async def refuse(request: Request, error: ChatError) -> Response:
    return PlainTextResponse(str(error), error.status)


def client(*trusted: str) -> TestClient:
    return TestClient(CrossOriginGuard(PlainTextResponse("done"), refuse, trusted), base_url="http://chat.example")


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_methods_that_change_nothing_pass_from_anywhere(method: str) -> None:
    assert client().request(method, "/", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "MADEUP"])
def test_every_other_method_is_checked(method: str) -> None:
    response = client().request(method, "/", headers={"Sec-Fetch-Site": "cross-site"})
    assert response.status_code == 403
    assert response.text == CrossOrigin.sentence


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "something-new"}, 403),
        ({"Origin": "http://chat.example"}, 200),
        ({"Origin": "https://chat.example"}, 200),
        ({"Origin": "https://CHAT.example"}, 200),
        ({"Origin": "https://chat.example:8443"}, 403),
        ({"Origin": "https://chat.example.evil.example"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://["}, 403),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "https://behind-a-proxy.example"}, 200),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://chat.example"}, 403),
    ],
)
def test_a_post_is_judged_by_sec_fetch_site_then_by_origin(headers: dict[str, str], status: int) -> None:
    assert client().post("/", headers=headers).status_code == status


@pytest.mark.parametrize("site", [{}, {"Sec-Fetch-Site": "cross-site"}])
def test_a_trusted_origin_may_post(site: dict[str, str]) -> None:
    trusting = client("https://Portal.example", "http://localhost:3000")
    assert trusting.post("/", headers={**site, "Origin": "https://portal.example"}).status_code == 200
    assert trusting.post("/", headers={**site, "Origin": "http://localhost:3000"}).status_code == 200
    assert trusting.post("/", headers={**site, "Origin": "http://portal.example"}).status_code == 403


@pytest.mark.parametrize("origin", ["portal.example", "https://portal.example/", "https://", "null", "*", ""])
def test_a_trusted_origin_that_could_never_match_is_an_error(origin: str) -> None:
    with pytest.raises(ValueError, match="trusted_origins"):
        client(origin)
