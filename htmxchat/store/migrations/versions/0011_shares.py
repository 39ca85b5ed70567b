"""Conversations that were imported, and read-only pages of conversations."""

import sqlalchemy as sa
from alembic.operations import Operations

revision = "0011"
down_revision = "0010"

_ID = sa.String(32)
_TIME = sa.DateTime(timezone=True)


def upgrade(op: Operations) -> None:
    op.add_column("htmxchat_conversations", sa.Column("imported_at", _TIME))
    op.create_table(
        "htmxchat_shares",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column(
            "conversation_id",
            _ID,
            sa.ForeignKey("htmxchat_conversations.id", ondelete="CASCADE"),
            nullable=False,
            unique=True,
        ),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("head", _ID, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("steps", sa.Boolean, nullable=False),
        sa.Column("files", sa.Boolean, nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("updated_at", _TIME, nullable=False),
        sa.Column("expires_at", _TIME, index=True),
    )
