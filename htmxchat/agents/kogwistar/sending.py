"""Sends a message to the server, once, and looks what has become of one that may have arrived."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from ...agent import Request, Said
from ...errors import BackendError, ChatError
from ...events import Outcome, RunEnded, StageChanged, TextReplaced
from . import doubt
from .asking import Asking
from .links import Links, RunLink
from .progress import Progress
from .timing import Timing
from .translation.problems import NOT_CONFIRMED, UNCERTAIN, Uncertain
from .translation.replies import Submitted
from .transport.client import Client
from .watch import Signals

log = logging.getLogger("htmxchat")
NO_ROOM = "The kogwistar server has no room for this run now. Try again later."
# Any other id in an answer run makes the server build a copy of the second one under that name.
ANSWERING = frozenset({"debug.rag.v1", "agentic_answering.v2"})


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of sending a message.

    Attributes:
        error: Why it is not known that it has arrived; `None` when it has.
        kept: Whether the message is to stay in the conversation.
    """

    error: Exception | None = None
    kept: bool = True


class Sending:
    """Sends the messages of runs that begin here, and tells those who wait for it what became of them."""

    def __init__(
        self,
        client: Client,
        links: Links,
        asking: Asking,
        timing: Timing,
        workflow_id: str,
        initial_state: Callable[[str], Mapping[str, Any]],
    ) -> None:
        self._client = client
        self._links = links
        self._asking = asking
        self._timing = timing
        self._workflow_id = workflow_id
        self._workflow = workflow_id not in ANSWERING
        self._initial_state = initial_state
        self._expected: dict[str, asyncio.Future[Sent]] = {}

    def expect(self, run_id: str) -> None:
        """Somebody is going to wait until a run's message is sent."""
        self._expected[run_id] = asyncio.get_running_loop().create_future()

    def of(self, run_id: str) -> asyncio.Future[Sent] | None:
        """Return what is to be known about a run's message; `None` for a run that this process has not begun."""
        return self._expected.get(run_id)

    def settle(self, run_id: str, error: Exception | None = None, *, kept: bool = True) -> None:
        """Tell who waits what became of a message; only the first that is said counts."""
        expected = self._expected.get(run_id)
        if expected is not None and not expected.done():
            expected.set_result(Sent(error, kept))

    def end(self, run_id: str) -> None:
        """The run is over, or this process has left it."""
        self.settle(run_id, Uncertain(UNCERTAIN))
        self._expected.pop(run_id, None)

    async def send(self, request: Request, progress: Progress, signals: Signals) -> AsyncGenerator[Said, None]:
        """Send the message, once. It returns when the server's run is known."""
        if progress.phase == "new":
            token = request.user.token or await self._asking.token(request.user.id)
            try:
                # The host's own code comes first: when it fails, nothing has happened yet.
                state = self._initial_state(request.text) if self._workflow else {}
                conversation = await self._conversation(token, request)
            except Exception as error:
                self.settle(request.run_id, error, kept=False)
                if not isinstance(error, ChatError):
                    raise
                yield RunEnded(Outcome.FAILED, str(error))
                return
            progress.enter("sending")
            yield progress.checkpoint(wait=True)
            unsure: Exception = Uncertain(UNCERTAIN)
            try:
                submitted = await self._submit(token, conversation, request.text, state)
            except Uncertain:
                pass
            except ChatError as error:
                self.settle(request.run_id, error, kept=False)
                yield RunEnded(Outcome.FAILED, str(error))
                return
            except Exception as error:
                log.exception("Sending the message of run %s failed.", request.run_id)
                unsure = error
            else:
                progress.run = submitted.run_id
                # The server stores no turn for a workflow run, and gives several of them the same one.
                progress.turn = "" if self._workflow else submitted.turn_id
                progress.enter("running")
                yield progress.checkpoint()
                self.settle(request.run_id)
                return
            progress.enter("doubt")
            yield progress.checkpoint(wait=True)
            self.settle(request.run_id, unsure)
        if self._workflow:
            yield RunEnded(Outcome.FAILED, NOT_CONFIRMED)
            return
        async with aclosing(self._look_for(request, progress, signals)) as looking:
            async for said in looking:
                yield said

    async def _look_for(self, request: Request, progress: Progress, signals: Signals) -> AsyncGenerator[Said, None]:
        """Look what has become of a message that may have arrived. It ends the run.

        A stop does not end it sooner: its run on the server, whose id nobody has told, would not hear of it.
        """
        if progress.phase == "sending":
            progress.enter("doubt")
        yield StageChanged(doubt.LOOKING)
        yield progress.checkpoint()
        conversation = await self._links.conversation(request.conversation_id) or request.conversation_id
        while True:
            turns = await self._asking.patiently(request, lambda token: self._client.turns(token, conversation))
            found = doubt.look_for(
                request.text, turns, await self._links.turns(request.conversation_id, request.run_id)
            )
            if found is not None and found.answer is not None:
                await self._links.add_run(request.run_id, RunLink("", found.answer.id, self._workflow_id), found.turn)
                yield TextReplaced(found.answer.text)
                yield RunEnded(Outcome.CANCELLED if signals.stop_asked else Outcome.COMPLETED)
            elif signals.stop_asked and progress.age >= (doubt.UNANSWERED if found else doubt.MISSING):
                yield RunEnded(Outcome.CANCELLED)
            elif found is not None and progress.age >= doubt.UNANSWERED:
                await self._links.add_run(request.run_id, RunLink("", workflow_id=self._workflow_id), found.turn)
                yield RunEnded(Outcome.FAILED, doubt.NO_ANSWER_CAME)
            elif found is None and progress.age >= doubt.MISSING:
                yield RunEnded(Outcome.FAILED, doubt.NOT_ARRIVED)
            elif found is not None and progress.phase != "arrived":
                progress.phase = "arrived"
                yield StageChanged(doubt.ARRIVED)
                yield progress.checkpoint()
            await signals.wait(self._timing.doubt)

    async def _conversation(self, token: str, request: Request) -> str:
        """Return what the server calls the conversation; it is made there if need be."""
        id = request.conversation_id
        known = await self._links.conversation(id)
        if known is None:
            await self._links.add_conversation(id, id)
        if known is None or not request.history:
            await self._client.create_conversation(token, known or id, request.user.id)
        return known or id

    async def _submit(self, token: str, conversation: str, text: str, state: Mapping[str, Any]) -> Submitted:
        if not self._workflow:
            return await self._client.answer(token, conversation, text, self._workflow_id)
        submitted = await self._client.start_workflow(token, conversation, self._workflow_id, state)
        if submitted.admission in ("rejected", "deferred"):
            raise BackendError(NO_ROOM)
        return submitted
