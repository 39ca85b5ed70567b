"""Backends connect the chat with an agent."""
