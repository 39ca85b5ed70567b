"""A Pydantic AI agent of this process, as an agent of the chat. Needs pydantic-ai-slim.

agent         the run: it asks the model, asks the user, and continues
events        what Pydantic AI says -> what the chat shows
memory        message histories as JSON, and made of turns
deferred      calls that wait for the user: the questions, and what the answers mean
failures      what went wrong, in sentences
"""

from .agent import pydantic_ai

__all__ = ["pydantic_ai"]
