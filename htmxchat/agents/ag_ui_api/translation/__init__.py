"""AG-UI events -> what the chat shows and what the agent's server is told next time. Pure: no I/O.

fields      values of events, checked
messages    the conversation as the server knows it
texts       text messages
reasoning   reasoning, also in the forms of 0.x
tools       tool calls and results
subagents   subagents, each as one step
activities  activities and custom events
snapshots   lists of messages that the server sends whole
ends        how a run ended, and what it waits for
translator  all of them together
"""

from .ends import End, Interrupt
from .fields import Malformed
from .translator import Translator

__all__ = ["End", "Interrupt", "Malformed", "Translator"]
