"""Files that users send and agents give back: what a host may choose, and what is known of one.

Nothing here reads, writes or waits: the bytes are kept by `htmxchat.store`.
"""

from .file import File
from .settings import Files

__all__ = ["File", "Files"]
