"""Agents that speak AG-UI.

start          ag_ui, and its arguments
agent          the agent: one run of the server after another, until nothing is left to answer
exchange       one turn with the server: what was sent, and what is kept
files          files of users, as parts of AG-UI messages
questions      interrupts as questions, answers as payloads
frontend       the tools that the chat offers
tasks          what a run leaves to be answered
inquiries      how the user is asked for each task
state          JSON Patch
transport/     connections: HTTP, or an agent of this process
translation/   events of AG-UI -> events of the chat
"""

from .agent import AgUi
from .frontend import ASK_USER, RUN_PYTHON, FrontendTool
from .start import ag_ui

__all__ = ["ASK_USER", "RUN_PYTHON", "AgUi", "FrontendTool", "ag_ui"]
