"""Sign in through the server's own `/api/auth/login`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx

from ... import checks
from ...auth.login import SignInAt
from ...errors import BackendError, BackendUnavailable, NotAllowed, NotSignedIn
from ...models import User
from ...store import Store
from ...text.cleaning import one_line, read_json, storable
from ..server_url import server_url
from .translation.problems import CANNOT_CHAT, DEV_ROLE, Refused, refusal
from .translation.replies import mapping, strings
from .transport.http import EXAMPLE, Http
from .transport.probe import cannot_chat
from .transport.tokens import expires_at

_TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]{1,16384}")
_MAX_AGE = timedelta(hours=24)
_WITHOUT_EXP = timedelta(hours=4)  # how long the server's own tokens last

_FAILED = "The server that signs you in failed. Try again in a moment."
_NO_LOGIN = (
    "No kogwistar server offers a sign-in at the address that this chat has. "
    "The operator of the chat must check that address."
)
_REFUSED = "The kogwistar server does not begin a sign-in. Its operator must check its sign-in settings."
_NOT_BACK = (
    "The kogwistar server does not send people back to this chat. "
    "Its operator must add {} to its AUTH_ALLOWED_RETURN_URLS."
)
_NO_TOKEN = "The sign-in was not finished. Sign in again."
_BAD_TOKEN = "The kogwistar server did not accept the sign-in that it sent. Sign in again."
_NO_USER = "The kogwistar server does not know this user. Ask its operator for an account."
_CLOCKS = "The sign-in had expired before it began: the clocks of this server and of the kogwistar server differ."


class KogwistarLogin:
    """Signs users in through a kogwistar server, in its dev mode and with OpenID Connect. asyncio only.

    A dev server redirects users to the address that it gets. A server with OpenID Connect is asked to redirect them to
    this chat's `/login/callback`: since 0.6 it does so if its `AUTH_ALLOWED_RETURN_URLS`, or else its `UI_URL`, is
    that address. Older servers always redirect to `UI_URL`.

    The session ends when the token expires. Tokens are stored only in the store's database.

    Args:
        base_url: The server, as this process reaches it.
        store: Has the sessions; may be the backend's.
        app_url: The scheme and host by which browsers reach the chat, `https://chat.example`. Default: as each
            request says, which is right unless a proxy changes it.
        public_url: The server, as browsers reach it. Default: `base_url`.
        provider: Which of the server's OpenID Connect providers; default: the server's choice.
        timeout: Seconds that the server may be silent.

    Raises:
        ValueError: An address is not one.
    """

    fields = frozenset({"token"})

    def __init__(
        self,
        base_url: str,
        store: Store,
        *,
        app_url: str | None = None,
        public_url: str | None = None,
        provider: str | None = None,
        timeout: float = 10.0,
    ) -> None:
        self._http = Http(base_url, checks.seconds("timeout", timeout))
        self._public = server_url("public_url", public_url, EXAMPLE) if public_url else self._http.base_url
        self._provider = provider if provider is None else checks.text("provider", provider)
        self.store = checks.instance("store", store, Store, 'Store("sqlite:///chat.db")')
        self.sessions = store.sessions
        self.app_url = server_url("app_url", app_url, "https://chat.example") if app_url else None
        if self.app_url and urlsplit(self.app_url).path:
            raise ValueError(f"app_url must be a scheme and a host, without a path, not {app_url!r}.")

    async def open(self) -> None:
        """Open the store."""
        await self.store.open()

    async def close(self) -> None:
        """Close all connections and the store."""
        await self._http.close()
        await self.store.close()

    async def begin(self, callback: str) -> SignInAt:
        """Return where the server signs people in.

        Raises:
            BackendUnavailable: The server cannot be reached, or fails.
            BackendError: It has no sign-in, or refuses to begin one.
        """
        if await self._is_dev():
            return SignInAt(f"{self._public}/api/auth/login?{urlencode({'redirect_uri': callback})}")
        # The server compares the whole address, so the state at its end is removed.
        back = callback.rpartition("/")[0]
        provider = {"provider": self._provider} if self._provider else {}
        path = f"/api/auth/login?{urlencode({'return_to': back, **provider})}"
        # Asked here first, so that an error is shown on a page of the chat.
        answer = await self._ask("GET", path)
        if answer.status_code == 400 and "return_to" in answer.text:
            path = f"/api/auth/login?{urlencode(provider)}".rstrip("?")
            answer = await self._ask("GET", path)
            home = (answer.cookies.get("auth_return_to") or "").strip('"')
            if not home.startswith(back.removesuffix("login/callback")):
                raise BackendError(_NOT_BACK.format(back))
        if not answer.is_redirect:
            raise BackendError(_REFUSED)
        return SignInAt(self._public + path, with_state=False)

    async def finish(self, values: Mapping[str, str]) -> User:
        """Return the owner of the token, according to the server.

        Raises:
            NotSignedIn: There is no token, or the server does not accept it.
            NotAllowed: The user is not allowed to chat.
            BackendUnavailable: The server cannot be reached, or fails.
            BackendError: It answers with something else.
        """
        token = values.get("token", "")
        if not _TOKEN.fullmatch(token):
            raise NotSignedIn(_NO_TOKEN)
        answer = await self._ask("GET", "/api/auth/me", token)
        if answer.status_code == 401:
            raise NotSignedIn(_BAD_TOKEN)
        try:
            me = mapping(read_json(answer.content))
        except ValueError:
            me = {}
        if answer.status_code == 404 and me:
            raise NotAllowed(_NO_USER)
        user_id = me.get("user_id") if answer.status_code == 200 else None
        if not isinstance(user_id, str) or not user_id or not storable(user_id):
            raise BackendError(_FAILED)
        _check(me)
        return User(user_id, _name(me), token, _expiry(token))

    async def sign_out(self, user: User) -> None:
        """Tell the server. It confirms, but its tokens stay valid until they expire."""
        await self._ask("POST", "/api/auth/logout", user.token)

    async def _is_dev(self) -> bool:
        if cannot_chat((await self._ask("GET", "/health")).content):
            raise BackendError(CANNOT_CHAT)
        # A dev server refuses this route and says why. A request for a login would make a token.
        answer = await self._ask("GET", "/api/auth/callback?state=none&code=none")
        if answer.status_code == 404:
            raise BackendError(_NO_LOGIN)
        return "AUTH_MODE=dev" in answer.text

    async def _ask(self, method: str, path: str, token: str | None = None) -> httpx.Response:
        answer = await self._http.request(method, path, token)
        if answer.status_code >= 500:
            error = refusal(answer.status_code, answer.content)
            raise error if isinstance(error, Refused) else BackendUnavailable(_FAILED)
        return answer


def _check(me: Mapping[str, Any]) -> None:
    """Refuse a user who may not chat: the server would answer every click with 403."""
    who, ask = f"You have signed in as {_name(me)}", "Ask the operator of the kogwistar server to change that."
    if me.get("is_active") is False:
        raise NotAllowed(f"{who}, but this account is not active. {ask}")
    if me.get("role") == "ro":
        role = "its role is “ro”"
        raise NotAllowed(f"{who}, but this account may only read ({role}), so it cannot chat. {ask} {DEV_ROLE}")
    # One text with commas, or a list.
    if not {"conversation", "*"} & {name.strip() for name in ",".join(strings(me.get("ns"))).split(",")}:
        raise NotAllowed(f"{who}, but this account has no access to conversations (namespace “conversation”). {ask}")


def _name(me: Mapping[str, Any]) -> str:
    name = me.get("display_name") or me.get("email") or me["user_id"]
    return one_line(str(name), 100)


def _expiry(token: str) -> datetime:
    now = datetime.now(UTC)
    end = min(expires_at(token) or now + _WITHOUT_EXP, now + _MAX_AGE)
    if end <= now:
        raise BackendError(_CLOCKS)
    return end
