"""The answers to an approval request, the same for every agent."""

APPROVE, DENY = "Approve", "Deny"
