"""The backend's promises hold for servers made of recordings of two versions. `test_live.py` tries live ones."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from htmxchat import User
from htmxchat.agents.kogwistar import KogwistarBackend, Timing
from htmxchat.backend import Backend
from htmxchat.testing import BackendConformance

from .recordings import NEW, OLD
from .replay import Replay, token


class _Replayed(BackendConformance):
    prompt = "What is a hypergraph?"
    user = User("ann", token=token("kog-ann"))
    other_user = User("ben", token=token("kog-ben"))
    unknown_id = "00000000-0000-4000-8000-000000000000"
    runs_outlive_close = True
    version = OLD

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
