"""Sends a message to the server, once. If no reply comes, it checks whether the message has arrived."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any

from ...agent import Request, Said
from ...errors import BackendError, ChatError
from ...events import Outcome, RunEnded, StageChanged, TextReplaced
from . import doubt
from .job import Job, Setup
from .translation.problems import NOT_CONFIRMED, UNCERTAIN, Uncertain
from .translation.replies import Submitted

log = logging.getLogger("htmxchat")
NO_ROOM = "The kogwistar server has no room for this run now. Try again later."


async def send(job: Job) -> AsyncGenerator[Said, None]:
    """Send the message, once, and report the result to the caller. It returns when the server's run is known."""
    progress, setup, request = job.progress, job.setup, job.request
    if progress.phase == "new":
        token = request.user.token or await job.token()
        try:
            # The host's own code comes first: when it fails, nothing has happened yet.
            state = setup.initial_state(request.text) if setup.workflow else {}
            conversation = await _conversation(setup, token, request)
            progress.enter("sending")
            yield progress.checkpoint(wait=True)
            submitted = await _submit(setup, token, conversation, request.text, state)
        except Exception as error:
            unsure = isinstance(error, Uncertain)
            if progress.phase == "new" or (isinstance(error, ChatError) and not unsure):
                job.signals.settle(error, kept=False)
                if not isinstance(error, ChatError):
                    raise
                yield RunEnded(Outcome.FAILED, str(error))
                return
            if not unsure:
                log.exception("Sending the message of run %s failed.", request.run_id)
            progress.enter("doubt")
            yield progress.checkpoint(wait=True)
            job.signals.settle(Uncertain(UNCERTAIN) if unsure else error)
        else:
            progress.run = submitted.run_id
            # The server stores no turn for a workflow run, and gives several of them the same one.
            progress.turn = "" if setup.workflow else submitted.turn_id
            progress.enter("running")
            yield progress.checkpoint()
            job.signals.settle()
            return
    if setup.workflow:
        yield RunEnded(Outcome.FAILED, NOT_CONFIRMED)
        return
    async with aclosing(_look_for(job)) as looking:
        async for said in looking:
            yield said


async def _look_for(job: Job) -> AsyncGenerator[Said, None]:
    """Check whether a message has arrived, until that is known, and end the run.

    A stop does not end this earlier: the id of the server's run is not known, so the server cannot be asked to stop it.
    """
    progress, setup, request = job.progress, job.setup, job.request
    if progress.phase == "sending":
        progress.enter("doubt")
    yield StageChanged(doubt.LOOKING)
    yield progress.checkpoint()
    conversation = await setup.links.server_id(request.conversation_id) or request.conversation_id
    while True:
        turns = await job.ask(setup.client.turns, conversation)
        known = await setup.links.turns(request.conversation_id, request.run_id)
        found = doubt.look_for(request.text, turns, known)
        stopped = job.signals.stop_asked is not None
        if (end := doubt.end(found, progress.age, setup.timing, stopped=stopped)) is not None:
            if found is not None:
                answer_id = found.answer.id if found.answer else ""
                names = {"answer_id": answer_id, "workflow_id": setup.workflow_id}
                await setup.links.add_run(request.run_id, found.turn, **names)
                if found.answer is not None:
                    yield TextReplaced(found.answer.text)
            yield end
            return
        if found is not None and progress.phase != "arrived":
            progress.phase = "arrived"
            yield StageChanged(doubt.ARRIVED)
            yield progress.checkpoint()
        await job.signals.wait(setup.timing.doubt)


async def _conversation(setup: Setup, token: str, request: Request) -> str:
    """Return the server's id of the conversation, which is created there if necessary."""
    id = request.conversation_id
    known = await setup.links.server_id(id)
    if known is None:
        await setup.links.add_conversation(id, id)
    if known is None or not request.history:
        await setup.client.create_conversation(token, known or id, request.user.id)
    return known or id


async def _submit(setup: Setup, token: str, conversation: str, text: str, state: Mapping[str, Any]) -> Submitted:
    if not setup.workflow:
        return await setup.client.answer(token, conversation, text, setup.workflow_id)
    submitted = await setup.client.start_workflow(token, conversation, setup.workflow_id, state)
    if submitted.admission in ("rejected", "deferred"):
        raise BackendError(NO_ROOM)
    return submitted
