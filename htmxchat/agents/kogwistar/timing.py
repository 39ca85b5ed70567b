"""How long things take, in seconds."""

from __future__ import annotations

from dataclasses import dataclass

from ...kinds import check_fields


@dataclass(frozen=True, slots=True)
class Timing:
    """Only tests and special servers need another than the default.

    Attributes:
        tick: Between two looks at a run that is silent.
        check: Silence of a run, after which the server is asked how it is, again and again.
        stuck: Silence after which the page says so.
        give_up: How long after a stop a silent run is given up.
        resent: How long the server may show no sign of an answer after the process that gave it has died: as long as
            the server may take to run the rest of the workflow.
        submit: How long a message may take to be sent before its sender is told that it may or may not arrive.
        doubt: Between two looks for a message that may or may not have arrived.
        missing: How long a message that is not there may still arrive.
        unanswered: How long the answer to one that has arrived is waited for: a second run beside its own, whose id
            no one has told, spoils both.
        poll: Between two polls, when events are polled for.
        list: For how long the server's list of conversations is not asked for again.
        turns: The same for the turns of one conversation.
        account: For how long it is believed who a token belongs to.
        glance: How long a page waits for turns that are remembered anyway.
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
