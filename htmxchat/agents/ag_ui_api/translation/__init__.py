"""Events of AG-UI -> events of the chat, and the messages for the server's next run. Pure: no I/O.

translator  runs, steps, state; passes each event on
talking     events of text and reasoning
calling     events of tools
drawing     events of activities and subagents
shown       what the turn has shown so far, of all kinds:
texts       text messages
reasoning   reasoning
tools       tool calls and their results
media       files
subagents   subagents, each as one step
activities  activities and custom events
messages    the conversation as the server knows it
snapshots   lists of messages that the server sends whole
ends        how a run ended, and what it waits for
fields      values of events, checked
"""

from .ends import End, Interrupt
from .fields import Malformed
from .translator import Translator

__all__ = ["End", "Interrupt", "Malformed", "Translator"]
