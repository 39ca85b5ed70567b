"""Agents that speak AG-UI.

start          ag_ui: what it takes
agent          the agent: run after run, until nothing is left to be answered
exchange       one turn with the server: what it is told, what is kept
questions      interrupts as questions, answers as payloads
frontend       tools that the chat offers
tasks          what a run has left to be answered (inquiries: how the user is asked)
state          JSON Patch
transport/     where events come from
translation/   events -> what the chat shows
"""

from .agent import AgUi
from .frontend import ASK_USER, RUN_PYTHON, FrontendTool
from .start import ag_ui

__all__ = ["ASK_USER", "RUN_PYTHON", "AgUi", "FrontendTool", "ag_ui"]
