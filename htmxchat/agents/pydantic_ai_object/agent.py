"""The run of a Pydantic AI agent: asks the model, asks the user, and continues."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing, suppress
from copy import copy
from typing import Any

from pydantic_ai import AgentRunResultEvent
from pydantic_ai.agent import AbstractAgent
from pydantic_ai.exceptions import RunCancelled, UserError
from pydantic_ai.tools import DeferredToolRequests, DeferredToolResults
from pydantic_ai.usage import UsageLimits

from ... import checks
from ...agent import Checkpoint, Remember, Request, Said
from ...events import JSON, Outcome, RunEnded
from ...files.file import File
from ..attachments import MOST, UNREAD, UNSEEN, Given, given_files
from ..setting import setting_for
from .deferred import python_toolset, schemas_of, waiting_calls
from .events import Translation
from .failures import explained
from .memory import prompt, recall, remember, with_files, without_files
from .outputs import with_deferred, writes_data
from .progress import Progress, decode


def pydantic_ai(
    agent: AbstractAgent[Any, Any],
    *,
    deps: Any = None,
    usage_limits: UsageLimits | None = None,
    run_python: bool = False,
    sees: bool = True,
    file_bytes: int = MOST,
    name: str = "",
) -> PydanticAI:
    """Return a Pydantic AI agent as an agent of the chat: `LocalBackend(pydantic_ai(agent))`.

    Its message history is its memory, along the branch that the conversation shows. Calls of tools that require
    approval, and calls that are executed outside (`CallDeferred`), ask the user; the answer may come after a restart.

    Args:
        deps: What the agent's tools get as `ctx.deps`, or a function of the `Request` that returns it; it may be async.
        usage_limits: How much one run may take; `None` is Pydantic AI's own default, 50 requests.
        run_python: Whether the model gets a tool that runs Python in the user's browser.
        sees: Whether the model is given pictures and other files that are no text. Without it, it is told that they
            are there.
        file_bytes: How many bytes of the conversation's files it is given, the latest first.
        name: Tells whose runs these are, where several agents share a store; by default the agent's own name.

    Raises:
        TypeError: `agent` is no Pydantic AI agent, or another argument is of another kind.
    """
    if not isinstance(agent, AbstractAgent):
        raise TypeError(f"agent must be a Pydantic AI agent, Agent('openai:…'), not {checks.kind(agent)}.")
    if usage_limits is not None:
        checks.instance("usage_limits", usage_limits, UsageLimits, "UsageLimits(request_limit=20)")
    checks.flag("run_python", run_python)
    checks.flag("sees", sees)
    checks.whole("file_bytes", file_bytes)
    named = checks.text("name", name) or agent.name or "pydantic_ai"
    return PydanticAI(agent, deps, usage_limits, run_python, sees, file_bytes, named)


class PydanticAI:
    """A Pydantic AI agent as an agent of the chat. Made by `pydantic_ai`."""

    def __init__(
        self,
        agent: AbstractAgent[Any, Any],
        deps: Any,
        usage_limits: UsageLimits | None,
        run_python: bool,
        sees: bool,
        file_bytes: int,
        name: str,
    ) -> None:
        self.name = name
        self._agent = agent
        self._deps = deps
        self._usage_limits = usage_limits
        self._sees = sees
        self._file_bytes = file_bytes
        self._toolsets = [python_toolset()] if run_python else []

    def answer(self, request: Request) -> AsyncGenerator[Said, Any]:
        return self.resume(request, None)

    async def resume(self, request: Request, checkpoint: JSON) -> AsyncGenerator[Said, Any]:
        """Continue from a checkpoint: before a question, after an answer of the model, or after all of its tools."""
        deps = await setting_for(self._deps, request)
        given = await given_files(request, request.history, self._wants, self._file_bytes)
        progress = decode(checkpoint)
        while True:
            results = DeferredToolResults()
            asked = progress.requests
            for waiting in waiting_calls(asked, progress.responses, schemas_of(self._agent)) if asked else ():
                waiting.settle(results, (yield waiting.asks))
            stretch = self._stretch(request, deps, given, progress, results)
            async with aclosing(stretch):
                async for said in stretch:
                    if isinstance(said, Progress):
                        progress = said
                    else:
                        yield said
            if progress.requests is None:
                return
            yield Checkpoint(progress.encode())

    async def _stretch(
        self,
        request: Request,
        deps: Any,
        given: Mapping[str, Given],
        progress: Progress,
        results: DeferredToolResults,
    ) -> AsyncGenerator[Said | Progress, None]:
        """Run the agent until it is done or has to ask. The last value is its progress."""
        translation = Translation(progress.responses, silent=writes_data(self._agent.output_type))
        running = self._agent.run_stream_events(
            None if progress.messages else prompt(request.text, request.files, given),
            message_history=[*recall(request, given), *with_files(progress.messages, given)],
            deferred_tool_results=results if progress.requests else None,
            deps=deps,
            output_type=with_deferred(self._agent),
            usage=copy(progress.usage),
            usage_limits=self._usage_limits,
            toolsets=self._toolsets,
            infer_name=False,
        )
        async with running as events:
            try:
                async for event in events:
                    if isinstance(event, AgentRunResultEvent):
                        continue
                    if translation.turns_at(event) and (progress.messages or len(events.new_messages()) > 1):
                        so_far = progress.after(without_files(events.new_messages(), given), events.usage)
                        yield so_far.used
                        yield Checkpoint(so_far.encode())
                    for said in translation.of(event):
                        yield said
            except Exception as error:
                with suppress(UserError):  # it has not started
                    yield progress.after((), events.usage).used
                if (clear := explained(error)) is not None:
                    raise clear from error
                if isinstance(error, RunCancelled):
                    yield RunEnded(Outcome.CANCELLED)
                raise
            assert events.result is not None
            result = events.result
        after = progress.after(without_files(result.new_messages(), given), result.usage)
        yield after.used
        if isinstance(result.output, DeferredToolRequests):
            yield after.asking(result.output)
            return
        for part in translation.output(result.output):
            yield part
        yield Remember(remember(result.all_messages(), request.run_id, given))
        yield after

    def _wants(self, file: File) -> str:
        """Return why a file is not sent to the model, as text for it."""
        if file.is_text or self._sees:
            return ""
        return UNSEEN if file.is_picture else UNREAD
