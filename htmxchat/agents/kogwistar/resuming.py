"""The user has answered a run that waits: `resume`, once, and what came of it.

Nothing about the run changes on the server after a resume: no events, no row. What came of it is the reply, and the
last checkpoint, which is asked when there was no reply.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import Any

from ...errors import BackendError, BackendUnavailable, ChatError, NotFound, NotSignedIn
from ...events import JSON, Outcome, RunEnded
from .progress import Progress
from .timing import Timing
from .translation.outcome import NOT_STOPPED, resumed
from .translation.problems import NoSuchRoute, Uncertain
from .translation.replies import ServerRun, mapping
from .translation.waiting import Request, client_result
from .transport.client import Client
from .watch import Signals

log = logging.getLogger("htmxchat")
GOING_ON = "Going on with your answer"
NOT_TAKEN = "Your answer was not taken. Please give it again."
NOT_KNOWN = "It is not known whether your answer arrived, and nothing came of it. Please give it again. "
_NOTHING = object()

Result = tuple[ServerRun | None, str, RunEnded | None]
"""The run as it is now, what is to be said before it asks again, and how it ended if that is known."""


class Resuming:
    """Gives answers to one run.

    Attributes:
        lost: Why it is certain that the last answer did not get through; empty when it is not.
    """

    def __init__(self, client: Client, progress: Progress, timing: Timing, workflow: bool, signals: Signals) -> None:
        self._client = client
        self._progress = progress
        self._timing = timing
        self._workflow = workflow
        self._signals = signals
        self._answer: JSON | object = _NOTHING
        self.lost = ""

    def give(self, answer: JSON) -> None:
        """The answer is to be sent next."""
        self._answer = answer

    async def look_after(self, token: str, request: Request) -> Result:
        """Send the answer, if it was not sent, and find out what came of it.

        Raises:
            BackendUnavailable, NotSignedIn: The server cannot be asked now.
        """
        answer, self._answer = self._answer, _NOTHING
        if answer is not _NOTHING:
            self.lost = ""
            result = await self._send(token, request, answer)  # type: ignore[arg-type]
            if result is not None:
                return result
        while True:
            if (result := await self._examine(token, request, None)) is not None:
                return result
            asked = self._signals.stop_asked
            if asked is not None and asyncio.get_running_loop().time() - asked >= self._timing.give_up:
                return None, "", RunEnded(Outcome.FAILED, NOT_STOPPED)
            await self._signals.wait(self._timing.check)

    async def _send(self, token: str, request: Request, answer: JSON) -> Result | None:
        """Call `resume`, once: the server would not take it twice."""
        sent = False
        try:
            run = await self._client.run(token, self._progress.run)
            body = {
                "suspended_node_id": request.node_id,
                "suspended_token_id": request.token_id,
                "client_result": client_result(request, answer),
                "workflow_id": run.workflow_id,
                "conversation_id": run.conversation_id,
                "turn_node_id": run.turn_id,
            }
            sent = True
            reply = await self._client.resume(token, self._progress.run, body, workflow=self._workflow)
            return resumed(run, reply), "", None
        except (BackendUnavailable, NoSuchRoute, NotSignedIn) as error:
            log.warning("What came of resuming run %s is not known yet: %s", self._progress.run, error)
            self.lost = str(error) if not sent or not isinstance(error, Uncertain) else ""
            return None
        except BackendError as error:
            return await self._examine(token, request, error)
        except ChatError as error:
            return None, "", RunEnded(Outcome.FAILED, str(error))

    async def _examine(self, token: str, request: Request, error: ChatError | None) -> Result | None:
        """Ask the last checkpoint what came of a resume; `None` when that is not known yet.

        Args:
            error: What the server said to it, if it did.
        """
        state: dict[str, Any] = {}
        with suppress(NotFound):
            state = dict(await self._client.last_state(token, self._progress.run))
        join = mapping(state.get("_rt_join"))
        ours = [request.node_id, request.token_id]
        same = any([each[0], each[2]] == ours for each in join.get("suspended") or [])
        if same and error is not None:
            return None, "", RunEnded(Outcome.FAILED, str(error))
        # Not taken, or not yet: the server notes nothing before the rest of the workflow has run.
        if same and self.lost:
            return await self._client.run(token, self._progress.run), f"{NOT_TAKEN} {self.lost} ", None
        if same and self._progress.age >= self._timing.resent:
            return await self._client.run(token, self._progress.run), NOT_KNOWN, None
        if not same and not join.get("pending"):
            return await self._client.run(token, self._progress.run), "", None
        return None
