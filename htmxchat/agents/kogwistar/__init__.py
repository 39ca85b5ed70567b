"""A kogwistar server as the chat's agent: `pip install htmxchat[kogwistar]`."""

from .backend import KogwistarBackend
from .login import KogwistarLogin
from .timing import Timing

__all__ = ["KogwistarBackend", "KogwistarLogin", "Timing"]
