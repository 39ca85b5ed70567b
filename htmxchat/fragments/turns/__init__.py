"""The turns of a conversation: a message, an answer with its parts, and what stands below it."""
