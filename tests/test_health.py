"""What watches the service is told the truth, in a sentence, without signing in."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from starlette.testclient import TestClient

from htmxchat import BackendUnavailable, LocalBackend, Request, Store, create_chat_app
from htmxchat.testing import ScriptedBackend
from tests.servers import Postgres


async def respond(request: Request) -> Any:
    yield "Hello"


async def nobody(_request: object) -> None:
    return None


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_nobody_has_to_be_signed_in_and_no_cookie_is_set(path: str) -> None:
    for identify in (None, nobody):
        with TestClient(create_chat_app(LocalBackend(respond), identify=identify)) as client:
            answer = client.get(path)
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "no-store"
        assert "set-cookie" not in answer.headers


def test_a_backend_that_cannot_tell_is_ready() -> None:
    assert TestClient(create_chat_app(ScriptedBackend())).get("/readyz").json() == {"ready": True, "reason": ""}


@asynccontextmanager
async def asked(store: Store) -> AsyncIterator[httpx.AsyncClient]:
    """A chat over the store, in the loop that also closes it."""
    threads = threading.active_count()
    backend = LocalBackend(respond, store)
    transport = httpx.ASGITransport(create_chat_app(backend))
    async with httpx.AsyncClient(transport=transport, base_url="http://chat.test") as client:
        yield client
    await backend.close()
    with anyio.fail_after(10):
        # The store's threads end in a moment.
        while threading.active_count() > threads:  # noqa: ASYNC110
            await anyio.sleep(0.01)


@pytest.mark.anyio
async def test_a_database_that_cannot_be_opened_is_not_ready_but_alive(tmp_path: Path) -> None:
    async with asked(Store(f"sqlite:///{tmp_path}/no/such/folder/chat.db")) as client:
        answer = await client.get("/readyz")
        assert (answer.status_code, answer.json()["ready"]) == (503, False)
        assert "cannot be reached" in answer.json()["reason"] and str(tmp_path) not in answer.text
        assert (await client.get("/healthz")).status_code == 200


@pytest.mark.anyio
async def test_another_schema_is_named(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "chat.db") as database:
        database.execute("CREATE TABLE htmxchat_schema (version_num VARCHAR(32))")
        database.execute("INSERT INTO htmxchat_schema VALUES ('9999')")
    database.close()
    async with asked(Store(f"sqlite:///{tmp_path}/chat.db")) as client:
        answer = await client.get("/readyz")
    assert answer.status_code == 503
    assert "a newer schema (9999" in answer.json()["reason"]


def test_a_postgresql_that_goes_away_and_comes_back_is_told(own_postgres: Postgres) -> None:
    with TestClient(create_chat_app(LocalBackend(respond, Store(own_postgres.url)))) as client:
        assert client.get("/readyz").status_code == 200
        own_postgres.stop("immediate")
        assert client.get("/readyz").status_code == 503
        own_postgres.start()
        assert client.get("/readyz").status_code == 200


def test_an_error_of_the_backend_is_the_reason_and_anything_else_is_not_shown() -> None:
    class Backend(ScriptedBackend):
        async def check_ready(self) -> None:
            raise self.error

        error: Exception = BackendUnavailable("The model is loading.")

    backend = Backend()
    client = TestClient(create_chat_app(backend))
    assert client.get("/readyz").json()["reason"] == "The model is loading."
    backend.error = RuntimeError("secret")
    answer = client.get("/readyz")
    assert answer.status_code == 503 and "secret" not in answer.text
