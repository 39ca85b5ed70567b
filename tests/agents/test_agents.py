"""The agents that come along: each is imported only when it is asked for, and says what it needs."""

from __future__ import annotations

import subprocess
import sys

import pytest

import htmxchat.agents

WITHOUT = """
import sys
sys.modules.update(dict.fromkeys({missing}))
import htmxchat.agents
try:
    from htmxchat.agents import {name}
except ImportError as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("name", "missing", "extra"),
    [
        ("ag_ui", ["httpx"], "ag-ui"),
        ("langgraph", ["langgraph"], "langgraph"),
        ("pydantic_ai", ["pydantic_ai"], "pydantic-ai"),
    ],
)
def test_a_missing_extra_is_one_clear_sentence(name: str, missing: list[str], extra: str) -> None:
    source = WITHOUT.format(name=name, missing=missing)
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, timeout=60)
    sentence = f"htmxchat.agents.{name} needs {missing[0].replace('_', '-')}: pip install 'htmxchat[{extra}]'.\n"
    assert (done.stdout, done.stderr) == (sentence, "")


def test_there_are_the_functions_that_are_named() -> None:
    assert all(getattr(htmxchat.agents, name) for name in htmxchat.agents.__all__)
    with pytest.raises(AttributeError, match="no attribute 'other'"):
        htmxchat.agents.other  # noqa: B018


def test_the_base_package_imports_none_of_them() -> None:
    source = """
import sys
import htmxchat, htmxchat.agents
print(sorted(name for name in sys.modules if name.partition(".")[0] in {"httpx", "pydantic", "docstring_parser"}))
print(sorted(name for name in sys.modules if name.startswith("htmxchat.agents.") and not name.count("stub")))
"""
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, timeout=60)
    assert done.stdout == "[]\n[]\n"
