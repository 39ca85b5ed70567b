"""Converts interrupts of a server into questions of the chat, and the answers into what the server accepts. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from ...asking import MAX_SCHEMA, Approval, Decision
from ...events import JSON
from ...forms import misfit
from .translation.ends import Interrupt, said_in
from .translation.fields import known, mapping

_MAX_LENGTH = 2_000
_MAX_CHOICES = 30
_EDITED = "editedArgs"
APPROVE, DENY = "Approve", "Deny"
"""The answers if the server accepts only a decision."""


class Unfit(ValueError):
    """An answer is not valid. The message says what the server asks for."""


@dataclass(frozen=True, slots=True)
class Form:
    """How a question is asked.

    Attributes:
        choices: What there is to choose from, and what each means to the server.
        schema: Of what is filled in.
        approval: The call that is to be approved.
        decided: What a decision means to the server.
    """

    prompt: str
    choices: tuple[tuple[str, JSON], ...] = ()
    schema: dict[str, Any] | None = None
    approval: Approval | None = None
    decided: Callable[[Decision], JSON] | None = None


def form_of(interrupt: Interrupt, call: dict[str, Any] | None = None) -> Form:
    """Return the question for an interrupt.

    Args:
        call: The name and the arguments of the tool that it is about.
    """
    prompt = _prompt(interrupt, call)
    if interrupt.way == "tool":
        # A reason and other arguments would not reach the tool.
        return Form(prompt, _yes_no("confirmed" if interrupt.reason == "adk" else "accepted"))
    if interrupt.schema is not None:
        return _by_schema(prompt, interrupt.schema, call)
    if decided := _decisions(interrupt.raw):
        return _of_one_action(prompt, interrupt.raw) or Form(prompt, decided)
    if choices := _listed(interrupt.raw):
        return Form(prompt, choices)
    if interrupt.reason in ("tool_call", "confirmation"):
        return Form(prompt, _yes_no("approved"))
    return Form(prompt)


def payload_of(form: Form, answer: JSON) -> JSON:
    """Return an answer in the form that the server accepts.

    Raises:
        Unfit: It is none.
    """
    if form.approval is not None and form.decided is not None:
        return form.decided(Decision.of(answer))
    if form.choices:
        said = answer.strip() if isinstance(answer, str) else answer
        for label, meant in form.choices:
            if label == said:
                return meant
        raise Unfit("Choose one of the answers.")
    if form.schema is not None and (problem := misfit(answer, form.schema)):
        raise Unfit(f"The answer does not fit what is asked. {problem}")
    return answer


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


def _by_schema(prompt: str, schema: JSON, call: dict[str, Any] | None) -> Form:
    found = mapping(schema)
    properties = mapping(found.get("properties"))
    if "approved" in properties and kinds(properties["approved"]) == {"boolean"}:
        if not call or properties.keys().isdisjoint(("reason", _EDITED)):
            return Form(prompt, _yes_no("approved"))
        approval = _approval(known(call.get("name")), call.get("arguments"), editable=_EDITED in properties)
        return Form(prompt, approval=approval, decided=partial(_approved, frozenset(properties)))
    if choices := _simple(schema):
        return Form(prompt, choices)
    return Form(prompt, schema=found if len(json.dumps(found)) <= MAX_SCHEMA else {})


def _approved(names: frozenset[str], decision: Decision) -> JSON:
    """Return a decision in the fields that the server has for it."""
    said: dict[str, Any] = {"approved": decision.approved}
    if decision.reason and "reason" in names:
        said["reason"] = decision.reason
    if decision.arguments is not None and _EDITED in names:
        said[_EDITED] = decision.arguments
    return said


def _approval(name: str, arguments: JSON, *, editable: bool) -> Approval:
    given = arguments if isinstance(arguments, dict) else {}
    fits = len(json.dumps(given)) <= MAX_SCHEMA
    return Approval(name, given if fits else {"…": "too long to be shown"}, editable=editable and fits and bool(given))


def _of_one_action(prompt: str, raw: JSON) -> Form | None:
    """Return the answer for LangChain's middleware if it asks about one action; `None` for more."""
    found = mapping(raw)
    actions, reviews = found["action_requests"], found.get("review_configs")
    review = mapping(reviews[0]) if isinstance(reviews, list) and reviews else {}
    allowed = review.get("allowed_decisions")
    if len(actions) > 1 or (isinstance(allowed, list) and not {"approve", "reject"} <= set(map(str, allowed))):
        return None
    action = mapping(actions[0])
    name, arguments = known(action.get("name")), action.get("args", action.get("arguments"))
    editable = not isinstance(allowed, list) or "edit" in allowed
    approval = _approval(name, arguments, editable=editable)
    return Form(prompt, approval=approval, decided=partial(_decided, name))


def _decided(name: str, decision: Decision) -> JSON:
    if not decision.approved:
        said = {"type": "reject", **({"message": decision.reason} if decision.reason else {})}
        return {"decisions": [said]}
    if decision.arguments is None:
        return {"decisions": [{"type": "approve"}]}
    return {"decisions": [{"type": "edit", "edited_action": {"name": name, "args": decision.arguments}}]}


def _simple(schema: JSON) -> tuple[tuple[str, JSON], ...]:
    """Return the choices of a schema of one value that lists a few."""
    found = mapping(schema)
    listed = found.get("enum")
    if listed is None and isinstance(one_of := found.get("oneOf", found.get("anyOf")), list):
        constants = [mapping(each) for each in one_of]
        if constants and all("const" in each for each in constants) and len(constants) <= _MAX_CHOICES:
            return _distinct(
                tuple((known(each.get("title")) or _label(each["const"]), each["const"]) for each in constants)
            )
    if isinstance(listed, list) and 0 < len(listed) <= _MAX_CHOICES:
        return _distinct(tuple((_label(each), each) for each in listed))
    return (("Yes", True), ("No", False)) if kinds(schema) == {"boolean"} else ()


def kinds(schema: JSON) -> set[str]:
    """Return the types in a schema, without null."""
    named = mapping(schema).get("type")
    return {each for each in (named if isinstance(named, list) else [named]) if isinstance(each, str)} - {"null"}


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
    """Return choices that all look different and do not change when they are sent."""
    labels = [" ".join(label.split()) for label, _ in pairs]
    if len(set(labels)) < len(labels) or not all(labels):
        labels = [f"{number}. {label}" for number, label in enumerate(labels, 1)]
    return tuple((label, value) for label, (_, value) in zip(labels, pairs, strict=True))
