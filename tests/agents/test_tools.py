"""Functions as tools: what a model is told of them, and what becomes of its arguments."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field

from htmxchat.agents.tools import ToolContext, as_text, run_python, tool
from htmxchat.agents.tools.function import WrongArguments
from htmxchat.agents.tools.results import MAX_LENGTH, as_json


class Colour(Enum):
    RED = "red"


@dataclass
class Place:
    name: str
    title: str = ""


def look_up(
    city: str,
    unit: Literal["celsius", "kelvin"] = "celsius",
    near: Place | None = None,
    *,
    days: Annotated[int, Field(gt=0, description="How many")] = 3,
    context: ToolContext,
) -> str:
    """Look up the weather.

    It may take a moment.

    Args:
        city: Where.
        unit: Of the temperature.
        days: Not this one.
    """
    return city


def numpy_style(city: str) -> None:
    """Look up.

    Parameters
    ----------
    city : str
        Where.
    """


def rest_style(city: str) -> None:
    """Look up.

    :param city: Where.
    """


class Finder:
    def find(self, word: str) -> str:
        return word

    async def __call__(self, word: str) -> str:
        return word


def test_a_schema_comes_from_the_signature_and_the_docstring() -> None:
    made = tool(look_up)
    assert (made.name, made.description, made.context) == (
        "look_up",
        "Look up the weather.\n\nIt may take a moment.",
        "context",
    )
    properties: Any = made.parameters["properties"]
    assert properties["city"] == {"type": "string", "description": "Where."}
    assert properties["unit"]["enum"] == ["celsius", "kelvin"]
    assert properties["unit"]["default"] == "celsius"
    assert properties["days"] == {"type": "integer", "description": "How many", "exclusiveMinimum": 0, "default": 3}
    assert "context" not in properties
    assert made.parameters["required"] == ["city"]
    assert made.parameters["additionalProperties"] is False
    assert "title" not in made.parameters
    definitions: Any = made.parameters["$defs"]
    assert "title" in definitions["Place"]["properties"]


@pytest.mark.parametrize("function", [numpy_style, rest_style])
def test_docstrings_may_be_of_any_style(function: Any) -> None:
    properties: Any = tool(function).parameters["properties"]
    assert properties["city"]["description"] == "Where."


def test_a_tool_without_words_has_some() -> None:
    made = tool(Finder().find)
    assert (made.name, made.description, made.parameters["required"]) == ("find", "find", ["word"])
    assert tool(Finder(), name="seek", description="Seek.").description == "Seek."
    assert tool(lambda: None, name="nothing").parameters["properties"] == {}


def test_arguments_become_what_the_annotations_say() -> None:
    arguments = tool(look_up).read('{"city": "Paris", "near": {"name": "Lyon"}, "days": "2"}')
    assert arguments == {"city": "Paris", "near": Place("Lyon"), "days": 2}


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("{}", "- city: Field required"),
        ('{"city": "Paris", "days": 0}', "- days: Input should be greater than 0"),
        ('{"city": "Paris", "where": 1}', "- where: Extra inputs are not permitted"),
        ('{"city": "Pa', 'They have to be a JSON object. You wrote: {"city": "Pa'),
        ('{"city": "Paris"}}', "They have to be a JSON object."),
        ("[1]", "They have to be a JSON object."),
    ],
    ids=["missing", "out of range", "unknown", "cut", "too many braces", "a list"],
)
def test_wrong_arguments_are_told_to_the_model(written: str, said: str) -> None:
    with pytest.raises(WrongArguments) as error:
        tool(look_up).read(written)
    assert said in str(error.value)


def test_arguments_that_were_written_twice_as_json_are_read() -> None:
    assert tool(rest_style).read('"{\\"city\\": \\"Paris\\"}"') == {"city": "Paris"}
    assert tool(lambda: None, name="nothing").read("") == {}


def positional(city: str, /) -> None: ...
def starred(*cities: str) -> None: ...
def unknown(city: Nowhere) -> None: ...  # type: ignore[name-defined]  # noqa: F821
async def generator() -> Any:
    yield 1


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (positional, "gets its arguments by name"),
        (starred, "gets its arguments by name"),
        (unknown, "annotations of the tool unknown cannot be read"),
        (generator, "cannot be a generator"),
        (Finder, "A tool must be a function"),
        ("look_up", "A tool must be a function"),
    ],
    ids=["positional", "starred", "unknown", "generator", "class", "text"],
)
def test_what_is_no_tool_is_refused_where_it_is_given(given: Any, said: str) -> None:
    with pytest.raises(TypeError, match=said):
        tool(given)


def test_a_name_that_servers_refuse_is_refused() -> None:
    with pytest.raises(ValueError, match="only letters, digits"):
        tool(lambda: None)


def test_approval_may_depend_on_the_arguments() -> None:
    request: Any = None
    assert not tool(look_up).needs_approval({}, request)
    assert tool(look_up, approve=True).needs_approval({}, request)
    far = tool(look_up, approve=lambda arguments, request: arguments["city"] != "here")
    assert far.needs_approval({"city": "Paris"}, request)
    assert not far.needs_approval({"city": "here"}, request)


def test_scripts_need_code() -> None:
    assert run_python.read('{"code": "1 + 1", "title": "Sum"}') == ("1 + 1", "Sum")
    with pytest.raises(WrongArguments, match="Write the Python"):
        run_python.read('{"title": "Sum"}')


def test_results_are_json_for_the_page_and_text_for_the_model() -> None:
    assert as_json(Place("Lyon")) == {"name": "Lyon", "title": ""}
    assert as_json({"colour": Colour.RED, "other": object}) == {"colour": "red", "other": "<class 'object'>"}
    assert as_text(None) == "Done."
    assert as_text("é") == "é"
    assert as_text({"a": "é"}) == '{"a": "é"}'
    assert len(as_text("x" * (MAX_LENGTH + 1))) < MAX_LENGTH + 100
