"""Joins the style sheets and the scripts that every page loads, without their comments. Pure functions.

This is no general bundler. It relies on how the modules of this package are written: an import or export begins its
line and names what it takes, and a string ends on its line.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

_CSS_COMMENT = re.compile(r"/\*.*?\*/\s*", re.DOTALL)
# Those that stand alone on their lines: elsewhere it may be a string.
_JS_COMMENT = re.compile(r"^[ \t]*(?:/\*(?:(?!\*/).)*\*/[ \t]*\n|//[^\n]*\n)", re.DOTALL | re.MULTILINE)
# A cast stands before what it is about, on its line.
_JS_CAST = re.compile(r"/\*\* @type \{[^*\n]*\} \*/ ?")
_INDENT = re.compile(r"^[ \t]+|^\n", re.MULTILINE)
_IMPORT = re.compile(r'^import (?:\{ (?P<names>[\w, ]+) \} from )?"\./(?P<module>[\w-]+)\.js";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function|class|const) (\w+))", re.MULTILINE)


def join_styles(styles: Mapping[str, str]) -> str:
    """Return style sheets as one, in their order."""
    return "\n".join(_INDENT.sub("", _CSS_COMMENT.sub("", text)) for text in styles.values())


def join_modules(modules: Mapping[str, str]) -> str:
    """Return JavaScript modules as one, which exports what each of them does.

    Each runs in a function of its own, so names that it does not export cannot collide with another's.

    Args:
        modules: Their texts by name (`page` for `page.js`), each after those that it imports.

    Raises:
        ValueError: One imports what does not stand before it, or exports a name that another exports too.
    """
    joined: list[str] = []
    exported: list[str] = []
    before: set[str] = set()
    for name, text in modules.items():
        if later := {found["module"] for found in _IMPORT.finditer(text)} - before:
            raise ValueError(f"{name}.js stands before what it imports: {', '.join(sorted(later))}.")
        names = _EXPORT.findall(text)
        if twice := {*names} & {*exported}:
            raise ValueError(f"{name}.js exports what another module exports too: {', '.join(sorted(twice))}.")
        body = _less(_EXPORT.sub("", _IMPORT.sub("", text)))
        given = f"const {{ {', '.join(names)} }} = " if names else ""
        joined.append(f"{given}(() => {{\n{body}return {{ {', '.join(names)} }};\n}})();\n")
        exported += names
        before.add(name)
    return f"{''.join(joined)}export {{ {', '.join(exported)} }};\n"


def import_joined(text: str, names: Collection[str], into: str) -> str:
    """Return a module that imports from `into` what it imports from those of these names."""

    def instead(found: re.Match[str]) -> str:
        names_of_it = f"{{ {found['names']} }} from " if found["names"] else ""
        return f'import {names_of_it}"./{into}.js";\n' if found["module"] in names else found[0]

    return _IMPORT.sub(instead, text)


def _less(script: str) -> str:
    return _INDENT.sub("", _JS_CAST.sub("", _JS_COMMENT.sub("", script)))
