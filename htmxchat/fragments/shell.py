"""The page around the rooms, and the page that only says something."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ..html import FT, Child, icon, raw, render, tag
from ..kinds import check_fields, checked
from ..urls import Urls
from .controls import get_link, icon_only
from .icons import sprite

a, p, div, nav, main, header, h1, h2, aside = map(tag, ["a", "p", "div", "nav", "main", "header", "h1", "h2", "aside"])
b, footer, img, label, span, textarea = map(tag, ["b", "footer", "img", "label", "span", "textarea"])
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


_LATE_STYLES = {
    "turns": 'class="turn"',
    "inspector": "<chat-inspector",
    "scripts": "<chat-scripts",
    "forms": "<chat-form",
    "edit": "<chat-edit",
    "rooms": ' data-widths="',
}
"""The style sheets of what not every page has, and what a page that needs one contains. The same is in `js/late.js`."""


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

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, slots=True)
class Frame:
    """What every page of a chat has around its rooms, or around its sentence.

    Attributes:
        brand: The name of the chat.
        stylesheets: Addresses of the host's own, loaded after the chat's.
        logo: The address of an image before the name.
        favicon: The address of an image in place of the chat's own.
        header: What stands above.
        footer: What stands below.
    """

    brand: str
    stylesheets: Sequence[str] = ()
    logo: str | None = None
    favicon: str | None = None
    header: Child = None
    footer: Child = None

    def __post_init__(self) -> None:
        check_fields(self)


@checked
def page(
    *,
    urls: Urls,
    frame: Frame,
    title: str,
    history: Child,
    conversation: Child,
    current_url: str,
    sides: Sequence[Side] = (),
    runner: Child = None,
    refresh: float | None = None,
    room: str = "conversation",
    widths: str | None = None,
) -> str:
    """Return a whole page with its rooms.

    Hooks: `.chat[data-room]`, the room that a phone shows; `[data-sides]`, those at the side that are open;
    `[data-widths]`, the widths that the reader has set; `nav.tabs`; `#status[role=status]`, the one live region;
    `header.host-header` and `footer.host-footer`, with what the host puts there.

    Args:
        current_url: Where the phone's Chat tab leads.
        sides: The rooms beside the conversation, those that are closed too.
        runner: The element that runs scripts, if there is one.
        refresh: Seconds between two looks at what other tabs and devices have changed, while the page is visible;
            `None`: only when it is looked at again.
        room: The room that a phone shows: `history`, `conversation` or the name of a side.
        widths: Those that the reader has set, in rem: `h12` to `h28` (the list), `s20` to `s48` (sides), `folded`.
    """
    # Back and forward put what is in `.rooms` in place again, and leave the list beside it alone.
    rooms = div(conversation, [side_room(side) for side in sides], cls="rooms", hx_history_elt=True)
    return _document(
        "rooms",
        urls,
        frame,
        title,
        a("Skip to the composer", cls="hidden", href="#text"),
        _host_part(header, "host-header", frame.header),
        div(
            history,
            rooms,
            _tabs(urls, current_url, sides, room),
            cls="chat",
            data_room=room,
            data_sides=_open(sides),
            data_widths=widths,
        ),
        _host_part(footer, "host-footer", frame.footer),
        runner,
        _changes(urls, refresh),
    )


def _open(sides: Sequence[Side]) -> str | None:
    return " ".join(side.name for side in sides if side.content is not None) or None


def _changes(urls: Urls, refresh: float | None) -> FT:
    """Return the element that keeps all rooms in step with what others change."""
    return tag("chat-changes")(
        hidden=True,
        data_every=None if refresh is None else str(round(refresh * 1000)),
        hx_get=urls.changes(),
        hx_trigger="chat:ask",
        hx_swap="none",
    )


@checked
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


@checked
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


@checked
def side_closer(label: str, *, back_url: str) -> FT:
    """Return the link in a side's head that closes it; `back_url` is the page without it."""
    return a(icon("cross"), cls="button shut", href=back_url, **icon_only(label))


def brand_mark(brand: str, logo: str | None) -> Child:
    """Return the chat's name, after its logo if there is one."""
    return img(src=logo, alt="", cls="logo") if logo else None, b(brand, cls="cut", dir="auto")


