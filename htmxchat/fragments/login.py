"""Signing in: the page that offers it, the page on the way to where it happens, and the link beside the composer."""

from __future__ import annotations

from collections.abc import Sequence

from ..html import FT, tag
from ..urls import Urls
from .shell import message_page

a, button, form, input_ = map(tag, ["a", "button", "form", "input"])


def sign_in_page(
    *,
    urls: Urls,
    brand: str,
    title: str,
    sentence: str,
    back: str,
    stylesheets: Sequence[str] = (),
) -> str:
    """Return the page with the button that signs in.

    A form and not a link: another site can send a browser to a page, but cannot press a button there.

    Args:
        back: The path to come back to.
    """
    start = form(
        input_(type="hidden", name="back", value=back),
        button("Sign in", cls="button", data_kind="primary", name="sign-in", type="submit"),
        method="post",
        action=urls.login(),
    )
    return message_page(urls=urls, brand=brand, title=title, sentence=sentence, action=start, stylesheets=stylesheets)


def leaving_page(*, urls: Urls, brand: str, url: str, stylesheets: Sequence[str] = ()) -> str:
    """Return the page that is seen for a moment on the way to `url`."""
    onward = a("Continue", cls="button", data_kind="primary", href=url)
    sentence = "You are being taken to where you sign in."
    return message_page(
        urls=urls, brand=brand, title="Sign in", sentence=sentence, action=onward, stylesheets=stylesheets
    )


def sign_in_link(*, urls: Urls, back: str) -> FT:
    """Return the link that stands after a sentence about not being signed in."""
    return a("Sign in", href=urls.login(back))
