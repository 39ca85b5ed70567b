"""Serves a backend to other clients than browsers.

ag_ui      ag_ui_endpoint: one POST for each run, answered by AG-UI events
asked      what a client asks with it
starting   the run that it asks for: a new one, or one that waited
telling    what is told of a run
"""

from .ag_ui import ag_ui_endpoint

__all__ = ["ag_ui_endpoint"]
