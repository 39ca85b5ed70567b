"""Sign-in that the chat itself takes care of: what a login has to offer, and what it can rely on."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from .. import checks
from ..kinds import check_fields
from ..models import PendingSignIn, User


class SessionStore(Protocol):
    """What remembers sign-ins; `Store.sessions` does. Secrets are what a cookie holds, and are stored hashed."""

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
        with_state: Whether the browser will come back to exactly the callback that was given, state and all. `False`
            for a server that knows one fixed address to send people to: then only the cookie ties what comes back
            to this browser.
    """

    url: str
    with_state: bool = True

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, slots=True)
class LoginPages:
    """The host's own pages for signing in and out, beside its `identify`.

    Attributes:
        login_url: Where people sign in, `"/login"`. It gets a field `next`, the path to come back to.
        logout_url: Where they sign out, to which a link leads.

    Raises:
        ValueError: One is neither a path nor an address.
    """

    login_url: str
    logout_url: str | None = None

    def __post_init__(self) -> None:
        checks.address("login_url", self.login_url, "/login")
        if self.logout_url is not None:
            checks.address("logout_url", self.logout_url, "/logout")


def over_https(login: Login) -> bool:
    """Return whether browsers reach the chat by https for certain, even where requests do not say so."""
    return (login.app_url or "").startswith("https:")


@runtime_checkable
class Login(Protocol):
    """How people sign in: `create_chat_app(backend, login=...)`.

    The chat does what is the same for every way to sign in: pages, cookies, sessions, that what comes back belongs to
    a sign-in which this browser has begun within ten minutes, and the way back to where the person was. A login says
    where to send the browser and what it came back with. A login with `open` and `close` is opened and closed with
    the chat, after the backend was closed.
    """

    @property
    def sessions(self) -> SessionStore:
        """What remembers who is signed in."""

    @property
    def app_url(self) -> str | None:
        """The scheme and host by which browsers reach the chat, `https://chat.example`; `None`: as requests say."""

    @property
    def fields(self) -> Collection[str]:
        """The query parameters that a sign-in comes back with, `token`. They are taken out of every request's URL
        before anything can show or log it."""

    async def begin(self, callback: str) -> SignInAt:
        """Return where to send a browser that is to come back to the URL `callback`.

        Raises:
            ChatError: It is not possible now. The page shows its sentence.
        """

    async def finish(self, values: Mapping[str, str]) -> User:
        """Return who has signed in, with `token` (if the backend needs one) and `expires_at`.

        Args:
            values: The query that the browser came back with.

        Raises:
            ChatError: No one has, or not someone who may chat. The page shows its sentence.
        """

    async def sign_out(self, user: User) -> None:
        """Tell anyone who needs to know that the user has signed out; the session is gone already."""
