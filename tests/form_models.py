"""Schemas of Pydantic models, and schemas that servers have sent; rows as in `tests.forms`."""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AnyUrl, BaseModel, ConfigDict, Field, RootModel, create_model

from .forms import Filled, Row


class Priority(Enum):
    LOW = "low"
    HIGH = "high"


class Level(IntEnum):
    ONE = 1
    TWO = 2


class Address(BaseModel):
    """Where something is sent."""

    street: str
    number: int = Field(ge=1)
    country: Literal["DE", "FR"] = "DE"


class Customer(BaseModel):
    model_config = ConfigDict(title="A customer")

    name: str = Field(min_length=2, max_length=40, description="As on the invoice.")
    address: Address
    since: date | None = None


class Order(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    article: str = Field(alias="articleNumber", pattern=r"^[A-Z]{2}-\d{4}$")
    pieces: Annotated[int, Field(gt=0, le=99, multiple_of=3)] = 3
    priority: Priority = Priority.LOW
    options: list[Literal["gift", "express"]] = Field(default_factory=list, max_length=1)


class Ticket(BaseModel):
    subject: str
    level: Level
    tags: set[Priority] = Field(default_factory=set)
    body: str | None = Field(default=None, max_length=4_000)


def _x(type: Any, **rules: Any) -> dict[str, Any]:
    """Return the schema of a model with one field, `x`."""
    return create_model("Model", x=(type, Field(**rules))).model_json_schema()


def _row(type: Any, filled: str | list[str], value: Any, wrong: str | list[str] | None, **rules: Any) -> Row:
    answer: Filled | None = None if wrong is None else {"x": wrong}
    return _x(type, **rules), {"x": filled}, {"x": value}, answer


_DAY, _MOMENT = "2027-01-31", "2027-01-31T14:30"
_ID = "123e4567-e89b-12d3-a456-426614174000"

MODELS: dict[str, Row] = {
    "model: str": _row(str, "a", "a", ""),
    "model: str with a default": _row(str, "b", "b", None, default="a"),
    "model: str, least": _row(str, "abcd", "abcd", "abc", min_length=4),
    "model: str, most": _row(str, "abcd", "abcd", "abcde", max_length=4),
    "model: str, exact": _row(str, "abc", "abc", "ab", min_length=3, max_length=3),
    "model: str, pattern": _row(str, "AB-1", "AB-1", "ab-1", pattern="^[A-Z]+-[0-9]$"),
    "model: str, title": _row(str, "a", "a", "", title="Your name"),
    "model: str, examples": _row(str, "a", "a", "", examples=["Ann"]),
    "model: str or nothing": _row(str | None, "a", "a", None, default=None),
    "model: str or nothing, most": _row(str | None, "ab", "ab", "abc", default=None, max_length=2),
    "model: int": _row(int, "-3", -3, "3.5"),
    "model: int with a default": _row(int, "4", 4, "x", default=3),
    "model: int, at least": _row(int, "1", 1, "0", ge=1),
    "model: int, more than": _row(int, "2", 2, "1", gt=1),
    "model: int, at most": _row(int, "9", 9, "10", le=9),
    "model: int, less than": _row(int, "8", 8, "9", lt=9),
    "model: int, between": _row(int, "5", 5, "11", ge=1, le=10),
    "model: int, steps": _row(int, "15", 15, "12", multiple_of=5),
    "model: int or nothing": _row(int | None, "3", 3, "x", default=None),
    "model: float": _row(float, "2.5", 2.5, "x"),
    "model: float, at least": _row(float, "0.5", 0.5, "0.4", ge=0.5),
    "model: float, less than": _row(float, "0.99", 0.99, "1", lt=1),
    "model: float, between": _row(float, "-1.5", -1.5, "2.5", ge=-2, le=2),
    "model: float or nothing": _row(float | None, "1e3", 1000.0, "x", default=None),
    "model: bool": _row(bool, "on", True, None),
    "model: bool with a default": _row(bool, "on", True, None, default=True),
    "model: date": _row(date, _DAY, _DAY, "2027-13-01"),
    "model: date or nothing": _row(date | None, _DAY, _DAY, "31.1.2027", default=None),
    "model: datetime": _row(datetime, _MOMENT, f"{_MOMENT}:00+00:00", _DAY),
    "model: datetime or nothing": _row(datetime | None, _MOMENT, f"{_MOMENT}:00+00:00", "now", default=None),
    "model: time": _row(time, "09:05", "09:05:00", "9 o'clock"),
    "model: UUID": _row(UUID, _ID, _ID, "1"),
    "model: address": _row(AnyUrl, "https://example.com/a", "https://example.com/a", "example"),
    "model: enum": _row(Priority, "1", "high", "medium"),
    "model: enum with a default": _row(Priority, "1", "high", "medium", default=Priority.LOW),
    "model: enum of ints": _row(Level, "1", 2, "3"),
    "model: enum or nothing": _row(Priority | None, "0", "low", "medium", default=None),
    "model: literal": _row(Literal["a", "b"], "1", "b", "c"),
    "model: literal of one": _row(Literal["a"], "0", "a", "1"),
    "model: literal of ints": _row(Literal[1, 2, 3], "2", 3, "3"),
    "model: literal with a default": _row(Literal["a", "b"], "1", "b", "c", default="a"),
    "model: list of literals": _row(list[Literal["a", "b"]], ["0", "1"], ["a", "b"], ["2"]),
    "model: list of literals, least": _row(list[Literal["a", "b"]], ["0"], ["a"], [], min_length=1),
    "model: list of literals, most": _row(list[Literal["a", "b"]], ["1"], ["b"], ["0", "1"], max_length=1),
    "model: list of enums": _row(list[Priority], ["1"], ["high"], ["medium"]),
    "model: set of enums": _row(set[Priority], ["0", "1"], ["low", "high"], ["medium"]),
    "model: list of texts": _row(list[str], '["a"]', ["a"], "a"),
    "model: list of ints": _row(list[int], "[1, 2]", [1, 2], '["a"]'),
    "model: map": _row(dict[str, int], '{"a": 1}', {"a": 1}, '{"a": "b"}'),
    "model: tuple": _row(tuple[int, str], '[1, "a"]', [1, "a"], '["a", 1]'),
    "model: either": _row(int | str, '"a"', "a", "[]"),
    "model: Decimal": _row(Decimal, '"1.5"', "1.5", "[]"),
    "model: anything": _row(Any, "[1]", [1], "["),
    "model: object in it": (
        Customer.model_json_schema(),
        {"name": "Ann", "address/street": "Road", "address/number": "3", "address/country": "1", "since": _DAY},
        {"name": "Ann", "address": {"street": "Road", "number": 3, "country": "FR"}, "since": _DAY},
        {"name": "A", "address/street": "Road", "address/number": "3"},
    ),
    "model: no more than its fields": (
        Order.model_json_schema(),
        {"articleNumber": "AB-1234", "pieces": "6", "priority": "1", "options": ["0"]},
        {"articleNumber": "AB-1234", "pieces": 6, "priority": "high", "options": ["gift"]},
        {"articleNumber": "AB-1234", "pieces": "7"},
    ),
    "model: enums by reference": (
        Ticket.model_json_schema(),
        {"subject": "Late", "level": "1", "tags": ["0"], "body": "One\r\ntwo"},
        {"subject": "Late", "level": 2, "tags": ["low"], "body": "One\ntwo"},
        {"subject": "Late", "level": "3"},
    ),
    "model: one that is another": (
        RootModel[Address].model_json_schema(),
        {"street": "Road", "number": "1", "country": "0"},
        {"street": "Road", "number": 1, "country": "DE"},
        {"street": "Road", "number": "0"},
    ),
    "model: a list of it": (
        RootModel[list[Address]].model_json_schema(),
        {"": '[{"street": "Road", "number": 1}]'},
        [{"street": "Road", "number": 1}],
        {"": '[{"street": "Road"}]'},
    ),
}

RECORDED: dict[str, Row] = {
    "sent: an approval": (
        {
            "properties": {
                "approved": {"type": "boolean"}, "editedArgs": {"type": "object"}, "reason": {"type": "string"},
            },
            "required": ["approved"], "type": "object",
        },
        {"approved": "on", "reason": "Yes"}, {"approved": True, "reason": "Yes"}, {"approved": "on", "editedArgs": "["},
    ),
    "sent: a tone": (
        {
            "properties": {
                "n": {"minimum": 1, "type": "integer"}, "tone": {"enum": ["kind", "harsh"], "type": "string"},
            },
            "required": ["tone"], "type": "object",
        },
        {"n": "2", "tone": "0"}, {"n": 2, "tone": "kind"}, {"n": "0", "tone": "0"},
    ),
    "sent: a color": (
        {"properties": {"color": {"type": "string"}}, "required": ["color"], "type": "object"},
        {"color": "red"}, {"color": "red"}, {"color": ""},
    ),
    "sent: a city": (
        {
            "properties": {"city": {"type": "string"}, "unit": {"type": "string"}}, "required": ["city"],
            "type": "object",
        },
        {"city": "Bonn"}, {"city": "Bonn"}, {"unit": "C"},
    ),
    "sent: a sum": (
        {
            "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}, "required": ["a", "b"],
            "type": "object",
        },
        {"a": "1", "b": "2"}, {"a": 1, "b": 2}, {"a": "1", "b": "two"},
    ),
    "sent: a temperature": (
        {
            "properties": {"city": {"type": "string"}, "temp": {"type": "integer"}}, "required": ["city", "temp"],
            "type": "object",
        },
        {"city": "Bonn", "temp": "-3"}, {"city": "Bonn", "temp": -3}, {"city": "Bonn", "temp": "cold"},
    ),
    "sent: nonsense": ({"type": "nonsense"}, {"": "3"}, 3, {"": "x"}),
}  # fmt: skip
