"""The transcript: turns, and the parts of a turn that change while it is written.

Hooks: `article.turn` with `id="turn-…"`, `data-role`, `data-state` and `data-waiting`; inside it `#body-…` and
`#tail-…`.
"""

from __future__ import annotations

from ...html import FT, Child, raw, tag
from ...kinds import checked
from ...models import Transcript, Turn
from ...state_words import standing
from ...view import RunView, fold, with_queue
from ..files import sent_files
from ..times import moment
from .citations import Citations
from .context import TurnContext
from .edit import edit_form, message_foot
from .parts import turn_parts
from .sources import source_list
from .tail import turn_tail
from .versions import versions

a, article, div, h2, noscript, p = map(tag, ["a", "article", "div", "h2", "noscript", "p"])
chat_live = tag("chat-live")


@checked
def transcript(transcript: Transcript, context: TurnContext) -> list[FT]:
    """Return the turns of a conversation, oldest first."""
    return [turn(each, context) for each in transcript.turns]


@checked
def log(*turns: Child) -> FT:
    """Return the element around the turns of a host's own page: in it they have the chat's look, and Copy works.

    Hooks: `.htmxchat`, in which the style sheet holds.
    """
    return div(tag("chat-log")(turns), cls="htmxchat")


@checked
def turn(turn: Turn, context: TurnContext) -> FT:
    """Return one turn. A live one carries the element that keeps it up to date."""
    if turn.run is None:
        if context.editing is not None and context.editing.turn_id == turn.id:
            return edit_form(turn, context.editing, context)
        return article(
            h2("You, ", moment(turn.created_at), cls="hidden"),
            div(turn.text, cls="turn-body", dir="auto") if turn.text or not turn.files else None,
            message_foot(turn, context),
            sent_files(turn.files, context.urls) if turn.files else None,
            id=f"turn-{turn.id}",
            cls="turn",
            data_role="user",
            data_state="completed",
        )
    view = with_queue(run_view(turn), turn.run.id, context.queue)
    citations = Citations(turn.run.id)
    parts = turn_parts(turn.run.id, view, context, citations)
    return turn_article(
        turn.run.id,
        view,
        h2(f"{turn.run.agent or context.agent}, ", moment(turn.created_at), cls="hidden"),
        div(raw(parts), cls="turn-body", id=f"body-{turn.run.id}"),
        source_list(turn.run.id, view, citations),
        versions(turn, context),
        turn_tail(turn.run.id, view, context, turn.feedback),
        live(turn.run.id, view.last_seq, context) if view.state.live else None,
    )


def run_view(turn: Turn) -> RunView:
    """Return the view of an assistant turn's run, as its log has it."""
    return fold(turn.events)


def turn_article(run_id: str, view: RunView, *children: Child) -> FT:
    """Return the `article` of an assistant turn."""
    return article(
        *children,
        id=f"turn-{run_id}",
        cls="turn",
        data_role="assistant",
        data_state=standing(view.state, view.waiting).mark.value,
        data_waiting=view.waiting.value if view.waiting else None,
        aria_busy="true" if view.state.live else None,
    )


def live(run_id: str, after: int | None, context: TurnContext, **rows: object) -> FT:
    """Return the element that keeps a live turn up to date, by a stream or by polling.

    Args:
        rows: Fields of the address that ask for the inspector's rows too.
    """
    urls = context.urls
    if context.stream == "sse":
        url = urls.stream(run_id, after, **rows)
        how = {"hx-sse:connect": url, "hx-sse:close": "end", "hx-trigger": "load, chat:connect"}
    else:
        url = urls.poll(run_id, after, **rows)
        how = {"hx-get": url, "hx-trigger": f"every {round(context.poll_interval * 1000)}ms"}
    return chat_live(
        p("Connection lost. Trying to reach the agent again…", cls="connection", hidden=True),
        noscript(p(a("Reload the page", href=""), " to see more of the answer.")),
        id=f"live-{run_id}",
        data_run=run_id,
        data_poll=urls.poll(run_id),
        data_interval=str(round(context.poll_interval * 1000)),
        attrs={**how, "hx-swap": "none"},
    )


def status_text(view: RunView) -> str:
    """Return the sentence for the page's one live region."""
    return standing(view.state, view.waiting).sentence
