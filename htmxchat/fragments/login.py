"""Sign-in: the sign-in page, the page that redirects to the sign-in server, and the link beside the composer."""

from __future__ import annotations

from ..html import FT, tag
from ..kinds import checked
from ..urls import Urls
from .shell import Frame, message_page

a, button, form, input_ = map(tag, ["a", "button", "form", "input"])


@checked
def sign_in_page(
    *,
    urls: Urls,
    frame: Frame,
    title: str,
    sentence: str,
    back: str,
    kept: str = "",
) -> str:
    """Return the page with the button that signs in.

    A form and not a link: another site can send a browser to a page, but cannot press a button there.

    Args:
        back: The path to come back to.
        kept: What was sent and not taken, to be copied.
    """
    start = form(
        input_(type="hidden", name="back", value=back),
        button("Sign in", cls="button", data_kind="primary", name="sign-in", type="submit"),
        method="post",
        action=urls.login(),
    )
    return message_page(urls=urls, frame=frame, title=title, sentence=sentence, action=start, kept=kept)


@checked
def leaving_page(*, urls: Urls, frame: Frame, url: str) -> str:
    """Return the page that is seen for a moment on the way to `url`."""
    onward = a("Continue", cls="button", data_kind="primary", href=url)
    sentence = "Redirecting to the sign-in page."
    return message_page(urls=urls, frame=frame, title="Sign in", sentence=sentence, action=onward)


@checked
def sign_in_link(url: str) -> FT:
    """Return the link that stands after a sentence about not being signed in."""
    return a("Sign in", href=url)


@checked
def sign_out_form(*, urls: Urls) -> FT:
    """Return the form to sign out of a chat with its own sign-in."""
    press = button("Sign out", cls="button", data_kind="quiet", name="sign-out", type="submit")
    return form(press, method="post", action=urls.logout())


@checked
def sign_out_link(url: str) -> FT:
    """Return the link to the host's own page for signing out."""
    return a("Sign out", cls="button", data_kind="quiet", href=url)
