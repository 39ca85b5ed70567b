"""The options of `python -m htmxchat`, and the variables that stand for them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from htmxchat import Store
from htmxchat.cli import main
from htmxchat.cli.agents import AGENTS, Options
from htmxchat.cli.serve import make_app, serve
from tests.fake_auth import FakeAuth, at_the_server, begin, put_local_agent
from tests.support import parse

ROOT = Path(__file__).parent.parent
VARIABLES = {
    "GRAPHRAG_SERVER_URL": "http://from-variable:1",
    "CHAT_WORKFLOW_ID": "workflow.v1",
    "OPENAI_BASE_URL": "http://models:1/v1",
    "OPENAI_MODEL": "a-model",
    "OPENAI_API_KEY": "sk-from-variable",
    "CHAT_STREAM_MODE": "poll",
    "CHAT_POLL_INTERVAL_MS": "1500",
    "CHAT_APP_PORT": "8123",
    "CHAT_APP_URL": "https://chats.example/",
    "CHAT_LOG_LEVEL": "WARNING",
}


def settled(*arguments: str) -> dict[str, Any]:
    """Return the options, after the variables were looked at."""
    return serve.make_context("htmxchat", [*arguments]).params


def chat(*arguments: str) -> Starlette:
    """Return what would be served."""
    return make_app(Options(**settled(*arguments)))


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def backends(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    return put_local_agent(monkeypatch)


def set_variables(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


def test_without_options_and_variables_there_are_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    defaults = settled()
    expected = {"agent": "stub", "url": None, "workflow": None, "stream": "sse", "poll_interval": 700, "port": 8000}
    assert defaults.items() >= {**expected, "app_url": None, "log_level": None, "host": "127.0.0.1"}.items()
    set_variables(monkeypatch, dict.fromkeys(VARIABLES, ""))
    assert settled() == defaults


def test_variables_take_the_place_of_options(monkeypatch: pytest.MonkeyPatch) -> None:
    set_variables(monkeypatch, VARIABLES)
    options = settled("--agent", "kogwistar")
    expected = {"url": "http://from-variable:1", "workflow": "workflow.v1", "stream": "poll", "poll_interval": 1500}
    assert options.items() >= {**expected, "port": 8123, "log_level": "warning"}.items()
    assert options["app_url"] == "https://chats.example"


def test_options_win_even_over_variables_that_cannot_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = {
        "--url": "http://from-option:2",
        "--workflow": "workflow.v2",
        "--stream": "sse",
        "--poll-interval": "200",
        "--port": "0",
        "--app-url": "http://localhost:9000",
        "--log-level": "debug",
    }
    given = [word for pair in arguments.items() for word in pair]
    set_variables(monkeypatch, dict.fromkeys(VARIABLES, "nonsense"))
    options = settled("--agent", "kogwistar", *given)
    expected = {"url": "http://from-option:2", "workflow": "workflow.v2", "stream": "sse", "poll_interval": 200}
    assert options.items() >= {**expected, "port": 0, "log_level": "debug"}.items()


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_an_option_of_an_agent_may_stand_before_or_after_it(after: bool) -> None:
    url = ["--url", "http://kog:1"]
    arguments = ["--agent", "kogwistar", *url] if after else [*url, "--agent", "kogwistar"]
    assert settled(*arguments)["url"] == "http://kog:1"


def test_the_demo_does_not_look_for_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    set_variables(monkeypatch, {"GRAPHRAG_SERVER_URL": "nonsense", "CHAT_WORKFLOW_ID": "x"})
    assert settled().items() >= {"url": None, "workflow": None}.items()


@pytest.mark.parametrize(
    ("option", "variable", "value"),
    [
        ("--url", "GRAPHRAG_SERVER_URL", "localhost:28110"),
        ("--stream", "CHAT_STREAM_MODE", "websocket"),
        ("--poll-interval", "CHAT_POLL_INTERVAL_MS", "0.7"),
        ("--poll-interval", "CHAT_POLL_INTERVAL_MS", "5"),
        ("--port", "CHAT_APP_PORT", "99999"),
        ("--port", "CHAT_APP_PORT", "-1"),
        ("--app-url", "CHAT_APP_URL", "chats.example"),
        ("--app-url", "CHAT_APP_URL", "http://chats.example/?a=b"),
        ("--log-level", "CHAT_LOG_LEVEL", "loud"),
    ],
)
def test_what_cannot_be_used_is_said_in_one_line(
    option: str, variable: str, value: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GRAPHRAG_SERVER_URL", "http://kog:1")
    assert main(["--agent", "kogwistar", f"{option}={value}"]) == 2
    by_option = capsys.readouterr().err.splitlines()[-1]
    monkeypatch.setenv(variable, value)
    assert main(["--agent", "kogwistar"]) == 2
    by_variable = capsys.readouterr().err.splitlines()[-1]
    for said in (by_option, by_variable):
        assert said.startswith(f"Error: Invalid value for '{option}'")
        assert variable in said
        assert value in said


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--agent", "kogwistar"], "--agent kogwistar needs --url, or GRAPHRAG_SERVER_URL"),
        (["--agent", "openai"], "--agent openai needs --url, or OPENAI_BASE_URL"),
        (["--agent", "openai", "--url", "http://host/v1"], "--agent openai needs --model, or OPENAI_MODEL"),
        (["--agent", "ag-ui"], "--agent ag-ui needs --url"),
        (["--url", "http://kog:1"], "--url works only with --agent openai or ag-ui or kogwistar"),
        (["--model", "m"], "--model works only with --agent openai"),
        (["--python"], "--python works only with --agent openai"),
        (["--public-url", "http://kog:1"], "--public-url works only with --agent kogwistar"),
        (["--workflow", "w"], "--workflow works only with --agent kogwistar"),
    ],
)
def test_options_that_do_not_go_together_are_said_in_one_line(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert capsys.readouterr().err.splitlines()[-1] == f"Error: {sentence}"


def test_a_model_is_named_by_variables_and_its_key_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    set_variables(monkeypatch, VARIABLES)
    options = settled("--agent", "openai", "--python")
    assert options.items() >= {"url": "http://models:1/v1", "model": "a-model", "python": True}.items()
    agent = vars(AGENTS["openai"](Options(**options), Store()).backend)["_agents"][""]
    assert repr(agent) == "<openai 'a-model' at 'http://models:1/v1'>"
    assert "sk-from-variable" in vars(agent)["_server"].secrets
    assert [*vars(agent)["_options"].tools] == ["run_python"]


def test_the_stub_needs_no_sign_in(monkeypatch: pytest.MonkeyPatch) -> None:
    set_variables(monkeypatch, {"CHAT_STREAM_MODE": "poll", "CHAT_POLL_INTERVAL_MS": "1500"})
    with TestClient(chat(), base_url="http://chat.example") as client:
        client.get("/")
        sent = client.post("/messages", data={"text": "hi"}, follow_redirects=False)
        live = parse(client.get(sent.headers["location"]).text.removeprefix("<!doctype html>")).one("chat-live")
    assert "hx-sse:connect" not in live.attributes
    assert "1500ms" in live["hx-trigger"]


def test_the_kogwistar_backend_is_signed_in_to_and_shares_its_store(
    backends: list[dict[str, Any]], tmp_path: Path
) -> None:
    with FakeAuth() as auth:
        arguments = ["--agent", "kogwistar", "--url", auth.url, "--workflow", "w", "--db", f"{tmp_path}/chat.db"]
        served = chat(*arguments, "--app-url", "http://chat.example/team/")
        (made,) = backends
        assert made.items() >= {"base_url": auth.url, "workflow_id": "w", "stream": "sse"}.items()
        with TestClient(served, base_url="http://inside:1", follow_redirects=False) as client:
            assert client.get("/team/").status_code == 401
            there = begin(client, "/team/", "/team")
            assert "redirect_uri=http%3A%2F%2Fchat.example%2Fteam%2Flogin%2Fcallback%2F" in there
            assert client.get(at_the_server(there)).headers["location"] == "/team/"
            assert "Dev User" in client.get("/team/").text
    assert (tmp_path / "chat.db").exists()


def test_the_access_log_of_the_server_does_not_hold_the_token(tmp_path: Path) -> None:
    code = "import sys; sys.path.insert(0, '.'); from tests import test_main_options as t; t.serve_for_the_log()"
    with FakeAuth() as auth:
        process = subprocess.Popen(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env={**os.environ, "GRAPHRAG_SERVER_URL": auth.url, "CHAT_LOG_LEVEL": "debug", "CHAT_APP_PORT": "0"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            assert process.stdout
            output = process.stdout.readline()
            found = re.search(r"http://localhost:\d+", output)
            assert found, output + process.stdout.read()
            with httpx.Client(base_url=found[0], trust_env=False) as client:
                back = at_the_server(begin(client, "/history", ""))
                assert client.get(back).headers["location"] == "/history"
                assert "Dev User" in client.get("/history").text
        finally:
            process.terminate()
            output += process.communicate(timeout=20)[0]
    assert '"GET /login/callback/' in output
    assert auth.tokens[0] not in output
    assert "token=" not in output


def serve_for_the_log() -> None:
    with pytest.MonkeyPatch.context() as patch:
        put_local_agent(patch)
        sys.exit(main(["--agent", "kogwistar"]))


def test_files_are_stored_in_a_folder_beside_a_database(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "files"
    with TestClient(chat("--db", f"{tmp_path}/chat.db", "--files", str(folder))) as client:
        client.get("/")
        uploaded = client.post("/files", files={"upload": ("a.txt", b"told")}, headers={"HX-Request": "true"})
        id = parse(uploaded.text).one("li")["data-file"]
        assert client.get(f"/files/{id}").content == b"told"
    assert [each.read_bytes() for each in folder.iterdir()] == [b"told"]
    (tmp_path / "file").touch()
    for arguments in ["--files", str(folder)], ["--db", f"{tmp_path}/chat.db", "--files", f"{tmp_path}/file"]:
        assert main(arguments) == 2
    errors = capsys.readouterr().err
    assert "--files works only with --db" in errors and "cannot be used as a folder" in errors
