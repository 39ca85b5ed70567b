"""The store's part for keys: random, made once, the same for every process that uses the database."""

from __future__ import annotations

import secrets
from contextlib import suppress

from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from . import tables as t
from .database import Database

_IDENTITY = "identity"


class Keys(Database):
    """Keys. They are stored as they are: whoever can read the database has them."""

    async def identity_key(self) -> bytes | None:
        """Return the key that signs what the chat issues to browsers; `None` for a store in memory."""
        if self._kind == "memory":
            return None
        found = await self._key(_IDENTITY)
        if found is None:
            values = {"name": _IDENTITY, "value": secrets.token_hex(32)}
            with suppress(IntegrityError):  # another process has just made it
                await self._write(lambda db: db.execute(insert(t.keys).values(**values)))
            found = await self._key(_IDENTITY)
        return None if found is None else bytes.fromhex(found)

    async def _key(self, name: str) -> str | None:
        return await self._read(lambda db: db.scalar(select(t.keys.c.value).where(t.keys.c.name == name)))
