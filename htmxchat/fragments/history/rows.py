"""The rows of the list, under the names of their days; or what was found, with the passage.

Hooks: `#history-list`; `a[data-conversation]`.

What is in the menu of a conversation is put there by the page's script when it is opened, for most never are.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import groupby

from ...html import FT, Child, icon, tag
from ...kinds import checked
from ...models import Conversation, ConversationPage, RunState, is_dated
from ...scripts.states import digest
from ...state_words import standing
from ...urls import Urls
from ..controls import get_link, swaps
from ..shell import notice
from ..times import UNDATED, time_element
from .menus import Actions, shelf_of
from .selecting import checkbox, select_link, selection

a, bdi, chat_menu, details, div, h2, input_ = map(tag, ["a", "bdi", "chat-menu", "details", "div", "h2", "input"])
li, mark, p, span, summary, ul = map(tag, ["li", "mark", "p", "span", "summary", "ul"])

_PINNED = "Pinned"
# What is over is not worth a mark, unless it went wrong.
_SILENT = (None, RunState.COMPLETED, RunState.CANCELLED)


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
    actions: Actions | None = None,
    archived: bool = False,
    select: bool = False,
    tag: str = "",
) -> FT:
    """Return the list alone, or the list of archived conversations.

    Args:
        actions: What can be done with its conversations.
        select: Whether several are being selected.
        tag: How the user's conversations stand, if `page` has others: `list_tag`.
    """
    actions = actions or Actions()
    select = select and actions.several
    if failure:
        content: Child = unloaded_history(urls, failure, query=query, archived=archived)
    elif page.items:
        content = [
            _found(page) if query else None,
            select_link(urls, query=query, archived=archived) if actions.several and not select else None,
            history_items(
                page,
                urls=urls,
                now=now,
                zone=zone,
                query=query,
                current=current,
                menus=actions.any,
                archived=archived,
                select=select,
            ),
        ]
    elif query:
        content = [p("No results for “", bdi(query), "”.", cls="nothing"), _clear(urls, archived)]
    elif archived:
        content = p("Archived conversations are kept here. You find them by searching here, too.", cls="nothing")
    else:
        content = p("Your conversations are kept here, newest first.", cls="nothing")
    return div(
        _view(urls) if archived else None,
        selection(urls, actions, query=query, archived=archived) if select else None,
        content,
        _archive_link(urls, query) if actions.archive and not archived and not select else None,
        id="history-list",
        data_query=query or None,
        data_tag=None if failure else tag or list_tag(page, now, zone),
        data_zone=str(zone) if zone else None,
        data_view="archived" if archived else None,
        data_select="yes" if select else None,
    )


def _view(urls: Urls) -> list[FT]:
    """Return the head of the list of archived conversations. The search then looks there, too."""
    back = {**swaps(urls.history(), "#history-list"), "hx_swap": "outerMorph"}
    return [
        a(icon("back"), "Archived", cls="button view", data_kind="quiet", title="Back to the list", **back),
        input_(type="hidden", name="view", value="archived", form="search-form"),
    ]


def _archive_link(urls: Urls, query: str) -> FT:
    there = {**swaps(urls.history(query, archived=True), "#history-list"), "hx_swap": "outerMorph"}
    words = "Search the archive" if query else "Archived"
    return a(icon("archive"), words, cls="button archive", data_kind="quiet", **there)


def list_tag(page: ConversationPage, now: datetime, zone: tzinfo | None) -> str:
    """Return what tells one rendering of a list from another, which day it is included."""
    items = [(each.id, each.title, each.updated_at, each.state, each.waiting, each.pinned) for each in page.items]
    return digest(f"{items} {page.cursor} {now.astimezone(zone or UTC):%Y-%m-%d} {zone}")[:16]


def unloaded_history(
    urls: Urls, failure: str, *, query: str = "", cursor: str | None = None, archived: bool = False
) -> FT:
    """Return what stands in place of the list, or of the older conversations that were asked for."""
    if cursor:
        said = f"Older conversations cannot be loaded. {failure}"
        return notice(said, retry_url=urls.history(query, cursor, archived=archived), target="closest .notice")
    said = f"Your conversations cannot be loaded. {failure}"
    again = urls.history(query, archived=archived)
    return notice(said, retry_url=again, target="#history-list", swap="outerMorph")


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
    archived: bool = False,
    select: bool = False,
) -> list[FT]:
    """Return the conversations under the names of their days, the pinned ones first, and the way to older ones.

    Args:
        menus: Whether each has a menu. `history` has what is in it.
        archived: Whether they are the archived ones.
        select: Whether each has a checkbox, of the form that `history_list` has.
    """
    items: list[FT] = []
    now = now.astimezone(zone or UTC)
    if query:
        # What was found stands together: a month over each tells nothing.
        found = [_item(each, urls, current, now, menus, select, query.split()) for each in page.items]
        items.append(ul(found, cls="found"))
    for day, group in groupby(() if query else page.items, key=lambda each: _heading(each, now)):
        items += [
            h2(day if zone or day in (UNDATED, _PINNED) else f"{day} (UTC)"),
            ul([_item(each, urls, current, now, menus, select) for each in group]),
        ]
    if page.cursor:
        url = urls.history(query, page.cursor, archived=archived, select=select)
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


def _clear(urls: Urls, archived: bool) -> FT:
    return a("Clear search", cls="button older", href=urls.history(archived=archived), data_clear="search")


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
    select: bool,
    words: Sequence[str] = (),
) -> FT:
    state = conversation.state
    told = None if state is None or state in _SILENT else standing(state, conversation.waiting)
    return li(
        checkbox(conversation) if select else None,
        get_link(
            urls.conversation(conversation.id, turn=conversation.found or None),
            span(_marked(conversation.title, words), cls="cut", dir="auto"),
            span(_marked(conversation.passage, words), cls="passage", dir="auto") if conversation.passage else None,
            span(span(told.word, cls="hidden"), cls="state") if told else None,
            icon("pin") if conversation.pinned else None,
            _moment(conversation.updated_at, now),
            id=f"conversation-{conversation.id}",
            target="#conversation",
            hx_push_url="true",
            aria_current="page" if conversation.id == current else None,
            data_conversation=conversation.id,
            data_shelf=shelf_of(conversation) if conversation.pinned or conversation.archived else None,
            data_state=told.mark.value if told else None,
            title=_whole(conversation, told.word if told else "", now),
        ),
        _menu(conversation) if menus and not select else None,
    )


def _menu(conversation: Conversation) -> FT:
    words = {"aria_label": f"Menu of {conversation.title}", "title": "Menu"}
    return chat_menu(details(summary(icon("more"), cls="button", data_kind="icon", **words)))


def _whole(conversation: Conversation, word: str, now: datetime) -> str:
    """Return what the row has no room for: all of the title, how the run stands, and when."""
    when = ""
    if is_dated(conversation.updated_at):
        at = conversation.updated_at.astimezone(now.tzinfo)
        when = f"{at:%a} {at.day} {at:%b %Y, %H:%M}{' UTC' * (at.tzinfo is UTC)}"
    return "\n".join(filter(None, [conversation.title, word, when]))


def _moment(at: datetime, now: datetime) -> FT | None:
    if not is_dated(at):
        return None
    at = at.astimezone(now.tzinfo)
    return time_element(at, _short(at, now), "short", cls="hidden")


def _short(at: datetime, now: datetime) -> str:
    day, today = at.date(), now.date()
    if day >= today:
        return f"{at:%H:%M} UTC" if at.tzinfo is UTC else f"{at:%H:%M}"
    return f"{at:%a}" if day > today - timedelta(days=7) else f"{at.day} {at:%b}"


def _heading(conversation: Conversation, now: datetime) -> str:
    return _PINNED if conversation.pinned else _day(conversation.updated_at, now)


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
