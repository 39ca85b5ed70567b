"""Imports run one way, and module level holds no state. Read from the source, without importing anything."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "htmxchat"

# A place is a module or package below htmxchat; the longest that fits a module's name is its place.
TEXT = {"text"}
NOUNS = {
    "archive",
    "asking",
    "checks",
    "choosing",
    "compaction",
    "kinds",
    "models",
    "events",
    "errors",
    "feedback",
    "files",
    "observing",
    "scripts",
    "sharing",
    "titles",
    "state_words",
    *TEXT,
}
NOUNS |= {"latest", "part_list", "parts"}
SEAMS = {"agent", "arranging", "backend", "auth.login"}
LOG = {"journal", "store"}
PAGE = {"html", "drawing", "forms", "look", "view", "urls", "live.patches", "inspection", *NOUNS}
STREAM = {"fragments", "http.detaching", "http.sse", "http.stopping", "live", *SEAMS, *PAGE}
GUARDS = {"http", "auth"}
AGENTS = {"agents", "backends", "testing"}
EVERYTHING = {"app", "chat", "endpoints", *STREAM, *GUARDS, *LOG, *AGENTS}

# Place: the places of htmxchat it may import, then the packages of others apart from the standard library.
LAYERS: dict[str, tuple[set[str], set[str]]] = {
    **dict.fromkeys(NOUNS, (NOUNS, set())),
    "files.types": ({"files"}, {"puremagic"}),
    "forms": (NOUNS, {"jsonschema_rs"}),
    "text.markdown": (TEXT, {"pyromark"}),
    "text.highlight": (set(), {"pygments"}),
    "text.mathml": (set(), {"math_core"}),
    "text.ansi": (set(), set()),
    "text.confusing": ({"text.phrases"}, set()),
    "text.phrases": (set(), set()),
    **dict.fromkeys(SEAMS, (NOUNS, set())),
    "view": (NOUNS, set()),
    "inspection": (NOUNS, set()),
    "urls": ({"checks", "kinds"}, set()),
    "look": (NOUNS | {"html", "urls"}, set()),
    "drawing": (NOUNS | {"html", "look", "urls"}, {"anyio"}),
    "html": (set(), {"fasthtml", "starlette"}),
    "http.sse": ({"http.detaching", "http.stopping"}, {"anyio", "starlette"}),
    "http.detaching": (set(), {"starlette"}),
    "http.multipart": ({"errors"}, {"python_multipart"}),
    "http.stopping": (set(), {"anyio"}),
    **dict.fromkeys(GUARDS, (NOUNS | GUARDS, {"anyio", "starlette"})),
    "fragments": (PAGE, set()),
    "live": (STREAM, {"anyio"}),
    "live.patches": ({"html"}, set()),
    "live.reading": (NOUNS | SEAMS, set()),
    "chat.bound": (NOUNS | {"arranging", "backend", "chat.submissions", "live.reading"}, {"anyio"}),
    "chat.submissions": (NOUNS, {"anyio"}),
    "chat": (STREAM | GUARDS, set()),
    "endpoints": (STREAM | GUARDS | {"backends.containment", "chat"}, {"anyio", "starlette"}),
    "serving": (STREAM | GUARDS | {"chat", "chat.bound"}, {"anyio", "starlette"}),
    "app": (STREAM | GUARDS | {"chat", "endpoints"}, {"anyio", "starlette"}),
    **dict.fromkeys(LOG, (NOUNS | LOG | {"agent", "backend", "view"}, {"alembic", "anyio", "sqlalchemy"})),
    **dict.fromkeys(
        AGENTS,
        (
            NOUNS | LOG | AGENTS | SEAMS | {"forms", "live.reading", "view"},
            {
                *("anyio", "docstring_parser", "httpx", "pytest", "sqlalchemy"),
                *("pydantic", "pydantic_ai", "pydantic_core", "langchain_core", "langgraph", "typing_extensions"),
            },
        ),
    ),
    "backends.containment": (set(), set()),
    "__init__": (EVERYTHING - {"testing"}, set()),
    "telemetry": ({"observing"}, {"opentelemetry"}),
    "cli": (EVERYTHING | {"__init__"}, {"click", "starlette", "uvicorn"}),
    "__main__": ({"cli"}, set()),
}

MUTABLE = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)
MUTABLE_CALLS = {
    *("list", "dict", "set", "bytearray", "defaultdict", "deque", "Counter", "OrderedDict", "ChainMap"),
    *("WeakSet", "WeakKeyDictionary", "WeakValueDictionary", "ContextVar", "local", "Lock", "Event", "Queue"),
    *("cache", "lru_cache"),
}


def sources() -> Iterator[tuple[str, Path]]:
    for file in sorted(PACKAGE.rglob("*.py")):
        parts = file.relative_to(PACKAGE).with_suffix("").parts
        if parts[0] != "static":
            yield ".".join(("htmxchat", *parts)), file


MODULES = dict(sources())


def place(module: str) -> str:
    """Return the longest place in the table that a module is in: `htmxchat.http.sse` is `http.sse`, not `http`."""
    found = "__init__" if module == "htmxchat" else module.removeprefix("htmxchat.")
    while found not in LAYERS and "." in found:
        found = found.rpartition(".")[0]
    return found


def within(name: str, places: set[str]) -> bool:
    """Tell whether a module may be imported by what may import these places."""
    found = place(name)
    return any(found == each or found.startswith(f"{each}.") for each in places)


def imports(module: str, tree: ast.AST) -> Iterator[str]:
    """Yield the absolute name of everything imported, functions' own imports and those for typing included."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield from _from(node.module or "", node)
        elif isinstance(node, ast.ImportFrom):
            base = module.split(".")[: -node.level]
            yield from _from(".".join([*base, *([node.module] if node.module else [])]), node)


