"""The tokens of users, for their requests and for runs that continue without a request.

A process knows the tokens of users who have sent it a request, and of sign-ins in the store. A run of a user whose
token no process knows waits until that user sends a request to some process.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import replace

from ...errors import BackendUnavailable, ChatError, NotFound, NotSignedIn
from ...latest import Latest
from ...models import User
from ...store import Store
from .translation import problems
from .transport.client import Client
from .transport.tokens import expired

_MAX_TOKENS = 10_000


class Credentials:
    """Tokens by the server's user ids, and their owners. In memory only.

    The server says who owns a token, because a token is not verified here, and the journal is shown to its owner
    without asking the server again.

    Args:
        keep: How many seconds the owner of a token is remembered; longer while the server cannot be reached.
    """

    def __init__(self, client: Client, store: Store, keep: float) -> None:
        self._client = client
        self._store = store
        self._keep = keep
        self._tokens: Latest[str, str] = Latest(_MAX_TOKENS)
        self._owners: Latest[str, tuple[str, float]] = Latest(_MAX_TOKENS)
        self._refused: Latest[str, str] = Latest(_MAX_TOKENS)

    async def sign_in(self, user: User) -> User:
        """Return the server's user for a user of the host, and remember the token.

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
        return replace(user, id=me)

    async def find(self, user_id: str) -> str | None:
        """Return a token of a user; `None` if this process knows no valid one."""
        token = self._tokens.get(user_id)
        if token is not None and not expired(token):
            return token
        with suppress(ChatError):
            token = await self._store.sessions.token_of(user_id)
            # Sign-ins in the store may be of another server.
            if token and token != self._refused.get(user_id):
                return token if (await self.sign_in(User(user_id, token=token))).id == user_id else None
        return None

    def refuse(self, user_id: str, token: str) -> None:
        """Note that the server no longer accepts a token."""
        self._refused.put(user_id, token)
        if self._tokens.get(user_id) == token:
            self._tokens.pop(user_id)

    async def _owner(self, token: str) -> str:
        id, asked = self._owners.get(token) or ("", 0.0)
        if id and time.monotonic() - asked < self._keep:
            return id
        try:
            id = await self._client.account(token)
        except NotFound:
            raise NotSignedIn(problems.NO_USER) from None
        except BackendUnavailable:
            if not id:
                raise
            return id
        except NotSignedIn:
            self._owners.pop(token)
            raise
        self._owners.put(token, (id, time.monotonic()))
        return id
