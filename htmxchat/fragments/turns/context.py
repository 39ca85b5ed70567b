"""What every turn of a page is drawn with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ...drawing import Drawings
from ...files import File, Files
from ...forms.returned import Returned
from ...kinds import check_fields
from ...scripts.models import Script
from ...text.markdown import Markdown
from ...urls import Urls


@dataclass(frozen=True, slots=True)
class Editing:
    """A message that is being edited, in its place.

    Attributes:
        turn_id: The user's turn.
        text: What the field holds; `None`: what was sent.
        error: Why that was refused.
        submission: What the edit is called, so that it is taken once however often it is sent.
        limit: The longest message, in characters.
        user_key: Keeps one user's drafts in this browser apart from another's.
        takes: What files may be sent with it; `None`: it keeps those that it has.
        files: Those that go with it; `None`: those that were sent.
        agent: The name of the agent that is chosen to answer it; an unknown one is the first.
    """

    turn_id: str
    text: str | None = None
    error: str = ""
    submission: str = ""
    limit: int = 20_000
    user_key: str = ""
    takes: Files | None = None
    files: tuple[File, ...] | None = None
    agent: str = ""

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, slots=True)
class TurnContext:
    """What turns need apart from themselves.

    Attributes:
        stream: How a live turn gets its news.
        poll_interval: Seconds between two polls.
        can_retry: Whether the backend can answer the same turn again. If not, the message of an answer that failed or
            was stopped can be sent once more.
        branching: The conversation whose messages can be edited and whose versions can be shown; empty where the
            backend knows no branches.
        can_delete: Whether messages can be deleted with what follows them.
        can_rate: Whether users can say what they think of an answer.
        editing: The message that is being edited.
        agent: What the other side is called.
        agents: The names of the agents to choose from, if there are several.
        can_run_scripts: Whether there is a queue for the scripts that the agent proposes.
        queue: The scripts of the conversation, as far as they are known.
        inspector: Where a run is inspected: in a room of this page, on the chat's own page, or nowhere. Nowhere also
            leaves out what tools were given.
        drawings: What the host's functions draw; without them, parts of its own show as records.
        returned: An answer that could not be taken, to be corrected.
        shared: Whether anyone with a link reads the page.
    """

    urls: Urls
    markdown: Markdown
    stream: Literal["sse", "poll"] = "sse"
    poll_interval: float = 0.7
    can_retry: bool = False
    branching: str = ""
    can_delete: bool = False
    can_rate: bool = False
    editing: Editing | None = None
    agent: str = "Agent"
    agents: tuple[str, ...] = ()
    can_run_scripts: bool = False
    queue: tuple[Script, ...] = ()
    inspector: Literal["here", "elsewhere"] | None = "elsewhere"
    drawings: Drawings | None = None
    returned: Returned | None = None
    shared: bool = False

    def __post_init__(self) -> None:
        check_fields(self)
