"""What a kogwistar server says -> what the chat says. Pure functions.

replies   answers, as typed values
mapping   events
outcome   how a run went
waiting   what a run that is suspended asks, and how its answer is told
sources   citations
problems  failures, as sentences
scrub     what belongs to the server's insides is taken out
"""
