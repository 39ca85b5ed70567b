"""The tables of the first version."""

import sqlalchemy as sa
from alembic.operations import Operations

revision = "0001"
down_revision = None

_TIME = sa.DateTime(timezone=True)


def upgrade(op: Operations) -> None:
    op.create_table(
        "htmxchat_conversations",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("folded", sa.Text, nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("updated_at", _TIME, nullable=False),
        sa.Column("deleted_at", _TIME, index=True),
        sa.Index("htmxchat_conversations_by_user", "user_id", "updated_at", "id"),
    )
    op.create_table(
        "htmxchat_turns",
        sa.Column("id", sa.String(32), primary_key=True),
        _conversation(),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("folded", sa.Text, nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Index("htmxchat_turns_by_conversation", "conversation_id", "created_at"),
    )
    op.create_table(
        "htmxchat_runs",
        sa.Column("id", sa.String(32), primary_key=True),
        _conversation(),
        sa.Column(
            "turn_id",
            sa.String(32),
            sa.ForeignKey("htmxchat_turns.id", ondelete="CASCADE"),
            nullable=False,
            index=True,
        ),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("owner", sa.String(32)),
        sa.Column("alive_at", _TIME, nullable=False),
        sa.Column("stop_requested", sa.Boolean, nullable=False),
        sa.Column("waiting", sa.Text),
        sa.Column("active", sa.SmallInteger),
        sa.Column("log", sa.JSON),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("folded", sa.Text, nullable=False),
        sa.UniqueConstraint("conversation_id", "active", name="htmxchat_one_live_run"),
        sa.Index("htmxchat_runs_by_conversation", "conversation_id", "created_at"),
        sa.Index("htmxchat_runs_by_user", "user_id", "active", "alive_at"),
    )
    op.create_table(
        "htmxchat_events",
        _run(),
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("type", sa.String(64), nullable=False),
        sa.Column("data", sa.JSON, nullable=False),
        sa.Column("raw", sa.JSON),
    )
    op.create_table(
        "htmxchat_answers",
        _run(),
        sa.Column("request_id", sa.Text, primary_key=True),
        sa.Column("answer", sa.JSON, nullable=False),
    )
    op.create_table(
        "htmxchat_scripts",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("conversation_id", sa.Text, nullable=False),
        sa.Column("run_id", sa.Text, nullable=False),
        sa.Column("origin", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("awaited", sa.Boolean, nullable=False),
        sa.Column("edited", sa.Boolean, nullable=False),
        sa.Column("approved", sa.String(64)),
        sa.Column("trusted", sa.Boolean, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("approved_at", _TIME),
        sa.Column("started_at", _TIME),
        sa.Column("ended_at", _TIME),
        sa.Column("runner", sa.String(64)),
        sa.Column("lease_until", _TIME),
        sa.Column("result", sa.JSON),
        sa.Column("cleared", sa.Boolean, nullable=False),
        sa.Index("htmxchat_scripts_by_conversation", "conversation_id", "position"),
        sa.Index("htmxchat_scripts_by_run", "run_id"),
    )
    op.create_table(
        "htmxchat_sessions",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("name", sa.Text),
        sa.Column("token", sa.Text),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("expires_at", _TIME, nullable=False, index=True),
    )
    op.create_table(
        "htmxchat_pending_sign_ins",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("back", sa.Text, nullable=False),
        sa.Column("with_state", sa.Boolean, nullable=False),
        sa.Column("problem", sa.Text, nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("expires_at", _TIME, nullable=False, index=True),
    )


def _conversation() -> sa.Column[str]:
    key = sa.ForeignKey("htmxchat_conversations.id", ondelete="CASCADE")
    return sa.Column("conversation_id", sa.String(32), key, nullable=False)


def _run() -> sa.Column[str]:
    key = sa.ForeignKey("htmxchat_runs.id", ondelete="CASCADE")
    return sa.Column("run_id", sa.String(32), key, primary_key=True)
