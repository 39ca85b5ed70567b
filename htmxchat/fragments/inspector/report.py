"""A run outside the chat: a page that needs nothing else, and a few lines of Markdown."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta, tzinfo
from html import escape

from ...feedback import Feedback
from ...files import File
from ...html import render
from ...inspection import Row
from ...inspection.timeline import Timeline
from ...models import Run, is_dated
from ...parts import CustomPart, Part, Question, SentFiles, Text, ToolCall
from ...state_words import standing
from ...text.cleaning import one_line
from ...text.phrases import byte_size, duration
from ...text.redaction import redact, redact_text
from ...text.zones import exact
from ...urls import Urls
from ...view import RunView
from ..times import UNDATED
from ..turns.context import TurnContext
from ..turns.custom import custom_part, drawn_result, is_drawn
from ..turns.sources import sources_text
from .event_rows import row_id, seconds
from .timeline import time_taken, timeline_chart

_MAX_LENGTH = 20_000
_STYLE = """
:root { color-scheme: light dark; --line: light-dark(#ddd, #444); --quiet: light-dark(#666, #aaa); --bad: light-dark(#b02a1c, #f08a7c);
  --mark: light-dark(#777, #999); --now: light-dark(#2456b8, #8ab4f8); font: 14px/1.5 system-ui, sans-serif; }
body { max-width: 64rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.25rem; } h2 { margin-top: 2rem; font-size: 1rem; }
dl { display: flex; flex-wrap: wrap; gap: .5rem 2rem; } dt { font-size: .75rem; color: var(--quiet); } dd { margin: 0; }
.error { color: var(--bad); } blockquote { margin: 0; padding-left: 1rem; border-left: 2px solid var(--line); white-space: pre-wrap; }
table { width: 100%; border-collapse: collapse; } th { text-align: left; font-weight: normal; } .num { text-align: right; white-space: nowrap; }
.timeline th { width: 30%; } .timeline svg { display: block; width: 100%; height: 1.25rem; overflow: visible; }
.timeline rect { y: 6px; height: 8px; rx: 1px; fill: var(--mark); } .timeline [data-kind=tool] { --mark: light-dark(#333, #ccc); }
.timeline [data-kind=stage] rect { y: 9px; height: 2px; } .timeline [data-kind=waiting] rect { fill: none; stroke: var(--mark); }
.timeline :is([data-state=running], [data-state=suspended]) { --mark: var(--now); } .timeline [data-state=failed] { --mark: var(--bad); }
.timeline text { translate: 0 12px; font-size: 11px; fill: var(--quiet); text-anchor: middle; }
.timeline text:first-child { text-anchor: start; } .timeline text[data-end] { text-anchor: end; }
.card { margin: 1rem 0; padding: .5rem 1rem; border: 1px solid var(--line); border-radius: 6px; }
.row { border-bottom: 1px solid var(--line); } .row summary { display: grid; grid-template-columns: 4rem 5rem 11rem 1fr; gap: 1rem; cursor: pointer; }
.row span { overflow-wrap: anywhere; } .row :nth-child(-n + 2) { color: var(--quiet); } .bad { color: var(--bad); }
pre { overflow: auto; max-height: 30rem; padding: .5rem 1rem; background: light-dark(#f5f5f5, #222); font: 12px/1.5 ui-monospace, monospace; white-space: pre-wrap; }
"""  # noqa: E501


def report(
    run: Run,
    view: RunView,
    rows: Iterable[Row],
    timeline: Timeline,
    *,
    question: str,
    feedback: Feedback | None = None,
    brand: str,
    context: TurnContext,
    zone: tzinfo | None = None,
) -> Iterator[str]:
    """Yield an HTML file: facts, timeline, every row with what it holds, and the answer with what the host draws of it.

    It loads nothing and runs nothing.
    """
    title = f"Run {run.id}"
    yield (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width">'
        # Whatever an agent wrote, a browser shows it and does nothing else with it.
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
        "form-action 'none'; base-uri 'none'\">"
        f"<style>{_STYLE}</style></head><body><h1>{escape(title)}</h1><p dir=auto>{escape(brand)}</p><dl>"
    )
    for name, value in facts(run, view, timeline, zone):
        yield f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>"
    yield "</dl>"
    if view.error:
        yield f'<p class="error" dir="auto">{escape(redact_text(view.error))}</p>'
    yield f"<h2>Question</h2><blockquote dir=auto>{escape(redact_text(question))}</blockquote>"
    if feedback:
        yield f"<h2>Feedback</h2><p>{feedback.rating}</p>"
        yield f"<blockquote dir=auto>{escape(redact_text(feedback.comment))}</blockquote>" if feedback.comment else ""
    asked = [part for part in view.parts if isinstance(part, Question)]
    if asked:
        yield "<h2>Asked and answered</h2><dl>"
        for part in asked:
            answer, outcome = _answer(part), _outcome(part, part.answered_by, zone)
            yield f"<div><dt dir=auto>{escape(redact_text(part.request.prompt))}</dt>"
            yield f"<dd dir=auto>{escape(answer)} <small>{escape(outcome)}</small></dd></div>"
        yield "</dl>"
    yield f"<h2>Where the time went</h2>{_chart(timeline, run.id)}<h2>Events</h2>"
    for row in rows:
        bad = ' class="bad"' if row.failed else ""
        data = json.dumps(row.data if row.raw is None else row.raw, ensure_ascii=False, indent=1)
        cut = f"\n… {len(data) - _MAX_LENGTH:,} more characters" if len(data) > _MAX_LENGTH else ""
        yield (
            f'<details class="row" id="{row_id(row.ordinal)}"><summary><span>{row.seq}</span>'
            f"<span>{seconds(row.since)}</span>"
            f"<span{bad}>{escape(row.type)}</span><span{bad} dir=auto>{escape(row.meaning)}</span></summary>"
            f"<pre>{escape(row.at.isoformat())}\n{escape(data[:_MAX_LENGTH])}{cut}</pre></details>"
        )
    yield "<h2>Answer</h2>"
    for place, shown in enumerate(view.parts):
        yield _part(f"part-{run.id}-{place}", run.id, shown, context)
    if view.sources:
        yield f"<h2>Sources</h2><blockquote dir=auto>{escape(redact_text(sources_text(view.sources)))}</blockquote>"
    yield "</body></html>"


def named(files: Sequence[File]) -> str:
    """Return files as an export names them; empty without any."""
    return ", ".join(f"{file.name} ({file.media_type}, {byte_size(file.size)})" for file in files)


def without_secrets(view: RunView) -> RunView:
    """Return a view of which the host may draw the parts in a report."""
    return replace(view, parts=tuple(map(_redacted, view.parts)))


def _redacted(part: Part) -> Part:
    match part:
        case CustomPart():
            return replace(part, data=redact(part.data))
        case ToolCall():
            return replace(part, arguments=redact(part.arguments), result=redact(part.result))
    return part


def _part(id: str, run_id: str, part: Part, context: TurnContext) -> str:
    match part:
        case Text() if not part.blank:
            return f"<blockquote dir=auto>{escape(redact_text(part.text))}</blockquote>"
        case SentFiles(files=files):
            return f"<blockquote dir=auto>{escape(named(files))}</blockquote>"
        case CustomPart() if is_drawn(part, context):
            return render(custom_part(id, run_id, part, context))
        case ToolCall():
            return render(drawn_result(id, run_id, part, context))
    return ""


def summary_text(
    run: Run,
    view: RunView,
    rows: Sequence[Row],
    timeline: Timeline,
    *,
    question: str,
    feedback: Feedback | None = None,
    zone: tzinfo | None = None,
) -> str:
    """Return a run in a few lines of Markdown. Whatever people and agents wrote stands as code: nothing else keeps a
    forge from reading links, mentions, HTML or a table into it."""
    lines = [f"**Run `{run.id}`**", ""]
    lines += [f"- {name}: {value}" for name, value in facts(run, view, timeline, zone) if name != "Run"]
    lines.append(f"- Question: {_code(redact_text(question))}")
    for part in view.parts:
        if isinstance(part, Question):
            said = filter(None, [_code(redact_text(part.request.prompt)), _code(_answer(part))])
            lines.append(f"- Asked: {', '.join(said)}, {_outcome(part, _code(part.answered_by), zone)}")
        elif isinstance(part, SentFiles):
            lines.append(f"- Sent: {_code(named(part.files))}")
    if feedback:
        lines.append(f"- Feedback: {', '.join(filter(None, [feedback.rating, _code(redact_text(feedback.comment))]))}")
    if view.error:
        lines.append(f"- Error: {_code(redact_text(view.error))}")
    problem = next((row for row in rows if row.failed), None)
    if problem is not None:
        lines.append(f"- First problem: {seconds(problem.since)} s, {_code(problem.type)}: {_code(problem.meaning)}")
    if timeline.lanes:
        lines += ["", "| Where the time went | |", "|---|---:|"]
        for lane in timeline.lanes[:20]:
            lines.append(f"| {_code(lane.label, cell=True)} | {duration(lane.seconds)} |")
    lines += ["", "Last events:", ""]
    lines += [f"- {seconds(row.since)} s {_code(row.type)}: {_code(row.meaning)}" for row in rows[-6:]]
    return "\n".join(lines) + "\n"


def facts(run: Run, view: RunView, timeline: Timeline, zone: tzinfo | None = None) -> list[tuple[str, str]]:
    """Return what is to be said of a run first."""
    at = view.started_at or run.created_at
    found = [
        ("Run", run.id),
        ("State", standing(view.state, view.waiting).word),
        ("Started", exact(at, zone) if is_dated(at) else UNDATED),
    ]
    if view.waiting and view.started_at and not view.ended_at:
        found.append(("Waiting since", exact(view.started_at + timedelta(seconds=timeline.seconds), zone)))
    else:
        found.append(("Took" if view.ended_at else "So far", time_taken(timeline)))
    if view.usage:
        found.append(("Tokens", f"{view.usage.input_tokens:,} in, {view.usage.output_tokens:,} out"))
    return found


def _answer(question: Question) -> str:
    """Return what was answered, as text without secrets."""
    return redact_text(replace(question, answer=redact(question.answer)).answer_text)


def _outcome(question: Question, who: str, zone: tzinfo | None) -> str:
    """Return how a question ended, in words: who answered, and when."""
    if question.state == "waiting" or question.settled_at is None:
        return "waiting for an answer"
    if question.state == "withdrawn":
        return f"not answered until {exact(question.settled_at, zone)}"
    return f"answered{f' by {who}' if who else ''}, {exact(question.settled_at, zone)}"


def _chart(timeline: Timeline, run_id: str) -> str:
    html = render(timeline_chart(timeline, run_id, Urls()))
    # In this file a bar leads to the row below it.
    address = escape(Urls().run(run_id, at="")).partition("at=")[0]
    parts = html.split(f'href="{address}')
    return parts[0] + "".join('href="#' + part.partition("#")[2] for part in parts[1:])


def _code(text: str, *, cell: bool = False) -> str:
    """Return a text as code on one line of Markdown, also in a table's `cell`; empty if it shows nothing."""
    line = one_line(" ".join(text.split()), 300)
    if not line:
        return ""
    fence = "`" * (max(map(len, re.findall("`+", line)), default=0) + 1)
    space = " " if "`" in (line[0], line[-1]) else ""
    return f"{fence}{space}{line.replace('|', chr(92) + '|') if cell else line}{space}{fence}"
