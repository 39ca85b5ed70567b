"""Each run says which agent answers, where a backend has several, and what the others remember on its branch."""

import sqlalchemy as sa
from alembic.operations import Operations

revision = "0010"
down_revision = "0009"


def upgrade(op: Operations) -> None:
    op.add_column("htmxchat_runs", sa.Column("answered_by", sa.Text))
    op.add_column("htmxchat_runs", sa.Column("memories", sa.JSON(none_as_null=True)))
