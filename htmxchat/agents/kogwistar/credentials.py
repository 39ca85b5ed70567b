"""With whose token the server is asked about a run that goes on while nobody looks.

A process knows the tokens of those who have asked it something, and those of sign-ins that the store keeps. A run of
somebody whose token is known nowhere waits until they ask again, and goes on where they do.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from contextlib import suppress

from ...errors import ChatError
from ...models import User
from ...store import Store
from .accounts import Accounts
from .transport.tokens import expired

_MOST = 10_000


class Credentials:
    """Tokens by the server's user ids, in memory only."""

    def __init__(self, store: Store, accounts: Accounts) -> None:
        self._store = store
        self._accounts = accounts
        self._seen: OrderedDict[str, str] = OrderedDict()
        self._refused: dict[str, str] = {}

    async def sign_in(self, user: User) -> User:
        """Return who the host's user is on the server, and remember the token.

        Raises:
            NotSignedIn: There is no token, it has expired, or the server does not know its user.
        """
        me = await self._accounts.user_id(user)
        if self._refused.get(me) != user.token and user.token:
            self._seen[me] = user.token
            self._seen.move_to_end(me)
            while len(self._seen) > _MOST:
                self._seen.popitem(last=False)
        return User(me, user.name, user.token, user.expires_at)

    async def find(self, user_id: str) -> str | None:
        """Return a token of a user; `None` when none is known that may be good."""
        token = self._seen.get(user_id)
        if token is not None and not expired(token):
            return token
        with suppress(ChatError):
            token = await self._store.token_of(user_id)
            if token is None or token == self._refused.get(user_id):
                return None
            # Sign-ins of the same store need not be of this server.
            if (await self.sign_in(User(user_id, token=token))).id == user_id:
                return token
        return None

    async def known(self, user_ids: Iterable[str]) -> set[str]:
        """Return those of some users for whom a token is known."""
        return {id for id in user_ids if await self.find(id) is not None}

    def refuse(self, user_id: str, token: str) -> None:
        """The server does not take a token any more."""
        self._refused[user_id] = token
        if self._seen.get(user_id) == token:
            del self._seen[user_id]
