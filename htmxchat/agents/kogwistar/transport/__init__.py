"""Talks HTTP with a kogwistar server.

http     the connections: reads tried again, changes made once
client   the server's routes
probe    whether an address is that of a server with a chat
tokens   what a token says about itself
"""
