"""The scripted agent of the demo and of many tests: always the same answer to the same message.

It plays an assistant for the operators of Larkspur, a fictional booking service.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncGenerator, Callable
from typing import TypeAlias

from ..agent import Request, RunScript, SendFile
from ..asking import Decision
from ..events import (
    JSON,
    EventBody,
    InputRequested,
    ReasoningDelta,
    ScriptProposed,
    Source,
    SourcesFound,
    StageChanged,
    TitleSuggested,
    ToolFinished,
    ToolStarted,
    UsageReported,
)
from ..models import Starter
from ..scripts.result import ScriptResult
from ..text.phrases import cut
from . import stub_notice
from .stub_files import BOOKINGS, MOST_READ, bookings_csv, chart, columns, described, summary_csv
from .stub_texts import (
    BOOKINGS_AFTER,
    BOOKINGS_BEFORE,
    FILES_NO_NUMBERS,
    FILES_NUMBERS,
    FILES_SEEN,
    HALF,
    LATENCY_ANSWER,
    PYTHON,
    PYTHON_DONE,
    PYTHON_NOT,
    PYTHON_QUESTION,
    QUEUE_AFTER,
    QUEUE_CAUSE,
    QUEUE_LATER,
    QUEUE_NO_PLOT,
    QUEUE_PLOT,
    QUEUE_RATES,
    QUEUE_RESTARTED,
    QUEUE_SEEN,
    QUEUE_SOURCES,
    QUEUE_THOUGHT,
    RUNBOOK,
    SLOW_PER_WORD,
    countdown,
    handbook,
)

Answer: TypeAlias = AsyncGenerator[str | EventBody | RunScript | SendFile, object]


async def respond_stub(request: Request, pace: float = 0.02) -> Answer:
    """Answer a starter with its script, files with a description, and anything else with a short notice.

    Args:
        pace: Seconds between two words.
    """
    play = _SCRIPTS.get(request.text.strip(), _about_files if request.files else _friendly)
    script = play(request, pace)
    answer: object = None
    try:
        while True:
            answer = yield await script.asend(answer)
    except StopAsyncIteration:
        # After the answer, as an agent would that has a model name the conversation.
        if not request.history and (title := _TITLES.get(request.text.strip())):
            yield TitleSuggested(title)
    finally:
        await script.aclose()


def _words(text: str) -> list[str]:
    return re.findall(r"\S+\s*|\s+", text)


async def _rich(request: Request, pace: float) -> Answer:
    for word in _words(RUNBOOK):
        yield word
        await asyncio.sleep(pace)


async def _long(request: Request, pace: float) -> Answer:
    for word in _words(handbook()):
        yield word
        await asyncio.sleep(pace)


async def _staged(request: Request, pace: float) -> Answer:
    yield StageChanged("Reading the question")
    thought = "The alert names the p95 of checkout. I need the numbers first, then whatever changed just before them. "
    for word in _words(thought):
        yield ReasoningDelta(word)
        await asyncio.sleep(pace)
    yield StageChanged("Querying metrics")
    query: JSON = {"service": "checkout", "metric": "latency_p95_ms", "from": "14:00", "to": "15:00", "step": "10m"}
    yield ToolStarted("call-1", "query_metrics", "checkout p95, 14:00-15:00", query)
    await asyncio.sleep(10 * pace)
    points: JSON = {"unit": "ms", "points": [212, 208, 219, 741, 768, 752]}
    yield ToolFinished("call-1", "6 points, up 3.5 times at 14:30", points)
    for word in _words("A step, not a slope: something changed at 14:30. Deploys are the usual suspects. "):
        yield ReasoningDelta(word)
        await asyncio.sleep(pace)
    yield StageChanged("Looking for changes")
    yield ToolStarted("call-2", "list_deploys", "14:15-14:35", {"from": "14:15", "to": "14:35"})
    await asyncio.sleep(10 * pace)
    deploys: JSON = [{"id": "d-4127", "service": "pricing", "at": "14:28", "change": "Seat rules per passenger"}]
    yield ToolFinished("call-2", "1 deploy", deploys)
    yield SourcesFound(
        (
            Source("Checkout latency", "https://metrics.example/checkout", "Metrics, 14:00-15:00", "741 ms at 14:30"),
            Source("Deploy d-4127", "https://deploys.example/d-4127", "Pricing, 14:28", "Seat rules per passenger"),
            Source("Runbook: slow checkout", "https://docs.example/runbooks/checkout", "section 3", "Roll back first"),
        )
    )
    yield StageChanged("Writing the answer")
    for word in _words(LATENCY_ANSWER):
        yield word
        await asyncio.sleep(pace)
    yield UsageReported(input_tokens=2314, output_tokens=187)


async def _python(request: Request, pace: float) -> Answer:
    for word in _words(PYTHON_QUESTION):
        yield word
        await asyncio.sleep(pace)
    result = yield RunScript(PYTHON, "Quantiles of the sample")
    assert isinstance(result, ScriptResult)
    rest = PYTHON_DONE if result.done else PYTHON_NOT
    for word in _words(rest.format(seconds=result.seconds, why=quote(result.reason, 500))):
        yield word
        await asyncio.sleep(pace)


async def _failing(request: Request, pace: float) -> Answer:
    for word in _words(HALF):
        yield word
        await asyncio.sleep(pace)
    raise RuntimeError("The export of the stub always fails here.")


async def _slow(request: Request, pace: float) -> Answer:
    for word in _words(countdown()):
        yield word
        await asyncio.sleep(SLOW_PER_WORD * pace)


async def _asking(request: Request, pace: float) -> Answer:
    for word in _words("I can restart the `notifier` workers. Mail waits in the queue meanwhile.\n\n"):
        yield word
        await asyncio.sleep(pace)
    choices = ("Now", "Tonight at 02:00", "Not at all")
    answer = yield InputRequested("when", "When shall I restart the workers?", choices)
    said = answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)
    if said == choices[2]:
        rest = "Then I leave them alone. The queue holds 1,204 messages and grows by about 40 a minute."
    elif said == choices[1]:
        rest = "Noted for **02:00**. Expect the queue to be empty again by 02:04."
    elif said == choices[0]:
        rest = "Restarted, one after the other. The queue went from **1,204** messages to **0** in 3 minutes."
    else:
        rest = f"I did not expect that answer, so I am doing nothing. You said:\n\n{quote(said)}"
    for word in _words(rest):
        yield word
        await asyncio.sleep(pace)


async def _notice(request: Request, pace: float) -> Answer:
    for word in _words("I can tell customers about the delay. I need a few facts first.\n\n"):
        yield word
        await asyncio.sleep(pace)
    notice = yield stub_notice.ASKED
    rest = "Then I tell nobody."
    if isinstance(notice, dict):
        decision = Decision.of((yield stub_notice.leave(notice)))  # type: ignore[arg-type]
        changed = decision.arguments or {}
        why = f" You said:\n\n{quote(decision.reason)}" if decision.reason else ""
        rest = f"I keep the notice to myself.{why}"
        if decision.approved:
            rest = f"Sent, **{changed.get('batch', 100)}** at a time. The first came back as delivered.{why}"
    for word in _words(rest):
        yield word
        await asyncio.sleep(pace)


async def _incident(request: Request, pace: float) -> Answer:
    """Show every kind of part."""
    yield StageChanged("Reading the alert")
    for word in _words(QUEUE_THOUGHT):
        yield ReasoningDelta(word)
        await asyncio.sleep(pace)
    for word in _words(QUEUE_SEEN):
        yield word
        await asyncio.sleep(pace)
    yield ToolStarted("deploys", "list_deploys", "notifier, today", {"service": "notifier", "since": "12:00"})
    yield ToolStarted("logs", "read_logs", "notifier-7, last hour", {"worker": "notifier-7", "minutes": 60})
    await asyncio.sleep(10 * pace)
    change = "pool size 10 to 40, keep-alive 60 s to 90 s"
    yield ToolFinished("deploys", "1 deploy", [{"id": "n-212", "at": "14:08", "change": change}])
    await asyncio.sleep(10 * pace)
    yield ToolFinished("logs", "Timed out", "TimeoutError: no answer after 5 s", failed=True)
    for worker in range(1, 7):
        yield ToolStarted(
            f"worker-{worker}", "list_connections", f"notifier-{worker}", {"worker": f"notifier-{worker}"}
        )
        await asyncio.sleep(3 * pace)
        yield ToolFinished(f"worker-{worker}", "9 idle", {"idle": 9, "busy": 1})
    yield SourcesFound(QUEUE_SOURCES)
    for word in _words(QUEUE_CAUSE):
        yield word
        await asyncio.sleep(pace)
    answer = yield InputRequested("restart", "When shall I restart the workers?", ("Now", "Tonight at 02:00"))
    for word in _words(QUEUE_RESTARTED if answer == "Now" else QUEUE_LATER):
        yield word
        await asyncio.sleep(pace)
    yield ScriptProposed("rates", QUEUE_RATES, "Messages in and out")
    result = yield RunScript(QUEUE_PLOT, "Plot the queue depth")
    assert isinstance(result, ScriptResult)
    for word in _words(QUEUE_AFTER if result.done else QUEUE_NO_PLOT):
        yield word
        await asyncio.sleep(pace)
    yield UsageReported(input_tokens=2811, output_tokens=307)


async def _bookings(request: Request, pace: float) -> Answer:
    """Give back a table and a picture."""
    yield StageChanged("Exporting the bookings")
    for word in _words(BOOKINGS_BEFORE):
        yield word
        await asyncio.sleep(pace)
    yield SendFile("bookings.csv", bookings_csv())
    yield SendFile("bookings.png", chart([number for _, number, _ in BOOKINGS]))
    for word in _words(BOOKINGS_AFTER):
        yield word
        await asyncio.sleep(pace)


async def _about_files(request: Request, pace: float) -> Answer:
    """Say what is in the files of the message, and give back what is in their numbers."""
    yield StageChanged("Reading your files")
    lines, found = [FILES_SEEN], []
    for file in request.files:
        text = None
        if file.is_text and file.size <= MOST_READ:
            text = (await file.read()).decode(errors="replace")
        if file.media_type == "text/csv" and text is not None:
            found += columns(text)
        lines.append(described(file.name, file.media_type, file.size, text))
    lines.append(FILES_NUMBERS if found else FILES_NO_NUMBERS)
    for word in _words("".join(lines)):
        yield word
        await asyncio.sleep(pace)
    if found:
        yield SendFile("summary.csv", summary_csv(found))
        yield SendFile(f"{found[0].name}.png", chart(found[0].numbers[:60]))


async def _friendly(request: Request, pace: float) -> Answer:
    number = 1 + sum(turn.role == "user" for turn in request.history)
    text = (
        f"This is the demo agent of htmxchat. It has no model behind it: it plays scripts, and it has none for this. "
        f"Your message number {number} in this conversation was:\n\n{quote(request.text)}\n\n"
        "Begin a new conversation and pick a suggestion to see what the chat can do, attach a file, or send one of "
        "these:\n\n" + "\n".join(f"- {starter.text}" for starter in MORE)
    )
    for word in _words(text):
        yield word
        await asyncio.sleep(pace)


def quote(text: str, limit: int = 2_000) -> str:
    """Return `text` as a Markdown block quote with all markup escaped, cut after `limit` characters."""
    shown = cut(text, limit)
    # All except round brackets, which with a backslash would be mathematics.
    escaped = re.sub(r"([!-'*-/:-@\[-`{-~])", r"\\\1", shown.strip())
    # Two spaces at the end keep the line break.
    return "\n".join(f"> {line.strip()}  " if line.strip() else ">" for line in escaped.splitlines())


_PLAYED: tuple[tuple[Starter, Callable[[Request, float], Answer]], ...] = (
    (Starter("Fix a failed import", "Show me the runbook for a failed nightly import."), _rich),
    (Starter("Export the bookings", "Give me last week's bookings as a table and a picture."), _bookings),
    (Starter("Compute with Python", "Summarize these response times with Python."), _python),
    (Starter("Explain a growing queue", "The notifier queue is growing. Find out why."), _incident),
    (Starter("Find the cause of an alert", "Why did checkout get slow at 14:30?"), _staged),
    (Starter("Restart the workers", "Restart the notifier workers."), _asking),
    (Starter("Tell customers", "Tell customers about the late mails."), _notice),
    (Starter("Read the handbook", "Write the operations handbook for Larkspur."), _long),
    (Starter("Watch the queue", "Watch the queue for me, and tell me each step."), _slow),
    (Starter("Export last month", "Export last month's bookings."), _failing),
)
STARTERS = tuple(starter for starter, _ in _PLAYED[:4])
MORE = tuple(starter for starter, _ in _PLAYED[4:])
"""More scripts, which the agent lists when it does not know a message."""
_SCRIPTS = {starter.text: play for starter, play in _PLAYED}
_TITLES = {starter.text: starter.title for starter, _ in _PLAYED}
