"""What a server asks as a question of the chat's, and the answer as what the server takes. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ...events import JSON
from ...text.cleaning import one_line, read_json
from ..approval import APPROVE, DENY
from .schemas import fits, kinds, object_property
from .translation.ends import Interrupt, said_in
from .translation.fields import known, mapping

_MAX_LENGTH = 2_000
_MAX_CHOICES = 30


class Unfit(ValueError):
    """An answer is not what the server asks for. The message says what it asks for."""


@dataclass(frozen=True, slots=True)
class Form:
    """How something is asked.

    Attributes:
        choices: What there is to choose from, and what each means to the server.
        kind: What is typed where there is no choice.
        inside: The property of an object in which the answer goes.
        schema: Of what is typed.
    """

    prompt: str
    choices: tuple[tuple[str, JSON], ...] = ()
    kind: Literal["text", "number", "json"] = "text"
    inside: str = ""
    schema: JSON = None


def form_of(interrupt: Interrupt, call: dict[str, Any] | None = None) -> Form:
    """Return how an interrupt is asked.

    Args:
        call: The name and the arguments of the tool that it is about.
    """
    prompt = _prompt(interrupt, call)
    if interrupt.way == "tool":
        return Form(prompt, _yes_no("confirmed" if interrupt.reason == "adk" else "accepted"))
    if interrupt.schema is not None:
        return _by_schema(prompt, interrupt.schema)
    if decided := _decisions(interrupt.raw):
        return Form(prompt, decided)
    if choices := _listed(interrupt.raw):
        return Form(prompt, choices)
    if interrupt.reason in ("tool_call", "confirmation"):
        return Form(prompt, _yes_no("approved"))
    return Form(prompt)


def payload_of(form: Form, answer: JSON) -> JSON:
    """Return an answer as the server takes it.

    Raises:
        Unfit: It is none.
    """
    said = answer.strip() if isinstance(answer, str) else answer
    if form.choices:
        for label, meant in form.choices:
            if label == said:
                return {form.inside: meant} if form.inside else meant
        raise Unfit("Choose one of the answers.")
    value: JSON = answer
    if form.kind == "number":
        value = _number(said, form.schema)
    elif form.kind == "json" and isinstance(said, str):
        try:
            value = read_json(said)
        except ValueError:
            raise Unfit("This is no JSON.") from None
    if form.schema is not None and (problem := fits(value, form.schema)):
        raise Unfit(problem)
    return {form.inside: value} if form.inside else value


def _prompt(interrupt: Interrupt, call: dict[str, Any] | None) -> str:
    name = known(mapping(call).get("name"))
    requests = mapping(interrupt.raw).get("action_requests")
    if interrupt.message:
        said = interrupt.message
    elif isinstance(requests, list) and requests:
        said = "\n".join(_action(mapping(each)) for each in requests)
    elif name:
        said = f"May the agent use {name}?"
    elif interrupt.raw not in (None, "", {}, []):
        said = json.dumps(interrupt.raw, ensure_ascii=False)
    elif interrupt.reason:
        said = f"The agent asks: {interrupt.reason}"
    else:
        said = "The agent waits for you."
    return said[:_MAX_LENGTH]


def _action(action: Mapping[str, Any]) -> str:
    arguments = action.get("args", action.get("arguments"))
    return (
        known(action.get("description")) or f"{known(action.get('name'))}({json.dumps(arguments, ensure_ascii=False)})"
    )


def _yes_no(name: str) -> tuple[tuple[str, JSON], ...]:
    return (APPROVE, {name: True}), (DENY, {name: False})


def _by_schema(prompt: str, schema: JSON) -> Form:
    found = mapping(schema)
    properties, required = mapping(found.get("properties")), found.get("required")
    if "approved" in properties and kinds(properties["approved"]) == {"boolean"}:
        return Form(prompt, _yes_no("approved"))
    simple = _simple(prompt, schema)
    if simple is not None:
        return simple
    single = required if isinstance(required, list) and required else list(properties)
    if len(single) == 1 and isinstance(name := single[0], str):
        inner = _simple(prompt, object_property(schema, name))
        if inner is not None and inner.kind != "json":
            return Form(_told(prompt, inner, name), inner.choices, inner.kind, name, inner.schema)
    shape = one_line(json.dumps(schema, ensure_ascii=False), _MAX_LENGTH)
    return Form(f"{prompt}\n\nAnswer with JSON that fits this schema: {shape}", kind="json", schema=schema)


def _simple(prompt: str, schema: JSON) -> Form | None:
    """Return how a value is asked for that is no object and no list; `None` for those."""
    found, of = mapping(schema), kinds(schema)
    listed = found.get("enum")
    if listed is None and isinstance(one_of := found.get("oneOf", found.get("anyOf")), list):
        constants = [mapping(each) for each in one_of]
        if constants and all("const" in each for each in constants):
            pairs = tuple((known(each.get("title")) or _label(each["const"]), each["const"]) for each in constants)
            return Form(prompt, _distinct(pairs)) if len(pairs) <= _MAX_CHOICES else None
    if isinstance(listed, list) and 0 < len(listed) <= _MAX_CHOICES:
        return Form(prompt, _distinct(tuple((_label(each), each) for each in listed)))
    if of == {"boolean"}:
        return Form(prompt, (("Yes", True), ("No", False)))
    if of == {"string"}:
        return Form(prompt, schema=schema)
    if of and of <= {"number", "integer"}:
        return Form(prompt, kind="number", schema=schema)
    return None


def _told(prompt: str, inner: Form, name: str) -> str:
    return prompt if inner.choices else f"{prompt} ({name})"


def _decisions(raw: JSON) -> tuple[tuple[str, JSON], ...]:
    """Return the choices of LangChain's own middleware: one decision for each of its actions."""
    found = mapping(raw)
    actions = found.get("action_requests")
    if not isinstance(actions, list) or not actions:
        return ()
    reviews = found.get("review_configs")
    allowed = [mapping(each).get("allowed_decisions") for each in reviews] if isinstance(reviews, list) else []
    words = [("approve", APPROVE), ("reject", DENY)]
    return tuple(
        (label, {"decisions": [{"type": word}] * len(actions)})
        for word, label in words
        if all(not isinstance(each, list) or word in each for each in allowed)
    )


