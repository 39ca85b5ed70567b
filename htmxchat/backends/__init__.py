"""Backends: what stands between the chat and an agent."""
