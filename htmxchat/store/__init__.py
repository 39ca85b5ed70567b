"""The durable log: `Store`, and the parts that it is made of."""

from .file_stores import FileStore, FolderFiles
from .notices import Notice
from .run_logs import Batch, News, Notes
from .runs import Started
from .store import Store
from .takeover import RunContext

__all__ = ["Batch", "FileStore", "FolderFiles", "News", "Notes", "Notice", "RunContext", "Started", "Store"]
