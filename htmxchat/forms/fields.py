"""The data classes of a form. Data only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from ..events import JSON

MAX_FIELDS = 60
"""So many fields a form may have. A schema with more is asked for as JSON."""
MAX_OPTIONS = 200
"""So much there may be to choose from in one of them."""
MAX_LENGTH = 10_000
"""So many characters one text may have."""

Path: TypeAlias = tuple[str, ...]
Kind: TypeAlias = Literal[
    "text", "long", "email", "uri", "date", "time", "moment", "number", "integer", "flag", "choice", "choices", "json"
]

NOTHING = object()
"""Stands for a value that is not there: null is one."""


@dataclass(frozen=True, slots=True)
class Option:
    """Something to choose.

    Attributes:
        value: What it means.
    """

    title: str
    value: JSON


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a form.

    Attributes:
        path: Where its value goes in the value of the whole form; empty when it is the whole value.
        kind: What is filled in. A `flag` is a box to tick, a `moment` a date and a time.
        help: What is said of it.
        rule: What is right, in a sentence.
        required: Whether it has to be filled in.
        empty: What it means when it is not: a value, or `NOTHING`.
        initial: What it holds at first, or `NOTHING`.
        least: The least number, date or time.
        step: What a number is a multiple of; `None` for any number.
        shortest: The least number of characters of a text, or of choices.
        patterns: What a text has to match, as HTML writes it.
        schema: What its value has to fit, without references.
        shown: Of JSON: the schema as it was given.
    """

    path: Path
    kind: Kind
    title: str
    help: str = ""
    rule: str = ""
    required: bool = False
    empty: Any = NOTHING
    initial: Any = NOTHING
    least: str = ""
    most: str = ""
    step: str = ""
    shortest: int = 0
    longest: int = MAX_LENGTH
    patterns: tuple[str, ...] = ()
    options: tuple[Option, ...] = ()
    schema: Mapping[str, Any] | None = None
    shown: JSON = None

    @property
    def name(self) -> str:
        """What it is called in what is sent."""
        return pointer(self.path)


@dataclass(frozen=True, slots=True)
class Group:
    """Fields of an object in the object.

    Attributes:
        required: Whether it is to be there when none of its fields is filled in.
    """

    path: Path
    title: str
    help: str
    required: bool
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Form:
    """What is to be filled in.

    Attributes:
        parts: In the order of the schema.
        schema: What the value has to fit, without references; `None` when it cannot be checked.
        given: What the value has beside the fields: arguments that are too long to be edited.
    """

    parts: tuple[Field | Group, ...]
    schema: Mapping[str, Any] | None = None
    given: Mapping[str, JSON] = field(default_factory=dict)

    @property
    def fields(self) -> Iterator[Field]:
        """Yield the fields, also those in groups."""
        for part in self.parts:
            if isinstance(part, Group):
                yield from part.fields
            else:
                yield part

    @property
    def is_json(self) -> bool:
        """Whether all of it is one field for JSON."""
        return (
            len(self.parts) == 1 and isinstance(only := self.parts[0], Field) and only.kind == "json" and not only.path
        )


def pointer(path: Path) -> str:
    """Return the name of the field for a place in the value, as a JSON pointer (RFC 6901) after "answer"."""
    return "answer" + "".join("/" + name.replace("~", "~0").replace("/", "~1") for name in path)
