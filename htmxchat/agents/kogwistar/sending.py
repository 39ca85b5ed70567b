"""Sends a message to the server, once. If no reply comes, the server's turns are read until they tell."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from typing import Any

from ...agent import Request, Said
from ...errors import BackendError, ChatError
from ...events import Outcome, RunEnded, StageChanged, TextReplaced
from .job import Job, Sent, Setup
from .translation.problems import NOT_CONFIRMED, UNCERTAIN, Uncertain
from .translation.replies import ServerRun, ServerTurn

log = logging.getLogger("htmxchat")
WAITS = {
    "doubt": "It is not known yet whether your last message has arrived. Send this one in half a minute.",
    "arrived": (
        "Your last message has arrived, and the kogwistar server may still be answering it. Its answer appears here. "
        "If none comes, you can send the next message two minutes after it."
    ),
}
"""Why the next message has to wait, by the phase of the run whose message is not confirmed."""
NO_ROOM = "The kogwistar server has no room for this run now. Try again later."
LOOKING = "Checking whether your message has arrived"
ARRIVED = "Your message has arrived. Waiting for its answer"
NOT_ARRIVED = "This message did not reach the kogwistar server."
NO_ANSWER_CAME = "This message reached the kogwistar server, but there is no answer."


async def send(job: Job) -> AsyncGenerator[Said, None]:
    """Send the message, and tell the caller what happened to it. It returns when the server's run is known.

    Raises:
        ChatError: The server did not accept the message.
    """
    progress, setup, request = job.progress, job.setup, job.request
    try:
        token = request.user.token or await job.token()
        # The host's own code comes first: when it fails, nothing has happened yet.
        state = setup.initial_state(request.text) if setup.workflow else {}
        conversation = await _conversation(setup, token, request)
        progress.enter("sending")
        yield progress.checkpoint(wait=True)
        run = await _submit(setup, token, conversation, request.text, state)
    except Exception as error:
        unsure = isinstance(error, Uncertain)
        if progress.phase == "new" or (isinstance(error, ChatError) and not unsure):
            job.signals.settle(Sent(error, kept=False))
            raise
        if not unsure:
            log.exception("Sending the message of run %s failed.", request.run_id)
        progress.enter("doubt")
        yield progress.checkpoint(wait=True)
        job.signals.settle(Sent(Uncertain(UNCERTAIN) if unsure else error))
    else:
        progress.run = run.id
        # The server stores no turn for a workflow run, and gives several of them the same one.
        progress.turn = "" if setup.workflow else run.turn_id
        progress.enter("running")
        yield progress.checkpoint()
        job.signals.settle(Sent())


async def _conversation(setup: Setup, token: str, request: Request) -> str:
    """Return the server's id of the conversation, which is created there if necessary."""
    id = request.conversation_id
    known = await setup.links.server_id(id)
    if known is None:
        await setup.links.add_conversation(id, id)
    if known is None or not request.history:
        await setup.client.create_conversation(token, known or id, request.user.id)
    return known or id


async def _submit(setup: Setup, token: str, conversation: str, text: str, state: Mapping[str, Any]) -> ServerRun:
    if not setup.workflow:
        return await setup.client.answer(token, conversation, text, setup.workflow_id)
    run = await setup.client.start_workflow(token, conversation, setup.workflow_id, state)
    if run.admission in ("rejected", "deferred"):
        raise BackendError(NO_ROOM)
    return run


async def look_for(job: Job) -> AsyncGenerator[Said, None]:
    """Check whether a message has arrived, until that is known, and end the run.

    A stop does not end this earlier: the id of the server's run is not known, so the server cannot be asked to stop it.

    Raises:
        BackendError: It has not arrived, or has no answer.
    """
    progress, setup, request = job.progress, job.setup, job.request
    if setup.workflow:
        raise BackendError(NOT_CONFIRMED)
    if progress.phase == "sending":
        progress.enter("doubt")
    yield StageChanged(LOOKING)
    yield progress.checkpoint()
    conversation = await setup.links.server_id(request.conversation_id) or request.conversation_id
    while True:
        turns = await job.ask(setup.client.turns, conversation)
        known = await setup.links.turns(request.conversation_id, request.run_id)
        turn, answer = find_turn(request.text, turns, known)
        if answer or progress.age >= (setup.timing.unanswered if turn else setup.timing.missing):
            break
        if turn and progress.phase != "arrived":
            progress.phase = "arrived"
            yield StageChanged(ARRIVED)
            yield progress.checkpoint()
        await job.signals.wait(setup.timing.doubt)
    if turn:
        progress.turn = turn.id
        await job.link(answer_id=answer.id if answer else "", workflow_id=setup.workflow_id)
    if answer:
        yield TextReplaced(answer.text)
    if job.signals.stop_asked is not None:
        yield RunEnded(Outcome.CANCELLED)
    if not answer:
        raise BackendError(NO_ANSWER_CAME if turn else NOT_ARRIVED)
    yield RunEnded(Outcome.COMPLETED)


def find_turn(
    text: str, turns: Sequence[ServerTurn], known: Collection[str]
) -> tuple[ServerTurn | None, ServerTurn | None]:
    """Return the turn of the last message and its answer, as far as the server has them.

    Args:
        known: Ids of the turns that were there before.
    """
    for turn, after in zip(reversed(turns), [None, *reversed(turns)], strict=False):
        # The server strips what it stores.
        if turn.role == "user" and turn.id not in known and turn.text.strip() == text.strip():
            return turn, after if after and after.role == "assistant" else None
    return None, None
