"""A typed Python function as a tool: its schema from the signature and the docstring, its arguments checked."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, Any, NotRequired, TypeAlias, get_args, get_type_hints

import docstring_parser
from pydantic import ConfigDict, Field, PydanticSchemaGenerationError, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import to_jsonable_python
from typing_extensions import TypedDict

from ... import checks
from ...agent import Request
from ...events import JSON
from ..arguments import read_arguments
from .context import ToolContext
from .results import wrong_arguments

ToolArguments: TypeAlias = Mapping[str, Any]
Approve: TypeAlias = bool | Callable[[ToolArguments, Request], bool]

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_EXAMPLE = "def look_up(city: str) -> str: …"


class WrongArguments(Exception):
    """A model's arguments are not what the tool takes. The message is for the model."""


@dataclass(frozen=True, slots=True)
class Tool:
    """A function that a model may call. `tool(function)` makes one.

    Attributes:
        parameters: The JSON Schema of its arguments.
        approve: Whether the user is asked before it runs; or a function of arguments and request that says so.
        context: The name of its parameter that is a `ToolContext`; empty when it has none.
    """

    name: str
    description: str
    parameters: dict[str, JSON]
    function: Callable[..., Any] = field(repr=False)
    approve: Approve = False
    context: str = ""
    arguments: TypeAdapter[Any] = field(default_factory=lambda: TypeAdapter(dict), repr=False)

    def read(self, written: str) -> dict[str, Any]:
        """Return the arguments that a model wrote, each of its kind.

        Raises:
            WrongArguments: They are not what the function takes.
        """
        try:
            read: dict[str, Any] = self.arguments.validate_python(arguments_of(written))
        except ValidationError as error:
            problems = [(".".join(map(str, each["loc"])), each["msg"]) for each in error.errors(include_url=False)]
            raise WrongArguments(wrong_arguments(problems)) from None
        return read

    def needs_approval(self, arguments: ToolArguments, request: Request) -> bool:
        """Return whether the user is to be asked before it runs."""
        return bool(self.approve(arguments, request) if callable(self.approve) else self.approve)


def tool(
    function: Callable[..., Any],
    *,
    name: str | None = None,
    description: str | None = None,
    approve: Approve = False,
) -> Tool:
    """Return a tool of a function, which may be `async`. A function that is not runs in a thread.

    The model sees what the annotations say (also `Annotated[…, Field(…)]`, `Literal`, dataclasses and models) and what
    the docstring says of the function and its arguments. A parameter with the annotation `ToolContext` is not shown to
    the model.

    Args:
        name: What the model calls it; by default the function's name.
        description: What it does; by default what the docstring says.
        approve: `True` asks the user each time before it runs. A function of the arguments and the request decides it
            for each call: `lambda arguments, request: arguments["amount"] > 100`.

    Raises:
        TypeError: It is no function, or its parameters cannot be given by name.
        ValueError: The name cannot be used.
    """
    if isinstance(function, type) or not callable(function):
        raise TypeError(f"A tool must be a function, {_EXAMPLE}, not {checks.kind(function)}.")
    inner = inspect.unwrap(function.func if isinstance(function, partial) else function)
    if inspect.isasyncgenfunction(inner) or inspect.isgeneratorfunction(inner):
        raise TypeError("A tool returns its result; it cannot be a generator. Use ToolContext to tell how far it is.")
    called = checks.text("name", getattr(inner, "__name__", type(inner).__name__) if name is None else name)
    if not _NAME.fullmatch(called):
        raise ValueError(
            f"A tool's name has only letters, digits, - and _: tool(…, name=…), not {checks.shown(called)}."
        )
    if not (isinstance(approve, bool) or callable(approve)):
        raise TypeError(
            f"approve must be True, False or a function of arguments and request, not {checks.kind(approve)}."
        )
    doc = docstring_parser.parse(inspect.getdoc(inner) or "")
    told = {each.arg_name: each.description or "" for each in doc.params}
    arguments, context, defaults = _arguments(called, function, inner, told)
    text = description if description is not None else (doc.description or "")
    schema = _schema(arguments, defaults)
    return Tool(called, text.strip() or called.replace("_", " "), schema, function, approve, context, arguments)


def arguments_of(written: str) -> dict[str, Any]:
    """Return the arguments that a model wrote.

    Raises:
        WrongArguments: They are no JSON object.
    """
    value = read_arguments(written)
    if value is None:
        raise WrongArguments(wrong_arguments([("", f"They have to be a JSON object. You wrote: {written[:500]}")]))
    return value


def _arguments(
    name: str, function: Callable[..., Any], inner: Callable[..., Any], told: Mapping[str, str]
) -> tuple[TypeAdapter[Any], str, dict[str, Any]]:
    """Return what checks the arguments, the parameter that is a context, and the defaults."""
    described = inner if inspect.isroutine(inner) else type(inner).__call__
    try:
        hints = get_type_hints(described, include_extras=True)
    except NameError as error:
        raise TypeError(f"The annotations of the tool {name} cannot be read: {error}.") from None
    fields: dict[str, Any] = {}
    defaults: dict[str, Any] = {}
    context = ""
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise TypeError(f"The tool {name} takes its arguments by name: it cannot have {parameter}.")
        hint = hints.get(parameter.name, Any)
        if hint is ToolContext:
            context = parameter.name
            continue
        if (text := told.get(parameter.name)) and not _has_description(hint):
            hint = Annotated[hint, Field(description=text)]
        if parameter.default is not parameter.empty:
            defaults[parameter.name] = parameter.default
            hint = NotRequired[hint]
        fields[parameter.name] = hint
    make: Any = TypedDict  # a type checker wants to see the fields
    kind = make("Arguments", fields)
    kind.__pydantic_config__ = ConfigDict(extra="forbid")
    try:
        return TypeAdapter(kind), context, defaults
    except PydanticSchemaGenerationError as error:
        said = str(error).partition("\n")[0]
        raise TypeError(f"An annotation of the tool {name} is nothing that a model can write: {said}") from None


def _has_description(hint: Any) -> bool:
    return any(isinstance(each, FieldInfo) and each.description for each in get_args(hint)[1:])


def _schema(arguments: TypeAdapter[Any], defaults: Mapping[str, Any]) -> dict[str, JSON]:
    schema: dict[str, Any] = arguments.json_schema()
    for name, default in defaults.items():
        if default is not None:
            schema["properties"][name]["default"] = to_jsonable_python(default, fallback=str)
    schema.setdefault("properties", {})
    return _without_titles(schema)


def _without_titles(schema: dict[str, Any]) -> dict[str, JSON]:
    """Leave out the titles that are only the names again. A property may be called so."""
    cleaned: dict[str, JSON] = {}
    for key, value in schema.items():
        if key == "title" and isinstance(value, str):
            continue
        if key in ("properties", "$defs") and isinstance(value, dict):
            cleaned[key] = {name: _without_titles(each) for name, each in value.items()}
        elif key not in ("default", "const", "enum", "examples"):
            cleaned[key] = _inside(value)
        else:
            cleaned[key] = value
    return cleaned


def _inside(value: Any) -> JSON:
    if isinstance(value, dict):
        return _without_titles(value)
    return [_inside(each) for each in value] if isinstance(value, list) else value
