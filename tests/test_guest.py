"""A guest changes nothing in the house: what importing and mounting the chat leaves as it was.

Everything is looked at in processes of their own, since this one has imported it all already.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

LOOK = """
import asyncio, gc, inspect, logging, os, signal, socket, sys, threading, warnings
from starlette.convertors import CONVERTOR_TYPES, StringConvertor
from starlette.requests import Request

def look():
    return {
        "string convertor": (StringConvertor.regex, StringConvertor.to_string, StringConvertor.convert),
        "convertors": {name: type(each) for name, each in CONVERTOR_TYPES.items()},
        "root logger": (logging.root.level, list(logging.root.handlers), logging.getLoggerClass()),
        "signals": {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)},
        "event loop policy": type(asyncio.get_event_loop_policy()),
        "environment": dict(os.environ),
        "directory": os.getcwd(),
        "files": sorted(os.listdir()),
        "warnings": list(warnings.filters),
        "threads": sorted(thread.name for thread in threading.enumerate()),
        "sockets": sum(isinstance(each, socket.socket) for each in gc.get_objects()),
        "loops": sum(isinstance(each, asyncio.AbstractEventLoop) for each in gc.get_objects()),
        "hooks": (sys.excepthook, sys.displayhook, threading.excepthook, sys.getrecursionlimit(), len(sys.meta_path)),
        "encoding": (sys.stdout.encoding, sys.getdefaultencoding()),
        "builtins": sorted(vars(__builtins__)),
    }

def compare(before, but=()):
    for thread in threading.enumerate():
        if thread.name not in before["threads"]:
            thread.join(10)  # that of a closed connection tells that it is done before it is over
    after = look()
    # A name that FastHTML adds stays, since FastHTML hosts need it. One that was there stays what it was.
    after["convertors"] = {name: each for name, each in after["convertors"].items() if name in before["convertors"]}
    changed = {key: (before[key], after[key]) for key in before if before[key] != after[key] and key not in but}
    assert not changed, changed
"""

CHAT = """
from htmxchat import StubBackend, create_chat_app
chat = create_chat_app(StubBackend(pace=0))
"""

HOSTS = {
    "starlette": (
        "from starlette.applications import Starlette\nfrom starlette.routing import Route\n",
        """
async def item(request): return PlainTextResponse("item " + request.path_params["id"])
host = Starlette(routes=[Route("/items/{id}", item, name="item")])
""",
    ),
    "fastapi": (
        "from fastapi import FastAPI\n",
        """
host = FastAPI()
@host.get("/items/{id}", name="item", response_class=PlainTextResponse)
async def item(id: str): return "item " + id
""",
    ),
    "fasthtml": (
        "from fasthtml.common import FastHTML\n",
        """
host = FastHTML(secret_key="only here")
@host.get("/items/{id}", name="item")
def item(id: str): return PlainTextResponse("item " + id)
""",
    ),
}

USE = """
host.mount("/chat", chat)
from starlette.testclient import TestClient
with TestClient(chat):
    client = TestClient(host)
    assert client.get("/chat/").status_code == 200
    assert client.get("/chat/c/").status_code in (404, 405)
    assert client.get("/items/7").text == "item 7"
    assert str(host.url_path_for("item", id="7")) == "/items/7"
    assert (client.get("/items/").status_code == 404) is not PATCHED
"""


def run(source: str, directory: Path, *flags: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", *flags, "-c", source],
        cwd=directory,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", "HOME": str(directory)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


ORDERS = [(host, order) for host in HOSTS for order in ("host first", "chat first")]


@pytest.mark.parametrize(("host", "order"), ORDERS)
def test_a_host_is_as_it_was(host: str, order: str, tmp_path: Path) -> None:
    imports, made = HOSTS[host]
    imports += "from starlette.responses import PlainTextResponse\n"
    # A FastHTML host that was loaded first has chosen its convertor; one that comes second gets Starlette's own.
    patched = host == "fasthtml" and order == "host first"
    if order == "host first":
        body = f"{LOOK}\n{imports}\nbefore = look()\n{CHAT}\ncompare(before)\n{made}"
    else:
        body = f"{LOOK}\nbefore = look()\n{CHAT}\ncompare(before)\n{imports}\n{made}"
    run(
        f"{body}\nbefore = look()\n{USE.replace('PATCHED', str(patched))}\ncompare(before, but=['loops', 'sockets'])",
        tmp_path,
    )
    assert list(tmp_path.iterdir()) == []


def test_importing_alone_starts_opens_and_writes_nothing(tmp_path: Path) -> None:
    run(f"{LOOK}\nbefore = look()\nimport htmxchat\ncompare(before)", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_hosts_logging_is_its_own(tmp_path: Path) -> None:
    source = """
import logging
logging.basicConfig(level=logging.DEBUG, format="host %(name)s %(message)s")
before = list(logging.root.handlers), logging.root.level
import htmxchat
log = logging.getLogger("htmxchat")
assert (list(logging.root.handlers), logging.root.level) == before
assert log.level == logging.NOTSET and log.propagate and not log.handlers
"""
    run(source, tmp_path)


def test_what_a_host_has_set_itself_stays(tmp_path: Path) -> None:
    source = """
from starlette.convertors import StringConvertor
StringConvertor.regex = "[a-z]+"
import htmxchat
assert StringConvertor.regex == "[a-z]+"
"""
    run(source, tmp_path)


def test_a_path_convertor_matches_what_it_did(tmp_path: Path) -> None:
    source = """
from starlette.convertors import CONVERTOR_TYPES, Convertor, register_url_convertor
class Static(Convertor[str]):
    regex = "static|public"
    def convert(self, value): return value
    def to_string(self, value): return value
register_url_convertor("static", Static())
path = CONVERTOR_TYPES["path"]
import htmxchat
assert CONVERTOR_TYPES["path"] is path and path.regex == ".*"
assert type(CONVERTOR_TYPES["static"]) is Static
"""
    run(source, tmp_path)


def test_what_the_chat_does_not_need_is_not_loaded(tmp_path: Path) -> None:
    modules = ["fastapi", "playwright", "pytest", "trio", "asyncpg", "starlette.testclient", "pydantic_ai", "langgraph"]
    # FastHTML brings uvicorn and httpx; nothing of ours does.
    source = f"""
import sys
import fasthtml.components
before = set(sys.modules)
import htmxchat, htmxchat.agents
print([name for name in {modules} if name in sys.modules])
print([name for name in ("uvicorn", "httpx") if name in set(sys.modules) - before])
"""
    assert run(source, tmp_path).split("\n")[:2] == ["[]", "[]"]


def test_two_chats_in_one_process_share_nothing(tmp_path: Path) -> None:
    run(
        """
from htmxchat import StubBackend, create_chat_app
one, two = create_chat_app(StubBackend()), create_chat_app(StubBackend())
for name in ("backend", "identify", "relay", "streams", "requests", "assets"):
    assert getattr(one.state.chat, name) is not getattr(two.state.chat, name), name
""",
        tmp_path,
    )


def test_how_long_importing_takes(tmp_path: Path) -> None:
    seconds = run("import time; t = time.perf_counter(); import htmxchat; print(time.perf_counter() - t)", tmp_path)
    print(f"import htmxchat: {float(seconds):.2f} s")
