"""Reassembles tool calls from the fragments that servers send."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from .reply import Call
from .surrogates import whole

_KEPT = ("extra_content",)
_ID = re.compile(r"[A-Za-z0-9_.:-]{1,64}")


@dataclass(slots=True)
class _Call:
    index: int | None = None
    id: str = ""
    name: str = ""
    arguments: list[str] = field(default_factory=list)
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def whole(self) -> bool:
        """Whether its arguments are a complete JSON object."""
        return is_object("".join(self.arguments))


class Calls:
    """Collects the calls of a reply.

    A fragment is matched to a call by its index, else by its id. Some servers use one index for several calls: a new
    id, or a name without an id after complete arguments, begins another call.
    """

    def __init__(self) -> None:
        self._calls: list[_Call] = []
        self._at: dict[int, _Call] = {}
        self._named: dict[str, _Call] = {}

    def add(self, fragment: Any) -> None:
        """Add a fragment: an item of a chunk's `tool_calls`."""
        if not isinstance(fragment, dict):
            return
        function = fragment.get("function")
        function = function if isinstance(function, dict) else fragment
        id, name = _text(fragment.get("id")), _text(function.get("name"))
        index = fragment.get("index")
        call = self._find(index if isinstance(index, int) else None, id, name)
        call.id = call.id or id
        if not call.name or (name != call.name and not call.arguments):
            call.name += name
        arguments = function.get("arguments")
        if isinstance(arguments, dict):
            call.arguments = [json.dumps(arguments, ensure_ascii=False)]
        elif isinstance(arguments, str) and arguments:
            call.arguments.append(arguments)
        call.extra |= {key: fragment[key] for key in _KEPT if key in fragment}

    def calls(self) -> tuple[Call, ...]:
        """Return the calls in the order in which they began, without those that have no name."""
        named = (call for call in self._calls if call.name)
        return tuple(Call(call.id, whole(call.name), whole("".join(call.arguments)), call.extra) for call in named)

    def __bool__(self) -> bool:
        return bool(self._calls)

    def _find(self, index: int | None, id: str, name: str) -> _Call:
        call = self._named.get(id)
        if call is None or (index is not None and call.index not in (None, index)):
            call = self._at.get(index) if index is not None else None if id else self._last
        if call is None or (id and call.id and id != call.id) or (name and not id and call.whole):
            call = _Call(index=index)
            self._calls.append(call)
        if index is not None:
            self._at[index] = call
        if id:
            self._named[id] = call
        return call

    @property
    def _last(self) -> _Call | None:
        return self._calls[-1] if self._calls else None


def is_object(written: str) -> bool:
    """Return whether this is a complete JSON object."""
    if not written.rstrip().endswith("}"):
        return False
    try:
        return isinstance(json.loads(written), dict)
    except (ValueError, RecursionError):
        return False


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def named(calls: Sequence[Call], others: Collection[str]) -> tuple[Call, ...]:
    """Return calls with ids that are valid and unique in the run: the server's ids if possible.

    Args:
        others: The ids that the run already has. Some servers restart their numbering in each reply.
    """
    taken = set(others)
    result = []
    for call in calls:
        id = call.id
        if not _ID.fullmatch(id) or id in taken:
            id = f"call{len(taken):05}"  # nine characters, which some servers require
            while id in taken:
                id = f"call{int(id[4:]) + 1:05}"
        taken.add(id)
        result.append(replace(call, id=id))
    return tuple(result)
