"""Models behind OpenAI-compatible servers: `pip install 'htmxchat[openai]'`.

entry        openai(…), the public function
options      the options, checked
agent        the agent: rounds of replies and tool calls
progress     the messages since the run began, for checkpoints
messages     converts a conversation to messages
server       one request: retries, streaming, failures
refusals     converts error bodies to sentences
chat         chat completions: the request
chat_reader  chat completions: the stream
calls thinking surrogates      reassemble what streams split
reply        one reply, as data
"""

from .agent import OpenAIAgent
from .entry import openai

__all__ = ["OpenAIAgent", "openai"]
