"""Run events -> frames for the browser: the streaming law.

1. One stream carries a turn; the turn itself opens it.
2. Messages are unnamed and hold self-addressed fragments; one named event, `end`, closes the connection. `id:` is the
   seq of the last event folded in.
3. Settled blocks are sent once; only the open block changes. Events within one frame become one message.
4. A reader resumes after the last id it saw. Without one, or with one the run does not know, the turn is redrawn.
5. A finished run answers with its final turn and `end`.
6. A backend that fails is read again from the last seq. When that does not help, the turn says so and the stream ends.
7. A reader that leaves is closed at once; the run does not notice (`htmxchat.http.sse`).
8. Polling obeys the same law with the same fold.

The inspector's rows ride on the same stream, when the page asks for them with `rows=`, the last event that its rows
show. They obey law 4 by one rule: a message acknowledges for both, the turn and the rows, up to its id. So

- a page whose first connection asks with `after=A&rows=R` gets the turn after A and the rows after R;
- one that connects again with `Last-Event-ID: L` has all rows up to L too: it gets those after the larger of R and L;
- the empty first message, which acknowledges for nothing new, has an id only when R is not behind it;
- rows of text that is held back (law 3) are held back with it;
- one that wants another filter asks again with it: R is where the rows that it was given then end.

A page that does not ask gets no bytes about rows. One that is far behind gets the last 200 and the way to the others.
"""

from .kept import KeptPages
from .relay import PollAnswer, Relay

__all__ = ["KeptPages", "PollAnswer", "Relay"]
