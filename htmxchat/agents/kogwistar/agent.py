"""A kogwistar server as an agent: each run is one of the server's, which continues whatever becomes of this process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any

from ...agent import Request, Said
from ...events import JSON, StageChanged
from .inquiry import gather
from .job import Job, Sent, Setup, Signals, SignedOut
from .progress import Progress
from .resuming import CONTINUING, resume
from .sending import send
from .translation import waiting
from .translation.outcome import conclude
from .translation.problems import UNCERTAIN, Uncertain
from .translation.replies import ServerRun
from .watch import Watch

SIGNED_OUT = "The answer continues when you have signed in again"
SIGNED_IN = "You are signed in again. Waiting for news of this answer"


class KogwistarAgent:
    """Sends a message once, yields what the server's run does, and sends the user's answers to the server.

    It stores a checkpoint before it sends something. So a process that takes the run over knows that the message may
    have arrived.

    Args:
        hand_back: Called with the id of a run that this process cannot continue.
    """

    name = "kogwistar"

    def __init__(self, setup: Setup, hand_back: Callable[[str], None]) -> None:
        self._setup = setup
        self._hand_back = hand_back
        self._signals: dict[str, Signals] = {}

    def answer(self, request: Request) -> AsyncGenerator[Said, Any]:
        return self._go(request, Progress())

    def resume(self, request: Request, checkpoint: JSON) -> AsyncGenerator[Said, Any]:
        return self._go(request, Progress.read(checkpoint))

    def stop(self, run_id: str) -> None:
        self._signals_of(run_id).stop()

    def expect(self, run_id: str) -> None:
        """Prepare for a caller that waits until the message of a run is sent."""
        self._signals_of(run_id).sent = asyncio.get_running_loop().create_future()

    def sent(self, run_id: str) -> asyncio.Future[Sent] | None:
        """Return the future result of sending a run's message; `None` for a run that another process began."""
        return self._signals[run_id].sent if run_id in self._signals else None

    def _signals_of(self, run_id: str) -> Signals:
        return self._signals.setdefault(run_id, Signals())

    async def _go(self, request: Request, progress: Progress) -> AsyncGenerator[Said, Any]:
        job = Job(self._setup, request, progress, self._signals_of(request.run_id))
        try:
            async with aclosing(_tell(job)) as telling:
                answer: Any = None
                while True:
                    try:
                        answer = yield await telling.asend(answer)
                    except StopAsyncIteration:
                        return
        except SignedOut:
            progress.signed_out = True
            yield StageChanged(SIGNED_OUT)
            yield progress.checkpoint()
            self._hand_back(request.run_id)
            await asyncio.get_running_loop().create_future()  # until this process has left the run
        finally:
            job.signals.settle(Uncertain(UNCERTAIN))
            self._signals.pop(request.run_id, None)


async def _tell(job: Job) -> AsyncGenerator[Said, Any]:
    """Continue a run to its end, and yield what happens."""
    progress, watch, answer, remark = job.progress, Watch(job), None, ""
    there: ServerRun | None = None
    if progress.signed_out:
        progress.signed_out = False
        yield StageChanged(SIGNED_IN)
    if progress.request is not None:
        await job.ask(watch.rest)
    while True:
        match progress.phase:
            case "running":
                await _link(job, server_id=progress.run, workflow_id=job.setup.workflow_id)
                async with aclosing(watch.follow()) as following:
                    async for said in following:
                        yield said
                        if watch.after != progress.after:
                            progress.after = watch.after
                            yield progress.checkpoint()
                there = watch.over
            case "waiting":
                assert progress.request is not None
                answer = ((yield waiting.ask(progress.request, remark)[-1]),)
                yield StageChanged(CONTINUING)
                progress.enter("resuming")
                yield progress.checkpoint(wait=True)
                continue
            case "resuming":
                there, remark, end = await resume(job, *(answer or ()))
                if end is not None:
                    yield end
                    return
            case _:
                async with aclosing(send(job)) as sending:
                    async for step in sending:
                        yield step
                continue
        assert there is not None
        facts = await job.ask(gather, job.setup.client, there, watch.text, progress.asked)
        bodies, progress.request = conclude(facts)
        if progress.request is None:
            await _link(job, answer_id=facts.run.assistant_turn_id)
            for body in bodies:
                yield body
            return
        progress.asked += 1
        for body in waiting.ask(progress.request, remark)[:-1]:
            yield body
        progress.enter("waiting")
        yield progress.checkpoint()


async def _link(job: Job, **names: str) -> None:
    await job.ask(lambda _: job.setup.links.add_run(job.request.run_id, job.progress.turn, **names))
