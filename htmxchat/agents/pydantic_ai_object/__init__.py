"""A Pydantic AI agent of this process, as an agent of the chat. Needs pydantic-ai-slim.

agent     the run: it asks the model, asks the user, and continues
progress  what checkpoints store
events    events of Pydantic AI -> events of the chat
outputs   structured output: what an agent's `output_type` means for its run
deferred  calls that wait for the user: the questions, and the meaning of the answers
memory    message histories: as JSON, and built from turns
failures  errors, as sentences
"""

from .agent import pydantic_ai

__all__ = ["pydantic_ai"]
