"""Firefox and WebKit, each started once, on the hosts of the other browser tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.browser.conftest import Server, starting
from tests.engines.chatting import open_chat
from tests.engines.launching import firefox, missing, webkit
from tests.engines.webdriver import Browser

# Each in a process of its own, when there are two.
ENGINES = [pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in ("firefox", "webkit")]


@pytest.fixture(scope="session", params=ENGINES)
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    packages = missing(request.param)
    if packages:
        pytest.skip(f"{request.param} is not here. On Debian and Ubuntu: apt-get install {packages}")
    launch = firefox if request.param == "firefox" else webkit
    with launch(tmp_path_factory.mktemp(request.param)) as engine:
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
