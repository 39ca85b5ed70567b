"""Intervals and time limits, in seconds."""

from __future__ import annotations

from dataclasses import dataclass

from ...kinds import check_fields


@dataclass(frozen=True, slots=True)
class Timing:
    """Only tests and special servers need another than the default.

    Attributes:
        tick: Interval between two checks of a silent run.
        check: How long a run may be silent before the server is asked for its state, each time.
        stuck: How long a run may be silent before the page says so.
        give_up: How long after a stop a silent run is given up.
        resent: How long to wait for a sign that the server got the user's answer, if the process that sent it has died:
            as long as the server may take to run the rest of the workflow.
        submit: How long sending a message may take before the page says that it may not have arrived.
        doubt: Interval between two checks whether a message has arrived.
        missing: How long a message that the server does not have may still arrive.
        unanswered: How long to wait for the answer to a message that has arrived. Its run's id is not known, and a
            second run beside it would spoil both.
        poll: Interval between two polls for events.
        list: How long the server's list of conversations is not read again.
        turns: The same for the turns of one conversation.
        account: How long the owner of a token is remembered.
        glance: How long a page waits for news if the journal has turns to show.
    """

    tick: float = 1.0
    check: float = 20.0
    stuck: float = 90.0
    give_up: float = 60.0
    resent: float = 660.0
    submit: float = 12.0
    doubt: float = 2.0
    missing: float = 15.0
    unanswered: float = 120.0
    poll: float = 0.7
    list: float = 300.0
    turns: float = 60.0
    account: float = 300.0
    glance: float = 0.4

    def __post_init__(self) -> None:
        check_fields(self)
