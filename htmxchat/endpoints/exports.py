"""Exports of a run: JSON Lines, a page to attach to a ticket, a few lines of text."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from dataclasses import replace

from starlette.responses import PlainTextResponse, Response, StreamingResponse

from ..feedback import Feedback
from ..fragments.inspector.report import named, report, summary_text, without_secrets
from ..fragments.turns.custom import orders
from ..inspection import RowFold, rows
from ..inspection.timeline import timeline
from .call import Call, inspector_endpoint
from .queue import run_view
from .run_log import each_event, run_log

_CHUNK = 32 * 1024
# JSON may hold them as they are, but many readers of lines take them for the end of one.
_LINE_ENDS = {ord(character): f"\\u{ord(character):04x}" for character in "\x85\u2028\u2029"}


@inspector_endpoint
async def lines(call: Call) -> Response:
    """The rows of a run, one JSON object a line, as the backend reads them."""
    events = each_event(call)
    # What cannot be read at all is an error with a status; later it can only break off.
    first = await call.backend.ask(anext(events, None))

    async def encoded() -> AsyncIterator[bytes]:
        rows, chunk = RowFold(), b""
        try:
            for row in rows.add(first) if first else ():
                chunk += _line(row.json)
            async for event in events:
                for row in rows.add(event):
                    chunk += _line(row.json)
                if len(chunk) > _CHUNK:
                    yield chunk
                    chunk = b""
            if rows.open is not None:
                chunk += _line(rows.open.json)
            yield chunk
        finally:
            await events.aclose()

    return StreamingResponse(
        encoded(), media_type="application/jsonl", headers=_attached(f"run-{call.run.id[:8]}.jsonl")
    )


@inspector_endpoint
async def page(call: Call) -> Response:
    """A run as one HTML file that needs nothing else."""
    events = await run_log(call)
    question, feedback = await _around(call)
    view, context = without_secrets(await run_view(call, call.run, events)), call.turn_context
    if context.drawings is not None:
        wanted = orders(call.run.id, view, range(len(view.parts)), context)
        context = replace(context, drawings=await context.drawings.draw(wanted))
    html = report(
        call.run,
        view,
        rows(events),
        timeline(events),
        question=question,
        feedback=feedback,
        brand=call.chat.settings.title,
        context=context,
        zone=call.zone,
    )
    chunks = (chunk.encode("utf-8", "replace") for chunk in html)
    return StreamingResponse(chunks, media_type="text/html", headers=_attached(f"run-{call.run.id[:8]}.html"))


@inspector_endpoint
async def text(call: Call) -> Response:
    """A run in a few lines of Markdown, to be pasted into an issue."""
    events = await run_log(call)
    question, feedback = await _around(call)
    view = await run_view(call, call.run, events)
    found, times = list(rows(events)), timeline(events)
    said = summary_text(call.run, view, found, times, question=question, feedback=feedback, zone=call.zone)
    return PlainTextResponse(said)


async def _around(call: Call) -> tuple[str, Feedback | None]:
    """Return what the run answers, with what came with it, and what the user thinks of the answer."""
    turns = {turn.id: turn for turn in (await call.transcript()).turns}
    turn, answer = turns.get(call.run.turn_id), turns.get(call.run.id)
    question = "\n\n".join(filter(None, [turn.text, named(turn.files)])) if turn else ""
    return question, answer.feedback if answer else None


def _line(value: object) -> bytes:
    return (json.dumps(value, ensure_ascii=False).translate(_LINE_ENDS) + "\n").encode("utf-8", "replace")


def _attached(name: str) -> dict[str, str]:
    safe = re.sub(r"[^A-Za-z0-9.-]", "", name)
    return {"Content-Disposition": f'attachment; filename="{safe}"'}
