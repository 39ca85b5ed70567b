"""Sharing a conversation: the window in which its user says how, and the list of all that is shared.

Hooks: `chat-share`, around `dialog.window`; in it `form#share`, and `#share-address` once there is one. `#shares`, the
list.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo

from ..html import FT, Child, icon, tag
from ..kinds import checked
from ..models import Conversation
from ..sharing import Share, SharedLink
from ..text.phrases import count
from ..text.zones import exact
from ..urls import Urls
from .controls import icon_only, post_form
from .shell import Frame, message_page

a, b, bdi, button, dialog, div, h2, header = map(tag, ["a", "b", "bdi", "button", "dialog", "div", "h2", "header"])
input_, label, li, link, option, p = map(tag, ["input", "label", "li", "link", "option", "p"])
select, span, time_, ul = map(tag, ["select", "span", "time", "ul"])
chat_share, form_ = tag("chat-share"), tag("form")

_STEPS = "Include thoughts, tool arguments and results"
_FILES = "Include files"


@checked
def share_link(urls: Urls, conversation_id: str) -> FT:
    """Return what opens the window: over the page, or as a page of its own."""
    url = urls.share(conversation_id)
    over = {"hx_get": url, "hx_target": "#status", "hx_swap": "beforebegin"}
    return a(icon("up"), "Share…", cls="button", data_kind="quiet", href=url, **over)


@checked
def share_window(
    *,
    urls: Urls,
    conversation: Conversation,
    settings: Share,
    shared: SharedLink | None,
    address: str = "",
    may_steps: bool = True,
    has_files: bool = True,
    error: str | None = None,
    zone: tzinfo | None = None,
) -> FT:
    """Return the window.

    Args:
        shared: How it is shared; `None`: not at all.
        address: The whole address then.
        may_steps: Whether the user may see what tools were given and gave back, and so include it.
        has_files: Whether the chat has files at all.
        error: Why it could not be shared.
    """
    title = h2("Share “", bdi(conversation.title), "”", id="share-title")
    away = a(icon("cross"), cls="button", href=urls.conversation(conversation.id), name="close", **icon_only("Close"))
    fields: list[Child] = []
    if settings.steps and may_steps:
        fields.append(_check("steps", _STEPS, shared is not None and shared.steps))
    if settings.files and has_files:
        fields.append(_check("files", _FILES, shared is not None and shared.files))
    form = post_form(
        urls.share(conversation.id),
        div(
            _choice("link", "Anyone with the link", "They read it without signing in; only you can go on", True),
            _choice("none", "Only you", "The link stops working for everyone else", False) if shared else None,
            role="radiogroup",
            aria_labelledby="share-title",
        ),
        fields,
        div(label("The link works", for_="share-days"), _days(settings, shared, zone), cls="field"),
        p(error, cls="wrong", role="alert", dir="auto") if error else None,
        div(
            _press(shared),
            a("All shared conversations", cls="button", data_kind="quiet", href=urls.shares()),
            cls="actions",
        ),
        hx_swap="outerMorph",
        hx_target="closest chat-share",
        id="share",
    )
    return chat_share(
        link(rel="stylesheet", href=urls.static("css/share.css")),
        dialog(
            header(title, away),
            form,
            _address(address, shared, zone) if shared else None,
            p(_said(shared), cls="meta"),
            open=True,
            cls="window",
            aria_labelledby="share-title",
        ),
    )


def _press(shared: SharedLink | None) -> FT:
    kind = None if shared else "primary"
    return button("Save" if shared else "Create link", cls="button", data_kind=kind, type="submit")


def _said(shared: SharedLink | None) -> str:
    if shared is None:
        return "The page shows the conversation up to now. Later turns are not included until you save again."
    turns = f", {count(shared.turns, 'turn')}" if shared.turns is not None else ""
    if shared.latest is False:
        return f"The page shows the conversation as it was{turns}. Save to include what came later."
    return f"The page shows the conversation up to now{turns}. Later turns are not included until you save again."


def _choice(value: str, name: str, words: str, on: bool) -> FT:
    field = input_(type="radio", name="who", value=value, checked=on, autocomplete="off")
    return label(field, span(b(name), span(words)), cls="choice")


def _check(name: str, words: str, on: bool) -> FT:
    return label(input_(type="checkbox", name=name, value="yes", checked=on, autocomplete="off"), words, cls="check")


def _days(settings: Share, shared: SharedLink | None, zone: tzinfo | None) -> FT:
    kept = None
    if shared is not None and shared.expires_at is not None:
        kept = option(f"until {exact(shared.expires_at, zone)}", value="keep", selected=True)
    options = [
        option(f"for {count(days, 'day')}" if days else "until you take it back", value=str(days or 0))
        for days in settings.days
    ]
    return select(kept, options, name="days", id="share-days", autocomplete="off")


def _address(address: str, shared: SharedLink, zone: tzinfo | None) -> FT:
    until = f", until {exact(shared.expires_at, zone)}" if shared.expires_at else ""
    return div(
        label(f"Link{until}", for_="share-address"),
        div(
            input_(id="share-address", type="url", readonly=True, value=address),
            button(icon("copy"), "Copy link", cls="button", data_kind="primary", type="button", name="copy-link"),
            cls="row",
        ),
        cls="field",
    )


@checked
def share_page(*, urls: Urls, frame: Frame, window: FT) -> str:
    """Return the window as a page of its own."""
    return message_page(urls=urls, frame=frame, title="Share", sentence="", action=window)


@checked
def shares_page(
    *, urls: Urls, frame: Frame, shares: Sequence[SharedLink], now: datetime, zone: tzinfo | None = None
) -> str:
    """Return the page with all that a user shares."""
    rows = [_row(each, urls, zone) for each in shares]
    content: Child = ul(rows, id="shares") if rows else p("You share no conversation.", cls="nothing", id="shares")
    home = a("Go to the chat", cls="button", href=urls.home())
    sheet = link(rel="stylesheet", href=urls.static("css/share.css"))
    return message_page(
        urls=urls,
        frame=frame,
        title="Shared conversations",
        sentence="Anyone with its link can read each of these.",
        action=div(sheet, content, p(home), cls="shares"),
    )


def _row(shared: SharedLink, urls: Urls, zone: tzinfo | None) -> FT:
    more = [words for words, on in (("steps", shared.steps), ("files", shared.files)) if on]
    facts = [f"As it was at {exact(shared.updated_at, zone)}"]
    facts += [f"with {' and '.join(more)}"] if more else []
    facts += [f"until {exact(shared.expires_at, zone)}"] if shared.expires_at else []
    # The whole page is another one then, so the browser posts it.
    revoke = form_(
        button("Take back", span(" “", bdi(shared.title), "”", cls="hidden"), cls="button", type="submit"),
        method="post",
        action=urls.unshare(shared.conversation_id),
    )
    return li(
        a(shared.title, href=urls.share(shared.conversation_id), cls="cut", dir="auto"),
        span(", ".join(facts), cls="meta"),
        revoke,
    )
