"""An index of trigrams for the search, where the database can have one."""

from alembic.operations import Operations

from htmxchat.store.search_index import make_search_index

revision = "0014"
down_revision = "0013"


def upgrade(op: Operations) -> None:
    make_search_index(op.get_bind())
