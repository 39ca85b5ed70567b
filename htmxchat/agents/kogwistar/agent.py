"""A kogwistar server as an agent: each run is one of the server's, which goes on whatever becomes of this process."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from ...agent import Request, Said
from ...errors import BackendError, BackendUnavailable, ChatError, NotSignedIn
from ...events import JSON, EventBody, InputRequested, Outcome, RunEnded, StageChanged, TextReplaced
from ...scripts.models import ScriptResult
from ...scripts.results import encode_result
from . import doubt
from .credentials import Credentials
from .inquiry import gather
from .links import Links, RunLink
from .progress import Progress
from .resuming import GOING_ON, Resuming
from .timing import Timing
from .translation import waiting
from .translation.outcome import conclude
from .translation.problems import NOT_CONFIRMED, UNCERTAIN, NoSuchRoute, ServerFailed, Uncertain
from .translation.replies import ServerRun, Submitted
from .watch import Signals, Watch

if TYPE_CHECKING:
    from .transport.client import Client

T = TypeVar("T")
log = logging.getLogger("htmxchat")
SIGNED_OUT = "The answer goes on when you have signed in again"
SIGNED_IN = "You are signed in again. Waiting for news of this answer"
NO_ROOM = "The kogwistar server has no room for this run now. Try again later."
# Any other id in an answer run makes the server build a copy of the second one under that name.
ANSWERING = frozenset({"debug.rag.v1", "agentic_answering.v2"})
_FIRST_DELAY, _LONGEST_DELAY = 0.2, 5.0


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of sending a message.

    Attributes:
        error: Why it is not known that it has arrived; `None` when it has.
        kept: Whether the message is to stay in the conversation.
    """

    error: Exception | None = None
    kept: bool = True