def _from(base: str, node: ast.ImportFrom) -> Iterator[str]:
    # `from .fragments import history` names a module, `from .models import User` does not.
    for alias in node.names:
        name = f"{base}.{alias.name}"
        is_module = name in MODULES or f"{name}.__init__" in MODULES
        yield name if is_module else base


def mutable(tree: ast.Module) -> Iterator[str]:
    """Yield the names of module-level variables that hold something changeable and are not written as constants."""
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                for name in (n for n in ast.walk(target) if isinstance(n, ast.Name)):
                    constant = name.id.isupper() or (name.id.startswith("__") and name.id.endswith("__"))
                    if not constant and any(map(_is_mutable, _values(node.value))):
                        yield name.id
        for function in ast.walk(node):
            if isinstance(function, ast.Global):
                yield from function.names


def _values(value: ast.expr) -> list[ast.expr]:
    return value.elts if isinstance(value, ast.Tuple) else [value]


def _is_mutable(value: ast.expr) -> bool:
    if isinstance(value, ast.Call):
        called = value.func.attr if isinstance(value.func, ast.Attribute) else getattr(value.func, "id", "")
        return called in MUTABLE_CALLS
    return isinstance(value, MUTABLE)


def parse(module: str) -> ast.Module:
    return ast.parse(MODULES[module].read_text(encoding="utf-8"))


@pytest.mark.parametrize("module", MODULES)
def test_a_module_is_in_a_layer_and_imports_only_what_lies_below(module: str) -> None:
    assert place(module) in LAYERS, f"{module} is in no layer: give it one here, and in docs/ if it is public"
    own, others = LAYERS[place(module)]
    for name in imports(module, parse(module)):
        top = name.split(".")[0]
        if top == "htmxchat":
            assert within(name, {place(module), *own}), f"{module} must not import {name}"
        else:
            allowed = top in sys.stdlib_module_names or top in others
            assert allowed, f"{module} must not import {name}"


@pytest.mark.parametrize("module", MODULES)
def test_module_level_holds_no_state(module: str) -> None:
    assert not [*mutable(parse(module))]


def test_only_one_module_imports_fasthtml() -> None:
    assert [m for m in MODULES if any(i.split(".")[0] == "fasthtml" for i in imports(m, parse(m)))] == ["htmxchat.html"]


def test_no_file_is_longer_than_a_reader_keeps_in_mind() -> None:
    files = [file for kind in ("py", "js", "css") for file in PACKAGE.rglob(f"*.{kind}") if "vendor" not in file.parts]
    lengths = {str(file.relative_to(PACKAGE)): len(file.read_text(encoding="utf-8").splitlines()) for file in files}
    assert {file: length for file, length in lengths.items() if length > 400} == {}


class TestTheTestItself:
    @pytest.mark.parametrize(
        ("source", "expected"),
        [
            ("import json", ["json"]),
            ("from .models import User", ["htmxchat.models"]),
            ("from . import models", ["htmxchat.models"]),
            ("from htmxchat.models import User", ["htmxchat.models"]),
            ("from htmxchat import models", ["htmxchat.models"]),
            ("def f():\n    from .events import RunEvent", ["htmxchat.events"]),
            ("if TYPE_CHECKING:\n    import starlette.requests", ["starlette.requests"]),
        ],
    )
    def test_every_way_to_import_is_seen(self, source: str, expected: list[str]) -> None:
        assert [*imports("htmxchat.view", ast.parse(source))] == expected

    def test_relative_imports_are_resolved_from_packages_too(self) -> None:
        source = ast.parse("from ..models import User\nfrom .. import events\nfrom .turn import body")
        assert [*imports("htmxchat.fragments.history", source)] == [
            "htmxchat.models",
            "htmxchat.events",
            "htmxchat.fragments.turn",
        ]

    @pytest.mark.parametrize(
        ("source", "names"),
        [
            ("seen = {}", ["seen"]),
            ("_seen: dict[str, int] = dict()", ["_seen"]),
            ("log = collections.deque()", ["log"]),
            ("a, b = [], ()", ["a", "b"]),
            ("def f():\n    global count", ["count"]),
            ("TABLE = {}", []),
            ("_TABLE = {}", []),
            ("__all__ = []", []),
            ("def f():\n    seen = {}", []),
            ("log = logging.getLogger('htmxchat')", []),
        ],
    )
    def test_state_is_seen(self, source: str, names: list[str]) -> None:
        assert [*mutable(ast.parse(source))] == names
