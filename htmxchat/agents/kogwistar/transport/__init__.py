"""Talks HTTP with a kogwistar server.

http     one pool's calls: reads tried again, changes made once
client   the server's routes
pool     the connections
probe    whether an address is that of a server with a chat
tokens   what a token says about itself
"""
