"""The backend's promises hold for a server made of recordings, and for a live one when there is one."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator

import pytest

from htmxchat import KogwistarBackend, User
from htmxchat.backend import Backend
from htmxchat.backends.kogwistar import Timing
from htmxchat.testing import BackendConformance

from .recordings import NEW, OLD
from .replay import Replay, token

URL = os.environ.get("HTMXCHAT_KOGWISTAR_URL")
TOKEN = os.environ.get("HTMXCHAT_KOGWISTAR_TOKEN")
OTHER = os.environ.get("HTMXCHAT_KOGWISTAR_OTHER_TOKEN")


class _Replayed(BackendConformance):
    prompt = "What is a hypergraph?"
    user = User("ann", token=token("kog-ann"))
    other_user = User("ben", token=token("kog-ben"))
    unknown_id = "00000000-0000-4000-8000-000000000000"
    runs_outlive_close = True
    version = OLD

    @pytest.fixture
    def anyio_backend(self) -> str:
        return "asyncio"

    @pytest.fixture(autouse=True)
    def _server(self) -> Iterator[None]:
        self.server = Replay(version=self.version).start()
        yield
        self.server.stop()


class TestAnswerRuns(_Replayed):
    long_prompt = "forever and ever"

    async def make_backend(self) -> Backend:
        return KogwistarBackend(self.server.url, timing=Timing(tick=0.05))


class TestAnswerRunsByPolling(_Replayed):
    long_prompt = "forever and ever"

    async def make_backend(self) -> Backend:
        return KogwistarBackend(self.server.url, stream="poll", timing=Timing(tick=0.05, poll=0.02))


class TestWorkflowRuns(_Replayed):
    prompt = "Simple question"
    asking_prompt = "suspend please"

    async def make_backend(self) -> Backend:
        return KogwistarBackend(self.server.url, workflow_id="demo.suspend", timing=Timing(tick=0.05))


class TestAnswerRunsOf06(TestAnswerRuns):
    version = NEW


class TestWorkflowRunsOf06(TestWorkflowRuns):
    version = NEW


def _user_of(value: str | None) -> User:
    try:
        body = (value or "").split(".")[1]
        id = str(json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))["user_id"])
    except (IndexError, KeyError, ValueError):
        id = "live"
    return User(id, token=value)


@pytest.mark.skipif(not (URL and TOKEN), reason="no HTMXCHAT_KOGWISTAR_URL and HTMXCHAT_KOGWISTAR_TOKEN")
class TestLiveServer(BackendConformance):
    """The user's own conversations must not be there: give a fresh user. Without another's token, those tests fail."""

    prompt = "What is a hypergraph?"
    user = _user_of(TOKEN)
    other_user = _user_of(OTHER)
    unknown_id = "00000000-0000-4000-8000-000000000000"
    runs_outlive_close = True
    patience = 120.0

    @pytest.fixture
    def anyio_backend(self) -> str:
        return "asyncio"

    async def make_backend(self) -> Backend:
        assert URL is not None
        return KogwistarBackend(URL, workflow_id=os.environ.get("CHAT_WORKFLOW_ID", "debug.rag.v1"))
