"""Runs: follow one by stream or polling, stop it, try it again, answer it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial

from anyio.abc import TaskGroup
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from ..backend import CanBranch, CanRetry
from ..chat import Chat
from ..errors import ChatError, Conflict, NotFound
from ..fragments.turns.context import TurnContext
from ..fragments.turns.sources import answer_text
from ..fragments.turns.transcript import live, turn
from ..html import render
from ..http.sse import Emit, EventStreamResponse, ServerSentEvent
from ..live.page import Look
from ..live.patches import Patch, render_patches, say, swap
from ..live.rows import RowsWanted
from ..models import Run, User
from ..scripts.states import digest
from .branches import branched
from .call import BEGUN, CHANGED, Call, endpoint, number, patches_response, row_filter, see_other
from .conversations import answer_turn, sent, started
from .queue import look
from .reconcile import last_turn, refused, whats_new

_REPLACED = "Another answer has taken this one's place."
_NO_QUESTION = "The message that was answered here is not in the conversation any more. Write it again."


@endpoint
async def stream(call: Call) -> Response:
    """The live stream of a run. A user with too many of them open is told to poll."""
    reading = _Reading(
        await call.backend.account(),
        call.run.id,
        _after(call),
        call.turn_context,
        _rows(call),
        look(call.backend, call.run),
    )
    # A stream must not outlive its sign-in. Connecting again then says that it has ended.
    return EventStreamResponse(
        partial(_send, call.chat, call.user.id, reading), lifetime=_seconds_left(call.user), ticker=call.chat.ticker
    )


@dataclass(frozen=True, slots=True)
class _Reading:
    """What a stream shows. It does not keep the request: thousands of streams are idle at a time."""

    user: User
    run_id: str
    after: int | None
    context: TurnContext
    rows: RowsWanted | None
    look: Look


async def _send(chat: Chat, user_id: str, reading: _Reading, emit: Emit, tasks: TaskGroup) -> None:
    slot = chat.streams.take(user_id)
    if slot is None:
        return await _turn_to_polling(reading, emit)
    with slot, chat.observer.stream():
        await chat.relay.stream(
            reading.user, reading.run_id, reading.after, reading.context, emit, tasks, reading.rows, reading.look
        )


async def _turn_to_polling(reading: _Reading, emit: Emit) -> None:
    query = reading.rows.query if reading.rows else {}
    element = live(reading.run_id, reading.after, replace(reading.context, stream="poll"), **query)
    await emit(ServerSentEvent(render_patches([swap(element)])))


@endpoint
async def poll(call: Call) -> Response:
    """What changed in a run since the last poll; 204 when nothing did."""
    context = replace(call.turn_context, stream="poll")
    account = await call.backend.account()
    queue = look(call.backend, call.run)
    answer = await call.chat.relay.poll(account, call.run.id, _after(call), context, _rows(call), queue)
    if not answer.html:
        return Response(status_code=204)
    if answer.ended:
        gone = Patch(f"#live-{call.run.id}", "delete")
        return HTMLResponse(answer.html + render_patches([gone]), headers=CHANGED)
    query = answer.rows.query if answer.rows else {}
    element = live(call.run.id, answer.after, context, **query)
    return HTMLResponse(answer.html + render_patches([swap(element)]))


@endpoint
async def state(call: Call) -> Response:
    """How a run stands, in a word: for pages that nobody sees, which have no stream."""
    return PlainTextResponse(call.run.state.value, headers={"Cache-Control": "no-store"})


@endpoint
async def stop(call: Call) -> Response:
    """Ask a run to stop. The stream tells when it has; one that had ended before, the page does not know of."""
    await call.backend.stop_run(call.run.id)
    if call.fragment and not call.run.state.live and (shown := last_turn(call)) is not None:
        return await _reconciled(call, shown)
    if call.fragment:
        return Response(status_code=204)
    return see_other(call.urls.conversation(call.run.conversation_id, call.run.id))


@endpoint
async def retry(call: Call) -> Response:
    """Answer the same turn again; the new answer takes the old one's place.

    One that another has taken the place of already, from another page or by a second press, is not tried again: the
    page gets that other one. With a backend that cannot do any of this, the same message is sent once more.
    """
    try:
        if not call.backend.can(CanRetry):
            return await _ask_again(call)
        latest = await _latest(call)
        if latest is not None and latest.id != call.run.id:
            if not call.fragment:
                return see_other(call.urls.conversation(latest.conversation_id, latest.id))
            return await _reconciled(call, last_turn(call) or "", _REPLACED)
        run = await call.backend.retry_run(call.run.id, await _agent(call))
    except ChatError as error:
        return await refused(call, error, changed=call.run.id)
    if not call.fragment:
        return see_other(call.urls.conversation(run.conversation_id, run.id))
    if call.backend.can(CanBranch):
        return await branched(call, call.run.id, BEGUN)
    html = render(turn(answer_turn(run), call.turn_context))
    patches = [Patch(f"#turn-{call.run.id}", "outerHTML", html), *started(call, run)]
    return patches_response(patches, CHANGED)


async def _agent(call: Call) -> str:
    """Return the agent that is to answer this time; empty for the same one."""
    return (await call.form()).get("agent", "") if "content-type" in call.request.headers else ""


async def _latest(call: Call) -> Run | None:
    """Return the run whose answer stands where this run's stood."""
    turns = (await call.transcript()).turns
    return next((each.run for each in turns if each.run and each.run.turn_id == call.run.turn_id), None)


async def _reconciled(call: Call, shown: str, sentence: str = "") -> Response:
    """Return what the page does not know of its conversation."""
    transcript = await call.transcript()
    patches = await whats_new(call, transcript, shown, changed=call.run.id)
    if sentence:
        patches.append(say(sentence))
    return patches_response(patches, CHANGED)


async def _ask_again(call: Call) -> Response:
    turns = (await call.transcript()).turns
    question = next((each for each in turns if each.run is None and each.id == call.run.turn_id), None)
    if question is None:
        raise Conflict(_NO_QUESTION)
    # An answer is asked for again once: the new one has a button of its own.
    submission = digest(f"again {call.run.id}")
    run = await call.start_run(question.text, submission, question.files)
    return await sent(call, run, question.text, question.files)


@endpoint
async def text(call: Call) -> Response:
    """The Markdown of an answer with its sources, to be copied."""
    transcript = await call.transcript()
    for each in transcript.turns:
        if each.id == call.run.id:
            return PlainTextResponse(answer_text(each))
    raise NotFound


def _seconds_left(user: User) -> float | None:
    """Return for how long the user is still signed in; `None` when that is unknown."""
    return (user.expires_at - datetime.now(UTC)).total_seconds() if user.expires_at else None


def _after(call: Call) -> int | None:
    """Return the last event that the page has: from the header, else from the query; `None` if it is not a number."""
    return number(call.request.headers.get("last-event-id") or call.request.query_params.get("after", ""))


def _rows(call: Call) -> RowsWanted | None:
    """Return which of the inspector's rows the page asks for, if it does."""
    query = call.request.query_params
    after = number(query.get("rows", ""))
    if after is None or not call.can_inspect:
        return None
    # What came on this stream before it broke brought its rows with it.
    heard = number(call.request.headers.get("last-event-id", ""))
    return RowsWanted(max(after, heard or 0), row_filter(call))
