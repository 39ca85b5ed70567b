"""The answers to a question whether a tool may run, the same for every agent."""

APPROVE, DENY = "Approve", "Deny"
