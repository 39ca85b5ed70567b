"""For authors of backends and agents: conformance tests and scripted backends. Needs pytest.

from htmxchat.testing import BackendConformance

class TestMyBackend(BackendConformance):
    async def make_backend(self):
        return MyBackend(...)
"""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("htmxchat.testing.agents", "htmxchat.testing.conformance")

from .agents import AgentConformance  # noqa: E402
from .backends import Break, Delay, Gate, ScriptedBackend, Stall, Step  # noqa: E402
from .conformance import BackendConformance  # noqa: E402
from .reading import each_event  # noqa: E402

__all__ = [
    "AgentConformance",
    "BackendConformance",
    "Break",
    "Delay",
    "Gate",
    "ScriptedBackend",
    "Stall",
    "Step",
    "each_event",
]
