"""The composer: where the user writes.

Hooks: `form#composer` with `textarea[name=text]`, `button[name=send]`, `button[name=stop]`; `#composer-actions`,
which is redrawn when a run begins, waits or ends, with `data-run` and `data-hold` while it is live; `#composer-error`,
where a refusal is said; `#composer-agent`, the choice where there are several agents. No answer touches what is typed.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import Busy
from ..files import File, Files
from ..html import FT, Child, icon, tag
from ..kinds import check_fields, checked
from ..models import RunState
from ..urls import Urls
from ..view import RunView
from .controls import post_form, submission_field
from .files import attach
from .files import drafts as draft_tiles

button, div, label, p, span, textarea = map(tag, ["button", "div", "label", "p", "span", "textarea"])
kbd, option, select, chat_composer = map(tag, ["kbd", "option", "select", "chat-composer"])

AGENT = "composer-agent"
"""The id of the choice of the agent."""


@dataclass(frozen=True, slots=True)
class Hold:
    """Why no message can be sent while a run is live.

    Attributes:
        hint: A few words that stand beside Stop.
        sentence: What is said to who tries.
        placeholder: What stands in the empty field, if the agent waits for something that stands elsewhere.
    """

    hint: str
    sentence: str
    placeholder: str = ""

    def __post_init__(self) -> None:
        check_fields(self)


_ANSWERING = Hold("The agent is answering.", Busy.sentence)
_STOPPING = Hold(
    "The agent is stopping.",
    "The agent is still stopping. Send your message once it has.",
)
_ASKING = Hold(
    "The agent is waiting for your answer.",
    "The agent is waiting for your answer to its question. Answer it, or stop the agent, then send your message.",
    "Answer above",
)
_SCRIPT = Hold(
    "The agent is waiting for a script.",
    "The agent is waiting for a script. Let it run, reject it, or stop the agent, then send your message.",
    "See the script above",
)


@checked
def hold(view: RunView) -> Hold | None:
    """Return why no message can be sent while a run is as `view` shows it; `None` when one can."""
    if not view.state.live:
        return None
    if view.state is RunState.STOPPING:
        return _STOPPING
    if view.request is not None:
        return _ASKING
    return _SCRIPT if view.awaited_script is not None else _ANSWERING


@checked
def composer(
    *,
    urls: Urls,
    conversation_id: str | None,
    live_run_id: str | None = None,
    hold: Hold | None = None,
    text: str = "",
    error: str | None = None,
    limit: int = 20_000,
    user_key: str = "",
    refresh_url: str | None = None,
    submission: str = "",
    files: Files | None = None,
    drafts: tuple[File, ...] = (),
    agents: tuple[str, ...] = (),
    agent: str = "",
) -> FT:
    """Return the form that sends a message.

    Args:
        conversation_id: Where to; `None` begins a new conversation.
        live_run_id: The run that Stop stops.
        hold: Why nothing can be sent while it is live.
        text: What it holds already.
        error: Why that was refused.
        limit: The longest message, in characters.
        user_key: Keeps one user's drafts in this browser apart from another's.
        refresh_url: The conversation, when there is soon more to see of it.
        submission: What the message is called, so that it is taken once however often it is sent.
        files: What files may be sent with it; `None`: none.
        drafts: Those that are attached already.
        agents: The names of the agents to choose from, if there are several.
        agent: Which of them is chosen; an unknown one is the first.
    """
    url = urls.messages(conversation_id) if conversation_id else urls.start()
    usual = "Ask a follow-up" if conversation_id else "Ask a question"
    box = textarea(
        text,
        id="text",
        name="text",
        rows="1",
        placeholder=(hold and hold.placeholder) or usual,
        # Files can say enough; with the page's script it is required as long as there are none.
        required=files is None,
        autofocus=conversation_id is None,
        aria_describedby="composer-error",
        dir="auto",
        # Without the page's script, and on a touch keyboard, Enter starts a new line.
        enterkeyhint="enter",
    )
    return chat_composer(
        composer_form(
            url,
            submission_field(submission) if submission else None,
            draft_tiles(drafts, urls) if files else None,
            label("Message", cls="hidden", for_="text"),
            box,
            p(error, id="composer-error", role="alert"),
            attach(files, urls) if files else None,
            agent_choice(agents, agent) if agents else None,
            composer_actions(urls=urls, live_run_id=live_run_id, hold=hold, refresh_url=refresh_url),
            files=files is not None,
        ),
        data_limit=str(limit),
        data_user=user_key,
        data_placeholder=usual,
    )


def agent_choice(agents: tuple[str, ...], agent: str = "", id: str = AGENT) -> FT:
    """Return the choice of the agent that answers a message: the next one, in the composer."""
    options = [option(name, value=name, selected=name == agent) for name in agents]
    return select(options, id=id, cls="agents", name="agent", aria_label="Agent", autocomplete="off")


def composer_form(url: str, *children: Child, files: bool = False) -> FT:
    """Return the form itself; where `files` may be sent, it can bring them."""
    return post_form(url, *children, id="composer", enctype="multipart/form-data" if files else None)


@checked
def composer_actions(
    *, urls: Urls, live_run_id: str | None = None, hold: Hold | None = None, refresh_url: str | None = None
) -> FT:
    """Return the row below the text: the hint, Send, and Stop while a run is live.

    While a run is live, `data-run` is its id, and `data-hold` the sentence for who sends nevertheless. While it waits
    for something that stands elsewhere, the page's script has `data-placeholder` stand in the field.
    The hint that newer messages are looked for also gets them. It stands here because a message that is sent draws
    this row again, and so ends that request: its answer would not know the message.
    """
    stop = None
    if live_run_id:
        url = urls.stop(live_run_id)
        stop = button(
            icon("stop"),
            span("Stop"),
            cls="button",
            name="stop",
            type="submit",
            formaction=url,
            formnovalidate=True,
            formenctype="application/x-www-form-urlencoded",  # it sends no files
            hx_post=url,
            hx_swap="none",
        )
    held = (hold or _ANSWERING) if live_run_id else None
    hint = span(span(kbd("Enter"), " sends, ", kbd("Shift Enter"), " starts a new line", cls="keys"), cls="hint")
    if held:
        hint = span(held.hint, cls="hint")
    if refresh_url and not live_run_id:
        hint = span(
            "Looking for newer messages…",
            cls="hint",
            hx_get=refresh_url,
            hx_trigger="load delay:600ms, every 3s",
            hx_select="#turns",
            hx_select_oob="#composer-actions",
            hx_target="#turns",
            hx_swap="outerMorph",
        )
    send = button(icon("send"), span("Send"), cls="button", data_kind="primary", name="send", type="submit")
    return div(
        hint,
        stop,
        send,
        cls="actions",
        id="composer-actions",
        data_run=live_run_id,
        data_hold=held.sentence if held else None,
        data_placeholder=(held.placeholder or None) if held else None,
    )
