"""Two columns for a script's origin instead of an encoded text."""

import sqlalchemy as sa
from alembic.operations import Operations

revision = "0006"
down_revision = "0005"

_SCRIPTS = sa.table(
    "htmxchat_scripts", sa.column("origin", sa.Text), sa.column("proposal", sa.Text), sa.column("block", sa.Integer)
)


def upgrade(op: Operations) -> None:
    op.add_column("htmxchat_scripts", sa.Column("proposal", sa.Text))
    op.add_column("htmxchat_scripts", sa.Column("block", sa.Integer))
    origin = _SCRIPTS.c.origin
    for prefix, column, kind in (("proposal:", _SCRIPTS.c.proposal, sa.Text), ("block:", _SCRIPTS.c.block, sa.Integer)):
        rest = sa.cast(sa.func.substr(origin, len(prefix) + 1), kind)
        op.get_bind().execute(sa.update(_SCRIPTS).where(origin.startswith(prefix)).values({column: rest}))
    op.drop_column("htmxchat_scripts", "origin")
