"""`python -m htmxchat --agent module:object`: what kind of agent it is, is found out."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from htmxchat import LocalBackend, Store, User, fold
from htmxchat.cli import main
from htmxchat.cli.agents import Options
from htmxchat.cli.objects import python_object
from htmxchat.cli.serve import serve
from htmxchat.testing import each_event

ROOT = Path(__file__).parent.parent

AGENTS = """
from htmxchat import LocalBackend

async def respond(request):
    yield "Hello from a generator."

class Own:
    async def answer(self, request):
        yield "Hello from an agent."

class things:
    own = Own()
    backend = LocalBackend(respond)

def plain(request):
    return "no generator"

def pydantic():
    from pydantic_ai import Agent
    from pydantic_ai.models.test import TestModel
    return Agent(TestModel(custom_output_text="Hello from Pydantic AI."))

def graph(compiled=True):
    from langgraph.graph import START, MessagesState, StateGraph
    graph = StateGraph(MessagesState)
    graph.add_node("node", lambda state: {"messages": [("ai", "Hello from a graph.")]})
    graph.add_edge(START, "node")
    return graph.compile() if compiled else graph

def __getattr__(name):
    made = {"pydantic_agent": pydantic, "compiled": graph, "builder": lambda: graph(False)}
    if name not in made:
        raise AttributeError(f"module 'own_agents' has no attribute {name!r}")
    return made[name]()
"""


@pytest.fixture(autouse=True)
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own_agents.py").write_text(AGENTS)
    (tmp_path / "needy.py").write_text("import not_installed_anywhere")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "own_agents", raising=False)


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("own_agents:respond", "Hello from a generator."),
        ("own_agents:things.own", "Hello from an agent."),
        ("own_agents:things.backend", "Hello from a generator."),
        ("own_agents:pydantic_agent", "Hello from Pydantic AI."),
        ("own_agents:compiled", "Hello from a graph."),
    ],
)
def test_an_object_answers_whatever_it_is_made_with(place: str, said: str) -> None:
    async def ask() -> str:
        options = Options(**serve.make_context("htmxchat", ["--agent", place]).params)
        backend, ann = python_object(options, Store()).backend, User("ann")
        run = await backend.start_run(ann, None, "Hi")
        view = fold([event async for event in each_event(backend, ann, run.id)])
        assert isinstance(backend, LocalBackend)
        await backend.close()
        return view.text

    assert asyncio.run(ask()) == said


@pytest.mark.parametrize(
    ("place", "sentence"),
    [
        ("nowhere:agent", "No module named nowhere."),
        ("needy:agent", "No module named not_installed_anywhere, which needy imports."),
        ("own_agents:other", "own_agents:other does not exist: module 'own_agents' has no attribute 'other'."),
        ("own_agents:", "--agent own_agents:: write module:object, such as agent:respond"),
        ("own_agents:builder", "own_agents:builder is not an agent: graph must be a compiled graph"),
    ],
)
def test_what_cannot_answer_is_said_in_one_line(place: str, sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--agent", place]) in (1, 2)
    assert sentence in capsys.readouterr().err.splitlines()[-1]


def test_a_backend_has_a_store_of_its_own(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["--agent", "own_agents:things.backend", "--db", str(tmp_path / "chat.db")]) == 2
    assert "omit --db" in capsys.readouterr().err


def test_an_agent_does_not_bring_frameworks_that_it_is_not_made_with(tmp_path: Path) -> None:
    source = """
import sys
from htmxchat.cli.agents import Options
from htmxchat.cli.serve import make_app, serve
make_app(Options(**serve.make_context("htmxchat", ["--agent", "own_agents:respond"]).params))
print([name for name in ("pydantic_ai", "langgraph", "httpx_sse") if name in sys.modules])
"""
    done = subprocess.run(
        [sys.executable, "-c", source],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": f"{ROOT}:{tmp_path}"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")