@checked
def message_page(
    *,
    urls: Urls,
    frame: Frame,
    title: str,
    sentence: str,
    sign_in_url: str | None = None,
    action: Child = None,
    kept: str = "",
) -> str:
    """Return a page with one sentence, for what cannot be shown.

    Args:
        kept: What was sent and not taken, to be copied.
        action: What can be done about it; default: the way to sign in, if there is one, or to the chat.
    """
    back = a("Go to the chat", cls="button", data_kind="primary", href=urls.home())
    if sign_in_url:
        back = a("Sign in", cls="button", data_kind="primary", href=sign_in_url)
    return _document(
        "message",
        urls,
        frame,
        title if frame.brand in title else f"{title} · {frame.brand}",
        _host_part(header, "host-header", frame.header),
        main(
            p(brand_mark(frame.brand, frame.logo), cls="brand"),
            h1(title, dir="auto"),
            p(sentence, dir="auto"),
            _kept_text(kept) if kept else None,
            div(action or back, cls="actions"),
            cls="message column",
        ),
        _host_part(footer, "host-footer", frame.footer),
    )


def _kept_text(text: str) -> FT:
    rows = min(max(text.count("\n") + 1, 3), 12)
    return label("What you wrote, to copy", textarea(text, readonly=True, rows=rows, dir="auto"), cls="kept")


def unloaded_side(side: Side, sentence: str, *, back_url: str) -> FT:
    """Return a room at the side that could not be loaded."""
    head = header(h2(side.label), side_closer("Close", back_url=back_url), cls="room-head")
    content = div(notice(sentence, retry_url=side.url, target=f"#{side.name}"), cls="room-body", tabindex="-1")
    return side_room(replace(side, content=[head, content]))


@checked
def notice(sentence: str, *, retry_url: str, target: str = "", swap: str = "outerHTML") -> FT:
    """Return what stands in a place that could not be loaded.

    Args:
        target: The place, which another try fills; without one it brings a page.
        swap: How it is filled.
    """
    how = {"hx_get": retry_url, "hx_target": target, "hx_swap": swap} if target else {}
    again = a(icon("retry"), "Try again", cls="button", href=retry_url, **how)
    return div(icon("alert"), p(sentence, dir="auto"), div(again, cls="actions"), cls="notice", role="alert")


@checked
def resources(*, urls: Urls) -> list[FT]:
    """Return what the `head` of a page with turns has: the style sheets, htmx with its settings, the page's script.

    The script loads the style sheets of rooms at the side and of forms when they are there.
    """
    return _resources(urls, ["chat", "turns"])


def _resources(urls: Urls, styles: Sequence[str]) -> list[FT]:
    return [
        meta(name="htmx-config", content=json.dumps(_HTMX)),
        [link(rel="stylesheet", href=urls.static(f"css/{name}.css")) for name in styles],
        script(src=urls.static("vendor/htmx.js"), defer=True),
        script(src=urls.static("js/chat.js"), type="module"),
    ]


def status_line() -> FT:
    """Return the page's one live region, which is heard and not seen. A page has it once, at the end of its body."""
    return p(cls="htmxchat hidden", id="status", role="status")


def _host_part(element: Callable[..., FT], name: str, content: Child) -> FT | None:
    return None if content is None else element(content, cls=name)


def _document(kind: str, urls: Urls, frame: Frame, title: str, *children: Child) -> str:
    favicon = (
        {"href": frame.favicon} if frame.favicon else {"href": urls.static("favicon.svg"), "type": "image/svg+xml"}
    )
    # The page's script takes hx-ignore away when all is there that htmx needs.
    shown = render(body(sprite(), *children, status_line(), cls="htmxchat", hx_ignore=True))
    styles = ["chat", *(style for style, mark in _LATE_STYLES.items() if mark in shown)]
    return "<!doctype html>" + render(
        html(
            head(
                meta(charset="utf-8"),
                meta(name="viewport", content=_VIEWPORT),
                meta(name="color-scheme", content="light dark"),
                tag("title")(title),
                link(rel="icon", **favicon),
                _resources(urls, styles),
                [link(rel="stylesheet", href=path) for path in frame.stylesheets],
            ),
            raw(shown),
            lang="en",
            data_chat=kind,
        )
    )


def _tabs(urls: Urls, current_url: str, sides: Sequence[Side], room: str) -> FT:
    def tab(name: str, glyph: str, label: str, url: str) -> FT:
        return a(icon(glyph), span(label), href=url, data_room=name, aria_current="page" if name == room else None)

    return nav(
        tab("history", "history", "History", urls.history()),
        tab("conversation", "chat", "Chat", current_url),
        [tab(side.name, side.icon, side.label, side.url) for side in sides],
        cls="tabs",
        aria_label="Rooms",
    )
