"""Files that users send and agents give back."""

import sqlalchemy as sa
from alembic.operations import Operations

revision = "0007"
down_revision = "0006"

_ID = sa.String(32)
_TIME = sa.DateTime(timezone=True)


def upgrade(op: Operations) -> None:
    op.create_table(
        "htmxchat_blobs",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("digest", sa.String(64), unique=True),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
    )
    op.create_table(
        "htmxchat_chunks",
        sa.Column("blob_id", _ID, sa.ForeignKey("htmxchat_blobs.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "htmxchat_files",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("user_id", sa.Text, nullable=False, index=True),
        sa.Column("conversation_id", _ID, sa.ForeignKey("htmxchat_conversations.id", ondelete="CASCADE"), index=True),
        sa.Column("run_id", _ID, sa.ForeignKey("htmxchat_runs.id", ondelete="CASCADE"), index=True),
        sa.Column("blob_id", _ID, sa.ForeignKey("htmxchat_blobs.id"), nullable=False, index=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("media_type", sa.Text, nullable=False),
        sa.Column("created_at", _TIME, nullable=False, index=True),
    )
    op.create_table(
        "htmxchat_turn_files",
        sa.Column("turn_id", _ID, sa.ForeignKey("htmxchat_turns.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("position", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("file_id", _ID, sa.ForeignKey("htmxchat_files.id", ondelete="CASCADE"), nullable=False, index=True),
    )
