"""Brings a database to the schema of this version: the numbered steps in `versions/`, carried out by Alembic."""

from .upgrade import HEAD, prepare

__all__ = ["HEAD", "prepare"]
