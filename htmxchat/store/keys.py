"""Signing keys in the store: random, created once, shared by all processes that use the database."""

from __future__ import annotations

import secrets

from sqlalchemy import Connection, insert, select

from . import tables as t
from .database import Database

_IDENTITY = "identity"


class Keys:
    """Signing keys, stored in clear text: anyone who can read the database has them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def identity_key(self) -> bytes | None:
        """Return the key that signs the chat's cookies; `None` for a store in memory."""
        if self._database.engine.memory:
            return None
        key = await self._database.read(_find)
        if key is None:
            key = await self._database.write(_find_or_make)
        return bytes.fromhex(key)


def _find(db: Connection) -> str | None:
    return db.scalar(select(t.keys.c.value).where(t.keys.c.name == _IDENTITY))


def _find_or_make(db: Connection) -> str:
    """Return the key. If two processes create it at once, one fails, is retried, and finds it."""
    found = _find(db)
    if found is None:
        found = secrets.token_hex(32)
        db.execute(insert(t.keys).values(name=_IDENTITY, value=found))
    return found
