"""Where events come from.

http        a server
local       an async generator of this process
problems    what went wrong, in sentences
"""
