"""A host's changes to the chat's pages: logo, texts, style sheets, header, footer, empty page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from . import checks
from .html import FT, Child
from .models import User
from .urls import Urls

Content: TypeAlias = "Child | Callable[[User | None], Child]"
"""FastHTML components or text, which is escaped; or a function of the user that returns them."""

_ADDRESSES = ("href", "src", "action", "formaction", "hx-get", "hx-post", "hx-put", "hx-patch", "hx-delete")


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A host's changes to the chat's pages. All are optional.

    `header`, `footer` and `empty` are components, text, or a function of the `User` (`None` if no one is signed in).
    Paths in their `href`, `src`, `action`, `formaction` and `hx-*` attributes are relative to the application that
    mounts the chat, like `stylesheets`. The Content-Security-Policy allows no scripts or styles inside HTML: use `cls`
    and `stylesheets`.

    Attributes:
        agent: The agent's name, for screen readers.
        greeting: The heading of the empty page.
        introduction: A sentence below it.
        stylesheets: Paths of the host's style sheets, `"/static/brand.css"`, loaded after the chat's: for example, to
            set the `--chat-*` tokens. They are on the chat's own origin.
        logo: The path of an image shown before the chat's title, up to 24 pixels high.
        favicon: The path of an image for the browser's tab.
        header: Content above the rooms, on every page.
        footer: Content below the rooms, on every page.
        empty: Content of the empty page instead of the greeting and introduction; starters follow.
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
    """Return the content for this user, with URLs resolved for the browser."""
    # A component is callable too: a call adds children.
    return at_host(content(user) if callable(content) and not isinstance(content, FT) else content, urls)


def _check_content(name: str, content: Any) -> None:
    if isinstance(content, FT):
        # The Content-Security-Policy blocks these, and only the browser's console would tell.
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
        raise TypeError(
            f"{name} must be a component, P(…), a str, or a function of the user, not {checks.kind(content)}."
        )


def at_host(child: Child, urls: Urls) -> Child:
    """Return content with URLs resolved for the browser."""
    if isinstance(child, FT):
        attributes = {
            name: urls.at_host(value) if name in _ADDRESSES and isinstance(value, str) else value
            for name, value in child.attrs.items()
        }
        return FT(child.tag, tuple(at_host(each, urls) for each in child.children), attributes, void_=child.void_)
    if isinstance(child, list | tuple):
        return tuple(at_host(each, urls) for each in child)  # FastHTML does not escape a list
    return child
