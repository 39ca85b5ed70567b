"""AG-UI events -> what the chat shows and what the agent's server is told next time. Pure: no I/O.

fields      values of events, checked
messages    the conversation as the server knows it
texts       text messages                   \
reasoning   reasoning                        | what was shown so far of each kind
tools       tool calls and results           |
subagents   subagents, each as one step      |
activities  activities and custom events    /
shown       all of that
talking     events of text and reasoning    \
calling     events of tools                  | what each event comes to
drawing     activities, subagents            |
translator  runs, steps, state; all of them /
snapshots   lists of messages that the server sends whole
ends        how a run ended, and what it waits for
"""

from .ends import End, Interrupt
from .fields import Malformed
from .translator import Translator

__all__ = ["End", "Interrupt", "Malformed", "Translator"]
