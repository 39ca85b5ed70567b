"""What the agent asks: a form while it waits, and then the record of it, in the same place and of the same height.

Hooks: `form.request`, and `.request[data-state]` once it is settled.
"""

from __future__ import annotations

import json

from ...events import InputRequested
from ...html import FT, Child, raw, tag
from ...models import RunState, Waiting
from ...parts import Question
from ...scripts.states import digest
from ...text.confusing import marked
from ...words import standing
from ..controls import post_form
from ..times import moment
from .context import TurnContext

button, div, fieldset, input_, label, legend, li, p, ul = map(
    tag, ["button", "div", "fieldset", "input", "label", "legend", "li", "p", "ul"]
)

_MAX_LENGTH = 10_000


def question(id: str, run_id: str, question: Question, context: TurnContext) -> FT:
    """Return what the agent asked, to be answered or as it was."""
    if question.state == "waiting":
        return _form(id, context.urls.answer(run_id), question)
    return _record(id, question)


def wording(request: InputRequested) -> str:
    """Return the digest of what a user reads of a question: an answer is to these words and no others."""
    return digest(json.dumps([request.prompt, request.choices]))


def _form(id: str, url: str, question: Question) -> FT:
    request, prompt = question.request, raw(marked(question.request.prompt, _MAX_LENGTH))
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
    # In a field and not in the path, where a slash or two dots would mean something.
    which = [
        input_(type="hidden", name="request", value=request.request_id),
        input_(type="hidden", name="digest", value=wording(request)),
    ]
    mark = standing(RunState.RUNNING, Waiting.ANSWER)
    state = p(mark.word, cls="state", data_state=mark.mark.value)
    return post_form(url, which, state, content, cls="request", id=id)


def _record(id: str, question: Question) -> FT:
    request = question.request
    answered = question.state == "answered"
    answer = question.answer_text
    if request.choices:
        given: Child = ul(
            [
                li(
                    raw(marked(each, _MAX_LENGTH)),
                    dir="auto",
                    aria_current="true" if answered and each == answer else None,
                )
                for each in request.choices
            ],
            cls="actions",
        )
        if answered and answer not in request.choices:
            given = [given, p(raw(marked(answer, _MAX_LENGTH)), cls="answer", dir="auto")]
    else:
        given = p(raw(marked(answer, _MAX_LENGTH)) if answered else None, cls="answer", dir="auto")
    state = ["You answered, ", moment(question.settled_at)] if answered and question.settled_at else "Not answered"
    return div(
        p(state, cls="settled"),
        p(raw(marked(request.prompt, _MAX_LENGTH)), cls="asked", dir="auto"),
        given,
        cls="request",
        id=id,
        data_state=question.state,
    )
