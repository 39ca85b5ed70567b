"""Scripts tell whether they are on a branch that is not shown."""

import sqlalchemy as sa
from alembic.operations import Operations

revision = "0009"
down_revision = "0008"


def upgrade(op: Operations) -> None:
    column = sa.Column("elsewhere", sa.Boolean, nullable=False, server_default=sa.false())
    op.add_column("htmxchat_scripts", column)
    _mark(op.get_bind())


def _mark(db: sa.Connection) -> None:
    """Find the scripts whose runs are not on the path to their conversation's head."""
    scripts = sa.table("htmxchat_scripts", sa.column("conversation_id"), sa.column("run_id"), sa.column("elsewhere"))
    turns = sa.table("htmxchat_turns", sa.column("id"), sa.column("follows"))
    runs = sa.table("htmxchat_runs", sa.column("id"), sa.column("conversation_id"), sa.column("turn_id"))
    talks = sa.table("htmxchat_conversations", sa.column("id"), sa.column("head"))
    with_scripts = sa.select(talks).where(talks.c.id.in_(sa.select(scripts.c.conversation_id)))
    for talk in db.execute(with_scripts).all():
        known = sa.select(runs.c.id, turns.c.follows).join_from(runs, turns, turns.c.id == runs.c.turn_id)
        before = {row.id: row.follows for row in db.execute(known.where(runs.c.conversation_id == talk.id)).all()}
        shown, run = set(), talk.head
        while run in before and run not in shown:
            shown.add(run)
            run = before[run]
        others = before.keys() - shown
        if shown and others:
            db.execute(sa.update(scripts).where(scripts.c.run_id.in_(others)).values(elsewhere=True))
