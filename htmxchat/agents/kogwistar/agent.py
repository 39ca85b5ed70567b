"""A kogwistar server as an agent: each run is one of the server's, which goes on whatever becomes of this process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import replace
from typing import Any, Literal

from ...agent import Request, Said
from ...errors import NotSignedIn
from ...events import JSON, EventBody, InputRequested, StageChanged
from ...scripts.encoding import encode_result
from ...scripts.result import ScriptResult
from .asking import Asking, SignedOut
from .credentials import Credentials
from .inquiry import gather
from .links import Links, RunLink
from .progress import Progress
from .resuming import GOING_ON, Resuming
from .sending import ANSWERING, Sending
from .timing import Timing
from .translation import waiting
from .translation.outcome import conclude
from .translation.replies import ServerRun
from .transport.client import Client
from .watch import Signals, Watch

SIGNED_OUT = "The answer goes on when you have signed in again"
SIGNED_IN = "You are signed in again. Waiting for news of this answer"


class KogwistarAgent:
    """Sends a message once, tells what the server's run does, and hands on the user's answers.

    Before it sends something it says so in a checkpoint that is stored: a process that goes on with the run after
    another one has died knows whether it may have arrived.

    Attributes:
        sending: Knows what became of the messages of this process.
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
        self._asking = Asking(credentials)
        self._timing = timing
        self._workflow_id = workflow_id
        self._stream: Literal["sse", "poll"] = stream
        self._signals: dict[str, Signals] = {}
        self.sending = Sending(client, links, self._asking, timing, workflow_id, initial_state)
        self.hand_back: Callable[[str], None] = lambda run_id: None

    def answer(self, request: Request) -> AsyncGenerator[Said, Any]:
        return self._go(request, Progress())

    def resume(self, request: Request, checkpoint: JSON) -> AsyncGenerator[Said, Any]:
        return self._go(request, Progress.read(checkpoint))

    def stop(self, run_id: str) -> None:
        self._signals_of(run_id).stop()

    def _signals_of(self, run_id: str) -> Signals:
        return self._signals.setdefault(run_id, Signals())

    async def _go(self, request: Request, progress: Progress) -> AsyncGenerator[Said, Any]:
        signals = self._signals_of(request.run_id)
        try:
            if progress.signed_out:
                progress.signed_out = False
                yield StageChanged(SIGNED_IN)
            if progress.phase in ("new", "sending", "doubt", "arrived"):
                async with aclosing(self.sending.send(request, progress, signals)) as sending:
                    async for said in sending:
                        yield said
            link = RunLink(progress.run, workflow_id=self._workflow_id)
            await self._asking.patiently(request, lambda _: self._links.add_run(request.run_id, link, progress.turn))
            async with aclosing(self._follow(request, progress, signals)) as following:
                answer: Any = None
                while True:
                    try:
                        answer = yield await following.asend(answer)
                    except StopAsyncIteration:
                        return
        except SignedOut:
            progress.signed_out = True
            yield StageChanged(SIGNED_OUT)
            yield progress.checkpoint()
            self.hand_back(request.run_id)
            await asyncio.get_running_loop().create_future()  # until this process has left the run
        finally:
            self.sending.end(request.run_id)
            self._signals.pop(request.run_id, None)

    async def _follow(self, request: Request, progress: Progress, signals: Signals) -> AsyncGenerator[Said, Any]:
        """Tell what the run does, and give it what the user answers, until it has ended."""
        watch = Watch(self._client, self._timing, self._stream, progress.run, progress.after, signals)
        resuming = Resuming(self._client, progress, self._timing, self._workflow_id not in ANSWERING, signals)
        there: ServerRun | None = None
        question: waiting.Request | None = None
        remark = ""
        if progress.phase == "running":
            while watch.over is None:
                token = await self._asking.token(request.user.id)
                try:
                    async with aclosing(watch.follow(token)) as following:
                        async for said in following:
                            yield said
                            if watch.after != progress.after:
                                progress.after = watch.after
                                yield progress.checkpoint()
                except NotSignedIn:
                    self._asking.refuse(request.user.id, token)
            there = watch.over
        else:
            await self._asking.patiently(request, watch.read_again)
            question = waiting.Request.from_json(progress.request or {})
        while True:
            if progress.phase == "resuming":
                assert question is not None
                given = question
                there, remark, end = await self._asking.patiently(
                    request,
                    lambda token: resuming.look_after(token, given),  # noqa: B023
                )
                if end is not None:
                    yield end
                    return
            if there is not None:
                known, text = there, watch.text
                facts = await self._asking.patiently(
                    request,
                    lambda token: gather(self._client, token, known, text, progress.asked),  # noqa: B023
                )
                bodies, question = conclude(facts)
                if question is None:
                    if facts.run.assistant_turn_id:
                        answered = RunLink(progress.run, facts.run.assistant_turn_id)
                        await self._asking.patiently(request, lambda _: self._links.add_run(request.run_id, answered))  # noqa: B023
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


def _remarked(body: EventBody, remark: str) -> EventBody:
    if isinstance(body, InputRequested):
        return replace(body, prompt=remark + body.prompt)
    return replace(body, name=remark + body.name) if isinstance(body, StageChanged) else body
