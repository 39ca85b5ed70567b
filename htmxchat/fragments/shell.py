"""The page around the rooms, and the page that only says something."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..html import FT, Child, icon, render, tag
from ..urls import Urls
from .controls import get_link
from .icons import sprite

a, p, div, nav, main, header, h1, h2, aside = map(tag, ["a", "p", "div", "nav", "main", "header", "h1", "h2", "aside"])
span = tag("span")
html, head, body, meta, link, script = map(tag, ["html", "head", "body", "meta", "link", "script"])

_VIEWPORT = "width=device-width, initial-scale=1, viewport-fit=cover, interactive-widget=resizes-content"
_HTMX = {
    "includeIndicatorCSS": False,
    "prefix": "",  # no second spelling of its attributes, such as data-hx-get
    "extensions": "sse, chat",
    # What the reader has unfolded stays so when its contents change.
    "morphIgnore": ["data-htmx-powered", "open"],
    "sse": {"reconnectMaxDelay": 5_000},
}

# What js/chat.js imports, so that it comes at once and not one after the other.
_MODULES = ("page", "pressing", "rooms", "composer", "history", "live", "log", "sending")


@dataclass(frozen=True, slots=True)
class Side:
    """A room at the side of the conversation.

    Attributes:
        name: The element's id, and what the page calls the room.
        label: What people call it.
        icon: Of its tab and of what opens it.
        url: Its address: the page that shows it.
        content: What it shows; without any it is closed and takes no space.
    """

    name: str
    label: str
    icon: str
    url: str
    content: Child = None


def page(
    *,
    urls: Urls,
    title: str,
    history: Child,
    conversation: Child,
    current_url: str,
    sides: Sequence[Side] = (),
    runner: Child = None,
    room: str = "conversation",
    stylesheets: Sequence[str] = (),
) -> str:
    """Return a whole page with its rooms.

    Hooks: `.chat[data-room]`, the room that a phone shows; `nav.tabs`; `#status[role=status]`, the one live region.

    Args:
        current_url: Where the phone's Chat tab leads.
        sides: The rooms beside the conversation, those that are closed too.
        runner: The element that runs scripts, if there is one.
        room: The room that a phone shows: `history`, `conversation` or the name of a side.
        stylesheets: The host's own, loaded after the chat's.
    """
    # Back and forward put what is in `.rooms` in place again, and leave the list beside it alone.
    rooms = div(conversation, [side_room(side) for side in sides], cls="rooms", hx_history_elt=True)
    return _document(
        urls,
        title,
        a("Skip to the composer", cls="hidden", href="#text"),
        div(history, rooms, _tabs(urls, current_url, sides, room), cls="chat", data_room=room),
        runner,
        stylesheets=stylesheets,
    )


def side_room(side: Side) -> FT:
    """Return a room at the side.

    Hooks: `aside.side`, which is `hidden` while it is closed; `[data-url]`, its address.
    """
    return aside(
        side.content,
        cls="room side",
        id=side.name,
        aria_label=side.label,
        data_url=side.url,
        hidden=side.content is None,
    )


def side_opener(side: Side) -> FT:
    """Return the link in the conversation's head that opens a closed side.

    Hooks: `a.opener`, with `data-room`.
    """
    return get_link(
        side.url,
        icon(side.icon),
        span(side.label),
        target=f"#{side.name}",
        hx_push_url="true",
        cls="button opener",
        data_kind="quiet",
        data_room=side.name,
    )


def side_closer(label: str, *, back_url: str) -> FT:
    """Return the link in a side's head that closes it; `back_url` is the page without it."""
    return a(icon("cross"), cls="button shut", data_kind="icon", href=back_url, aria_label=label)


def message_page(
    *,
    urls: Urls,
    brand: str,
    title: str,
    sentence: str,
    sign_in_url: str | None = None,
    action: Child = None,
    stylesheets: Sequence[str] = (),
) -> str:
    """Return a page with one sentence, for what cannot be shown.

    Args:
        action: What can be done about it; default: the way to sign in, if there is one, or to the chat.
    """
    back = a("Go to the chat", cls="button", data_kind="primary", href=urls.home())
    if sign_in_url:
        back = a("Sign in", cls="button", data_kind="primary", href=sign_in_url)
    return _document(
        urls,
        f"{title} · {brand}",
        main(h1(title), p(sentence), div(action or back, cls="actions"), cls="message column"),
        stylesheets=stylesheets,
    )


def unloaded_side(side: Side, sentence: str, *, back_url: str) -> FT:
    """Return a room at the side that could not be loaded."""
    head = header(h2(side.label), side_closer("Close", back_url=back_url), cls="room-head")
    content = div(notice(sentence, retry_url=side.url, target=f"#{side.name}"), cls="room-body", tabindex="-1")
    return side_room(replace(side, content=[head, content]))


def notice(sentence: str, *, retry_url: str, target: str = "", swap: str = "outerHTML") -> FT:
    """Return what stands in a place that could not be loaded.

    Args:
        target: The place, which another try fills; without one it brings a page.
        swap: How it is filled.
    """
    how = {"hx_get": retry_url, "hx_target": target, "hx_swap": swap} if target else {}
    again = a(icon("retry"), "Try again", cls="button", href=retry_url, **how)
    return div(icon("alert"), p(sentence), div(again, cls="actions"), cls="notice", role="alert")


def _document(urls: Urls, title: str, *children: Child, stylesheets: Sequence[str]) -> str:
    return "<!doctype html>" + render(
        html(
            head(
                meta(charset="utf-8"),
                meta(name="viewport", content=_VIEWPORT),
                meta(name="color-scheme", content="light dark"),
                meta(name="htmx-config", content=json.dumps(_HTMX)),
                tag("title")(title),
                link(rel="icon", href=urls.static("favicon.svg"), type="image/svg+xml"),
                link(rel="stylesheet", href=urls.static("css/chat.css")),
                [link(rel="stylesheet", href=path) for path in stylesheets],
                script(src=urls.static("vendor/htmx.js"), defer=True),
                script(src=urls.static("js/chat.js"), type="module"),
                [link(rel="modulepreload", href=urls.static(f"js/{name}.js")) for name in _MODULES],
            ),
            # The page's script takes hx-ignore away when all is there that htmx needs.
            body(sprite(), *children, p(cls="hidden", id="status", role="status"), hx_ignore=True),
            lang="en",
        )
    )


def _tabs(urls: Urls, current_url: str, sides: Sequence[Side], room: str) -> FT:
    def tab(name: str, glyph: str, label: str, url: str) -> FT:
        return a(icon(glyph), label, href=url, data_room=name, aria_current="page" if name == room else None)

    return nav(
        tab("history", "history", "History", urls.history()),
        tab("conversation", "chat", "Chat", current_url),
        [tab(side.name, side.icon, side.label, side.url) for side in sides],
        cls="tabs",
        aria_label="Rooms",
    )
