"""What the agent asks with more than one field: a form made of a schema, and a call that is to be approved.

Hooks: `form.request.ask`, in it `[name=decision]`. An argument that was changed has `[data-edited]`.
"""

from __future__ import annotations

from collections.abc import Mapping

from ...events import InputRequested
from ...forms import Form, arguments_form, form_of
from ...forms.returned import Returned
from ...html import FT, Child, raw, tag
from ...text.confusing import marked
from ..controls import post_form
from .fields import MOST, Fields

button, code, div, header, input_, label, p, span, textarea = map(
    tag, ["button", "code", "div", "header", "input", "label", "p", "span", "textarea"]
)
chat_form = tag("chat-form")

_PROMPT = 10_000
REASON = 2_000
"""So many characters a reason can have."""


def asked_form(id: str, url: str, which: Child, state: FT, request: InputRequested, returned: Returned | None) -> FT:
    """Return the form of a question with a schema."""
    form = form_of(request.schema)
    send = button("Send answer", cls="button", data_kind="primary", name="decision", value="send", type="submit")
    decline = request.decline and button(
        raw(marked(request.decline, _PROMPT)),
        cls="button", name="decision", value="decline", type="submit", formnovalidate=True, dir="auto",
    )  # fmt: skip
    about = _about(request, form)
    fields = Fields(id, returned.posted if returned else None, returned.problems if returned else None)
    content = fields.form(form)
    return _frame(id, url, which, state, request.prompt, about, content, [send, decline or None], returned)


def asked_approval(
    id: str, url: str, which: Child, state: FT, request: InputRequested, returned: Returned | None
) -> FT:
    """Return the form of a call that is to be approved."""
    approval = request.approval
    assert approval is not None
    posted, problems = (returned.posted, returned.problems) if returned else (None, None)
    fields = Fields(id, posted, problems)
    form = arguments_form(approval.arguments, approval.schema)
    arguments = fields.arguments(form if approval.editable else Form((), given=approval.arguments))
    reason_id = f"{id}-reason"
    given = next(iter((posted or {}).get("reason", ())), "")
    reason = div(
        label(span("Reason"), span("Optional, the agent reads it", cls="meta"), for_=reason_id),
        textarea(given, name="reason", id=reason_id, rows=2, maxlength=REASON, dir="auto", autocomplete="off"),
        cls="field",
    )
    approve = button("Approve", cls="button", data_kind="primary", name="decision", value="approve", type="submit")
    deny = button("Deny", cls="button", name="decision", value="deny", type="submit", formnovalidate=True)
    about = p(code(raw(marked(approval.tool, MOST))), cls="quiet")
    undo = button("Undo changes", cls="button end", data_kind="quiet", name="undo", type="button", hidden=True)
    content = [arguments if approval.arguments else None, reason]
    return _frame(id, url, which, state, request.prompt, about, content, [approve, deny, undo], returned)


def _frame(
    id: str,
    url: str,
    which: Child,
    state: FT,
    prompt: str,
    about: FT | None,
    content: Child,
    buttons: Child,
    returned: Returned | None,
) -> FT:
    count = len(returned.problems) if returned else 0
    whole = (returned.problems if returned else {}).get("answer")
    said = f"{count} field{'' if count == 1 else 's'} to correct" if count and not whole else None
    return post_form(
        url,
        which,
        chat_form(
            header(state, p(raw(marked(prompt, _PROMPT)), cls="asked", id=f"{id}-asked", dir="auto"), about),
            content,
            p(raw(marked(whole, MOST)), cls="wrong") if whole else None,
            div(buttons, span(said, cls="meta end"), cls="row"),
            data_returned=returned is not None,
        ),
        cls="request box ask",
        id=id,
        aria_labelledby=f"{id}-asked",
    )


def _about(request: InputRequested, form: Form) -> FT | None:
    schema: Mapping[str, object] = request.schema or {}
    said = schema.get("description")
    help = span(raw(marked(said.strip(), MOST)), dir="auto") if isinstance(said, str) and said.strip() else None
    stars = "Fields with * are needed." if any(each.required for each in form.fields) else None
    only_one = sum(1 for _ in form.fields) == 1
    if help is None and (stars is None or only_one):
        return None
    return p(help, " " if help and stars else None, None if only_one else stars, cls="quiet")
