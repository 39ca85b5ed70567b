"""The fields of a form, as a schema asks for them, with what was filled in and what is wrong with it.

Hooks: `.field`, and in it `[name]`. What is right instead stands in a `.wrong`. An argument is a row of `.args`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ...events import JSON
from ...forms import Field, Form, Group
from ...forms.fields import NOTHING
from ...forms.patterns import all_of
from ...forms.texts import held, said
from ...html import FT, Child, raw, tag
from ...text.confusing import marked

details, div, fieldset, input_, label, legend = map(tag, ["details", "div", "fieldset", "input", "label", "legend"])
option, p, pre, select, span, summary, textarea = map(
    tag, ["option", "p", "pre", "select", "span", "summary", "textarea"]
)

MOST = 2_000
_TYPES = {
    "email": "email", "uri": "url", "date": "date", "time": "time", "moment": "datetime-local", "number": "number",
    "integer": "number",
}  # fmt: skip
_SCHEMA = 20_000

Texts = Mapping[str, Sequence[str]]


class Fields:
    """Draws fields with what they hold.

    Args:
        id: What the ids of the fields begin with.
        posted: What was filled in before, by the names of the fields; without it, what the schema says.
        problems: What is right instead, by the names of the fields.
    """

    def __init__(self, id: str, posted: Texts | None = None, problems: Mapping[str, str] | None = None) -> None:
        self._id = id
        self._posted = posted
        self._problems = problems or {}
        self._number = 0

    def form(self, form: Form) -> FT:
        """Return the fields of a form."""
        return div([self._part(each) for each in form.parts], cls="fields")

    def arguments(self, form: Form) -> FT:
        """Return the arguments of a call, a row each."""
        return div([self._argument(each) for each in form.fields], as_text(form.given), cls="args")

    def _part(self, part: Field | Group) -> FT:
        if isinstance(part, Group):
            help = p(raw(marked(part.help, MOST)), cls="help", dir="auto") if part.help else None
            return fieldset(
                legend(raw(marked(part.title, MOST)), dir="auto"),
                help,
                div([self._field(each, within=part) for each in part.fields], cls="fields"),
                cls="group wide",
                data_optional=not part.required,
            )
        return self._field(part)

    def _field(self, field: Field, within: Group | None = None) -> FT:
        id = self._next()
        needed = field.required and (within is None or within.required)
        title = span(raw(marked(field.title, MOST)), cls="must" if field.required else None, dir="auto")
        note = span("Optional", cls="meta") if not field.required and field.kind != "flag" else None
        about = [self._help(field, id), self._wrong(field, id)]
        described = _described(id, about)
        wide = field.kind in ("long", "json", "choices")
        shared = {"cls": f"field wide {field.kind}" if wide else "field", "data_rule": field.rule or None}
        if field.kind == "flag":
            box = self._control(field, id, described, needed=needed)
            return div(label(box, title, cls="check"), about, **shared)
        if field.kind == "choices":
            return fieldset(
                legend(title, note),
                self._boxes(field, id),
                about,
                **shared,
                aria_describedby=described,
                aria_invalid="true" if field.name in self._problems else None,
                data_least=field.shortest or None,
                data_most=field.longest,
                data_may_be_empty=not field.required,
            )
        control = self._control(field, id, described, needed=needed)
        # Required once anything of an optional group is filled in, which HTML cannot say.
        return div(
            label(title, note, for_=id), control, about, _schema(field), **shared,
            data_needed=field.required and not needed,
        )  # fmt: skip

    def _argument(self, field: Field) -> FT:
        id = self._next()
        texts, before = self._held(field), held(field, field.initial)
        about = self._wrong(field, id)
        described = _described(id, [about])
        was = "" if field.initial is NOTHING else f"was {said(field.initial)}"
        edited = field.initial is not NOTHING and list(texts) != before
        # What may mislead cannot be marked in a field.
        doubtful = raw(marked(before[0], MOST)) if before and "<" in marked(before[0], MOST) else None
        return div(
            label(raw(marked(field.title, MOST)), for_=id, dir="auto"),
            self._control(field, id, described, needed=field.required),
            span(was if edited else None, cls="was"),
            p(doubtful, cls="doubt", dir="auto") if doubtful else None,
            about,
            data_rule=field.rule or None,
            data_was=was or None,
            data_edited=edited,
        )

    def _control(self, field: Field, id: str, described: str | None, *, needed: bool) -> FT:
        texts = self._held(field)
        text = texts[0] if texts else ""
        shared: dict[str, Any] = {
            "name": field.name,
            "id": id,
            "required": needed,
            "aria_describedby": described,
            "aria_invalid": "true" if field.name in self._problems else None,
        }
        if field.kind == "flag":
            return input_(type="checkbox", value="on", checked=bool(texts), **shared)
        if field.kind == "choice":
            none = option("Choose…", value="") if not text or not field.required else None
            chosen = [
                option(raw(marked(each.title, MOST)), value=str(place), selected=str(place) == text)
                for place, each in enumerate(field.options)
            ]
            return select(none, chosen, **shared)
        shared["autocomplete"] = "off"
        if field.kind in ("long", "json"):
            # The line that HTML takes away.
            written = "\n" + text if text.startswith("\n") else text
            limit = {} if field.kind == "json" else {"maxlength": field.longest}
            return textarea(
                written, rows=3 if field.kind == "long" else 5, dir="auto", data_shortest=field.shortest or None,
                data_json=field.kind == "json", spellcheck="false" if field.kind == "json" else None, **limit, **shared,
            )  # fmt: skip
        kind = _TYPES.get(field.kind, "text")
        if kind in ("number", "date", "time", "datetime-local"):
            limits: dict[str, Any] = {"min": field.least or None, "max": field.most or None}
            # A time may have seconds, also one that the schema gives.
            limits["step"] = field.step or ("any" if kind in ("time", "datetime-local") else None)
        else:
            limits = {"maxlength": field.longest, "pattern": all_of(list(field.patterns)), "dir": "auto"}
        return input_(type=kind, value=text, **limits, **shared)

    def _boxes(self, field: Field, id: str) -> Child:
        texts = self._held(field)
        return [
            label(
                input_(
                    type="checkbox", name=field.name, value=str(place), id=f"{id}-{place}", checked=str(place) in texts
                ),
                span(raw(marked(each.title, MOST)), dir="auto"),
                cls="check",
            )
            for place, each in enumerate(field.options)
        ]

    def _held(self, field: Field) -> Sequence[str]:
        if self._posted is None:
            return held(field, field.initial)
        return self._posted.get(field.name, ())

    def _help(self, field: Field, id: str) -> FT | None:
        return p(raw(marked(field.help, MOST)), cls="help", id=f"{id}-help", dir="auto") if field.help else None

    def _wrong(self, field: Field, id: str) -> FT | None:
        problem = self._problems.get(field.name)
        return p(raw(marked(problem, MOST)), cls="wrong", id=f"{id}-wrong") if problem else None

    def _next(self) -> str:
        self._number += 1
        return f"{self._id}-{self._number}"


def as_text(arguments: Mapping[str, JSON]) -> list[FT]:
    """Return arguments that cannot be edited, a row each."""
    return [
        div(span(raw(marked(name, MOST)), cls="name", dir="auto"), p(raw(marked(said(value))), cls="text", dir="auto"))
        for name, value in arguments.items()
    ]


def _described(id: str, about: Sequence[FT | None]) -> str | None:
    names = ("help", "wrong") if len(about) == 2 else ("wrong",)
    found = [f"{id}-{name}" for name, each in zip(names, about, strict=True) if each is not None]
    return " ".join(found) or None


def _schema(field: Field) -> FT | None:
    if field.shown is None:
        return None
    text = json.dumps(field.shown, ensure_ascii=False, indent=2)
    return details(summary("Schema"), pre(raw(marked(text, _SCHEMA)), tabindex="0"), cls="schema")
