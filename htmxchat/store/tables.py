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
    """Text whose `repr` hides it, for drivers that log their parameters."""

    def __repr__(self) -> str:
        return "'…'"


class Secret(TypeDecorator[str]):
    """Text that is stored in clear text and kept out of logs."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else _Hidden(value)


metadata = MetaData()

# The database may also hold the host's tables.
_PREFIX = "htmxchat_"


def _belongs_to(target: str, **kwargs: Any) -> Column[str]:
    """A foreign key; the row is deleted with the row it refers to."""
    key = ForeignKey(f"{_PREFIX}{target}s.id", ondelete="CASCADE")
    return Column(f"{target}_id", String(32), key, nullable=False, **kwargs)


# A `folded` column holds the text in the normal form that searches compare.

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
    # The last run of the shown path.
    Column("head", String(32)),
    # How often that has become another path than one that only grew at its end.
    Column("revision", Integer, nullable=False, default=0),
    # How often feedback in it has changed.
    Column("feedback", Integer, nullable=False, default=0),
    # When it was made from a file; NULL for one that was held here.
    Column("imported_at", Moment),
    # Whether its user has set the title, so that agents do not change it.
    Column("renamed", Boolean, nullable=False, default=False),
    # 1 for a pinned conversation, -1 for an archived one, else 0.
    Column("shelf", SmallInteger, nullable=False, default=0),
    Index(f"{_PREFIX}conversations_by_shelf", "user_id", "shelf", "updated_at", "id"),
)

turns = Table(
    f"{_PREFIX}turns",
    metadata,
    Column("id", String(32), primary_key=True),
    _belongs_to("conversation"),
    Column("text", Text, nullable=False),
    Column("folded", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    # The run that this turn follows; NULL for a first turn. So the turns and runs of a conversation are a tree.
    Column("follows", String(32)),
    # When it was deleted with all that follows it. It can come back for a while; then only this row is kept, which says
    # that something followed.
    Column("deleted_at", Moment, index=True),
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
    # The process that writes the log; NULL for a released run.
    Column("owner", String(32)),
    # The name of the agent that can resume the run in another process; NULL if none can.
    Column("agent", Text),
    # The agent's last checkpoint, and the number of the last event before it; -1 while the run is pinned.
    Column("checkpoint", JSON(none_as_null=True)),
    Column("checkpoint_seq", Integer, nullable=False, default=0),
    # How many processes have died while executing it since then.
    Column("deaths", SmallInteger, nullable=False, default=0),
    # When it was released, or its answer arrived.
    Column("released_at", Moment),
    # The name of the agent that answers, if the backend names its agents.
    Column("answered_by", Text),
    # The agent's memory for the runs after it, and that of the other agents on this branch by their names.
    Column("memory", JSON(none_as_null=True)),
    Column("memories", JSON(none_as_null=True)),
    Column("stop_requested", Boolean, nullable=False, default=False),
    # The request or script that the active run waits for.
    Column("waiting", Text),
    # 1 while the run is active, else NULL, so that the unique constraint allows one active run per conversation.
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

# Processes with active runs, and their last heartbeat.
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

# What users think of answers.
feedback = Table(
    f"{_PREFIX}feedback",
    metadata,
    _belongs_to("run", primary_key=True),
    _belongs_to("conversation", index=True),
    Column("rating", String(8), nullable=False),
    Column("comment", Text, nullable=False),
    Column("given_at", Moment, nullable=False),
)

# Scripts may belong to the runs of any backend, which need not be in these tables.
scripts = Table(
    f"{_PREFIX}scripts",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("conversation_id", Text, nullable=False),
    Column("run_id", Text, nullable=False),
    # Its origin: the `script_id` of a proposal, or the number of a block of the answer.
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
    # Whether it is on a branch that is not shown.
    Column("elsewhere", Boolean, nullable=False, default=False),
    Index(f"{_PREFIX}scripts_by_conversation", "conversation_id", "position"),
    Index(f"{_PREFIX}scripts_by_run", "run_id"),
)

# Contents of files, deduplicated.
blobs = Table(
    f"{_PREFIX}blobs",
    metadata,
    # The id in the `FileStore`.
    Column("id", String(32), primary_key=True),
    # NULL while the content is incomplete, or about to be deleted: then nothing can refer to it.
    Column("digest", String(64), unique=True),
    Column("size", BigInteger, nullable=False, default=0),
    Column("created_at", Moment, nullable=False),
)

# The bytes, if they are stored in the database.
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
    # NULL until the file is sent with a message.
    Column("conversation_id", String(32), ForeignKey(f"{_PREFIX}conversations.id", ondelete="CASCADE"), index=True),
    # The run whose agent sent it; NULL for files of users.
    Column("run_id", String(32), ForeignKey(f"{_PREFIX}runs.id", ondelete="CASCADE"), index=True),
    Column("blob_id", String(32), ForeignKey(f"{_PREFIX}blobs.id"), nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("media_type", Text, nullable=False),
    Column("created_at", Moment, nullable=False, index=True),
)

# The files that a user sent with a turn.
turn_files = Table(
    f"{_PREFIX}turn_files",
    metadata,
    _belongs_to("turn", primary_key=True),
    Column("position", SmallInteger, primary_key=True, autoincrement=False),
    _belongs_to("file", index=True),
)

# Read-only pages of conversations, for anyone who has the address.
shares = Table(
    f"{_PREFIX}shares",
    metadata,
    # The SHA-256 of the key in the address.
    Column("id", String(64), primary_key=True),
    _belongs_to("conversation", unique=True),
    # The key, so that its owner is shown the address again.
    Column("key", Secret, nullable=False),
    # The last run that the page shows.
    Column("head", String(32), nullable=False),
    Column("steps", Boolean, nullable=False),
    Column("files", Boolean, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    Column("expires_at", Moment, index=True),
)

# The ids that a server which also stores conversations, turns and runs uses for them.
links = Table(
    f"{_PREFIX}links",
    metadata,
    Column("id", String(32), primary_key=True),
    # NULL for the conversation itself, so that the row stays when the conversation is deleted.
    Column("conversation_id", String(32), ForeignKey(f"{_PREFIX}conversations.id", ondelete="CASCADE"), index=True),
    Column("server_id", Text, nullable=False, default=""),
    # Of a run: the server's ids of the answer and of the workflow.
    Column("answer_id", Text, nullable=False, default=""),
    Column("workflow_id", Text, nullable=False, default=""),
)

# Sessions. The id is the SHA-256 of the cookie's secret, so the table cannot be used to sign in. Tokens are in clear
# text, because the backend needs them.
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

# The key that signs cookies, shared by all processes.
keys = Table(
    f"{_PREFIX}keys",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("value", Secret, nullable=False),
)

# Sign-ins in progress.
pending_sign_ins = Table(
    f"{_PREFIX}pending_sign_ins",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("back", Text, nullable=False),
    Column("with_state", Boolean, nullable=False),
    # Why it failed, until the next page shows it.
    Column("problem", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False, index=True),
)
