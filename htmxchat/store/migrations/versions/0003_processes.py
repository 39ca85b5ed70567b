"""Heartbeats of processes instead of heartbeats of runs."""

import sqlalchemy as sa
from alembic.operations import Operations

revision = "0003"
down_revision = "0002"


def upgrade(op: Operations) -> None:
    op.drop_index("htmxchat_runs_by_user", "htmxchat_runs")
    op.drop_column("htmxchat_runs", "alive_at")
    op.create_index("htmxchat_runs_by_user", "htmxchat_runs", ["user_id", "active"])
    op.create_index("htmxchat_runs_by_owner", "htmxchat_runs", ["active", "owner"])
    op.create_table(
        "htmxchat_processes",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("alive_at", sa.DateTime(timezone=True), nullable=False),
    )
