"""Firefox and WebKit, each started once, on the hosts of the other browser tests."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.browser.conftest import Server, starting
from tests.engines.chatting import open_chat
from tests.engines.launching import firefox, missing, webkit
from tests.engines.webdriver import Browser


@pytest.fixture(scope="session", params=["firefox", "webkit"])
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    packages = missing(request.param)
    if packages:
        sentence = f"{request.param} is not here. On Debian and Ubuntu: apt-get install {packages}"
        pytest.fail(sentence) if os.environ.get("ENGINES") == "required" else pytest.skip(sentence)
    start = {"firefox": firefox, "webkit": webkit}[request.param]
    with start(tmp_path_factory.mktemp(request.param)) as engine:
        yield engine


@pytest.fixture(scope="session")
def site() -> Iterator[Server]:
    with starting() as start:
        yield start()


@pytest.fixture
def chat(engine: Browser, site: Server) -> Browser:
    """The page before the first message."""
    open_chat(engine, site.url)
    return engine
