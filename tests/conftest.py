"""What tests of several rooms share."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from htmxchat.models import User
from tests.servers import Postgres, postgres_binaries


@pytest.fixture
def anyio_backend() -> str:
    """The store and its runs need asyncio. What does not has a fixture of this name in its module."""
    return "asyncio"


@pytest.fixture
def ann() -> User:
    """Someone who has nothing yet, in whatever database."""
    return User(f"ann-{uuid.uuid4().hex}")


@contextmanager
def running() -> Iterator[Postgres]:
    binaries = postgres_binaries()
    if binaries is None:
        pytest.skip("there is no PostgreSQL: install Debian's package postgresql, or put its programs on the path")
    server = Postgres(binaries)
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL for all tests, each with users of its own."""
    with running() as server:
        yield server


@pytest.fixture(params=["file", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database of each kind that several processes can share."""
    if request.param == "postgres":
        server: Postgres = request.getfixturevalue("postgres")
        return server.url
    return f"sqlite:///{tmp_path}/chat.db"


@pytest.fixture
def own_postgres() -> Iterator[Postgres]:
    """A PostgreSQL that a test may stop and start."""
    with running() as server:
        yield server
