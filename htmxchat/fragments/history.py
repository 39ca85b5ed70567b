"""The history: the user's conversations, newest first.

Hooks: `nav#history`; `#history-list`; `a[data-conversation]`.

What is in the menu of a conversation is put there by the page's script when it is opened, for most never are.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import groupby

from ..html import FT, Child, icon, tag
from ..kinds import checked
from ..models import Conversation, ConversationPage, RunState, is_dated
from ..scripts.states import digest
from ..urls import Urls
from ..words import standing
from .controls import get_form, get_link, post_form
from .shell import brand_mark, notice
from .times import UNDATED, time_element

a, b, button, div, footer, h2, header = map(tag, ["a", "b", "button", "div", "footer", "h2", "header"])
input_, label, li, nav, p, span, time_, ul = map(tag, ["input", "label", "li", "nav", "p", "span", "time", "ul"])
details, summary, template = map(tag, ["details", "summary", "template"])
bdi, mark, chat_history, chat_menu = map(tag, ["bdi", "mark", "chat-history", "chat-menu"])

# What is over is not worth a mark, unless it went wrong.
_SILENT = (None, RunState.COMPLETED, RunState.CANCELLED)


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
    return nav(
        header(a(brand_mark(brand, logo), href=urls.home(), cls="brand cut"), new, cls="room-head"),
        chat_history(
            div(
                _search(urls, query) if can_search else None,
                div(undo(urls, deleted, deletion_notice) if deleted else None, id="undo"),
                history_list(
                    page,
                    urls=urls,
                    now=now,
                    zone=zone,
                    query=query,
                    current=current,
                    failure=failure,
                    menus=can_rename or can_delete,
                ),
                cls="room-body",
            ),
            _row_menu(urls, can_rename=can_rename, can_delete=can_delete) if can_rename or can_delete else None,
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


@checked
def history_list(
    page: ConversationPage,
    *,
    urls: Urls,
    now: datetime,
    zone: tzinfo | None = None,
    query: str = "",
    current: str | None = None,
    failure: str | None = None,
    menus: bool = False,
    tag: str = "",
) -> FT:
    """Return the list alone; `menus` as in `history_items`.

    Args:
        tag: How the user's conversations stand, if `page` has others: `list_tag`.
    """
    if failure:
        content: Child = unloaded_history(urls, failure, query=query)
    elif page.items:
        items = history_items(page, urls=urls, now=now, zone=zone, query=query, current=current, menus=menus)
        content = [_found(page), *items] if query else items
    elif query:
        content = [p("No results for “", bdi(query), "”.", cls="nothing"), _clear(urls)]
    else:
        content = p("Your conversations are kept here, newest first.", cls="nothing")
    return div(
        content,
        id="history-list",
        data_query=query or None,
        data_tag=None if failure else tag or list_tag(page, now, zone),
        data_zone=str(zone) if zone else None,
    )


def list_tag(page: ConversationPage, now: datetime, zone: tzinfo | None) -> str:
    """Return what tells one rendering of a list from another, which day it is included."""
    items = [(each.id, each.title, each.updated_at, each.state, each.waiting) for each in page.items]
    return digest(f"{items} {page.cursor} {now.astimezone(zone or UTC):%Y-%m-%d} {zone}")[:16]


def unloaded_history(urls: Urls, failure: str, *, query: str = "", cursor: str | None = None) -> FT:
    """Return what stands in place of the list, or of the older conversations that were asked for."""
    if cursor:
        said = f"Older conversations cannot be loaded. {failure}"
        return notice(said, retry_url=urls.history(query, cursor), target="closest .notice")
    said = f"Your conversations cannot be loaded. {failure}"
    return notice(said, retry_url=urls.history(query), target="#history-list", swap="outerMorph")


@checked
def history_items(
    page: ConversationPage,
    *,
    urls: Urls,
    now: datetime,
    zone: tzinfo | None = None,
    query: str = "",
    current: str | None = None,
    menus: bool = False,
) -> list[FT]:
    """Return the conversations under the names of their days, and the way to older ones.

    Args:
        menus: Whether each has a menu. `history` has what is in it.
    """
    items: list[FT] = []
    now = now.astimezone(zone or UTC)
    if query:
        # What was found stands together: a month over each tells nothing.
        found = [_item(each, urls, current, now, menus, query.split()) for each in page.items]
        items.append(ul(found, cls="found"))
    for day, group in groupby(() if query else page.items, key=lambda each: _day(each.updated_at, now)):
        items += [
            h2(day if zone or day == UNDATED else f"{day} (UTC)"),
            ul([_item(each, urls, current, now, menus) for each in group]),
        ]
    if page.cursor:
        url = urls.history(query, page.cursor)
        items.append(
            a(
                "Show older",
                cls="button older",
                data_kind="quiet",
                href=url,
                hx_get=url,
                hx_swap="outerHTML",
                hx_trigger="click, revealed",
            )
        )
    return items


def _found(page: ConversationPage) -> FT:
    """Return how many conversations a search has found, as far as this page knows."""
    count = len(page.items)
    words = f"{count} conversation{'s' * (count != 1)}" if page.cursor is None else f"More than {count} conversations"
    return p(words, cls="count")


def _clear(urls: Urls) -> FT:
    return a("Clear search", cls="button older", href=urls.history(), data_clear="search")


def _marked(text: str, words: Sequence[str]) -> list[Child]:
    """Return a text with the words that were searched for marked."""
    if not words:
        return [text]
    anyone = "|".join(map(re.escape, sorted(words, key=len, reverse=True)))
    # The odd ones are what the pattern's group holds.
    parts = re.split(f"({anyone})", text, flags=re.IGNORECASE)
    return [mark(part) if odd else part for place, part in enumerate(parts) if part for odd in [place % 2]]


def _item(
    conversation: Conversation,
    urls: Urls,
    current: str | None,
    now: datetime,
    menus: bool,
    words: Sequence[str] = (),
) -> FT:
    state = conversation.state
    told = None if state is None or state in _SILENT else standing(state, conversation.waiting)
    return li(
        get_link(
            urls.conversation(conversation.id, turn=conversation.found or None),
            span(_marked(conversation.title, words), cls="cut", dir="auto"),
            span(_marked(conversation.passage, words), cls="passage", dir="auto") if conversation.passage else None,
            span(span(told.word, cls="hidden"), cls="state") if told else None,
            _moment(conversation.updated_at, now),
            id=f"conversation-{conversation.id}",
            target="#conversation",
            hx_push_url="true",
            aria_current="page" if conversation.id == current else None,
            data_conversation=conversation.id,
            data_state=told.mark.value if told else None,
            title=_whole(conversation, told.word if told else "", now),
        ),
        _menu(conversation) if menus else None,
    )


def _menu(conversation: Conversation) -> FT:
    words = {"aria_label": f"Menu of {conversation.title}", "title": "Rename or delete"}
    return chat_menu(details(summary(icon("more"), cls="button", data_kind="icon", **words)))


def _whole(conversation: Conversation, word: str, now: datetime) -> str:
    """Return what the row has no room for: all of the title, how the run stands, and when."""
    when = ""
    if is_dated(conversation.updated_at):
        at = conversation.updated_at.astimezone(now.tzinfo)
        when = f"{at:%a} {at.day} {at:%b %Y, %H:%M}{' UTC' * (at.tzinfo is UTC)}"
    return "\n".join(filter(None, [conversation.title, word, when]))


def _row_menu(urls: Urls, *, can_rename: bool, can_delete: bool) -> FT:
    id = "conversation-id"  # the page's script puts that of the row here
    rename = get_link(
        urls.rename(id),
        icon("edit"),
        "Rename",
        target="#conversation",
        hx_push_url=urls.conversation(id),
        cls="button",
        data_kind="quiet",
    )
    delete = post_form(
        urls.delete(id),
        # Without it the page continues to a new conversation; the script takes it away from the one that is open.
        input_(type="hidden", name="stay", value="yes"),
        button(icon("trash"), "Delete", cls="button", data_kind="quiet", type="submit"),
    )
    return template(div(rename if can_rename else None, delete if can_delete else None, cls="menu"), id="row-menu")


def _moment(at: datetime, now: datetime) -> FT | None:
    if not is_dated(at):
        return None
    at = at.astimezone(now.tzinfo)
    return time_element(at, _short(at, now), "short", cls="hidden")


def _search(urls: Urls, query: str) -> FT:
    url = urls.history()
    return get_form(
        url,
        icon("search"),
        label("Search conversations", cls="hidden", for_="search"),
        input_(id="search", type="search", name="q", value=query, placeholder="Search", autocomplete="off", dir="auto"),
        cls="search",
        role="search",
        target="#history-list",
        trigger="input changed delay:250ms from:#search, submit",
        hx_swap="outerMorph",
    )


def undo(urls: Urls, conversation_id: str, notice: str) -> FT:
    """Return the form that restores a conversation that was deleted."""
    url = urls.restore(conversation_id)
    return post_form(url, p(notice), button("Undo", cls="button", type="submit", autofocus=True), cls="undo")


def _short(at: datetime, now: datetime) -> str:
    day, today = at.date(), now.date()
    if day >= today:
        return f"{at:%H:%M} UTC" if at.tzinfo is UTC else f"{at:%H:%M}"
    return f"{at:%a}" if day > today - timedelta(days=7) else f"{at.day} {at:%b}"


def _day(at: datetime, now: datetime) -> str:
    if not is_dated(at):
        return UNDATED
    day, today = at.astimezone(now.tzinfo).date(), now.date()
    if day >= today:
        return "Today"
    if day == today - timedelta(days=1):
        return "Yesterday"
    if day > today - timedelta(days=7):
        return "Previous 7 days"
    return f"{day:%B}" if day.year == today.year else f"{day:%B %Y}"
