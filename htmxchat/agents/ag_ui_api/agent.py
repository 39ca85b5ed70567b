"""The agent. It starts runs on the server until nothing has to be answered."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from ...agent import Checkpoint, Pinned, Remember, Request, Said, SendFile
from ...errors import BackendError
from ...events import JSON, EventBody, Outcome, RunEnded
from ...files.file import File
from ..attachments import UNREAD, UNSEEN, Given, given_files
from ..setting import setting_for
from . import exchange as exchanges
from .exchange import Answer, Exchange, Task
from .files import filled, marked
from .frontend import BUILT_IN, BadArguments, FrontendTool, arguments_of, as_content, call
from .inquiries import expired, inquiry_of, is_denial
from .tasks import ADK, tasks_of
from .translation import Malformed, Translator
from .translation.fields import Event, mapping
from .transport import problems
from .transport.http import Cut, Http
from .transport.local import Source, events_of

log = logging.getLogger("htmxchat")
_MAX_RUNS = 50
_PATIENCE = 60.0  # seconds to wait with answers for a server that cannot be reached
_AFTER_END = 1.0  # seconds in which a server may still send an error after the end


class AgUi:
    """An agent behind AG-UI. `ag_ui` makes one and documents the arguments."""

    def __init__(
        self,
        source: Http | Source,
        *,
        name: str,
        headers: Any,
        tools: Sequence[FrontendTool],
        state: Any,
        context: Any,
        forwarded_props: Any,
        sees: bool,
        file_bytes: int,
    ) -> None:
        self.name = name
        self._source = source
        self._headers = headers
        self._tools = {tool.name: tool for tool in tools}
        self._hidden = {ADK} | {tool.name for tool in tools if tool in BUILT_IN}
        self._state = state
        self._context = context
        self._forwarded = forwarded_props
        self._sees = sees
        self._file_bytes = file_bytes

    def answer(self, request: Request) -> AsyncGenerator[Said, Any]:
        return self._go_on(request, None)

    def resume(self, request: Request, checkpoint: JSON) -> AsyncGenerator[Said, Any]:
        """Continue at a question. An active run of the server cannot be continued: such turns are pinned."""
        return self._go_on(request, None if checkpoint is None else exchanges.restored(checkpoint))

    async def _go_on(self, request: Request, turn: Exchange | None) -> AsyncGenerator[Said, Any]:
        given = await given_files(request, request.history, self._wants, self._file_bytes)
        if turn is None:
            turn = exchanges.begin(request, await setting_for(self._state, request), given)
            if request.forks or mapping(request.memory).get("open"):
                yield Remember(exchanges.on_thread(request.memory, turn.thread))
        translator = Translator(turn.messages, turn.state, self._hidden)
        translator.usage = turn.usage
        while turn.runs < _MAX_RUNS:
            for task in turn.tasks:
                if task.id in turn.answers:
                    continue
                yield Checkpoint(turn.checkpoint)
                answer = expired(task)
                try:
                    inquiry = inquiry_of(task, f"{turn.runs}:")
                    while inquiry is not None and answer is None:
                        answer = inquiry.take((yield inquiry.ask))
                        translator.part()
                except BadArguments as error:
                    answer = Answer(str(error), error=str(error))
                answer = answer or await self._call(task, request)
                turn = turn.answered(task, answer)
                if task.interrupt is not None and is_denial(answer.value):
                    translator.deny(task.interrupt.call_id)
                if answer.status == "cancelled":
                    if task.interrupt is not None and task.interrupt.langgraph:
                        # LangGraph would take the text about lateness for the answer.
                        raise BackendError(problems.TOO_LATE)
                    for body in translator.say(f"{turn.runs}:{task.id}", problems.TOO_LATE):
                        yield body
                if task.kind == "call":
                    for body in translator.answered(task.id, answer.value, failed=bool(answer.error)):
                        yield body
            yield Pinned(wait=True)
            sent = await self._input(turn, request)
            sent["messages"] = filled(sent["messages"], given)
            async with aclosing(self._run(translator, turn, sent, request)) as said:
                async for each in said:
                    yield each
            turn = self._after(turn, translator, given)
            yield Remember(turn.memory(request.run_id))
            assert translator.end is not None
            if translator.end.outcome == "error":
                yield RunEnded(Outcome.FAILED, problems.FAILED)
            if translator.end.outcome == "cancelled":
                yield RunEnded(Outcome.CANCELLED)
            if not turn.tasks:
                return
        raise BackendError(problems.TOO_MANY_ROUNDS)

    async def _run(
        self, translator: Translator, turn: Exchange, sent: dict[str, Any], request: Request
    ) -> AsyncGenerator[EventBody | SendFile, None]:
        """Yield the events of one run of the server.

        Raises:
            BackendError: It has no end, or is not as the protocol says.
        """
        translator.messages.replace(exchanges.with_results(turn))
        translator.begin(sent["runId"])
        problem: BackendError | None = None
        try:
            async with aclosing(await self._events(sent, turn, request)) as events:
                async for event in _to_end(events, translator):
                    for body in translator.feed(event):
                        yield body
                    for file in translator.files():
                        yield file
        except Malformed as error:
            log.warning("The AG-UI agent sent a field of another kind: %s.", error)
            problem = BackendError(problems.NOT_UNDERSTOOD)
        except Cut as error:
            problem = error
        for body in translator.stop():
            yield body
        if translator.end is None or (problem is not None and not isinstance(problem, Cut)):
            raise problem or BackendError(problems.CUT)

    async def _events(self, sent: dict[str, Any], turn: Exchange, request: Request) -> AsyncGenerator[Event, None]:
        if not isinstance(self._source, Http):
            return events_of(self._source, sent)
        headers: Mapping[str, str] | None = await setting_for(self._headers, request)
        # An answer of the user must not be lost during a restart of the server.
        return self._source.events(sent, headers or {}, _PATIENCE if turn.tasks else 0)

    async def _input(self, turn: Exchange, request: Request) -> dict[str, Any]:
        context = await setting_for(self._context, request)
        return exchanges.run_input(
            turn,
            f"{request.run_id}-{turn.runs + 1}",
            tools=[tool.offer for tool in self._tools.values()],
            context=[dict(each) for each in context or ()],
            forwardedProps=await setting_for(self._forwarded, request),
        )

    def _wants(self, file: File) -> str:
        """Return why a file is not sent to the server, as text for its model."""
        if file.is_text or self._sees:
            return ""
        return UNSEEN if file.is_picture else UNREAD

    def _after(self, turn: Exchange, translator: Translator, given: Mapping[str, Given]) -> Exchange:
        return replace(
            turn,
            messages=tuple(marked(exchanges.without_empty(translator.messages.export()), given)),
            state=translator.state,
            runs=turn.runs + 1,
            tasks=tasks_of(translator, self._tools),
            answers={},
            usage=translator.usage,
        )

    async def _call(self, task: Task, request: Request) -> Answer:
        """Return the result of a tool of the host. Its errors go to the model and to the log."""
        try:
            return Answer(as_content(await call(self._tools[task.name], arguments_of(task.arguments), request)))
        except BadArguments as error:
            return Answer(str(error), error=str(error))
        except Exception as error:
            log.exception("The tool %s failed.", task.name)
            said = f"{type(error).__name__}: {error}"
            return Answer(said, error=said)


async def _to_end(events: AsyncIterator[Event], translator: Translator) -> AsyncIterator[Event]:
    """Yield events. After the end of the run, wait only briefly for more: some servers leave the stream open."""
    while True:
        try:
            if translator.end is None:
                event = await anext(events)
            else:
                async with asyncio.timeout(_AFTER_END):
                    event = await anext(events)
        except StopAsyncIteration:
            return
        except TimeoutError:
            if translator.end is None:
                raise
            return
        yield event
