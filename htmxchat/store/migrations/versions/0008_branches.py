"""Turns can be deleted and come back; how often another branch was shown; a search finds what is on any branch."""

import sqlalchemy as sa
from alembic.operations import Operations

from htmxchat.text.cleaning import searchable

revision = "0008"
down_revision = "0007"

_AT_ONCE = 500


def upgrade(op: Operations) -> None:
    op.add_column("htmxchat_conversations", sa.Column("revision", sa.Integer, nullable=False, server_default="0"))
    op.add_column("htmxchat_turns", sa.Column("deleted_at", sa.DateTime(timezone=True)))
    op.create_index("ix_htmxchat_turns_deleted_at", "htmxchat_turns", ["deleted_at"])
    for name in "htmxchat_turns", "htmxchat_runs":
        _fold(op.get_bind(), sa.table(name, sa.column("id"), sa.column("text"), sa.column("folded")))


def _fold(db: sa.Connection, table: sa.TableClause) -> None:
    """Have a search find what stands on a branch that is not shown."""
    hidden = sa.select(table.c.id).where(table.c.folded == "", table.c.text != "")
    ids = db.scalars(hidden).all()
    change = sa.update(table).where(table.c.id == sa.bindparam("this")).values(folded=sa.bindparam("found"))
    for start in range(0, len(ids), _AT_ONCE):
        some = sa.select(table.c.id, table.c.text).where(table.c.id.in_(ids[start : start + _AT_ONCE]))
        found = [{"this": row.id, "found": searchable(row.text)} for row in db.execute(some).all()]
        db.execute(change, found)
