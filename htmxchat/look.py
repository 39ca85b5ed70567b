"""What a host puts on the chat's pages: marks, a header and a footer, an empty state."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from . import checks
from .html import FT, Child
from .models import User
from .urls import Urls

Content: TypeAlias = "Child | Callable[[User | None], Child]"
"""FastHTML components or text, which is escaped; or a function that returns some for anyone who is signed in."""

_ADDRESSES = ("href", "src", "action", "formaction", "hx-get", "hx-post", "hx-put", "hx-patch", "hx-delete")


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a host puts on the chat's pages. Each is left out by default.

    Contents are components, text, or a function that is given the `User`, or `None` on a page that no one is signed in
    to. A path in their `href`, `src`, `action`, `formaction` or `hx-get` (or another method's) is one of the
    application that mounts the chat, as it is in `stylesheets`. The pages' policy allows no scripts and styles inside
    HTML: use `cls`, and `stylesheets`.

    Attributes:
        agent: What the other side is called, for screen readers.
        greeting: The heading of the empty page.
        introduction: A sentence below it.
        stylesheets: Paths of the host's own style sheets, `"/static/brand.css"`, loaded after the chat's: the place to
            set the `--chat-*` tokens. They come from the chat's own origin.
        logo: The path of an image, shown before the title of the chat. It can be 24 pixels high.
        favicon: The path of an image for the browser's tab, in place of the chat's.
        header: What stands above the rooms, on every page.
        footer: What stands below them.
        empty: What stands on the empty page, in place of the greeting and the introduction; starters follow.
    """

    agent: str = "Agent"
    greeting: str = "What can I do for you?"
    introduction: str = ""
    stylesheets: Sequence[str] = ()
    logo: str | None = None
    favicon: str | None = None
    header: Content = None
    footer: Content = None
    empty: Child | Callable[[User], Child] = None

    def __post_init__(self) -> None:
        checks.text("Look.agent", self.agent, empty=False)
        checks.text("Look.greeting", self.greeting)
        checks.text("Look.introduction", self.introduction)
        paths = checks.items("Look.stylesheets", self.stylesheets, checks.path, '["/static/brand.css"]')
        object.__setattr__(self, "stylesheets", paths)  # frozen, but not before it is complete
        for name in ("logo", "favicon"):
            if getattr(self, name) is not None:
                checks.path(f"Look.{name}", getattr(self, name))
        for name in ("header", "footer", "empty"):
            _check_content(f"Look.{name}", getattr(self, name))


def content_for(user: User | None, content: Any, urls: Urls) -> Child:
    """Return what a content is for this user, with addresses that are right for a browser."""
    # A component can be called too: that adds to it.
    return at_host(content(user) if callable(content) and not isinstance(content, FT) else content, urls)


def _check_content(name: str, content: Any) -> None:
    if isinstance(content, FT):
        # The policy of the pages would leave these out, and say so only on a browser's console.
        inside = [name for name in content.attrs if name == "style" or name.startswith("on")]
        if content.tag in ("script", "style") or inside:
            what = f"the attribute {inside[0]}" if inside else f"a {content.tag} element"
            advice = "Give it a class (cls) and write the style in one of stylesheets."
            raise ValueError(f"{name} has {what}, which the pages' policy does not allow. {advice}")
        for child in content.children:
            _check_content(name, child)
    elif isinstance(content, list | tuple):
        for child in content:
            _check_content(name, child)
    elif callable(content):
        checks.synchronous(name, content, "lambda user: P(…)")
    elif content is not None and not isinstance(content, str | int) and not hasattr(content, "__html__"):
        raise TypeError(f"{name} is a component, P(…), a str, or a function of the user, not {checks.kind(content)}.")


def at_host(child: Child, urls: Urls) -> Child:
    """Return a content with addresses that are right for a browser."""
    if isinstance(child, FT):
        attributes = {
            name: urls.at_host(value) if name in _ADDRESSES and isinstance(value, str) else value
            for name, value in child.attrs.items()
        }
        return FT(child.tag, tuple(at_host(each, urls) for each in child.children), attributes, void_=child.void_)
    if isinstance(child, list | tuple):
        return tuple(at_host(each, urls) for each in child)  # FastHTML does not escape a list
    return child
