"""The answer to what an agent asks: words, a choice, a form that is filled in, or a decision about a call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from starlette.responses import Response

from ..asking import Decision
from ..errors import BadRequest, Conflict, InvalidInput, NotFound, TextTooLong
from ..events import InputRequested
from ..forms import Form, Reading, arguments_form, form_of, read
from ..forms.returned import Returned
from ..forms.texts import typed
from ..fragments.turns.asking import REASON
from ..fragments.turns.parts import part_html, part_id
from ..fragments.turns.question import wording
from ..live.patches import Patch, say
from ..parts import Question
from ..text.phrases import cut
from ..view import RunView, fold
from .call import Call, endpoint, patches_response, see_other
from .form import read_pairs
from .pages import conversation_page
from .reconcile import refused
from .run_log import run_log

_ANSWERED = "This question is not open any more: it was answered, or the agent has stopped."
_CHANGED = "The agent asks something else now than this page showed. Read the question again."
_DECISIONS = "approve", "deny"
_TOLD = 2_000
_FIELDS = 1_000


@endpoint
async def answer(call: Call) -> Response:
    """Give a run what it asked for."""
    posted = await _posted(call)
    request_id, read_digest = _field(posted, "request"), posted.get("digest", [None])[-1]
    view = fold(await run_log(call))
    asked = next(
        (part for part in view.parts if isinstance(part, Question) and part.request.request_id == request_id), None
    )
    open_now = view.request if view.request is not None and view.request.request_id == request_id else None
    request = open_now or (asked.request if asked else None)
    reading = _read(call, request, posted)
    # The page forgets what was written when it gets what it did not know.
    lost = f" Your answer was not sent: {_told(request, posted)}" if call.fragment else ""
    if open_now is not None and read_digest is not None and wording(open_now) != read_digest:
        return await refused(call, Conflict(_CHANGED + lost), changed=call.run.id)
    if open_now is not None and reading.problems:
        return await _to_correct(call, view, Returned(call.run.id, request_id, posted, reading.problems))
    try:
        await call.backend.answer_request(call.run.id, request_id, reading.value)
    except NotFound:
        return await refused(call, NotFound(_ANSWERED + lost), changed=call.run.id)
    if call.fragment:
        return Response(status_code=204)
    return see_other(call.urls.conversation(call.run.conversation_id, call.run.id))


async def _posted(call: Call) -> dict[str, list[str]]:
    """Return the fields, each with all that was sent for it; raises what `Call.form` does."""
    found: dict[str, list[str]] = {}
    for name, text in await read_pairs(call.request, _FIELDS):
        found.setdefault(name, []).append(text)
    return found


def _read(call: Call, request: InputRequested | None, posted: Mapping[str, list[str]]) -> Reading:
    """Return what an answer means to the question.

    Raises:
        BadRequest: It lacks a field.
        EmptyText, TextTooLong, InvalidInput: It cannot be stored.
    """
    form = form_for(request)
    if request is None or form is None:
        return Reading(call.usable(_field(posted, "answer")))
    limit = call.chat.settings.limits.text
    if (length := sum(len(text) for texts in posted.values() for text in texts)) > limit:
        raise TextTooLong(length, limit)
    if request.approval is not None:
        return _decided(request, form, posted)
    if request.decline and posted.get("decision", [""])[-1] == "decline":
        return Reading(None)
    return read(form, posted, call.zone)


def form_for(request: InputRequested | None) -> Form | None:
    """Return the form of a question; `None` when it has none."""
    if request is None:
        return None
    if request.approval is not None:
        return arguments_form(request.approval.arguments, request.approval.schema)
    return None if request.schema is None else form_of(request.schema)


def _decided(request: InputRequested, form: Form, posted: Mapping[str, list[str]]) -> Reading:
    approval, decision = request.approval, _field(posted, "decision")
    assert approval is not None
    if decision not in _DECISIONS:
        raise BadRequest(f"decision is {' or '.join(_DECISIONS)}.")
    reason = posted.get("reason", [""])[-1].replace("\r\n", "\n").strip()[:REASON]
    if any(character == "\0" or "\ud800" <= character <= "\udfff" for character in reason):
        raise InvalidInput("The reason holds characters that cannot be stored (NUL or half a surrogate pair).")
    if decision == "deny" or not approval.editable:
        return Reading(Decision(decision == "approve", reason).answer)
    reading = read(form, posted)
    value = reading.value
    changed = value if isinstance(value, dict) and value != approval.arguments else None
    return replace(reading, value=Decision(True, reason, changed).answer)


async def _to_correct(call: Call, view: RunView, returned: Returned) -> Response:
    """Return the form with what was filled in, and below each field that is not right what is."""
    if not call.fragment:
        return await conversation_page(call, await call.transcript(), returned=returned)
    place = next(
        place
        for place, part in enumerate(view.parts)
        if isinstance(part, Question) and part.state == "waiting" and part.request.request_id == returned.request_id
    )
    id = part_id(call.run.id, place)
    html = part_html(call.run.id, view, place, replace(call.turn_context, returned=returned))
    many = len(returned.problems)
    told = f"{many} field{'' if many == 1 else 's'} to correct. {next(iter(returned.problems.values()))}"
    return patches_response([Patch(f"#{id}", "outerHTML", html), say(told)], status=422)


def _told(request: InputRequested | None, posted: Mapping[str, list[str]]) -> str:
    """Return what someone had written."""
    form = form_for(request)
    return cut(typed(form, posted) if form else _field(posted, "answer"), _TOLD)


def _field(posted: Mapping[str, list[str]], name: str) -> str:
    if name not in posted:
        raise BadRequest(f"The form has no field named {name}.")
    return posted[name][-1]