def _listed(raw: JSON) -> tuple[tuple[str, JSON], ...]:
    found = mapping(raw)
    for name in ("choices", "options", "emit"):
        given = found.get(name)
        if isinstance(given, list) and 0 < len(given) <= _MAX_CHOICES:
            if all(isinstance(each, str | int | float) for each in given):
                return _distinct(tuple((_label(each), each) for each in given))
            if all(said_in(each) or known(mapping(each).get("label")) for each in given):
                pairs = ((known(mapping(each).get("label")) or said_in(each), each) for each in given)
                return _distinct(tuple((label, mapping(each).get("value", each)) for label, each in pairs))
    return ()


def _label(value: JSON) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _distinct(pairs: tuple[tuple[str, JSON], ...]) -> tuple[tuple[str, JSON], ...]:
    """Return choices of which no two look the same, as they can be sent and come back."""
    labels = [" ".join(label.split()) for label, _ in pairs]
    if len(set(labels)) < len(labels) or not all(labels):
        labels = [f"{number}. {label}" for number, label in enumerate(labels, 1)]
    return tuple((label, value) for label, (_, value) in zip(labels, pairs, strict=True))


def _number(said: JSON, schema: JSON) -> JSON:
    try:
        number = float(said) if isinstance(said, str) else said
        if isinstance(number, bool) or not isinstance(number, int | float):
            raise ValueError
        whole = int(number) == number
    except (ValueError, OverflowError):
        raise Unfit("This is no number.") from None
    if kinds(schema) == {"integer"} and not whole:
        raise Unfit("This is no whole number.")
    return int(number) if whole else number
