"""Files of users and agents: their data and the host's settings.

Nothing here reads, writes or waits: the bytes are kept by `htmxchat.store`.
"""

from .file import File
from .settings import Files

__all__ = ["File", "Files"]
