"""A LangGraph graph of this process, as an agent of the chat. Needs langgraph.

agent       the run: it streams the graph, asks the user, and continues
threads     which thread and checkpoint of the graph's own a run begins at
events      what the graph streams -> what the chat shows
messages    the messages that models stream -> text, reasoning, tool calls
questions   interrupts: what is asked, and what the answers mean
history     turns -> messages, for what the graph does not remember
failures    what went wrong, in sentences
"""

from .agent import langgraph

__all__ = ["langgraph"]
