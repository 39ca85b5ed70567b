"""Sign-ins in the store: sessions, and sign-ins in progress."""

from __future__ import annotations

import hashlib
from typing import Any

from sqlalchemy import Connection, Table, and_, delete, insert, select

from ..models import PendingSignIn, User
from . import rows
from . import tables as t
from .database import Database


class Sessions:
    """Sign-ins by a secret that only the browser has; the tables hold its SHA-256. Every write deletes expired rows.

    The table `htmxchat_sessions` holds the users' tokens in clear text: anyone who can read the database can use them
    until they expire.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add_session(self, secret: str, user: User) -> None:
        """Store a session.

        Args:
            user: The user, with the backend's token and `expires_at`.

        Raises:
            ValueError: The user has no `expires_at`.
        """
        if user.expires_at is None:
            raise ValueError("a session needs a user with expires_at")
        values = {"user_id": user.id, "name": user.name, "token": user.token, "expires_at": user.expires_at}
        await self._add(t.sessions, secret, values)

    async def get_session(self, secret: str) -> User | None:
        """Return the session's user; `None` if it does not exist or has expired."""
        this = select(t.sessions).where(t.sessions.c.id == _digest(secret), t.sessions.c.expires_at > rows.now())
        row = await self._database.read(lambda db: db.execute(this).one_or_none())
        return None if row is None else User(row.user_id, row.name, row.token, row.expires_at)

    async def token_of(self, user_id: str) -> str | None:
        """Return the token of a user's latest session; `None` without one."""
        mine = and_(
            t.sessions.c.user_id == user_id, t.sessions.c.expires_at > rows.now(), t.sessions.c.token.is_not(None)
        )
        latest = select(t.sessions.c.token).where(mine).order_by(t.sessions.c.created_at.desc()).limit(1)
        return await self._database.read(lambda db: db.scalar(latest))

    async def delete_session(self, secret: str) -> None:
        """Delete a session and its token."""
        gone = delete(t.sessions).where(t.sessions.c.id == _digest(secret))
        await self._database.write(lambda db: db.execute(gone))

    async def add_sign_in(self, secret: str, pending: PendingSignIn) -> None:
        """Store a sign-in in progress, or why it failed."""
        values = {"back": pending.back, "with_state": pending.with_state, "expires_at": pending.expires_at}
        values["problem"] = pending.problem
        await self._add(t.pending_sign_ins, secret, values)

    async def take_sign_in(self, secret: str) -> PendingSignIn | None:
        """Return and delete a browser's sign-in in progress; `None` if there is none, or it has expired."""
        this = t.pending_sign_ins.c.id == _digest(secret)

        def work(db: Connection) -> PendingSignIn | None:
            row = db.execute(select(t.pending_sign_ins).where(this)).one_or_none()
            # Of two concurrent requests, only one deletes the row.
            if row is None or not db.execute(delete(t.pending_sign_ins).where(this)).rowcount:
                return None
            if row.expires_at <= rows.now():
                return None
            return PendingSignIn(row.back, row.with_state, row.expires_at, row.problem)

        return await self._database.write(work)

    async def _add(self, table: Table, secret: str, values: dict[str, Any]) -> None:
        now = rows.now()

        def work(db: Connection) -> None:
            for each in (t.sessions, t.pending_sign_ins):
                db.execute(delete(each).where(each.c.expires_at <= now))
            db.execute(insert(table).values(id=_digest(secret), created_at=now, **values))

        await self._database.write(work)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
