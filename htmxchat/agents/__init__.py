"""Agents: what answers a turn. Each is imported only when it is used.

stub        scripted answers, for demos and tests
"""
