"""Read-only pages of conversations, for anyone who has the address: what a host may choose, and what a backend does."""

from .ability import CanShare
from .link import SharedLink, SharedPage
from .settings import Share

__all__ = ["CanShare", "Share", "SharedLink", "SharedPage"]
