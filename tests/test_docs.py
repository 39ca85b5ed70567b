"""The documentation says what there is: an undocumented name fails, and so do dead links and examples that do not run.

A Python block whose first line names a file (`# app.py`) is complete: it is written to that file, imported and used.
Any other Python block must at least parse.
"""

from __future__ import annotations

import ast
import dataclasses
import importlib
import inspect
import json
import re
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import anyio
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

import htmxchat
import htmxchat.fragments
import htmxchat.serving
import htmxchat.testing
from htmxchat import (
    ChatError,
    Limits,
    LocalBackend,
    Look,
    RunState,
    Share,
    Store,
    StubBackend,
    create_chat_app,
)
from htmxchat.agents.kogwistar import KogwistarLogin
from htmxchat.agents.stub import respond_stub
from htmxchat.cli.serve import serve
from htmxchat.events import BODIES, Source
from htmxchat.fragments.scripts.room import script_room
from htmxchat.html import render
from htmxchat.models import Conversation
from htmxchat.scripts.models import FromAnswer, Script
from htmxchat.scripts.result import ScriptState
from htmxchat.store.tables import metadata
from htmxchat.testing import BackendConformance
from htmxchat.urls import Urls
from tests.doc_blocks import CODE, PAGES, ROOT, blocks, file_of
from tests.servers import PATIENCE
from tests.support import Element, parse

REFERENCE = ROOT / "docs" / "reference"
STATIC = ROOT / "htmxchat" / "static"

LINK = re.compile(r"\]\(([^)\s]+)\)")
SELECTOR = re.compile(
    r"(?P<tag>^[a-z]+)|#(?P<id>[\w-]+…?)|\.(?P<cls>[\w-]+)|\[(?P<name>[\w-]+)(?:=(?P<value>[\w-]+))?\]"
)


def title(page: Path) -> str:
    return str(page.relative_to(ROOT))


def reference(name: str) -> str:
    return (REFERENCE / f"{name}.md").read_text()


def rows(page: str) -> dict[str, list[str]]:
    """Return the rows of all tables of a page by what stands in their first cell, which is code."""
    found = {}
    for line in page.splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if cells and cells[0].startswith("`"):
            found[cells[0].strip("`")] = cells[1:]
    return found


def says(page: str, name: str) -> bool:
    """Return whether the page names this, as code of its own or at the beginning of some."""
    return re.search(rf"`{re.escape(name)}\b", page) is not None


# Names


@pytest.mark.parametrize("name", htmxchat.__all__)
def test_every_public_name_is_documented(name: str) -> None:
    assert says(reference("api"), name)


@pytest.mark.parametrize("name", htmxchat.testing.__all__)
def test_every_name_for_tests_is_documented(name: str) -> None:
    assert says(reference("api"), name)


@pytest.mark.parametrize("name", htmxchat.serving.__all__)
def test_every_name_of_serving_is_documented(name: str) -> None:
    assert says(reference("api"), name)


@pytest.mark.parametrize("name", htmxchat.fragments.__all__)
def test_every_fragment_is_documented(name: str) -> None:
    assert says((ROOT / "docs/how-to/fragments.md").read_text(), name)


@pytest.mark.parametrize("name", htmxchat.fragments.__all__)
def test_every_fragment_has_its_signature(name: str) -> None:
    page = " ".join((ROOT / "docs/how-to/fragments.md").read_text().split())
    assert f" {signature(name, getattr(htmxchat.fragments, name))} " in page


def signature(name: str, thing: Any) -> str:
    """Return how a fragment is called, as its source says it."""
    parts, star = [], False
    for each in inspect.signature(thing).parameters.values():
        if each.kind is each.KEYWORD_ONLY and not star:
            parts.append("*")
        star = star or each.kind in (each.KEYWORD_ONLY, each.VAR_POSITIONAL)
        default = "" if each.default is each.empty else f" = {_literal(each.default)}"
        parts.append(f"{'*' * (each.kind is each.VAR_POSITIONAL)}{each.name}: {each.annotation}{default}")
    result = "" if inspect.isclass(thing) else f" -> {inspect.signature(thing).return_annotation}"
    return f"{name}({', '.join(parts)}){result}"


