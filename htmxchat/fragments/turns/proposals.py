"""The scripts that an answer proposes, each where it was proposed: how it stands, and the beginning of its result.

Hooks: `#proposal-…`, a `chat-proposal` with `data-script`, `data-state` and `data-revision` of the script, and
`data-awaited` when the run waits for it.
"""

from __future__ import annotations

from ...events import ScriptProposed
from ...html import FT, Child, icon, raw, tag
from ...scripts.excerpt import Beginning, Excerpt
from ...scripts.models import FromAgent
from ...scripts.result import ScriptState
from ...scripts.states import MAX_TITLE, script_id
from ...text.ansi import ansi_html, plain
from ...text.cleaning import one_line
from ...text.confusing import marked
from ...text.highlight import highlight
from ...text.phrases import count
from ...urls import Urls
from ..scripts.output import picture, script_state, table_rows
from .context import TurnContext

a, b, bdi, code, details, div = map(tag, ["a", "b", "bdi", "code", "details", "div"])
header, p, pre, span, summary = map(tag, ["header", "p", "pre", "span", "summary"])
chat_proposal = tag("chat-proposal")


def proposal_part(run_id: str, script: ScriptProposed, excerpt: Excerpt, context: TurnContext) -> FT | None:
    """Return a script that a run has proposed; nothing where no script can run."""
    if not context.can_run_scripts:
        return None
    id = script_id(run_id, FromAgent(script.script_id))
    title = one_line(script.title, MAX_TITLE)
    return proposal(context.urls, run_id, id, title, excerpt, awaited=script.awaited)


def proposal(urls: Urls, run_id: str, id: str, title: str, excerpt: Excerpt, *, awaited: bool = False) -> FT:
    """Return one script, as its queue knows it. Its head is the same in all states, so that nothing moves.

    Args:
        awaited: Whether the run waits for it. Then nothing stands below it, and its result is shown open. The result of
            another would move what is read below it, so it is folded. Only the page remembers this, not the queue.
    """
    name, url = title or "Python", urls.script(run_id, id)
    mine = excerpt.state is ScriptState.QUEUED
    head = header(
        b(raw(marked(name)), dir="auto", id=f"proposal-title-{id}"),
        script_state(excerpt.state, excerpt.seconds),
        a(
            "Review" if mine else "Open in Scripts",
            span(" ", bdi(name), cls="hidden"),
            cls="button",
            data_kind="primary" if mine else "quiet",
            href=url,
            data_script=id,
        ),
    )
    shown = [
        *_error(excerpt),
        *_pictures(urls, run_id, id, name, excerpt),
        *_table(excerpt, name),
        *_text("value", excerpt.value, "html" if excerpt.html else "python"),
    ]
    rest = _rest(excerpt)
    if rest:
        shown.append(p(a(rest, href=url, data_script=id), cls="rest"))
    out = [div(each, cls="out") for each in (shown, _text("stdout", excerpt.stdout)) if each]
    fold = summary(icon("chevron", "icon chevron"), span("Result of ", bdi(name), cls="hidden"))
    return chat_proposal(
        head,
        details(fold, out, open=awaited) if out else None,
        id=f"proposal-{id}",
        role="group",
        aria_labelledby=f"proposal-title-{id}",
        data_script=id,
        data_state=excerpt.state.value,
        data_revision=None if excerpt.revision is None else str(excerpt.revision),
        data_awaited=awaited,
    )


def _error(excerpt: Excerpt) -> list[Child]:
    if not excerpt.error:
        return []
    frame = p(code(plain(excerpt.frame)), cls="frame") if excerpt.frame else None
    return [div(p(plain(excerpt.error), cls="error", dir="auto"), frame)]


def _pictures(urls: Urls, run_id: str, id: str, name: str, excerpt: Excerpt) -> list[Child]:
    if excerpt.revision is None:
        return []
    return [
        picture(urls.script_picture(run_id, id, str(number), excerpt.revision), name, number, excerpt.pictures, size)
        for number, size in enumerate(excerpt.sizes)
    ]


def _table(excerpt: Excerpt, name: str) -> list[Child]:
    return [table_rows(excerpt.table, excerpt.table.rows, name)] if excerpt.table is not None else []


def _text(name: str, text: Beginning | None, language: str = "") -> list[Child]:
    if text is None:
        return []
    label = name if text.shown == text.lines else f"{name}, first {text.shown} of {text.lines:,} lines"
    html = highlight(text.text, language) if language else ansi_html(text.text)
    return [p(label, cls="label"), pre(raw(html), tabindex="0", aria_label=label)]


def _rest(excerpt: Excerpt) -> str:
    """Return what else there is in the room, of what is counted."""
    counts = [(excerpt.pictures - len(excerpt.sizes), "picture")]
    if excerpt.table is not None:
        counts += [
            (excerpt.table.total - len(excerpt.table.rows), "row"),
            (excerpt.table.width - len(excerpt.table.columns), "column"),
        ]
    left = [count(number, f"more {word}") for number, word in counts if number > 0]
    return ", ".join(left)
