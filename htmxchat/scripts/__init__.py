"""The queue of scripts: what a host may choose, what can be done with a script, and its result.

The states are a pure machine (`states`) that the store drives; nothing here reads, writes or waits.
"""

from .settings import Scripts

__all__ = ["Scripts"]
