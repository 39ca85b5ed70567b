"""A kogwistar server as the chat's agent: `pip install htmxchat[kogwistar]`."""

from importlib.util import find_spec

if not find_spec("httpx"):
    raise ImportError("htmxchat.agents.kogwistar needs httpx: pip install 'htmxchat[kogwistar]'")

from .backend import KogwistarBackend
from .login import KogwistarLogin
from .timing import Timing

__all__ = ["KogwistarBackend", "KogwistarLogin", "Timing"]
