"""Sends the user's answer to a run that waits, once, and finds out the result.

After a resume the server sends no events and does not change the run's row. The result is in the reply; without a
reply, it is in the last checkpoint.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from ...errors import BackendError, BackendUnavailable, NotFound, NotSignedIn
from ...events import JSON
from ...scripts.result import ScriptResult
from .job import Job
from .translation.outcome import NOT_STOPPED, resumed
from .translation.problems import NoSuchRoute, Uncertain
from .translation.replies import ServerRun, mapping
from .translation.waiting import client_result

log = logging.getLogger("htmxchat")
NOT_TAKEN = "Your answer was not accepted. Please give it again."
NOT_KNOWN = "It is not known whether your answer arrived, and there is no result. Please give it again. "


async def resume(job: Job, *answer: JSON | ScriptResult) -> tuple[ServerRun, str]:
    """Send the answer, if it was not sent before, and find out the result.

    Returns:
        The run as it is now, and a remark to show before it asks again.

    Raises:
        ChatError: The server refuses the answer, or the user stopped the run.
    """
    client, progress, request = job.setup.client, job.progress, job.progress.request
    assert request is not None
    run = await job.ask(client.run, progress.run)
    lost = ""
    refused: BackendError | None = None
    if answer:
        body = {
            "suspended_node_id": request.node_id,
            "suspended_token_id": request.token_id,
            "client_result": client_result(request, answer[0]),
            "workflow_id": run.workflow_id,
            "conversation_id": run.conversation_id,
            "turn_node_id": run.turn_id,
        }
        try:
            reply = await client.resume(await job.token(), progress.run, body, workflow=job.setup.workflow)
            return resumed(run, reply), ""
        except (BackendUnavailable, NoSuchRoute, NotSignedIn) as error:
            log.warning("The result of resuming run %s is not known yet: %s", progress.run, error)
            lost = "" if isinstance(error, Uncertain) else str(error)
        except BackendError as error:
            refused = error
    while True:
        join = mapping((await job.ask(_last_state, job)).get("_rt_join"))
        ours = [request.node_id, request.token_id]
        waits = any([each[0], each[2]] == ours for each in join.get("suspended") or [])
        if waits and refused:
            raise refused
        # Not accepted, or not yet: the server stores nothing before the rest of the workflow has run.
        if waits and lost:
            return run, f"{NOT_TAKEN} {lost} "
        if waits and progress.age >= job.setup.timing.resent:
            return run, NOT_KNOWN
        if not waits and not join.get("pending"):
            return run, ""
        if job.given_up:
            raise BackendError(NOT_STOPPED)
        await job.signals.wait(job.setup.timing.check)


async def _last_state(token: str, job: Job) -> Mapping[str, Any]:
    try:
        return await job.setup.client.last_state(token, job.progress.run)
    except NotFound:
        return {}
