"""The tables of the store."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)


class Moment(TypeDecorator[datetime]):
    """A time, stored in UTC and read back with its timezone (SQLite keeps none)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class _Hidden(str):
    """Text that does not show itself to drivers which log what they are given."""

    def __repr__(self) -> str:
        return "'…'"


class Secret(TypeDecorator[str]):
    """Text that is stored as it is, and stays out of logs."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else _Hidden(value)


metadata = MetaData()

# The database may hold the host's tables too.
_PREFIX = "htmxchat_"


def _belongs_to(target: str, **kwargs: Any) -> Column[str]:
    """A column that names a row of another table, and goes with it."""
    key = ForeignKey(f"{_PREFIX}{target}s.id", ondelete="CASCADE")
    return Column(f"{target}_id", String(32), key, nullable=False, **kwargs)


# A `folded` column holds the text in the form that searches compare.

conversations = Table(
    f"{_PREFIX}conversations",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("user_id", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("folded", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    Column("deleted_at", Moment, index=True),
    # The run that ends what is shown: the path from the first turn to it.
    Column("head", String(32)),
    Index(f"{_PREFIX}conversations_by_user", "user_id", "updated_at", "id"),
)

turns = Table(
    f"{_PREFIX}turns",
    metadata,
    Column("id", String(32), primary_key=True),
    _belongs_to("conversation"),
    Column("text", Text, nullable=False),
    Column("folded", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    # The run that this turn comes after; NULL for a first one. So the turns and runs of a conversation are a tree.
    Column("follows", String(32)),
    Index(f"{_PREFIX}turns_by_conversation", "conversation_id", "created_at"),
)

runs = Table(
    f"{_PREFIX}runs",
    metadata,
    Column("id", String(32), primary_key=True),
    _belongs_to("conversation"),
    _belongs_to("turn", index=True),
    Column("user_id", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("created_at", Moment, nullable=False),
    # The process that writes the log; NULL for an active run that waits for one.
    Column("owner", String(32)),
    # Whose runs another process may continue with; NULL when no process can.
    Column("agent", Text),
    # Where it may continue: what the agent said, and the number of the last event before that; -1 while it may not.
    Column("checkpoint", JSON(none_as_null=True)),
    Column("checkpoint_seq", Integer, nullable=False, default=0),
    # How many processes have died over it since then.
    Column("deaths", SmallInteger, nullable=False, default=0),
    # Since when it could continue and has no process.
    Column("released_at", Moment),
    # What the agent wants to know in the runs after it.
    Column("memory", JSON(none_as_null=True)),
    Column("stop_requested", Boolean, nullable=False, default=False),
    # What the active run waits for: a request or a script.
    Column("waiting", Text),
    # 1 while the run lives, else NULL: so the database itself allows one active run a conversation, and many others.
    Column("active", SmallInteger),
    # Written when the run ends: the compacted events, and the answer.
    Column("log", JSON(none_as_null=True)),
    Column("text", Text, nullable=False, default=""),
    Column("folded", Text, nullable=False, default=""),
    UniqueConstraint("conversation_id", "active", name=f"{_PREFIX}one_live_run"),
    Index(f"{_PREFIX}runs_by_conversation", "conversation_id", "created_at"),
    Index(f"{_PREFIX}runs_by_user", "user_id", "active"),
    Index(f"{_PREFIX}runs_by_owner", "active", "owner"),
)

# Processes with active runs, and when each last said that it is alive.
processes = Table(
    f"{_PREFIX}processes",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("alive_at", Moment, nullable=False),
)

events = Table(
    f"{_PREFIX}events",
    metadata,
    _belongs_to("run", primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", Moment, nullable=False),
    Column("type", String(64), nullable=False),
    Column("data", JSON, nullable=False),
    Column("raw", JSON(none_as_null=True)),
)

# Answers that the run has not picked up yet.
answers = Table(
    f"{_PREFIX}answers",
    metadata,
    _belongs_to("run", primary_key=True),
    Column("request_id", Text, primary_key=True),
    Column("answer", JSON, nullable=False),
)

# Scripts belong to any backend's runs, also to those that are not in these tables.
scripts = Table(
    f"{_PREFIX}scripts",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("conversation_id", Text, nullable=False),
    Column("run_id", Text, nullable=False),
    # Where it comes from: the `script_id` of a proposal, or the number of a block of the answer.
    Column("proposal", Text),
    Column("block", Integer),
    Column("title", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("position", Integer, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("awaited", Boolean, nullable=False, default=False),
    Column("edited", Boolean, nullable=False, default=False),
    Column("approved", String(64)),
    Column("trusted", Boolean, nullable=False, default=False),
    Column("revision", Integer, nullable=False, default=0),
    Column("approved_at", Moment),
    Column("started_at", Moment),
    Column("ended_at", Moment),
    Column("runner", String(64)),
    Column("lease_until", Moment),
    Column("result", JSON(none_as_null=True)),
    Column("cleared", Boolean, nullable=False, default=False),
    Index(f"{_PREFIX}scripts_by_conversation", "conversation_id", "position"),
    Index(f"{_PREFIX}scripts_by_run", "run_id"),
)

# Bytes that are kept once, whatever refers to them.
blobs = Table(
    f"{_PREFIX}blobs",
    metadata,
    # What the place calls them where they are.
    Column("id", String(32), primary_key=True),
    # NULL while they are not all there, and once they are about to go: then nothing can refer to them.
    Column("digest", String(64), unique=True),
    Column("size", BigInteger, nullable=False, default=0),
    Column("created_at", Moment, nullable=False),
)

# The bytes themselves, where it is the database that keeps them.
chunks = Table(
    f"{_PREFIX}chunks",
    metadata,
    Column("blob_id", String(32), ForeignKey(f"{_PREFIX}blobs.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("data", LargeBinary, nullable=False),
)

files = Table(
    f"{_PREFIX}files",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("user_id", Text, nullable=False, index=True),
    # NULL until it is sent.
    Column("conversation_id", String(32), ForeignKey(f"{_PREFIX}conversations.id", ondelete="CASCADE"), index=True),
    # The run whose agent has sent it; NULL for what the user sends.
    Column("run_id", String(32), ForeignKey(f"{_PREFIX}runs.id", ondelete="CASCADE"), index=True),
    Column("blob_id", String(32), ForeignKey(f"{_PREFIX}blobs.id"), nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("media_type", Text, nullable=False),
    Column("created_at", Moment, nullable=False, index=True),
)

# What the user sent with a turn.
turn_files = Table(
    f"{_PREFIX}turn_files",
    metadata,
    _belongs_to("turn", primary_key=True),
    Column("position", SmallInteger, primary_key=True, autoincrement=False),
    _belongs_to("file", index=True),
)

# What conversations, users' turns and runs are called by a server that keeps them too.
links = Table(
    f"{_PREFIX}links",
    metadata,
    Column("id", String(32), primary_key=True),
    # NULL for the conversation itself: that it was here is known after it is gone.
    Column("conversation_id", String(32), ForeignKey(f"{_PREFIX}conversations.id", ondelete="CASCADE"), index=True),
    Column("server_id", Text, nullable=False, default=""),
    # Of a run: what the server calls its answer, and the program that ran.
    Column("answer_id", Text, nullable=False, default=""),
    Column("workflow_id", Text, nullable=False, default=""),
)

# Sign-ins that the chat looks after. Ids are SHA-256 of what the cookie holds, so the table lets no one in; tokens are
# kept as they are, because the backend needs them.
sessions = Table(
    f"{_PREFIX}sessions",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("user_id", Text, nullable=False),
    Column("name", Text),
    Column("token", Secret),
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False, index=True),
)

# What the chat signs with, so that every process knows what another has issued.
keys = Table(
    f"{_PREFIX}keys",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("value", Secret, nullable=False),
)

# Begun in this browser, and not finished.
pending_sign_ins = Table(
    f"{_PREFIX}pending_sign_ins",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("back", Text, nullable=False),
    Column("with_state", Boolean, nullable=False),
    # Why it came to nothing, until the next page says so.
    Column("problem", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False, index=True),
)
