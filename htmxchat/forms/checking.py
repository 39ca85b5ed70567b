"""Checks values against a schema that `expanded` has returned, which has no references.

The library is jsonschema-rs: its patterns take a time that grows with the text and no faster, and it fetches nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..events import JSON

MAX_PATTERN = 1_000
"""So many characters of a pattern are looked at."""
_REGEX_BYTES = 200_000


@dataclass(frozen=True, slots=True)
class Misfit:
    """What of a value does not fit.

    Attributes:
        path: Where it is.
        keyword: The demand that it does not meet, and what that demands.
        message: The library's own sentence.
    """

    path: tuple[str | int, ...]
    keyword: str
    demands: Any
    message: str


class Checker:
    """Checks values against one schema."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        """Raise ValueError when it is no schema."""
        # It is slow to load, and most chats have no forms.
        from jsonschema_rs import Draft202012Validator, RegexOptions

        options = RegexOptions(size_limit=_REGEX_BYTES, dfa_size_limit=_REGEX_BYTES)
        self._validator = Draft202012Validator(
            dict(schema), validate_formats=False, pattern_options=options, offline=True
        )
        self._schema = schema

    def fits(self, value: JSON) -> bool:
        """Return whether a value fits."""
        try:
            return bool(self._validator.is_valid(value))
        except ValueError:
            return False

    def misfits(self, value: JSON, most: int = 20) -> list[Misfit]:
        """Return what does not fit."""
        found: list[Misfit] = []
        try:
            for error in self._validator.iter_errors(value):
                keyword = str(error.schema_path[-1]) if error.schema_path else ""
                demands = _at(self._schema, error.schema_path)
                found.append(Misfit(tuple(error.instance_path), keyword, demands, error.message))
                if len(found) >= most:
                    break
        except ValueError as error:
            return [Misfit((), "", None, str(error))]
        return found


def checker(schema: Mapping[str, Any] | None) -> Checker | None:
    """Return what checks values; `None` where nothing can be checked."""
    if schema is None:
        return None
    try:
        return Checker(schema)
    except ValueError:
        return None


def is_pattern(pattern: str) -> bool:
    """Return whether the library can look for this."""
    return len(pattern) <= MAX_PATTERN and checker({"pattern": pattern}) is not None


def _at(schema: Any, path: Sequence[str | int]) -> Any:
    for key in path:
        try:
            schema = schema[key]
        except (KeyError, IndexError, TypeError):
            return None
    return schema
