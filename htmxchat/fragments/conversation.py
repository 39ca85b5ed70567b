"""The room of one conversation: its head, its turns or the empty state, and the composer.

Hooks: `main#conversation`, with `data-empty` while nothing was said; `#turns`, to which turns are added; `#heading`,
the title or the form that changes it; `chat-log`, which keeps to the end and copies; `chat-menu`.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..html import FT, Child, icon, tag
from ..kinds import checked
from ..models import Conversation, Starter
from ..scripts.states import digest
from ..urls import Urls
from .controls import get_link, icon_only, post_form, submission_field
from .history.menus import Actions, archive_form, delete_form, pin_form, shelf_of
from .sharing import share_link

a, b, button, details, div, h1, h2 = map(tag, ["a", "b", "button", "details", "div", "h1", "h2"])
header, input_, label, li, main, p = map(tag, ["header", "input", "label", "li", "main", "p"])
span, summary, ul = map(tag, ["span", "summary", "ul"])
chat_log, chat_menu = tag("chat-log"), tag("chat-menu")


_KEYS = "Keys and notices"


@checked
def conversation(
    *,
    urls: Urls,
    conversation: Conversation | None,
    turns: Child = None,
    composer: Child = None,
    heading: Child = None,
    can_rename: bool = False,
    can_delete: bool = False,
    can_pin: bool = False,
    can_archive: bool = False,
    exports: Sequence[str] = (),
    openers: Child = None,
    greeting: str = "What can I do for you?",
    introduction: str = "",
    starters: Sequence[Starter] = (),
    empty: Child = None,
    submission: str = "",
    revision: int = 0,
    feedback: int = 0,
    undo: Child = None,
) -> FT:
    """Return the room.

    Args:
        conversation: `None` is a new one, with the empty state.
        turns: The turns, or what stands in their place.
        heading: Instead of the title.
        exports: How it can be taken along: `share`, and as files `md`, `html`, `json`.
        openers: What opens the rooms at the side.
        empty: What a new one shows instead of the greeting and the introduction.
        submission: What a starter that is sent is called, so that it is taken once however often it is pressed.
        revision: Of the transcript.
        feedback: Of the transcript.
        undo: What restores a message that was deleted.
    """
    menu: Child = button(icon("note"), cls="button", type="button", name="keys", **icon_only(_KEYS))
    if conversation:
        menu = page_menu(urls, conversation, Actions(can_pin, can_archive, can_rename, can_delete), exports)
    inside: list[Child] = []
    if conversation is None:
        welcome = (
            empty
            if empty is not None
            else [h2(greeting, dir="auto"), p(introduction, dir="auto") if introduction else None]
        )
        choice = _starters(urls, starters, submission) if starters else None
        inside.append(div(welcome, choice, cls="column empty"))
    log = turns_log(turns, hidden=conversation is None, revision=revision, feedback=feedback)
    jump = a(icon("down"), "Latest", cls="button jump", href="#end")
    end = div(id="end", tabindex="-1")
    return main(
        header(
            heading or title_heading(conversation),
            openers,
            _another(urls) if conversation else None,
            menu,
            cls="room-head",
        ),
        chat_log(div(inside, log, end, jump, cls="room-body", tabindex="-1")),
        div(div(div(undo, id="undo-turn"), composer, cls="column"), cls="dock"),
        cls="room",
        id="conversation",
        data_empty=conversation is None,
    )


@checked
def turns_log(turns: Child = None, *, hidden: bool = False, revision: int = 0, feedback: int = 0) -> FT:
    """Return the element with the turns; `revision` and `feedback` are those of the transcript."""
    return div(
        turns,
        cls="column turns",
        id="turns",
        role="log",
        aria_live="off",
        aria_label="Messages",
        tabindex="0",
        hidden=hidden,
        data_revision=str(revision) if revision else None,
        data_feedback=str(feedback) if feedback else None,
    )


@checked
def title_heading(conversation: Conversation | None) -> FT:
    """Return the title in the head of the room."""
    title, tag = (conversation.title, title_tag(conversation)) if conversation else ("New conversation", None)
    return h1(title, cls="cut", id="heading", dir="auto", data_tag=tag)


def title_tag(conversation: Conversation) -> str:
    """Return what tells one title from another."""
    return digest(conversation.title)[:8]


@checked
def rename_form(*, urls: Urls, conversation: Conversation) -> FT:
    """Return the form that stands in place of the title while it is changed."""
    return post_form(
        urls.rename(conversation.id),
        h1(conversation.title, cls="hidden"),
        label("Title", cls="hidden", for_="title"),
        input_(
            id="title",
            name="title",
            value=conversation.title,
            required=True,
            maxlength="200",
            autocomplete="off",
            autofocus=True,
            dir="auto",
        ),
        button(icon("check"), span("Save"), cls="button", data_kind="primary", type="submit"),
        get_link(
            urls.conversation(conversation.id),
            icon("cross"),
            span("Cancel"),
            target="#heading",
            hx_select="#heading",
            cls="button",
            data_kind="quiet",
        ),
        id="heading",
        cls="rename",
        data_tag=title_tag(conversation),
        hx_target="#heading",
        hx_swap="outerHTML",
    )


def _another(urls: Urls) -> FT:
    """Return the link to a new conversation, for where the history is out of sight."""
    return get_link(
        urls.home(),
        icon("plus"),
        target="#conversation",
        hx_push_url="true",
        cls="button another",
        **icon_only("New conversation"),
    )


def _export(urls: Urls, conversation: Conversation, ending: str) -> FT:
    """Return the link that saves the conversation as a file, or that shares it."""
    if ending == "share":
        return share_link(urls, conversation.id)
    words, url = {
        "md": ("Markdown", urls.export_markdown(conversation.id)),
        "html": ("HTML", urls.export_html(conversation.id)),
        "json": ("JSON", urls.export_json(conversation.id, files="content")),
    }[ending]
    return a(icon("download"), f"Export as {words}", cls="button", data_kind="quiet", href=url, download=True)


def page_menu(urls: Urls, conversation: Conversation, actions: Actions, exports: Sequence[str] = ()) -> FT | None:
    """Return the menu of the conversation; `None` if there is nothing in it."""
    if not (actions.any or exports):
        return None
    rename = get_link(
        urls.rename(conversation.id), icon("edit"), "Rename", target="#heading", cls="button", data_kind="quiet"
    )
    return chat_menu(
        details(
            summary(icon("more"), cls="button", **icon_only("Conversation menu")),
            div(
                pin_form(urls, conversation.id, not conversation.pinned) if actions.pin else None,
                rename if actions.rename else None,
                archive_form(urls, conversation.id, not conversation.archived) if actions.archive else None,
                [_export(urls, conversation, ending) for ending in exports],
                _keys(),
                delete_form(urls, conversation.id) if actions.delete else None,
                cls="menu",
            ),
        ),
        id="conversation-menu",
        data_shelf=shelf_of(conversation),
    )


def _keys() -> FT:
    """Return what shows the keys; the page's script has them."""
    return button(icon("note"), _KEYS, cls="button", data_kind="quiet", type="button", name="keys")


def _starters(urls: Urls, starters: Sequence[Starter], submission: str) -> FT:
    return post_form(
        urls.start(),
        submission_field(submission) if submission else None,
        ul([_starter(each) for each in starters], cls="starters"),
        hx_include="#composer-agent",  # where there are several
    )


def _starter(starter: Starter) -> FT:
    # No one sends words that they have not seen.
    words = span(starter.text, dir="auto") if starter.text.strip() != starter.title.strip() else None
    return li(button(b(starter.title, dir="auto"), words, name="text", value=starter.text, type="submit"))