@pytest.mark.parametrize(
    "module", [htmxchat, htmxchat.fragments, htmxchat.serving, htmxchat.testing], ids=lambda module: module.__name__
)
def test_every_public_class_and_function_has_a_docstring(module: ModuleType) -> None:
    for name in module.__all__:
        thing = getattr(module, name)
        if inspect.isclass(thing) or inspect.isfunction(thing):
            doc = vars(thing).get("__doc__") if inspect.isclass(thing) else thing.__doc__
            assert doc and not doc.startswith(f"{name}("), f"{name} has no docstring"


MAP = re.compile(r"^ *([a-z_]+)/?  +\S", re.MULTILINE)


@pytest.mark.parametrize("package", sorted(ROOT.glob("htmxchat/**/__init__.py")), ids=title)
def test_a_list_of_modules_in_a_package_names_all_of_them_and_no_others(package: Path) -> None:
    listed = MAP.findall(ast.get_docstring(ast.parse(package.read_text())) or "")
    there = {path.stem for path in package.parent.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert not listed or set(listed) == there - {"__init__"}


def test_every_argument_of_create_chat_app_is_documented_with_its_default() -> None:
    documented = rows(reference("api"))
    for name, parameter in inspect.signature(create_chat_app).parameters.items():
        assert name in documented, name
        default = "required" if parameter.default is parameter.empty else f"`{_literal(parameter.default)}`"
        assert documented[name][0] == default, name


def test_every_limit_is_documented_with_its_default() -> None:
    documented = rows(reference("api"))
    for field in dataclasses.fields(Limits):
        assert documented[field.name][0] == f"`{field.default}`"


def test_every_setting_for_scripts_is_documented_with_its_default() -> None:
    section = reference("api").split("## Scripts\n")[1].split("\n## ")[0]
    documented = {name: cells[0].strip("`") for name, cells in rows(section).items()}
    assert documented == {field.name: repr(field.default) for field in dataclasses.fields(htmxchat.Scripts)}


def test_every_trouble_of_the_sandbox_is_documented() -> None:
    page = (ROOT / "docs/pyodide_worker_communication.md").read_text()
    source = (STATIC / "js/sandbox/trouble.js").read_text()
    types = re.findall(r'"([a-z-]+)"', source.split("@typedef")[1].split("*/")[0])
    assert len(types) > 10
    for type_ in types:
        assert says(page, type_), type_


def test_the_fields_of_data_are_documented() -> None:
    documented = rows(reference("api"))
    kinds = (
        htmxchat.Conversation, htmxchat.ConversationPage, htmxchat.Transcript, htmxchat.Turn, htmxchat.Run,
        htmxchat.Starter, htmxchat.User, htmxchat.Request, htmxchat.RunView, htmxchat.Script, htmxchat.ScriptResult,
        htmxchat.TextValue, htmxchat.TableValue, htmxchat.Picture, htmxchat.ScriptError, htmxchat.FromAgent,
        htmxchat.FromAnswer,
    )  # fmt: skip
    for kind in kinds:
        for field in dataclasses.fields(kind):
            assert f"`{field.name}`" in documented[kind.__name__][-1], f"{kind.__name__}.{field.name}"
    for state in RunState:
        assert f"`{state.value}`" in documented["RunState"][-1]


def test_every_table_of_the_store_is_documented() -> None:
    page = (ROOT / "docs/how-to/store.md").read_text()
    assert len(metadata.tables) > 5
    for table in metadata.tables:
        assert f"`{table}`" in page, table


def test_every_event_is_documented_with_its_fields() -> None:
    page = reference("events")
    documented = rows(page)
    for name, body in BODIES.items():
        signature = [f"`{_field(field)}`" for field in dataclasses.fields(body)]
        assert documented[name][0].replace("\\|", "|") == ", ".join(signature), name
    for field in dataclasses.fields(htmxchat.RunEvent):
        assert field.name in documented, field.name
    assert all(f"`{field.name}`" in page for field in dataclasses.fields(Source))


def test_every_error_is_documented_with_its_status() -> None:
    documented = rows(reference("errors"))
    for error in _tree(ChatError):
        parent, status, _ = documented[error.__name__]
        assert error.__base__ is not None
        assert status == str(error.status), error.__name__
        assert parent == ("" if error is ChatError else f"`{error.__base__.__name__}`"), error.__name__


def test_every_route_is_documented() -> None:
    documented = {(row, cells[0]) for row, cells in rows(reference("routes")).items() if row.split(" ")[0].isupper()}
    expected = set()
    store = Store()
    login = KogwistarLogin("http://127.0.0.1:1", store)
    for route in create_chat_app(StubBackend(store), login=login, share=Share()).routes:
        if isinstance(route, Route):
            (method,) = (route.methods or set()) - {"HEAD"}
            expected.add((f"{method} {route.path}", f"`{route.name}`"))
        elif isinstance(route, Mount):
            expected.add((f"GET {route.path}/{{version}}/{{path}}", f"`{route.name}`"))
    assert documented == expected


def test_every_option_of_the_command_is_documented() -> None:
    documented = rows(reference("cli"))
    context = serve.make_context("htmxchat", [])
    options = serve.get_params(context)
    for option in options:
        name = option.opts[0]
        default, variables, *_ = documented[name]
        if (value := context.params.get(option.name or "")) is not None:
            assert default == f"`{value}`", name
        named = [option.envvar] if isinstance(option.envvar, str) else option.envvar or ()
        assert variables == ", ".join(f"`{variable}`" for variable in named), name
    assert len(documented) == len(options)


# Hooks


def test_every_token_is_documented_with_its_value() -> None:
    css = (STATIC / "css/tokens.css").read_text()
    root = css.split(":root {", 1)[1].split("\n  }", 1)[0]
    tokens = dict(re.findall(r"(--chat-[\w-]+):\s*([^;]+);", root))
    documented = {name: cells[0].strip("`") for name, cells in rows(reference("hooks")).items() if name[:2] == "--"}
    assert documented == tokens


def test_every_custom_element_and_event_is_documented() -> None:
    page = reference("hooks")
    scripts = "".join(file.read_text() for file in (STATIC / "js").glob("*.js"))
    for element in re.findall(r'customElements\.define\("([\w-]+)"', scripts):
        assert f"`<{element}>`" in page, element
    for event in re.findall(r'new (?:Custom)?Event\("([\w:-]+)"', scripts):
        assert f"`{event}`" in page, event


def test_every_hook_that_a_fragment_promises_is_documented() -> None:
    page = reference("hooks")
    for file in (ROOT / "htmxchat/fragments").rglob("*.py"):
        for text in re.findall(r"Hooks:(.*?)(?:\n\n|\"\"\")", file.read_text(), re.DOTALL):
            for hook in re.findall(r"`([^`]+)`", text):
                assert hook in page, f"{file.name}: {hook}"


def _room_of_another_branch() -> str:
    at = datetime.now(UTC)
    waiting = Script("s", "c", "r", FromAnswer(0), "One", "1 + 1", ScriptState.QUEUED, 1, at, elsewhere=True)
    return render(*script_room(Urls(""), Conversation("c", "ann", "A talk", at, at), [waiting]))


def test_every_hook_that_is_documented_is_on_the_page() -> None:
    chat = create_chat_app(
        StubBackend(pace=0),
        look=Look(header="Above", footer="Below"),
        share=Share(),
        parts={"query_metrics": lambda data, context: str(data)},
    )
    with TestClient(chat) as client:
        client.get("/")
        taking = client.get("/import").text
        table = {"upload": ("sizes.csv", "name,bytes\na,1\n")}
        draft = client.post("/files", files=table).text
        kept = re.findall(r'data-file="(\w+)"', draft)
        preview = client.get(f"/files/{kept[0]}/preview").text
        shown = client.post("/messages", data={"text": "Why did checkout get slow at 14:30?"}, files=table)
        _until(client, shown.url.path, 'data-state="completed"')
        client.post(f"{shown.url.path}/messages", data={"text": "Restart the notifier workers."})
        html = taking + draft + preview + _until(client, shown.url.path, 'class="request"')
        html += client.get(f"{shown.url.path}/runs").text
        run = re.search(r'id="turn-(\w+)" class="turn" data-role="assistant"', html)
        assert run is not None
        html += client.get(f"/runs/{run[1]}").text
        asked = re.findall(r'id="turn-(\w+)" class="turn" data-role="assistant"', html)
        client.post(f"/runs/{asked[-1]}/stop")
        html += _until(client, shown.url.path, 'class="request"[^>]*data-state="withdrawn"')
        asked = re.findall(r'id="turn-(\w+)" class="turn" data-role="user"', html)
        client.post(f"{shown.url.path}/turns/{asked[-1]}/edit", data={"text": "Restart the notifier workers, please."})
        html += _until(client, shown.url.path, 'class="versions"')
        html += client.get(f"{shown.url.path}?edit={asked[0]}").text
        html += client.get("/history?select=yes", headers={"Cookie": "htmxchat_widths=h20"}).text
        many = client.post("/messages", data={"text": "The notifier queue is growing. Find out why."})
        html += _until(client, many.url.path, 'class="fold"', fails=True)
        filled = client.post("/messages", data={"text": "Tell customers about the late mails."})
        form = _until(client, filled.url.path, "<chat-form")
        form_of = re.search(r'action="/runs/(\w+)/answer"', form)
        assert form_of is not None
        answer = {
            "answer/reply_to": "a@example.com",
            "answer/subject": "Late mails",
            "answer/who": "0",
            "answer/ways": "0",
        }
        client.post(f"/runs/{form_of[1]}/answer", data={"request": "notice", "decision": "send", **answer})
        html += form + _until(client, filled.url.path, 'class="args"')
        asking = client.post("/messages", data={"text": "Summarize these response times with Python."})
        html += _until(client, asking.url.path, "<chat-proposal")
        html += client.get(f"{asking.url.path}/scripts").text + _room_of_another_branch()
        html += client.get(f"{asking.url.path}/export.html").text
        failing = client.post("/messages", data={"text": "Export last month's bookings."})
        failed = _until(client, failing.url.path, "The answer failed", fails=True)
        run = re.search(r'id="turn-(\w+)" class="turn" data-role="assistant"', failed)
        assert run is not None
        client.post(f"{failing.url.path}/share", data={"who": "link"})
        html += client.get(f"{failing.url.path}/share").text + client.get("/shares").text
        html += client.get(f"/runs/{run[1]}").text
    several = LocalBackend({name: partial(respond_stub, pace=0) for name in ("Fast", "Careful")})
    with TestClient(create_chat_app(several)) as client:
        client.get("/")
        shown = client.post("/messages", data={"text": "Hello"})
        answered = _until(client, shown.url.path, 'class="by"')
        message = re.search(r'id="turn-(\w+)" class="turn" data-role="user"', answered)
        assert message is not None
        html += answered + client.get(f"{shown.url.path}?edit={message[1]}").text
    page = list(parse(html))
    tables = reference("hooks").split("## Custom elements")[0]
    for cell in rows(tables):
        for selector in cell.split("`, `"):
            assert any(_matches(element, selector) for element in page), selector


# Text


@pytest.mark.parametrize("document", PAGES, ids=title)
def test_relative_links_lead_somewhere(document: Path) -> None:
    text = CODE.sub("", document.read_text())
    for link in LINK.findall(text):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (document.parent / path).resolve() if path else document
        assert target.exists(), f"{link} is not there"
        assert not anchor or anchor in _anchors(target), f"{link} has no such heading"


def test_every_page_is_in_the_index() -> None:
    index = ROOT / "docs/index.md"
    linked = {(index.parent / link).resolve() for link in LINK.findall(index.read_text())}
    missing = [title(page) for page in PAGES if page.parent.parent == index.parent and page not in linked]
    assert not missing


def test_the_commands_of_the_readme_are_there() -> None:
    commands = re.findall(r"^scripts/\w+", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert commands == ["scripts/demo", "scripts/test"]
    assert all((ROOT / command).stat().st_mode & 0o111 for command in commands)


@pytest.mark.parametrize("document", PAGES, ids=title)
def test_python_blocks_parse(document: Path) -> None:
    for language, code in CODE.findall(document.read_text()):
        if language == "python":
            ast.parse(code)


# Examples


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder to work in, from which modules can be imported until the test ends."""
    before = set(sys.modules)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.syspath_prepend(ROOT)
    yield tmp_path
    for name in set(sys.modules) - before:
        if (getattr(sys.modules[name], "__file__", None) or "").startswith(str(tmp_path)):
            del sys.modules[name]


COMPLETE = [(page, number) for page in PAGES for number in range(len(blocks(page)))]


@pytest.mark.parametrize(("document", "number"), COMPLETE, ids=[f"{title(each)}-{number}" for each, number in COMPLETE])
def test_complete_blocks_run(document: Path, number: int, folder: Path) -> None:
    codes = blocks(document)
    for code in codes[: number + 1]:  # a later block may import from an earlier one
        (folder / file_of(code)).write_text(code.replace("asyncio.sleep(", "asyncio.sleep(0 * "))
    module = importlib.import_module(file_of(codes[number]).removesuffix(".py"))
    if hasattr(module, "app"):
        _visit(module.app, ask=hasattr(module, "respond") and not hasattr(module, "httpx"))
    for name, thing in vars(module).items():
        if name.startswith("test_"):
            thing()
        elif inspect.isclass(thing) and issubclass(thing, BackendConformance) and thing is not BackendConformance:
            anyio.run(thing().test_start_run_makes_a_conversation)
            anyio.run(thing().test_stop_ends_a_live_run_once)


def test_each_way_to_an_agent_in_the_readme_has_at_most_fifteen_lines() -> None:
    codes = blocks(ROOT / "README.md")
    assert all(len(code.splitlines()) <= 16 for code in codes), "fifteen and the name of the file"
    assert sum("app.mount(" in code for code in codes) == 1


def test_the_fragments_show_a_conversation(folder: Path) -> None:
    app = _module(folder, ROOT / "docs/how-to/fragments.md").app
    with TestClient(app) as client:
        asked = client.post("/chat/messages", data={"text": "Show me the runbook for a failed nightly import."})
        _until(client, asked.url.path, 'data-role="assistant" data-state="completed"')
        html = client.get("/report").text
    assert 'data-role="assistant" data-state="completed"' in html
    page = parse(html.replace('<meta charset="utf-8">', ""))
    assert "Copy the answer" in [each.attributes.get("aria-label") for each in page.one("chat-log").all("button")]
    assert "hidden" in page.one(id="status")["class"].split()


def _module(folder: Path, page: Path) -> ModuleType:
    code = blocks(page)[0]
    (folder / file_of(code)).write_text(code)
    return importlib.import_module(file_of(code).removesuffix(".py"))


def _visit(app: Starlette, *, ask: bool) -> None:
    """Open the chat, at the root or at /chat/, ask it something if that needs no network, and shut it down."""
    mounts: list[Any] = [route for route in app.routes if isinstance(route, Mount) and route.path == "/chat"]
    chat, address = (mounts[0].app, "/chat/") if mounts else (app, "/")
    with TestClient(app) as client:
        if client.get(address).status_code == 401:
            client.post("/login")
        answer = client.get(address)
        assert answer.status_code == 200
        assert 'id="composer"' in answer.text
        if ask:
            answer = client.post(f"{address}messages", data={"text": "How much is it?"})
            assert answer.status_code == 200
            _until(client, answer.url.path, r'data-state="(completed|suspended)"[^>]*><h2[^>]*>Agent')
        client.portal.call(chat.state.chat.backend.close)  # type: ignore[union-attr]


def _until(client: TestClient, path: str, pattern: str, *, fails: bool = False) -> str:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        text: str = client.get(path).text
        if re.search(pattern, text):
            return text
        assert fails or 'data-state="failed"' not in text
        client.portal.call(anyio.sleep, 0.02)  # type: ignore[union-attr]
    raise AssertionError(f"{pattern} did not come")


def _matches(element: Element, selector: str) -> bool:
    for part in SELECTOR.finditer(selector):
        if part["tag"] and part["tag"] != element.tag:
            return False
        if part["id"] and not _same(element.attributes.get("id", ""), part["id"]):
            return False
        if part["cls"] and part["cls"] not in element.attributes.get("class", "").split():
            return False
        if part["name"] and part["name"] not in element.attributes:
            return False
        if part["value"] and element.attributes[part["name"]] != part["value"]:
            return False
    return True


def _same(id: str, wanted: str) -> bool:
    return id.startswith(wanted[:-1]) if wanted.endswith("…") else id == wanted


def _literal(value: object) -> str:
    return json.dumps(value) if isinstance(value, str) else repr(value)


def _field(field: Any) -> str:
    if field.default is dataclasses.MISSING:
        return f"{field.name}: {field.type}"
    return f"{field.name}: {field.type} = {_literal(field.default)}"


def _tree(error: type[ChatError]) -> Iterator[type[ChatError]]:
    yield error
    for child in error.__subclasses__():
        if child.__module__ == "htmxchat.errors":
            yield from _tree(child)


def _anchors(page: Path) -> set[str]:
    """Return the names that headings get on GitHub and most other sites."""
    headings = re.findall(r"^#+ (.+)$", CODE.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
