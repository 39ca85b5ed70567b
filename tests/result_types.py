"""The types of the result of a script, as TypeScript: made from the Python ones, for the page.

python -m tests.result_types        # writes them again
"""

from __future__ import annotations

import inspect
import json
import re
import types
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from htmxchat.http.assets import STATIC
from htmxchat.scripts import result
from htmxchat.scripts.encoding import KINDS
from htmxchat.scripts.posted import ENDS

FILE = STATIC / "js" / "sandbox" / "result.d.ts"
_HEAD = "/** What comes of a script. Made from htmxchat/scripts/result.py by `python -m tests.result_types`. */\n"
_ALIASES: Mapping[Any, str] = {result.Cell: "Cell", result.ScriptValue: "ScriptValue"}
_PLAIN = {str: "string", int: "number", float: "number", bool: "boolean", types.NoneType: "null"}
_WIDTH = 120


def typescript() -> str:
    """Return the whole file."""
    ends = _union(json.dumps(each.value) for each in ENDS)
    parts = [
        _alias("ScriptState", _union(json.dumps(each.value) for each in result.ScriptState), result.ScriptState),
        f"/** How a script ends that a page has run. */\nexport type ScriptEnd = {ends};",
        f"export type Cell = {_union(map(_type, get_args(result.Cell)))};",
        *map(_interface, (result.TextValue, result.TableValue, result.Picture)),
        f"export type ScriptValue = {_union(map(_type, get_args(result.ScriptValue)))};",
        *map(_interface, (result.ScriptError, result.ScriptResult)),
    ]
    return "\n".join([_HEAD, *(f"{part}\n" for part in parts)])


def names(kind: Any) -> dict[str, str]:
    """Return the names in JSON of a dataclass's fields, with their types."""
    hints = get_type_hints(kind)
    tag = {"kind": json.dumps(KINDS[kind])} if kind in KINDS else {}
    # Bytes are Base64 there.
    given = {("base64" if hints[each.name] is bytes else each.name): hints[each.name] for each in fields(kind)}
    return {**tag, **{name: _type(hint) for name, hint in given.items()}}


def _interface(kind: Any) -> str:
    said = _attributes(kind)
    said["base64"] = said.get("data", "")
    lines = [f"{_comment(said.get(name))}  {name}: {type};" for name, type in names(kind).items()]
    return "\n".join([f"/** {_summary(kind)} */", f"export interface {kind.__name__} {{", *lines, "}"])


def _alias(name: str, of: str, kind: Any) -> str:
    line = f"export type {name} = {of};"
    broken = line if len(line) <= _WIDTH else line.replace(" | ", "\n  | ").replace(" = ", " =\n  | ", 1)
    return f"/** {_summary(kind)} */\n{broken}"


def _type(hint: Any) -> str:
    if hint in _ALIASES:
        return _ALIASES[hint]
    if hint in _PLAIN:
        return _PLAIN[hint]
    if hint is bytes:
        return "string"
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is tuple:
        return f"{_type(arguments[0])}[]"
    if origin is Literal:
        return _union(map(json.dumps, arguments))
    if origin in (Union, types.UnionType):
        # `ScriptValue | None` has lost that it was made from `ScriptValue`.
        named = next((alias for alias in _ALIASES if set(get_args(alias)) < set(arguments)), None)
        rest = [each for each in arguments if each not in get_args(named)]
        return _union([*([_ALIASES[named]] if named else []), *map(_type, rest)])
    assert is_dataclass(hint) or hint is result.ScriptState, hint
    name: str = getattr(hint, "__name__", "")
    return name


def _union(types: Any) -> str:
    return " | ".join(dict.fromkeys(types))


def _summary(kind: Any) -> str:
    return _docstring(kind).partition("\n\n")[0]


def _docstring(kind: Any) -> str:
    return inspect.getdoc(kind) or ""


def _attributes(kind: Any) -> dict[str, str]:
    """Return what a docstring says of its fields."""
    section = re.search(r"Attributes:\n((?: .*\n?|\n)*)", _docstring(kind))
    return dict(_entries(section[1])) if section else {}


def _entries(text: str) -> Iterator[tuple[str, str]]:
    for entry in re.split(r"\n(?=    \w+: )", f"\n{text}")[1:]:
        name, _, words = entry.strip().partition(": ")
        yield name, " ".join(words.split())


def _comment(words: str | None) -> str:
    return f"  /** {words} */\n" if words else ""


if __name__ == "__main__":
    FILE.write_text(typescript(), encoding="utf-8")
