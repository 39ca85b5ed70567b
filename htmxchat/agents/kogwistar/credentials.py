"""Who asks, and with whose token the server is asked about a run that continues while no one looks.

The host says who asks, the server says whose its conversations are. A process knows the tokens of those who have asked
it something, and those of sign-ins that the store keeps. A run of someone whose token is known nowhere waits until
they ask again, and continues where they do.
"""

from __future__ import annotations

import time
from contextlib import suppress

from ...errors import BackendUnavailable, ChatError, NotFound, NotSignedIn
from ...latest import Latest
from ...models import User
from ...store import Store
from .translation import problems
from .transport.client import Client
from .transport.tokens import expired, fingerprint

_MAX_TOKENS = 10_000


class Credentials:
    """Tokens by the server's user ids, and whose each is, in memory only.

    The server is asked, because nothing in a token is certain before the server has checked it, and what is
    remembered of a user is shown without asking the server again.

    Args:
        keep: For how many seconds it is believed whose a token is. While the server cannot be reached, it still is.
    """

    def __init__(self, client: Client, store: Store, keep: float) -> None:
        self._client = client
        self._store = store
        self._keep = keep
        self._tokens: Latest[str, str] = Latest(_MAX_TOKENS)
        self._owners: Latest[str, tuple[str, float]] = Latest(_MAX_TOKENS)
        self._refused: Latest[str, str] = Latest(_MAX_TOKENS)

    async def sign_in(self, user: User) -> User:
        """Return who the host's user is on the server, and remember the token.

        Raises:
            NotSignedIn: There is no token, it has expired, or the server does not know its user.
        """
        if not user.token:
            raise NotSignedIn(problems.NO_TOKEN)
        if expired(user.token):
            raise NotSignedIn(problems.SIGN_IN_AGAIN)
        me = await self._owner(user.token)
        if self._refused.get(me) != user.token:
            self._tokens.put(me, user.token)
        return User(me, user.name, user.token, user.expires_at)

    async def find(self, user_id: str) -> str | None:
        """Return a token of a user; `None` when none is known that may be good."""
        token = self._tokens.get(user_id)
        if token is not None and not expired(token):
            return token
        with suppress(ChatError):
            token = await self._store.sessions.token_of(user_id)
            if token is None or token == self._refused.get(user_id):
                return None
            # Sign-ins of the same store need not be of this server.
            if (await self.sign_in(User(user_id, token=token))).id == user_id:
                return token
        return None

    def refuse(self, user_id: str, token: str) -> None:
        """The server does not take a token any more."""
        self._refused.put(user_id, token)
        if self._tokens.get(user_id) == token:
            self._tokens.pop(user_id)

    async def _owner(self, token: str) -> str:
        key = fingerprint(token)
        known = self._owners.get(key)
        if known is not None and time.monotonic() - known[1] < self._keep:
            return known[0]
        try:
            id = await self._client.account(token)
        except NotFound:
            raise NotSignedIn(problems.NO_USER) from None
        except BackendUnavailable:
            if known is None:
                raise
            return known[0]
        except NotSignedIn:
            self._owners.pop(key)
            raise
        self._owners.put(key, (id, time.monotonic()))
        return id
