"""What was answered: the choice, the words, or a short list of what was filled in or decided."""

from __future__ import annotations

from collections.abc import Iterator

from ...asking import Decision
from ...events import InputRequested
from ...forms import Group, form_of
from ...forms.fields import NOTHING, Field
from ...forms.texts import at, said, said_by
from ...html import FT, Child, raw, tag
from ...parts import Question
from ...text.confusing import marked

dd, div, dl, dt, li, p, span, ul = map(tag, ["dd", "div", "dl", "dt", "li", "p", "span", "ul"])

_MOST = 10_000
_FIELDS = 60


def given(question: Question) -> Child:
    """Return the answer to a question, as it is kept."""
    request = question.request
    if request.schema is not None:
        return _filled_in(request, question)
    if request.approval is not None:
        return _decided(question)
    answered, answer = question.state == "answered", question.answer_text
    if not request.choices:
        return p(raw(marked(answer, _MOST)) if answered else None, cls="answer", dir="auto")
    choices = ul(
        [
            li(raw(marked(each, _MOST)), dir="auto", aria_current="true" if answered and each == answer else None)
            for each in request.choices
        ],
        cls="actions",
    )
    if answered and answer not in request.choices:
        return [choices, p(raw(marked(answer, _MOST)), cls="answer", dir="auto")]
    return choices


def verb(question: Question) -> str:
    """Return what the user did."""
    if question.request.approval is not None:
        decision = Decision.of(question.answer)
        changed = " with changes" if decision.approved and decision.arguments is not None else ""
        return f"You {'approved' if decision.approved else 'denied'}{changed}"
    declined = question.request.schema is not None and question.request.decline and question.answer is None
    return "You declined" if declined else "You answered"


def _filled_in(request: InputRequested, question: Question) -> Child:
    if question.state != "answered" or (question.answer is None and request.decline):
        return None
    rows = list(_rows(request, question))
    if len(rows) == 1 and not rows[0][0]:
        return p(raw(marked(rows[0][1], _MOST)), cls="answer", dir="auto")
    return _list([(title, [raw(marked(value, _MOST))]) for title, value in rows])


def _rows(request: InputRequested, question: Question) -> Iterator[tuple[str, str]]:
    """Yield what was filled in, field by field; an answer that came in another way as it is."""
    form, answer = form_of(request.schema), question.answer
    if form.is_json or not all(isinstance(each, Group) or _knows(each, answer) for each in form.parts):
        yield "", question.answer_text
        return
    for field in form.fields:
        value = at(answer, field.path)
        if value is not NOTHING:
            group = next((each for each in form.parts if isinstance(each, Group) and field in each.fields), None)
            title = f"{group.title}: {field.title}" if group else field.title if field.path else ""
            yield title, said_by(field, value)


def _knows(field: Field, answer: object) -> bool:
    return not field.path or isinstance(answer, dict)


def _decided(question: Question) -> Child:
    approval = question.request.approval
    assert approval is not None
    decision = Decision.of(question.answer) if question.state == "answered" else None
    changed = decision.arguments if decision else None
    rows: list[tuple[str, Child]] = []
    for name in dict.fromkeys([*approval.arguments, *(changed or {})]):
        before = approval.arguments.get(name, NOTHING)
        now = before if changed is None else changed.get(name, NOTHING)
        shown: list[Child] = [raw(marked("left out" if now is NOTHING else said(now), _MOST))]
        if changed is not None and now != before and before is not NOTHING:
            shown.append(span(raw(marked(f" was {said(before)}", _MOST)), cls="was"))
        rows.append((name, shown))
    if decision and decision.reason:
        rows.append(("Reason", [raw(marked(decision.reason, _MOST))]))
    return _list(rows)


def _list(rows: list[tuple[str, Child]]) -> FT | None:
    shown = [div(dt(raw(marked(title, _MOST)), dir="auto"), dd(value, dir="auto")) for title, value in rows[:_FIELDS]]
    return dl(shown, cls="given") if shown else None
