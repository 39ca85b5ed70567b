"""The tables of the first version. They are where migration begins: an empty database gets those of this version."""

revision = "0001"
down_revision = None