class KogwistarAgent:
    """Sends a message once, tells what the server's run does, and hands on the user's answers.

    Before it sends something it says so in a checkpoint that is stored: a process that goes on with the run after
    another one has died knows whether it may have arrived.

    Attributes:
        hand_back: Called with a run that this process cannot go on with.
    """

    name = "kogwistar"

    def __init__(
        self,
        client: Client,
        links: Links,
        credentials: Credentials,
        timing: Timing,
        workflow_id: str,
        initial_state: Callable[[str], Mapping[str, Any]],
        stream: Literal["sse", "poll"],
    ) -> None:
        self._client = client
        self._links = links
        self._credentials = credentials
        self._timing = timing
        self.workflow_id = workflow_id
        self.workflow = workflow_id not in ANSWERING
        self._initial_state = initial_state
        self._stream: Literal["sse", "poll"] = stream
        self._signals: dict[str, Signals] = {}
        self._expected: dict[str, asyncio.Future[Sent]] = {}
        self.hand_back: Callable[[str], None] = lambda run_id: None

    def answer(self, request: Request) -> AsyncGenerator[Said, Any]:
        return self._go(request, Progress())

    def resume(self, request: Request, checkpoint: JSON) -> AsyncGenerator[Said, Any]:
        return self._go(request, Progress.read(checkpoint))

    def stop(self, run_id: str) -> None:
        self._signals_of(run_id).stop()

    def expect(self, run_id: str) -> None:
        """Somebody is going to wait until a run's message is sent."""
        self._expected[run_id] = asyncio.get_running_loop().create_future()

    def sending(self, run_id: str) -> asyncio.Future[Sent] | None:
        """Return what is to be known about a run's message; `None` for a run that this process has not begun."""
        return self._expected.get(run_id)

    def _signals_of(self, run_id: str) -> Signals:
        return self._signals.setdefault(run_id, Signals())

    async def _go(self, request: Request, progress: Progress) -> AsyncGenerator[Said, Any]:
        try:
            if progress.signed_out:
                progress.signed_out = False
                yield StageChanged(SIGNED_IN)
            if progress.phase in ("new", "sending", "doubt", "arrived"):
                async with aclosing(self._send(request, progress)) as sending:
                    async for said in sending:
                        yield said
            link = RunLink(progress.run, workflow_id=self.workflow_id)
            await self._patiently(request, lambda _: self._links.add_run(request.run_id, link, progress.turn))
            async with aclosing(self._follow(request, progress)) as following:
                answer: Any = None
                while True:
                    try:
                        answer = yield await following.asend(answer)
                    except StopAsyncIteration:
                        return
        except _SignedOut:
            progress.signed_out = True
            yield StageChanged(SIGNED_OUT)
            yield progress.checkpoint()
            self.hand_back(request.run_id)
            await asyncio.get_running_loop().create_future()  # until this process has left the run
        finally:
            self._settle(request.run_id, Uncertain(UNCERTAIN))
            self._signals.pop(request.run_id, None)
            self._expected.pop(request.run_id, None)

    # Sending

    async def _send(self, request: Request, progress: Progress) -> AsyncGenerator[Said, None]:
        """Send the message, once. It returns when the server's run is known."""
        if progress.phase == "new":
            token = request.user.token or await self._token(request.user.id)
            try:
                # The host's own code comes first: when it fails, nothing has happened yet.
                state = self._initial_state(request.text) if self.workflow else {}
                conversation = await self._conversation(token, request)
            except Exception as error:
                self._settle(request.run_id, error, kept=False)
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
                self._settle(request.run_id, error, kept=False)
                yield RunEnded(Outcome.FAILED, str(error))
                return
            except Exception as error:
                log.exception("Sending the message of run %s failed.", request.run_id)
                unsure = error
            else:
                progress.run = submitted.run_id
                # The server stores no turn for a workflow run, and gives several of them the same one.
                progress.turn = "" if self.workflow else submitted.turn_id
                progress.enter("running")
                yield progress.checkpoint()
                self._settle(request.run_id)
                return
            progress.enter("doubt")
            yield progress.checkpoint(wait=True)
            self._settle(request.run_id, unsure)
        if self.workflow:
            yield RunEnded(Outcome.FAILED, NOT_CONFIRMED)
            return
        async with aclosing(self._look_for(request, progress)) as looking:
            async for said in looking:
                yield said

    async def _look_for(self, request: Request, progress: Progress) -> AsyncGenerator[Said, None]:
        """Look what has become of a message that may have arrived. It ends the run.

        A stop does not end it sooner: its run on the server, whose id nobody has told, would not hear of it.
        """
        if progress.phase == "sending":
            progress.enter("doubt")
        yield StageChanged(doubt.LOOKING)
        yield progress.checkpoint()
        signals = self._signals_of(request.run_id)
        conversation = await self._links.conversation(request.conversation_id) or request.conversation_id
        while True:
            turns = await self._patiently(request, lambda token: self._client.turns(token, conversation))
            found = doubt.look_for(
                request.text, turns, await self._links.turns(request.conversation_id, request.run_id)
            )
            if found is not None and found.answer is not None:
                await self._links.add_run(request.run_id, RunLink("", found.answer.id, self.workflow_id), found.turn)
                yield TextReplaced(found.answer.text)
                yield RunEnded(Outcome.CANCELLED if signals.stop_asked else Outcome.COMPLETED)
            elif signals.stop_asked and progress.age >= (doubt.UNANSWERED if found else doubt.MISSING):
                yield RunEnded(Outcome.CANCELLED)
            elif found is not None and progress.age >= doubt.UNANSWERED:
                await self._links.add_run(request.run_id, RunLink("", workflow_id=self.workflow_id), found.turn)
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
        if not self.workflow:
            return await self._client.answer(token, conversation, text, self.workflow_id)
        submitted = await self._client.start_workflow(token, conversation, self.workflow_id, state)
        if submitted.admission in ("rejected", "deferred"):
            raise BackendError(NO_ROOM)
        return submitted

    def _settle(self, run_id: str, error: Exception | None = None, *, kept: bool = True) -> None:
        expected = self._expected.get(run_id)
        if expected is not None and not expected.done():
            expected.set_result(Sent(error, kept))

    # Following

    async def _follow(self, request: Request, progress: Progress) -> AsyncGenerator[Said, Any]:
        """Tell what the run does, and give it what the user answers, until it has ended."""
        signals = self._signals_of(request.run_id)
        watch = Watch(self._client, self._timing, self._stream, progress.run, progress.after, signals)
        resuming = Resuming(self._client, progress, self._timing, self.workflow, signals)
        there: ServerRun | None = None
        question: waiting.Request | None = None
        remark = ""
        if progress.phase == "running":
            while watch.over is None:
                token = await self._token(request.user.id)
                try:
                    async with aclosing(watch.follow(token)) as following:
                        async for said in following:
                            yield said
                            if watch.after != progress.after:
                                progress.after = watch.after
                                yield progress.checkpoint()
                except NotSignedIn:
                    self._credentials.refuse(request.user.id, token)
            there = watch.over
        else:
            await self._patiently(request, watch.read_again)
            question = waiting.Request.from_json(progress.request or {})
        while True:
            if progress.phase == "resuming":
                assert question is not None
                given = question
                there, remark, end = await self._patiently(
                    request,
                    lambda token: resuming.look_after(token, given),  # noqa: B023
                )
                if end is not None:
                    yield end
                    return
            if there is not None:
                known, text = there, watch.text
                facts = await self._patiently(
                    request,
                    lambda token: gather(self._client, token, known, text, progress.asked),  # noqa: B023
                )
                bodies, question = conclude(facts)
                if question is None:
                    if facts.run.assistant_turn_id:
                        answered = RunLink(progress.run, facts.run.assistant_turn_id)
                        await self._patiently(request, lambda _: self._links.add_run(request.run_id, answered))  # noqa: B023
                    for body in bodies:
                        yield body
                    return
                progress.asked += 1
                progress.request = question.to_json()
                for body in bodies[:-1]:
                    yield _remarked(body, remark)
                progress.enter("waiting")
                yield progress.checkpoint()
                asked = _remarked(bodies[-1], remark)
            else:
                assert question is not None
                asked = waiting.ask(question)[-1]
            answer = yield asked
            resuming.give(encode_result(answer) if isinstance(answer, ScriptResult) else answer)
            yield StageChanged(GOING_ON)
            progress.enter("resuming")
            yield progress.checkpoint(wait=True)

    async def _token(self, user_id: str) -> str:
        token = await self._credentials.find(user_id)
        if token is None:
            raise _SignedOut
        return token

    async def _patiently(self, request: Request, ask: Callable[[str], Awaitable[T]]) -> T:
        """Ask until there is an answer: what is away now comes back.

        Raises:
            _SignedOut: The server takes no token that this process knows.
        """
        delay = _FIRST_DELAY
        while True:
            token = await self._token(request.user.id)
            try:
                return await ask(token)
            except NotSignedIn:
                self._credentials.refuse(request.user.id, token)
            except (BackendUnavailable, NoSuchRoute, ServerFailed) as error:
                log.info("Run %s waits: %s", request.run_id, error)
            await asyncio.sleep(delay * random.uniform(0.5, 1.0))
            delay = min(delay * 2, _LONGEST_DELAY)


class _SignedOut(Exception):
    """No token of the run's user is known here: whoever knows one goes on with the run."""


def _remarked(body: EventBody, remark: str) -> EventBody:
    if isinstance(body, InputRequested):
        return replace(body, prompt=remark + body.prompt)
    return replace(body, name=remark + body.name) if isinstance(body, StageChanged) else body
