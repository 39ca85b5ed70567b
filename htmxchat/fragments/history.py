"""The history: the user's conversations, newest first.

Hooks: `nav#history`; `#history-list`, which redraws itself on the event `chat:changed`; `a[data-conversation]`.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from itertools import groupby

from ..html import FT, Child, icon, tag
from ..kinds import checked
from ..models import Conversation, ConversationPage, RunState, is_dated
from ..urls import Urls
from ..words import standing
from .controls import get_link, post_form
from .shell import brand_mark, notice

a, b, button, div, footer, form, h2, header = map(tag, ["a", "b", "button", "div", "footer", "form", "h2", "header"])
input_, label, li, nav, p, span, time_, ul = map(tag, ["input", "label", "li", "nav", "p", "span", "time", "ul"])
bdi, chat_history = tag("bdi"), tag("chat-history")

_UNDATED = "Date not known"
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
    deleted: str | None = None,
    deletion_notice: str = "Conversation deleted.",
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
        deletion_notice: What has become of it.
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
        data_kind="quiet",
    )
    return nav(
        header(a(brand_mark(brand, logo), href=urls.home(), cls="brand cut"), new, cls="room-head"),
        chat_history(
            div(
                _search(urls, query) if can_search else None,
                _undo(urls, deleted, deletion_notice) if deleted else None,
                history_list(page, urls=urls, now=now, zone=zone, query=query, current=current, failure=failure),
                cls="room-body",
            )
        ),
        footer(span(user_name, cls="cut", dir="auto"), sign_out, cls="room-foot") if user_name or sign_out else None,
        cls="room",
        id="history",
        aria_label="Conversations",
    )


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
) -> FT:
    """Return the list alone."""
    if failure:
        content: Child = unloaded_history(urls, failure, query=query)
    elif page.items:
        content = history_items(page, urls=urls, now=now, zone=zone, query=query, current=current)
    elif query:
        content = p("Nothing matches “", bdi(query), "”.", cls="nothing")
    else:
        content = p("Your conversations are kept here, newest first.", cls="nothing")
    return div(
        content,
        id="history-list",
        hx_get=urls.history(query),
        hx_trigger="chat:changed from:body",
        hx_swap="outerMorph",
        data_zone=str(zone) if zone else None,
    )


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
) -> list[FT]:
    """Return the conversations under the names of their days, and the way to older ones."""
    items: list[FT] = []
    now = now.astimezone(zone or UTC)
    for day, group in groupby(page.items, key=lambda each: _day(each.updated_at, now)):
        items += [
            h2(day if zone or day == _UNDATED else f"{day} (UTC)"),
            ul([_item(each, urls, current, now) for each in group]),
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


def _item(conversation: Conversation, urls: Urls, current: str | None, now: datetime) -> FT:
    state = conversation.state
    told = None if state is None or state in _SILENT else standing(state, conversation.waiting)
    return li(
        get_link(
            urls.conversation(conversation.id),
            span(conversation.title, cls="cut", dir="auto"),
            span(span(told.word, cls="hidden"), cls="state") if told else None,
            _moment(conversation.updated_at, now),
            id=f"conversation-{conversation.id}",
            target="#conversation",
            hx_push_url="true",
            aria_current="page" if conversation.id == current else None,
            data_conversation=conversation.id,
            data_state=told.mark.value if told else None,
            title=told.word if told else None,
        )
    )


def _moment(at: datetime, now: datetime) -> FT | None:
    if not is_dated(at):
        return None
    at = at.astimezone(now.tzinfo)
    return time_(_short(at, now), datetime=at.isoformat(timespec="seconds"), data_form="short")


def _search(urls: Urls, query: str) -> FT:
    url = urls.history()
    return form(
        icon("search"),
        label("Search conversations", cls="hidden", for_="search"),
        input_(id="search", type="search", name="q", value=query, placeholder="Search", autocomplete="off", dir="auto"),
        cls="search",
        role="search",
        method="get",
        action=url,
        hx_get=url,
        hx_trigger="input changed delay:250ms from:#search, submit",
        hx_target="#history-list",
        hx_swap="outerMorph",
        hx_sync="this:replace",
    )


def _undo(urls: Urls, conversation_id: str, notice: str) -> FT:
    url = urls.restore(conversation_id)
    return post_form(url, p(notice), button("Undo", cls="button", type="submit", autofocus=True), cls="undo")


def _short(at: datetime, now: datetime) -> str:
    day, today = at.date(), now.date()
    if day >= today:
        return f"{at:%H:%M} UTC" if at.tzinfo is UTC else f"{at:%H:%M}"
    return f"{at:%a}" if day > today - timedelta(days=7) else f"{at.day} {at:%b}"


def _day(at: datetime, now: datetime) -> str:
    if not is_dated(at):
        return _UNDATED
    day, today = at.astimezone(now.tzinfo).date(), now.date()
    if day >= today:
        return "Today"
    if day == today - timedelta(days=1):
        return "Yesterday"
    if day > today - timedelta(days=7):
        return "Previous 7 days"
    return f"{day:%B}" if day.year == today.year else f"{day:%B %Y}"
