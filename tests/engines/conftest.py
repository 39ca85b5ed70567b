"""Firefox and WebKit, each started once unless it is lost, on the hosts of the other browser tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.browser.conftest import Server, starting
from tests.engines.chatting import open_chat
from tests.engines.launching import Engine, firefox, missing, webkit
from tests.engines.webdriver import Browser

# Each in a process of its own, when there are two.
ENGINES = [pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in ("firefox", "webkit")]


@pytest.fixture(scope="session", params=ENGINES)
def engines(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    packages = missing(request.param)
    if packages:
        pytest.skip(f"{request.param} is not here. On Debian and Ubuntu: apt-get install {packages}")
    launch = firefox if request.param == "firefox" else webkit
    engine = Engine(lambda: launch(tmp_path_factory.mktemp(request.param)))
    yield engine
    engine.stop()


@pytest.fixture
def engine(engines: Engine) -> Browser:
    """The browser, or another one when it has been lost."""
    return engines.browser()


@pytest.fixture(scope="session")
def site() -> Iterator[Server]:
    with starting() as start:
        yield start()


@pytest.fixture
def chat(engine: Browser, site: Server) -> Browser:
    """The page before the first message."""
    open_chat(engine, site.url)
    return engine
