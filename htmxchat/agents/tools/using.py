"""Runs what a model asked for: functions together, those that need approval one by one, scripts in the browser."""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
import threading
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

from ...agent import Pinned, Request, Said
from ...events import (
    JSON,
    InputRequested,
    ScriptProposed,
    StageChanged,
    ToolFinished,
    ToolStarted,
)
from ...scripts.result import ScriptResult
from ..approval import APPROVE, DENY
from ..arguments import read_arguments
from ..summaries import asked, found
from .context import Emitted, ToolContext
from .function import Tool, WrongArguments, arguments_of
from .python import RunPython
from .results import ToolResult, as_json, as_text, of_script

APPROVAL = "approve-"
"""How the ids of questions begin that ask for approval."""
DENIED = "The user did not allow this. Do not try it again unless the user asks for it."
MAX_AT_ONCE = 50
"""The most calls of one reply that are run."""
log = logging.getLogger("htmxchat")

AnyTool: TypeAlias = Tool | RunPython


@dataclass(frozen=True, slots=True)
class ToolUse:
    """What a model asked for.

    Attributes:
        id: Unique in the run.
        arguments: As the model wrote them.
    """

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class _Job:
    use: ToolUse
    tool: Tool
    arguments: dict[str, Any]


async def use_tools(
    tools: Mapping[str, AnyTool], uses: Sequence[ToolUse], request: Request
) -> AsyncGenerator[Said | ToolResult, Any]:
    """Yield what happens, and the result of each as soon as there is one.

    Those that need no one run together, first. An approval that is answered, and a script, are sent back as to an
    agent. A tool that needs approval runs at most once: the run is pinned to this process while it does.
    """
    jobs: list[_Job] = []
    scripts: list[tuple[ToolUse, str, str]] = []
    for number, use in enumerate(uses):
        tool = tools.get(use.name)
        wrong = "" if tool else f"There is no tool of this name. There are: {', '.join(tools) or 'none'}."
        if number >= MAX_AT_ONCE:
            tool, wrong = None, f"It was not run: at most {MAX_AT_ONCE} calls can be made at once."
        try:
            if isinstance(tool, RunPython):
                scripts.append((use, *tool.read(use.arguments)))
                continue
            if tool:
                jobs.append(_Job(use, tool, tool.read(use.arguments)))
        except WrongArguments as error:
            wrong = str(error)
        yield _started(use)
        if wrong:
            yield ToolFinished(use.id, found(wrong), wrong, failed=True)
            yield ToolResult(use.id, as_text(wrong), failed=True)
    gated = [job for job in jobs if job.tool.needs_approval(job.arguments, request)]
    async with aclosing(_together([job for job in jobs if job not in gated], request)) as told:
        async for said in told:
            yield said
    for job in gated:
        answer = yield InputRequested(f"{APPROVAL}{job.use.id}", _prompt(job), (APPROVE, DENY))
        if answer != APPROVE:
            yield ToolFinished(job.use.id, "not allowed", DENIED, failed=True)
            yield ToolResult(job.use.id, DENIED, failed=True)
            continue
        yield Pinned(wait=True)
        async with aclosing(_together([job], request)) as told:
            async for said in told:
                yield said
    for use, code, title in scripts:
        result = yield ScriptProposed(use.id, code, title, awaited=True)
        assert isinstance(result, ScriptResult)
        yield of_script(use.id, code, result)


async def _together(jobs: Sequence[_Job], request: Request) -> AsyncGenerator[Said | ToolResult, None]:
    """Run functions at the same time; yield what they say as it comes."""
    told: asyncio.Queue[Emitted | tuple[ToolFinished, ToolResult]] = asyncio.Queue()
    tasks = [asyncio.create_task(_run(job, request, told)) for job in jobs]
    left, staged = len(jobs), False
    try:
        while left:
            said = await told.get()
            if isinstance(said, tuple):
                left -= 1
                yield said[0]
                yield said[1]
            else:
                staged = staged or isinstance(said, StageChanged)
                yield said
        if staged:
            yield StageChanged("")
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _run(job: _Job, request: Request, told: asyncio.Queue[Any]) -> None:
    loop, thread, id = asyncio.get_running_loop(), threading.get_ident(), job.use.id

    def emit(body: Emitted) -> None:
        if threading.get_ident() == thread:
            told.put_nowait(body)
        else:
            loop.call_soon_threadsafe(told.put_nowait, body)

    arguments = dict(job.arguments)
    if job.tool.context:
        arguments[job.tool.context] = ToolContext(request, id, emit)
    try:
        call = partial(job.tool.function, **arguments)
        value = call() if _is_async(job.tool.function) else await asyncio.to_thread(call)
        result = as_json(await value if inspect.isawaitable(value) else value)
    except Exception as error:
        log.warning("The tool %s of run %s failed.", job.tool.name, request.run_id, exc_info=error)
        said = str(error) or type(error).__name__
        told.put_nowait((ToolFinished(id, found(said), said, failed=True), ToolResult(id, as_text(said), True)))
    else:
        told.put_nowait((ToolFinished(id, found(result), result), ToolResult(id, as_text(result))))


def _is_async(function: Any) -> bool:
    inner = inspect.unwrap(function.func if isinstance(function, partial) else function)
    return inspect.iscoroutinefunction(inner) or inspect.iscoroutinefunction(type(inner).__call__)


def _started(use: ToolUse) -> ToolStarted:
    read = read_arguments(use.arguments)
    arguments: JSON = use.arguments if read is None else read
    return ToolStarted(use.id, use.name, asked(arguments), arguments)


def _prompt(job: _Job) -> str:
    given = arguments_of(job.use.arguments)
    arguments = ", ".join(f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in given.items())
    return f"May {job.tool.name} run{' with ' if arguments else ''}{arguments}?"
