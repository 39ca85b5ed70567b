"""The queue of scripts: the host's settings, the actions on a script, and its result.

`states` is a pure state machine, used by the store; there is no I/O here.
"""

from .settings import Scripts

__all__ = ["Scripts"]
