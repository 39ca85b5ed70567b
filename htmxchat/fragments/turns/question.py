"""What the agent asks: a form while it waits, and then the record of it, in the same place and of the same height.

Hooks: `form.request`, and `.request[data-state]` once it is settled.
"""

from __future__ import annotations

import json

from ...events import InputRequested, encode_body
from ...html import FT, Child, raw, tag
from ...models import RunState, Waiting
from ...parts import Question
from ...scripts.states import digest
from ...state_words import standing
from ...text.confusing import marked
from ..controls import post_form
from ..times import moment
from .answered import given, verb
from .asking import asked_approval, asked_form
from .context import TurnContext

button, div, fieldset, input_, label, legend, p = map(
    tag, ["button", "div", "fieldset", "input", "label", "legend", "p"]
)

_MAX_LENGTH = 10_000


def question(id: str, run_id: str, question: Question, context: TurnContext) -> FT:
    """Return what the agent asked, to be answered or as it was."""
    if question.state != "waiting":
        return _record(id, question)
    url, request, returned = context.urls.answer(run_id), question.request, context.returned
    # In a field and not in the path, where a slash or two dots would mean something.
    which = [
        input_(type="hidden", name="request", value=request.request_id),
        input_(type="hidden", name="digest", value=wording(request)),
    ]
    if returned is not None and (returned.run_id, returned.request_id) != (run_id, request.request_id):
        returned = None
    if request.approval is not None:
        return asked_approval(id, url, which, _state(Waiting.APPROVAL), request, returned)
    if request.schema is not None:
        return asked_form(id, url, which, _state(Waiting.ANSWER), request, returned)
    return _form(id, url, which, request)


def wording(request: InputRequested) -> str:
    """Return the digest of what a user reads of a question: an answer is to these words and no others."""
    _, said = encode_body(request)
    return digest(json.dumps({name: value for name, value in said.items() if name != "request_id"}))


def _state(waiting: Waiting) -> FT:
    mark = standing(RunState.RUNNING, waiting)
    return p(mark.word, cls="state", data_state=mark.mark.value)


def _form(id: str, url: str, which: Child, request: InputRequested) -> FT:
    prompt = raw(marked(request.prompt, _MAX_LENGTH))
    if request.choices:
        answers = [
            button(raw(marked(each, _MAX_LENGTH)), cls="button", name="answer", value=each, type="submit", dir="auto")
            for each in request.choices
        ]
        content: Child = fieldset(legend(prompt, dir="auto"), div(answers, cls="actions"))
    else:
        field_id = f"answer-{id}"
        field = input_(name="answer", id=field_id, required=True, autocomplete="off", dir="auto")
        press = button("Answer", cls="button", data_kind="primary", type="submit")
        content = [label(prompt, for_=field_id, dir="auto"), div(field, press, cls="actions")]
    return post_form(url, which, _state(Waiting.ANSWER), content, cls="request", id=id)


def _record(id: str, question: Question) -> FT:
    request = question.request
    answered = question.state == "answered"
    state = [verb(question), ", ", moment(question.settled_at)] if answered and question.settled_at else "Not answered"
    return div(
        p(state, cls="settled"),
        p(raw(marked(request.prompt, _MAX_LENGTH)), cls="asked", dir="auto"),
        given(question),
        cls="request",
        id=id,
        data_state=question.state,
    )
