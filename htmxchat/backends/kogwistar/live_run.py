"""A live run that can wait for its user: the answer, `resume`, and what came of it.

Nothing about the run changes on the server after a resume: no events, no row. What came of it is the reply, which is
kept, and the last checkpoint, which is asked when there was no reply.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

from ...errors import BackendError, BackendUnavailable, ChatError, NotFound, NotSignedIn
from ...events import JSON, Outcome, RunEnded, StageChanged
from . import logs
from .feed import Feed
from .outcome import resumed
from .problems import NoSuchRoute, Uncertain
from .replies import mapping
from .waiting import Request, client_result, heard

log = logging.getLogger("htmxchat")
GOING_ON = "Going on with your answer"
NOT_TAKEN = "Your answer was not taken. Please give it again."
NOT_KNOWN = "It is not known whether your answer arrived, and nothing came of it. Please give it again. "


class LiveRun(Feed):
    """A feed with a way to answer.

    Attributes:
        resuming: The call to the server, while it lasts.
        lost: Why it is certain that the last answer did not get through; empty when it is not.
    """

    resuming: asyncio.Task[None] | None = None
    lost = ""

    @property
    def idle(self) -> bool:
        return super().idle and (self.resuming is None or self.resuming.done())

    async def answer(self, request_id: str, answer: JSON) -> None:
        """Use up the request and begin to resume the run; returns before the server has answered.

        Raises:
            NotFound: The run does not wait for this, or was answered before.
        """
        await self.sync()
        request = self.known.request
        if self.done or self.known.phase != "waiting" or request is None or request.id != request_id:
            raise NotFound
        said = [self.own(heard(request, answer)), self.own(StageChanged(GOING_ON))]
        if not await self._memory.take_request(self.id, request_id, [*self.events, *said]):
            await self.sync()
            raise NotFound
        self.append(said)
        self.lost = ""
        await self.sync()
        self.resuming = asyncio.create_task(self._resume(request, answer), name=f"resume {self.id}")

    async def _resume(self, request: Request, answer: JSON) -> None:
        """Call `resume`, once: the server would not take it twice."""
        sent, beating = False, asyncio.create_task(self._beat())
        try:
            run = await self._client.run(self.token, self.id)
            body = {
                "suspended_node_id": request.node_id,
                "suspended_token_id": request.token_id,
                "client_result": client_result(request, answer),
                "workflow_id": run.workflow_id,
                "conversation_id": run.conversation_id,
                "turn_node_id": run.turn_id,
            }
            sent = True
            reply = await self._client.resume(self.token, self.id, body, workflow=self.workflow)
            await self.conclude(resumed(run, reply))
        except (BackendUnavailable, NoSuchRoute, NotSignedIn) as error:
            log.warning("What came of resuming run %s is not known yet: %s", self.id, error)
            self.lost = str(error) if not sent or not isinstance(error, Uncertain) else ""
        except BackendError as error:
            await self._examine(error)
        except ChatError as error:
            await self.end([RunEnded(Outcome.FAILED, str(error))])
        except Exception:
            log.exception("Resuming run %s failed.", self.id)
        finally:
            beating.cancel()

    async def _beat(self) -> None:
        """Tell other processes, as long as it is so, that the server has not answered yet."""
        while True:
            await asyncio.sleep(self._timing.resent / 4)
            with suppress(ChatError):
                await self._memory.beat(self.id)

    async def look_after_resume(self) -> None:
        """See a resume through: one of this object, one of another process, or one that got lost."""
        if self.resuming is not None and not self.resuming.done():
            await asyncio.wait({self.resuming}, timeout=self._timing.tick)
            await self.sync()
            return
        await self._examine(None)
        if not self.done and self.known.phase == "resuming":
            await self.until_moved(self._timing.check)

    async def _examine(self, error: ChatError | None) -> None:
        """Ask the last checkpoint what came of a resume.

        Args:
            error: What the server said to it, if it did.
        """
        state = await self._state()
        request = self.known.request
        waiting = mapping(state.get("_rt_join")).get("suspended") or []
        ours = None if request is None else [request.node_id, request.token_id]
        same = any([each[0], each[2]] == ours for each in waiting)
        if same and error is not None:
            await self.end([RunEnded(Outcome.FAILED, str(error))])
        elif same:
            # Not taken, or not yet: the server notes nothing before the rest of the workflow has run.
            if self.lost:
                await self.conclude(await self._client.run(self.token, self.id), remark=f"{NOT_TAKEN} {self.lost} ")
            elif (logs.now() - self.known.since).total_seconds() >= self._timing.resent:
                await self.conclude(await self._client.run(self.token, self.id), remark=NOT_KNOWN)
        elif not mapping(state.get("_rt_join")).get("pending"):
            await self.conclude(await self._client.run(self.token, self.id))

    async def _state(self) -> dict[str, object]:
        with suppress(NotFound):
            return dict(await self._client.last_state(self.token, self.id))
        return {}
