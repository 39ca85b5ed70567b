"""The one door to FastHTML: tags in, HTML out.

Importing FastHTML changes Starlette's `str` path convertor for the whole process, so that the host's own
`/items/{id}` would also match an empty id. When the host has not loaded FastHTML itself, that is put back here.
`HTTPConnection.url_path_for`, which FastHTML adds, stays: a host that uses FastHTML later needs it.

FastHTML has no type hints, so its `Any` ends in this module.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from html import escape
from typing import Any, TypeAlias

from starlette.convertors import CONVERTOR_TYPES, StringConvertor

_loaded_by_host = "fasthtml.core" in sys.modules
_convertor = StringConvertor.regex, StringConvertor.to_string
_convertors = tuple(CONVERTOR_TYPES.items())

from fasthtml.components import FT, NotStr, to_xml, voids  # noqa: E402

if not _loaded_by_host:
    StringConvertor.regex, StringConvertor.to_string = _convertor  # type: ignore[method-assign]
    # FastHTML replaces `path`. The name `static`, which it adds, stays unless the host has one.
    CONVERTOR_TYPES.update(_convertors)

__all__ = ["FT", "Child", "NotStr", "icon", "raw", "render", "tag"]

Child: TypeAlias = "FT | str | int | None | Iterable[Child]"
"""What an element can hold: elements, text (escaped), `None` (nothing), or any nesting of these."""


def raw(html: str) -> FT:
    """Return HTML that is already safe, to stand in an element as it is."""
    return NotStr(html)


def render(*children: Child) -> str:
    """Return the HTML of `children`, without white space between elements."""
    # FastHTML writes a string that stands alone as it is.
    return "".join(
        escape(each) if type(each) is str else str(to_xml((each,), indent=False)) for each in _flat(children)
    )


def tag(name: str) -> Callable[..., FT]:
    """Return a function that makes `name` elements.

    Its positional arguments are children; keyword arguments are attributes, with `cls` for `class`, a trailing `_`
    dropped and other `_` turned into `-`. A value of `None` or `False` leaves the attribute out, `True` writes it bare.
    Attributes whose names are no identifiers go in a mapping, given as `attrs=`.
    """

    def element(*children: Child, attrs: dict[str, str] | None = None, **attributes: Any) -> FT:
        named = {_attribute(key): value for key, value in attributes.items() if value is not None}
        return FT(name, tuple(_flat(children)), {**named, **(attrs or {})}, void_=name in voids)

    element.__name__ = name
    return element


def icon(name: str, cls: str = "icon") -> FT:
    """Return one of the icons of the page's sprite, hidden from screen readers."""
    return _svg(_use(href=f"#i-{name}"), cls=cls, aria_hidden="true")


def _attribute(key: str) -> str:
    return "class" if key == "cls" else key.rstrip("_").replace("_", "-")


def _flat(children: Iterable[Child]) -> list[FT | str]:
    flat: list[FT | str] = []
    for child in children:
        if child is None or child is False:
            continue
        if isinstance(child, FT | str | NotStr):
            flat.append(child)
        elif isinstance(child, Iterable):
            flat.extend(_flat(child))
        else:
            flat.append(str(child))
    return flat


_svg, _use = tag("svg"), tag("use")
