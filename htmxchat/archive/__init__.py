"""A conversation as a file: what is in it, how it is written, and how one is read that anyone may have made."""

from .ability import CanExport, CanImport
from .archive import Archive, ArchivedFile, ArchivedTurn, Outline, TurnNode
from .reading import read_archive
from .settings import Imports

__all__ = [
    "Archive",
    "ArchivedFile",
    "ArchivedTurn",
    "CanExport",
    "CanImport",
    "Imports",
    "Outline",
    "TurnNode",
    "read_archive",
]
