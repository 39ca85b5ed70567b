"""The history: the user's conversations, newest first.

Hooks: `nav#history`; `#history-list`, which redraws itself on the event `chat:changed`; `a[data-conversation]`.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import groupby

from ..html import FT, Child, icon, tag
from ..models import Conversation, ConversationPage, RunState
from ..urls import Urls
from .controls import get_link, post_form
from .shell import notice

a, b, button, div, footer, form, h2, header = map(tag, ["a", "b", "button", "div", "footer", "form", "h2", "header"])
input_, label, li, nav, p, span, time_, ul = map(tag, ["input", "label", "li", "nav", "p", "span", "time", "ul"])
chat_history = tag("chat-history")

_WORDS = {
    RunState.QUEUED: "Waiting to start",
    RunState.RUNNING: "Answering",
    RunState.STOPPING: "Stopping",
    RunState.FAILED: "Failed",
    RunState.SUSPENDED: "Waits for you",
}


def history(
    page: ConversationPage,
    *,
    urls: Urls,
    brand: str,
    now: datetime,
    query: str = "",
    current: str | None = None,
    user_name: str | None = None,
    can_search: bool = False,
    deleted: str | None = None,
    deletion_notice: str = "Conversation deleted.",
    failure: str | None = None,
    sign_out_url: str | None = None,
) -> FT:
    """Return the room with a list of conversations.

    Args:
        now: Today, for the days that the list is grouped by.
        query: What was searched for.
        current: The conversation that is open.
        deleted: The id of one that can be restored.
        deletion_notice: What has become of it.
        failure: Why there is no list.
        sign_out_url: Where the form that signs out is posted, if there is one.
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
        header(a(b(brand, cls="cut"), href=urls.home(), cls="brand cut"), new, cls="room-head"),
        chat_history(
            div(
                _search(urls, query) if can_search else None,
                _undo(urls, deleted, deletion_notice) if deleted else None,
                history_list(page, urls=urls, now=now, query=query, current=current, failure=failure),
                cls="room-body",
            )
        ),
        _foot(user_name, sign_out_url) if user_name or sign_out_url else None,
        cls="room",
        id="history",
        aria_label="Conversations",
    )


def history_list(
    page: ConversationPage,
    *,
    urls: Urls,
    now: datetime,
    query: str = "",
    current: str | None = None,
    failure: str | None = None,
) -> FT:
    """Return the list alone."""
    if failure:
        content: Child = unloaded_history(urls, failure, query=query)
    elif page.items:
        content = history_items(page, urls=urls, now=now, query=query, current=current)
    elif query:
        content = p(f"Nothing matches “{query}”.", cls="nothing")
    else:
        content = p("Your conversations are kept here, newest first.", cls="nothing")
    return div(
        content,
        id="history-list",
        hx_get=urls.history(query),
        hx_trigger="chat:changed from:body",
        hx_swap="outerMorph",
    )


def unloaded_history(urls: Urls, failure: str, *, query: str = "", cursor: str | None = None) -> FT:
    """Return what stands in place of the list, or of the older conversations that were asked for."""
    if cursor:
        said = f"Older conversations cannot be loaded. {failure}"
        return notice(said, retry_url=urls.history(query, cursor), target="closest .notice")
    said = f"Your conversations cannot be loaded. {failure}"
    return notice(said, retry_url=urls.history(query), target="#history-list", swap="outerMorph")


def history_items(
    page: ConversationPage, *, urls: Urls, now: datetime, query: str = "", current: str | None = None
) -> list[FT]:
    """Return the conversations under the names of their days, and the way to older ones."""
    items: list[FT] = []
    for day, group in groupby(page.items, key=lambda each: _day(each.updated_at, now)):
        items += [h2(day), ul([_item(each, urls, current, now) for each in group])]
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
    words = _WORDS.get(conversation.state) if conversation.state else None
    at = conversation.updated_at.astimezone(UTC)
    return li(
        get_link(
            urls.conversation(conversation.id),
            span(conversation.title, cls="cut", dir="auto"),
            span(span(words, cls="hidden"), cls="state") if words else None,
            time_(_short(at, now), datetime=at.isoformat(timespec="seconds"), data_form="short"),
            id=f"conversation-{conversation.id}",
            target="#conversation",
            hx_push_url="true",
            aria_current="page" if conversation.id == current else None,
            data_conversation=conversation.id,
            data_state=conversation.state.value if words and conversation.state else None,
        )
    )


def _foot(user_name: str | None, sign_out_url: str | None) -> FT:
    sign_out = button("Sign out", cls="button", data_kind="quiet", name="sign-out", type="submit")
    return footer(
        span(user_name, cls="cut"),
        form(sign_out, method="post", action=sign_out_url) if sign_out_url else None,
        cls="room-foot",
    )


def _search(urls: Urls, query: str) -> FT:
    url = urls.history()
    return form(
        icon("search"),
        label("Search conversations", cls="hidden", for_="search"),
        input_(id="search", type="search", name="q", value=query, placeholder="Search", autocomplete="off"),
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
    return post_form(url, p(notice), button("Undo", cls="button", type="submit"), cls="undo")


def _short(at: datetime, now: datetime) -> str:
    day, today = at.date(), now.astimezone(UTC).date()
    if day >= today:
        return f"{at:%H:%M} UTC"
    return f"{at:%a}" if day > today - timedelta(days=7) else f"{at.day} {at:%b}"


def _day(at: datetime, now: datetime) -> str:
    day, today = at.astimezone(UTC).date(), now.astimezone(UTC).date()
    if day >= today:
        return "Today"
    if day == today - timedelta(days=1):
        return "Yesterday"
    if day > today - timedelta(days=7):
        return "Previous 7 days"
    return f"{day:%B}" if day.year == today.year else f"{day:%B %Y}"
