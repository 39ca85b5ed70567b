"""Translates what a kogwistar server sends into the chat's types. Pure functions.

replies   responses, as typed values
mapping   events
outcome   how a run ended
waiting   what a suspended run asks, and how its answer is sent
sources   citations
problems  failures, as sentences
scrub     removes internal details of the server
"""
