"""What the server does not keep, as tables beside the store's own.

A `user_id` here is the server's. A `folded` column holds the text in the form that searches compare. `place` orders
the turns of a conversation: the server gives them no times.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from ...store.tables import Moment

metadata = MetaData()


def _in_conversation(**kwargs: Any) -> Column[str]:
    key = ForeignKey("htmxchat_kogwistar_conversations.id", ondelete="CASCADE")
    return Column("conversation_id", Text, key, nullable=False, **kwargs)


conversations = Table(
    "htmxchat_kogwistar_conversations",
    metadata,
    Column("id", Text, primary_key=True),
    Column("user_id", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("folded", Text, nullable=False),
    # Whether the title says something: before its turns are read, a conversation from elsewhere has none.
    Column("titled", Boolean, nullable=False),
    # Whether the server has said that it is this user's: its list also has what others made.
    Column("verified", Boolean, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    Column("hidden_at", Moment),
    Index("htmxchat_kogwistar_conversations_by_user", "user_id", "updated_at", "id"),
)

# What users wrote.
turns = Table(
    "htmxchat_kogwistar_turns",
    metadata,
    _in_conversation(primary_key=True),
    Column("id", Text, primary_key=True),
    Column("place", Integer, nullable=False),
    Column("text", Text, nullable=False),
    Column("folded", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
)

runs = Table(
    "htmxchat_kogwistar_runs",
    metadata,
    Column("id", Text, primary_key=True),
    _in_conversation(),
    Column("turn_id", Text, nullable=False),
    Column("place", Integer, nullable=False),
    Column("workflow", Boolean, nullable=False),
    Column("workflow_id", Text, nullable=False, default=""),
    Column("state", String(16), nullable=False),
    # submitting -> running -> (waiting -> resuming -> …) -> ended
    Column("phase", String(16), nullable=False),
    Column("since", Moment, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("stop_asked_at", Moment),
    # 1 while the run lives, else NULL: so the database itself allows one live run a conversation, and many others.
    Column("active", SmallInteger),
    Column("assistant_turn_id", Text, nullable=False, default=""),
    Column("request", JSON(none_as_null=True)),
    # All events once the run has ended, or so far when it waits; then the same compacted, and the answer.
    Column("log", JSON(none_as_null=True)),
    Column("shown", JSON(none_as_null=True)),
    Column("text", Text, nullable=False, default=""),
    Column("folded", Text, nullable=False, default=""),
    UniqueConstraint("conversation_id", "active", name="htmxchat_kogwistar_one_live_run"),
    Index("htmxchat_kogwistar_runs_by_conversation", "conversation_id", "place"),
)
