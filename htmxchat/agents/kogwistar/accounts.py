"""Who is who: the host says who asks, the server says whose its conversations are."""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import TYPE_CHECKING

from ...errors import BackendUnavailable, NotFound, NotSignedIn
from ...models import User
from .translation import problems
from .transport.tokens import expired, fingerprint

if TYPE_CHECKING:
    from .transport.client import Client

_MOST = 10_000


class Accounts:
    """Knows the server's user id for a token.

    The server is asked, because nothing in a token is certain before the server has checked it, and what is
    remembered of a user is shown without asking the server again. Tokens are known by their fingerprints.

    Args:
        keep: For how many seconds an answer is believed. While the server cannot be reached, an old one still is.
    """

    def __init__(self, client: Client, keep: float) -> None:
        self._client = client
        self._keep = keep
        self._known: OrderedDict[str, tuple[str, float]] = OrderedDict()

    async def user_id(self, user: User) -> str:
        """Return the id of the server's user who has this token.

        Raises:
            NotSignedIn: There is no token, it has expired, or the server does not know its user.
        """
        if not user.token:
            raise NotSignedIn(problems.NO_TOKEN)
        if expired(user.token):
            raise NotSignedIn(problems.SIGN_IN_AGAIN)
        key = fingerprint(user.token)
        known = self._known.get(key)
        if known is not None and time.monotonic() - known[1] < self._keep:
            return known[0]
        try:
            id = await self._client.account(user.token)
        except NotFound:
            raise NotSignedIn(problems.NO_USER) from None
        except BackendUnavailable:
            if known is None:
                raise
            return known[0]
        except NotSignedIn:
            self._known.pop(key, None)
            raise
        self._known[key] = id, time.monotonic()
        while len(self._known) > _MOST:
            self._known.popitem(last=False)
        return id
