"""Models behind OpenAI-compatible servers: `pip install 'htmxchat[openai]'`.

entry        openai(…): what a host writes
options      how a model is asked, checked
agent        what answers a turn: rounds of replies and tools
progress     what was said since a run began: its checkpoints
messages     a conversation -> messages
server       one request: retries, bytes, failures
refusals     error bodies -> sentences
chat         chat completions: the request
chat_reader  chat completions: the stream
calls thinking surrogates      what streams cut apart
reply        one reply, as data
"""

from .agent import OpenAIAgent
from .entry import openai

__all__ = ["OpenAIAgent", "openai"]
