"""Sign-in by the chat: the protocol of a login."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from .. import checks
from ..kinds import check_fields
from ..models import PendingSignIn, User


class SessionStore(Protocol):
    """Stores sessions and sign-ins in progress, like `Store.sessions`. Secrets are cookie values, stored hashed."""

    async def add_session(self, secret: str, user: User) -> None: ...
    async def get_session(self, secret: str) -> User | None: ...
    async def delete_session(self, secret: str) -> None: ...
    async def add_sign_in(self, secret: str, pending: PendingSignIn) -> None: ...
    async def take_sign_in(self, secret: str) -> PendingSignIn | None: ...


@dataclass(frozen=True, slots=True)
class SignInAt:
    """Where a browser goes to sign in.

    Attributes:
        url: The address, absolute.
        with_state: Whether the server redirects to the exact callback URL, including `state`. `False` for a server that
            redirects to a fixed URL: then only the cookie binds the callback to this browser.
    """

    url: str
    with_state: bool = True

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, slots=True)
class LoginPages:
    """The host's pages for signing in and out, used with its `identify`.

    Attributes:
        login_url: The sign-in page, `"/login"`. The chat adds the parameter `next`, the path to return to.
        logout_url: The sign-out page; the chat links to it.

    Raises:
        ValueError: A value is neither a path nor a URL.
    """

    login_url: str
    logout_url: str | None = None

    def __post_init__(self) -> None:
        checks.address("login_url", self.login_url, "/login")
        if self.logout_url is not None:
            checks.address("logout_url", self.logout_url, "/logout")


def over_https(login: Login) -> bool:
    """Return whether browsers certainly use https, even if this server's requests do not show it."""
    return (login.app_url or "").startswith("https:")


@runtime_checkable
class Login(Protocol):
    """How people sign in: `create_chat_app(backend, login=...)`.

    The chat does what every sign-in needs: pages, cookies, sessions, the check that a callback belongs to a sign-in
    that this browser began within ten minutes, and the redirect to the original page. The login supplies the URL to
    sign in at and turns the callback into a user. A login with `open` and `close` is opened with the chat, and closed
    after the backend.
    """

    @property
    def sessions(self) -> SessionStore:
        """Where sessions are stored."""

    @property
    def app_url(self) -> str | None:
        """The chat's public scheme and host, `https://chat.example`; `None` to take them from requests."""

    @property
    def fields(self) -> Collection[str]:
        """The names of the callback's query parameters with secrets, such as `token`. They are removed from every
        request's URL before it can be shown or logged."""

    async def begin(self, callback: str) -> SignInAt:
        """Return where to send the browser to sign in; it then returns to the URL `callback`.

        Raises:
            ChatError: Sign-in is not possible now. The page shows the message.
        """

    async def finish(self, values: Mapping[str, str]) -> User:
        """Return the signed-in user, with `expires_at` and, if the backend needs one, `token`.

        Args:
            values: The query of the callback.

        Raises:
            ChatError: The sign-in failed, or the user may not use the chat. The page shows the message.
        """

    async def sign_out(self, user: User) -> None:
        """Notify other systems of the sign-out. The session is already deleted."""
