"""A kogwistar server as an agent: each run is one of the server's, which continues whatever becomes of this process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any

from ...agent import Request, Said
from ...errors import ChatError
from ...events import JSON, Outcome, RunEnded, StageChanged
from .inquiry import gather
from .job import Job, Sent, Setup, Signals, SignedOut
from .progress import Progress
from .resuming import resume
from .sending import look_for, send
from .translation import waiting
from .translation.outcome import conclude
from .translation.problems import UNCERTAIN, Uncertain
from .watch import Watch

SIGNED_OUT = "The answer continues when you have signed in again"
SIGNED_IN = "You are signed in again. Waiting for news of this answer"
CONTINUING = "Continuing with your answer"


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
        """Continue a run to its end, and yield what happens."""
        job = Job(self._setup, request, progress, self._signals_of(request.run_id))
        watch, answer, remark = Watch(job), tuple[Any, ...](), ""
        try:
            if progress.signed_out:
                progress.signed_out = False
                yield StageChanged(SIGNED_IN)
            if progress.request is not None:
                await job.ask(watch.catch_up)
            while True:
                while watch.over is None and progress.request is None:
                    async with aclosing(_step(job, watch)) as saying:
                        async for said in saying:
                            yield said
                run = watch.over
                if progress.phase == "waiting" and progress.request is not None:
                    answer = ((yield waiting.ask(progress.request, remark)[-1]),)
                    yield StageChanged(CONTINUING)
                    progress.enter("resuming")
                    yield progress.checkpoint(wait=True)
                if progress.phase == "resuming":
                    run, remark = await resume(job, *answer)
                assert run is not None
                end = conclude(await job.ask(gather, self._setup.client, run, watch.text, progress.asked))
                if not isinstance(end, waiting.Request):
                    await job.link(answer_id=run.assistant_turn_id)
                    for body in end:
                        yield body
                    return
                progress.request = end
                progress.asked += 1
                for body in waiting.ask(end, remark)[:-1]:
                    yield body
                progress.enter("waiting")
                yield progress.checkpoint()
        except SignedOut:
            progress.signed_out = True
            yield StageChanged(SIGNED_OUT)
            yield progress.checkpoint()
            self._hand_back(request.run_id)
            await asyncio.get_running_loop().create_future()  # until this process has left the run
        except ChatError as error:
            yield RunEnded(Outcome.FAILED, str(error))
        finally:
            job.signals.settle(Sent(Uncertain(UNCERTAIN)))
            self._signals.pop(request.run_id, None)


def _step(job: Job, watch: Watch) -> AsyncGenerator[Said, None]:
    match job.progress.phase:
        case "new":
            return send(job)
        case "running":
            return watch.follow()
        case _:
            return look_for(job)
