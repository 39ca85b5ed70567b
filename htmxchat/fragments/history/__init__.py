"""The history: the user's conversations in a list, or those that are archived; pinned ones first.

Hooks: `nav#history`; `#history-list`; `a[data-conversation]`.
"""
