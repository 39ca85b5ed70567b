"""The backend's promises hold in front of a live server, when there is one. `scripts/kogwistar-live` starts some.

Each test takes users of its own, made with the server's signing key: `live-1`, `live-2` and so on. The prompts are
those of the plug that the script has the server load; variables name others.
"""

from __future__ import annotations

import itertools
import os

import pytest

from htmxchat import User
from htmxchat.agents.kogwistar import KogwistarBackend
from htmxchat.backend import Backend
from htmxchat.testing import BackendConformance

from .tokens import signed

URL = os.environ.get("HTMXCHAT_KOGWISTAR_URL", "")
SECRET = os.environ.get("HTMXCHAT_KOGWISTAR_SECRET", "")
NUMBERS = itertools.count(1)

pytestmark = pytest.mark.skipif(
    not (URL and SECRET), reason="no HTMXCHAT_KOGWISTAR_URL and HTMXCHAT_KOGWISTAR_SECRET; see scripts/kogwistar-live"
)


def named(name: str, default: str) -> str:
    return os.environ.get(f"HTMXCHAT_KOGWISTAR_{name}", default)


class _Live(BackendConformance):
    workflow = ""
    unknown_id = "00000000-0000-4000-8000-000000000000"
    runs_outlive_close = True
    patience = 180.0

    @pytest.fixture(autouse=True)
    def _users(self) -> None:
        self.user, self.other_user = (_user(f"live-{next(NUMBERS)}") for _ in range(2))

    async def make_backend(self) -> Backend:
        return KogwistarBackend(URL, workflow_id=self.workflow)


class TestAnswerRuns(_Live):
    workflow = named("ANSWERS", "debug.rag.v1")
    prompt = named("PROMPT", "What is a hypergraph?")
    long_prompt = named("LONG_PROMPT", "long, please") or None


class TestWorkflowRuns(_Live):
    workflow = named("WORKFLOW", "live")
    prompt = named("WORKFLOW_PROMPT", "Just end")
    asking_prompt = named("ASKING_PROMPT", "ask me") or None
    proposing_prompt = named("PROPOSING_PROMPT", "script, please") or None


def _user(id: str) -> User:
    return User(id, token=signed(SECRET, id))
