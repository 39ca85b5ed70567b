"""Migrates a database to this version's schema: the numbered steps in `versions/`, executed by Alembic."""

from .upgrade import HEAD, prepare

__all__ = ["HEAD", "prepare"]
