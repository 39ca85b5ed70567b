"""The lines about the scripts that an answer proposes. Each leads to its script, and says how that stands.

Hooks: `#proposal-…`, a `chat-proposal` with `data-script` and `data-state`, the script's id and state.
"""

from __future__ import annotations

from ..cleaning import one_line
from ..confusing import marked
from ..events import ScriptProposed
from ..html import FT, icon, raw, tag
from ..scripts.models import FromAgent
from ..scripts.result import ScriptState
from ..scripts.states import LONGEST_TITLE, script_id
from ..urls import Urls
from ..words import SCRIPTS
from .turn_context import TurnContext

a, b, bdi, span = map(tag, ["a", "b", "bdi", "span"])
chat_proposal = tag("chat-proposal")


def proposal_part(run_id: str, script: ScriptProposed, state: ScriptState, context: TurnContext) -> FT | None:
    """Return the line about a script that a run has proposed; nothing where no script can run."""
    if not context.can_run_scripts:
        return None
    id = script_id(run_id, FromAgent(script.script_id))
    return proposal(context.urls, run_id, id, one_line(script.title, LONGEST_TITLE), state)


def proposal(urls: Urls, run_id: str, id: str, title: str, state: ScriptState) -> FT:
    """Return the line about one script, as its queue knows it."""
    mine = state is ScriptState.QUEUED
    return chat_proposal(
        icon("script"),
        span("Run Python", [": ", b(raw(marked(title)), dir="auto")] if title else None, cls="cut"),
        span(SCRIPTS[state], cls="state"),
        a(
            "Review" if mine else "Open",
            span(" the script ", bdi(title), cls="hidden"),
            cls="button",
            data_kind="primary" if mine else None,
            href=urls.script(run_id, id),
            data_script=id,
        ),
        id=f"proposal-{id}",
        data_script=id,
        data_state=state.value,
    )
