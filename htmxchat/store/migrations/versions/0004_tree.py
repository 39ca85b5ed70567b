"""Turns and runs form a tree; another process can resume a run."""

from itertools import groupby

import sqlalchemy as sa
from alembic.operations import Operations

revision = "0004"
down_revision = "0003"

_AT_ONCE = 1000

_conversations = sa.table("htmxchat_conversations", sa.column("id"), sa.column("head"))
_turns = sa.table(
    "htmxchat_turns", sa.column("id"), sa.column("conversation_id"), sa.column("created_at"), sa.column("follows")
)
_runs = sa.table("htmxchat_runs", sa.column("id"), sa.column("turn_id"), sa.column("created_at"))


def upgrade(op: Operations) -> None:
    op.add_column("htmxchat_conversations", sa.Column("head", sa.String(32)))
    op.add_column("htmxchat_turns", sa.Column("follows", sa.String(32)))
    op.add_column("htmxchat_runs", sa.Column("agent", sa.Text))
    op.add_column("htmxchat_runs", sa.Column("checkpoint", sa.JSON))
    op.add_column("htmxchat_runs", sa.Column("checkpoint_seq", sa.Integer, nullable=False, server_default="0"))
    op.add_column("htmxchat_runs", sa.Column("deaths", sa.SmallInteger, nullable=False, server_default="0"))
    op.add_column("htmxchat_runs", sa.Column("released_at", sa.DateTime(timezone=True)))
    op.add_column("htmxchat_runs", sa.Column("memory", sa.JSON))
    _link(op.get_bind())


def _link(db: sa.Connection) -> None:
    """Until now each turn came after the latest answer to the turn before it."""
    latest = (
        sa.select(_runs.c.id)
        .where(_runs.c.turn_id == _turns.c.id)
        .order_by(_runs.c.created_at.desc())
        .limit(1)
        .scalar_subquery()
    )
    order = _turns.c.conversation_id, _turns.c.created_at, _turns.c.id
    found = db.execute(sa.select(_turns.c.id, _turns.c.conversation_id, latest.label("run")).order_by(*order)).all()
    follows, heads = [], []
    for conversation, turns in groupby(found, key=lambda row: row.conversation_id):
        last = None
        for turn in turns:
            if last is not None:
                follows.append({"this": turn.id, "run": last})
            last = turn.run or last
        heads.append({"this": conversation, "run": last})
    for table, column, links in (_turns, "follows", follows), (_conversations, "head", heads):
        change = sa.update(table).where(table.c.id == sa.bindparam("this")).values({column: sa.bindparam("run")})
        for start in range(0, len(links), _AT_ONCE):
            db.execute(change, links[start : start + _AT_ONCE])
