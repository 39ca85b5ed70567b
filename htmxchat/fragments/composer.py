"""The composer: where the user writes.

Hooks: `form#composer` with `textarea[name=text]`, `button[name=send]`, `button[name=stop]`; `#composer-actions`,
which is redrawn when a run begins or ends; `#composer-error`, where a refusal is said. No answer touches what is typed.
"""

from __future__ import annotations

from ..html import FT, icon, tag
from ..kinds import checked
from ..urls import Urls
from .controls import post_form

button, div, label, p, span, textarea = map(tag, ["button", "div", "label", "p", "span", "textarea"])
kbd, chat_composer = tag("kbd"), tag("chat-composer")


@checked
def composer(
    *,
    urls: Urls,
    conversation_id: str | None,
    live_run_id: str | None = None,
    text: str = "",
    error: str | None = None,
    limit: int = 20_000,
    user_key: str = "",
    refresh_url: str | None = None,
) -> FT:
    """Return the form that sends a message.

    Args:
        conversation_id: Where to; `None` begins a new conversation.
        live_run_id: The run that Stop stops.
        text: What it holds already.
        error: Why that was refused.
        limit: The longest message, in characters.
        user_key: Keeps one user's drafts in this browser apart from another's.
        refresh_url: The conversation, when there is soon more to see of it.
    """
    url = urls.messages(conversation_id) if conversation_id else urls.start()
    box = textarea(
        text,
        id="text",
        name="text",
        rows="1",
        placeholder="Ask a follow-up" if conversation_id else "Ask a question",
        required=True,
        autofocus=conversation_id is None,
        aria_describedby="composer-error",
        enterkeyhint="send",
    )
    return chat_composer(
        post_form(
            url,
            label("Message", cls="hidden", for_="text"),
            box,
            p(error, id="composer-error", role="alert"),
            composer_actions(urls=urls, live_run_id=live_run_id, refresh_url=refresh_url),
            id="composer",
        ),
        data_limit=str(limit),
        data_user=user_key,
    )


@checked
def composer_actions(*, urls: Urls, live_run_id: str | None = None, refresh_url: str | None = None) -> FT:
    """Return the row below the text: the hint, Send, and Stop while a run is live.

    The hint that newer messages are looked for also gets them. It stands here because a message that is sent draws
    this row anew, and so ends that request: its answer would not know the message.
    """
    stop = None
    if live_run_id:
        url = urls.cancel(live_run_id)
        stop = button(
            icon("stop"),
            "Stop",
            cls="button",
            name="stop",
            type="submit",
            formaction=url,
            formnovalidate=True,
            hx_post=url,
            hx_swap="none",
        )
    hint = span(span(kbd("Enter"), " sends, ", kbd("Shift Enter"), " starts a new line"), cls="hint")
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
    send = button(icon("send"), "Send", cls="button", data_kind="primary", name="send", type="submit")
    return div(hint, stop, send, cls="actions", id="composer-actions")
