"""Models behind OpenAI-compatible servers: `pip install 'htmxchat[openai]'`.

agent      what answers a turn: rounds of replies and tools
server     one request: retries, bytes, failures
chat       chat completions; their chunks
calls thinking surrogates      what chunks cut apart
refusals   error bodies -> sentences
messages   a conversation -> messages
reply      one reply, as data
"""

from .agent import OpenAIAgent, openai

__all__ = ["OpenAIAgent", "openai"]
