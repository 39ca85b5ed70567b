"""Conversations are pinned or archived, and agents suggest titles. Titles that are there stay."""

import sqlalchemy as sa
from alembic.operations import Operations

revision = "0013"
down_revision = "0012"

_TABLE = "htmxchat_conversations"


def upgrade(op: Operations) -> None:
    op.add_column(_TABLE, sa.Column("renamed", sa.Boolean, nullable=False, server_default=sa.true()))
    op.add_column(_TABLE, sa.Column("shelf", sa.SmallInteger, nullable=False, server_default="0"))
    op.drop_index("htmxchat_conversations_by_user", _TABLE)
    op.create_index("htmxchat_conversations_by_shelf", _TABLE, ["user_id", "shelf", "updated_at", "id"])
