"""What users think of answers, and how often that has changed in a conversation."""

import sqlalchemy as sa
from alembic.operations import Operations

revision = "0012"
down_revision = "0011"

_ID = sa.String(32)


def upgrade(op: Operations) -> None:
    op.add_column("htmxchat_conversations", sa.Column("feedback", sa.Integer, nullable=False, server_default="0"))
    conversation = sa.ForeignKey("htmxchat_conversations.id", ondelete="CASCADE")
    op.create_table(
        "htmxchat_feedback",
        sa.Column("run_id", _ID, sa.ForeignKey("htmxchat_runs.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("conversation_id", _ID, conversation, nullable=False, index=True),
        sa.Column("rating", sa.String(8), nullable=False),
        sa.Column("comment", sa.Text, nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
    )
