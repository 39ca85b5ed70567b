"""The room: the chat's name, the search, the list, and who is signed in."""

from __future__ import annotations

from datetime import datetime, tzinfo

from ...html import FT, Child, icon, tag
from ...kinds import checked
from ...models import ConversationPage
from ...urls import Urls
from ..controls import get_form, get_link
from ..shell import brand_mark
from .menus import Actions, row_menus, undo
from .rows import history_list

a, div, footer, header, input_ = map(tag, ["a", "div", "footer", "header", "input"])
label, nav, span, chat_history = map(tag, ["label", "nav", "span", "chat-history"])


@checked
def history(
    page: ConversationPage,
    *,
    urls: Urls,
    brand: str,
    now: datetime,
    zone: tzinfo | None = None,
    query: str = "",
    current: str | None = None,
    user_name: str | None = None,
    can_search: bool = False,
    can_rename: bool = False,
    can_delete: bool = False,
    can_pin: bool = False,
    can_archive: bool = False,
    archived: bool = False,
    select: bool = False,
    deleted: str | None = None,
    deletion_notice: str = "Conversation deleted.",
    can_import: bool = False,
    failure: str | None = None,
    sign_out: Child = None,
    logo: str | None = None,
) -> FT:
    """Return the room with a list of conversations.

    Args:
        now: Today, for the days that the list is grouped by.
        zone: The reader's, whose days these are. Without it they are UTC's, and say so.
        query: What was searched for.
        current: The conversation that is open.
        archived: Whether the list has the archived conversations.
        select: Whether several are being selected.
        deleted: The id of one that can be restored.
        deletion_notice: What has happened to it.
        can_import: Whether one can come from a file.
        failure: Why there is no list.
        sign_out: The form or link that signs out, if there is one.
        logo: The address of an image before the chat's name.
    """
    new = get_link(
        urls.home(),
        icon("plus"),
        "New",
        target="#conversation",
        hx_push_url="true",
        cls="button",
    )
    actions = Actions(can_pin, can_archive, can_rename, can_delete)
    listed = history_list(
        page,
        urls=urls,
        now=now,
        zone=zone,
        query=query,
        current=current,
        failure=failure,
        actions=actions,
        archived=archived,
        select=select,
    )
    return nav(
        header(a(brand_mark(brand, logo), href=urls.home(), cls="brand cut"), new, cls="room-head"),
        chat_history(
            div(
                _search(urls, query) if can_search else None,
                div(undo(urls, deleted, deletion_notice) if deleted else None, id="undo"),
                listed,
                cls="room-body",
            ),
            row_menus(urls, actions) if actions.any else None,
        ),
        _foot(urls, user_name, sign_out, can_import=can_import),
        cls="room",
        id="history",
        aria_label="Conversations",
    )


def _foot(urls: Urls, user_name: str | None, sign_out: Child, *, can_import: bool) -> FT | None:
    if not (user_name or sign_out or can_import):
        return None
    bring = (
        a(icon("up"), "Import", cls="button bring", data_kind="quiet", href=urls.import_conversation())
        if can_import
        else None
    )
    return footer(bring, span(user_name, cls="cut", dir="auto") if user_name else None, sign_out, cls="room-foot")


def _search(urls: Urls, query: str) -> FT:
    url = urls.history()
    return get_form(
        url,
        icon("search"),
        label("Search conversations", cls="hidden", for_="search"),
        input_(id="search", type="search", name="q", value=query, placeholder="Search", autocomplete="off", dir="auto"),
        cls="search",
        id="search-form",
        role="search",
        target="#history-list",
        trigger="input changed delay:250ms from:#search, submit",
        hx_swap="outerMorph",
    )
