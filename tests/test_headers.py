"""The security headers of every response."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from starlette.responses import HTMLResponse, StreamingResponse
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from htmxchat.http.headers import ContentPolicy, SecurityHeaders


def policy_of(app: ASGIApp) -> dict[str, list[str]]:
    header = TestClient(app).get("/").headers["content-security-policy"]
    return {name: sources for name, *sources in (directive.split() for directive in header.split("; "))}


def test_nothing_is_loaded_from_elsewhere_and_nothing_runs_inline() -> None:
    assert policy_of(SecurityHeaders(HTMLResponse(""))) == {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "frame-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'self'"],
    }


def test_the_host_names_image_hosts_and_who_may_embed() -> None:
    policy = policy_of(
        SecurityHeaders(
            HTMLResponse(""),
            ContentPolicy(
                image_hosts=("img.example.org", "localhost:8443"),
                connect_origins=("https://files.example.org:8443",),
                frame_ancestors=("'self'", "https://portal.example.com", "localhost:*"),
            ),
        )
    )
    assert policy["img-src"] == ["'self'", "data:", "img.example.org", "localhost:8443"]
    assert policy["connect-src"] == ["'self'", "https://files.example.org:8443"]
    assert policy["frame-ancestors"] == ["'self'", "https://portal.example.com", "localhost:*"]


def test_no_frame_ancestors_means_nobody() -> None:
    assert ContentPolicy(frame_ancestors=()).header().endswith("frame-ancestors 'none'")


@pytest.mark.parametrize(
    "host",
    ["a.example; script-src *", "a b", "a,b", "", "*", "data:", "https:", "'unsafe-inline'", "a\r\nx: y", "a\n"],
)
def test_an_entry_that_is_no_host_is_an_error(host: str) -> None:
    with pytest.raises(ValueError, match="image_hosts"):
        ContentPolicy(image_hosts=(host,))
    with pytest.raises(ValueError, match="frame_ancestors"):
        ContentPolicy(frame_ancestors=(host,))
    with pytest.raises(ValueError, match="origin"):
        ContentPolicy(connect_origins=(host,))


def test_one_string_in_place_of_a_tuple_is_an_error() -> None:
    with pytest.raises(ValueError, match="tuple"):
        ContentPolicy(image_hosts="example")  # type: ignore[arg-type]


def test_a_response_keeps_what_it_sets_itself() -> None:
    own = {"Content-Security-Policy": "sandbox", "Cache-Control": "no-cache, no-transform"}
    headers = TestClient(SecurityHeaders(HTMLResponse("", headers=own))).get("/").headers
    assert headers["content-security-policy"] == "sandbox"
    assert headers["cache-control"] == "no-cache, no-transform"
    assert headers["x-content-type-options"] == "nosniff"


def test_pages_are_not_stored_by_caches() -> None:
    assert TestClient(SecurityHeaders(HTMLResponse(""))).get("/").headers["cache-control"] == "no-store"


async def test_a_stream_passes_chunk_by_chunk() -> None:
    sent: list[Message] = []
    seen_when_yielding: list[int] = []

    async def chunks() -> AsyncIterator[str]:
        for chunk in ("one", "two"):
            seen_when_yielding.append(len(sent))
            yield chunk

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "asgi": {"spec_version": "2.4"}}
    await SecurityHeaders(StreamingResponse(chunks()))(scope, receive, send)
    assert seen_when_yielding == [1, 2]
    assert [message.get("body") for message in sent] == [None, b"one", b"two", b""]


def test_a_response_without_any_header_gets_them_too() -> None:
    async def bare(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body"})

    assert TestClient(SecurityHeaders(bare)).get("/").headers["x-content-type-options"] == "nosniff"
