"""Models behind OpenAI-compatible servers: `pip install 'htmxchat[openai]'`.

entry            openai(…), the public function
options          the options, checked
agent            the agent: rounds of replies and tool calls
progress         the messages since the run began, for checkpoints
messages         converts a conversation to messages
server           one request: retries, streaming, failures
refusals         converts error bodies to sentences
chat             chat completions: the request
chat_reader      chat completions: the stream
responses        the Responses API: the request
response_reader  the Responses API: the stream
writing          the text and reasoning of a reply under construction
call_assembly    reassembles tool calls
thinking         separates reasoning in the text
surrogates       joins characters that were split
pictures         pictures that a model makes
reply            one reply, as data
"""

from .agent import OpenAIAgent
from .entry import openai

__all__ = ["OpenAIAgent", "openai"]
