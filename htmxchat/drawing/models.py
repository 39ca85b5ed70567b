"""The arguments and the result of a function that draws a part."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, ItemsView, Iterator, KeysView, ValuesView
from dataclasses import dataclass
from typing import Any, TypeAlias

from ..events import JSON
from ..text.cleaning import shallow

_DEEPEST = 80

FENCE = "```"
"""What the name of fenced code begins with: "```mermaid"."""


@dataclass(frozen=True, slots=True)
class PartContext:
    """The second argument of a function that draws a part.

    Attributes:
        name: Of the tool, of the `Custom` event, or of fenced code: three backticks and its language.
        id: The id of the element around what it draws: on a page once, and always the same.
        run_id: The run whose answer has the part.
        key: Of the `Custom` event; empty for anything else.
        arguments: What the tool was given, as JSON has it; `None` for anything else.
        root: Where the application that mounts the chat is for a browser: `""`, or `"/team"` behind a proxy that takes
            it off. For HTML that is no component: paths in components get it by themselves.
        shared: Whether the page is a shared one, which anyone with its link reads.
    """

    name: str
    id: str
    run_id: str
    key: str = ""
    arguments: Any = None
    root: str = ""
    shared: bool = False


class JsonObject:
    """A JSON object, read like a dict, of which an element makes text.

    It is no `Mapping`: FastHTML makes attributes of one among the children of an element, and an agent that sends an
    object instead of a text could write `hx-post` into the page.
    """

    __slots__ = ("_items",)

    def __init__(self, items: dict[str, Any]) -> None:
        self._items = items

    def __getitem__(self, name: str) -> Any:
        return self._items[name]

    def __contains__(self, name: object) -> bool:
        return name in self._items

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __eq__(self, other: object) -> bool:
        return self._items == (other._items if isinstance(other, JsonObject) else other)

    def __repr__(self) -> str:
        return repr(self._items)

    def __ft__(self) -> str:
        return repr(self)

    def get(self, name: str, default: Any = None) -> Any:
        return self._items.get(name, default)

    def keys(self) -> KeysView[str]:
        return self._items.keys()

    def values(self) -> ValuesView[Any]:
        return self._items.values()

    def items(self) -> ItemsView[str, Any]:
        return self._items.items()


DrawPart: TypeAlias = Callable[[Any, PartContext], Any]
"""A function that draws a part: it returns a FastHTML component, text, or an object with `__html__`."""


@dataclass(frozen=True, slots=True)
class Order:
    """A drawing to make."""

    context: PartContext
    data: JSON

    def key(self) -> bytes:
        """Return what is the same for what looks the same."""
        each = self.context
        said = [each.name, each.id, each.run_id, each.key, each.root, each.shared, self.data, each.arguments]
        written = json.dumps(shallow(said, _DEEPEST), skipkeys=True, default=str)
        return hashlib.blake2b(written.encode()).digest()


@dataclass(frozen=True, slots=True)
class Drawing:
    """The result of a drawing function.

    Attributes:
        html: Safe to stand in an element.
        problem: A sentence for anyone who wrote the function, when there is no HTML.
    """

    html: str
    problem: str = ""
