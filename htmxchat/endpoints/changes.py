"""Brings a page up to date with changes from other tabs and devices, by one request for the whole page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from starlette.datastructures import QueryParams
from starlette.responses import Response

from ..arranging import CanArchive
from ..backend import CanSearch, KeepsScripts
from ..feedback.ability import KeepsFeedback
from ..fragments.conversation import page_menu, title_heading, title_tag, turns_log
from ..fragments.history.menus import shelf_of
from ..fragments.history.rows import history_list, list_tag
from ..fragments.inspector.run import run_standing
from ..fragments.scripts.card import shown_as
from ..fragments.scripts.room import queue_tag, script_room
from ..fragments.turns.feedback import shown_feedback
from ..fragments.turns.proposals import proposal
from ..fragments.turns.transcript import turn_article
from ..html import render
from ..live.patches import Patch
from ..models import Conversation, ConversationPage, Overview
from ..scripts.excerpt import excerpt
from ..scripts.models import Script
from ..scripts.states import queue_number
from ..view import fold, with_queue
from .call import CHANGED, Call, endpoint, patches_response
from .feedback import feedback_patches
from .listing import list_actions
from .pages import exports, runner
from .reconcile import whats_new

_MIN_ROWS, _MAX_ROWS = 30, 200
_MAX_QUERY = 200
_MOST_TOLD = 50
# For a script: what waits for anything else, or for nothing, is ahead of the queue.
_WAITS = "[data-waiting]:not([data-waiting=answer])"


@dataclass(frozen=True, slots=True)
class Shown:
    """The state that a page reports; its tags are those that the server has given it.

    Attributes:
        length: How many conversations its list has.
        words: What the list was searched for.
        archived: Whether the list has the archived conversations.
        select: Whether several of them are being selected.
        shelf: Where the menu of the conversation says that it stands; empty without a menu.
        last: Its last turn.
        revision: That of the conversation.
        queue: The tag of the queue that it knows.
        cards: The scripts that its room shows, with their revisions; `None` while the room is closed.
        boxes: The scripts that its answers show, likewise; `None` when they are too many to be told.
        feedback: The number of the feedback that it knows.
        rated: The answers that it shows as rated; none when they are too many to be told.
        pinned: The script that the room shows though it was put out of sight.
    """

    list: str
    length: int
    words: str
    archived: bool
    select: bool
    shelf: str
    title: str
    last: str
    revision: str
    queue: str
    cards: frozenset[str] | None
    boxes: frozenset[str] | None
    pinned: str | None
    feedback: str
    rated: frozenset[str]

    @property
    def lacks(self) -> bool:
        """Whether the room does not show the script that it is to show."""
        wanted = self.pinned and self.pinned[:8]
        return bool(wanted) and self.cards is not None and all(card[:8] != wanted for card in self.cards)

    @classmethod
    def of(cls, query: QueryParams) -> Shown:
        return cls(
            list=query.get("list", ""),
            length=_length(query.get("length", "")),
            words=query.get("q", "").strip()[:_MAX_QUERY],
            archived=query.get("view") == "archived",
            select=query.get("select") == "yes",
            shelf=query.get("shelf", ""),
            title=query.get("title", ""),
            last=query.get("last", ""),
            revision=query.get("revision", ""),
            queue=query.get("queue", ""),
            cards=_revisions(query.get("cards")),
            boxes=_revisions(query.get("boxes")),
            pinned=query.get("show"),
            feedback=query.get("feedback", ""),
            rated=_revisions(query.get("rated")) or frozenset(),
        )


@endpoint
async def show(call: Call) -> Response:
    """Return patches for everything that differs from the page; 204 if nothing does."""
    shown = Shown.of(call.request.query_params)
    overview = await call.overview(shown.length)
    changed = [*await _history(call, shown, overview), *await _conversation(call, shown, overview)]
    patches = [*changed, *await _feedback(call, shown, overview), *await _queue(call, shown, overview)]
    if not patches:
        return Response(status_code=204)
    return patches_response(patches, CHANGED if changed else None)


async def _history(call: Call, shown: Shown, overview: Overview) -> list[Patch]:
    now = datetime.now(UTC)
    archived = shown.archived and call.backend.can(CanArchive)
    found: ConversationPage = overview.latest
    if archived:
        found = await call.backend.list_archived(limit=shown.length)
    tag = list_tag(found, now, call.zone)
    if tag == shown.list:
        return []
    if shown.words and archived:
        found = await call.backend.list_archived(shown.words, limit=shown.length)
    elif shown.words and call.backend.can(CanSearch):
        found = await call.backend.search_conversations(shown.words, limit=shown.length)
    drawn = history_list(
        found,
        urls=call.urls,
        now=now,
        zone=call.zone,
        query=shown.words,
        current=call.conversation_id or None,
        actions=list_actions(call),
        archived=archived,
        select=shown.select,
        tag=tag,
    )
    return [Patch("#history-list", "outerMorph", render(drawn))]


async def _conversation(call: Call, shown: Shown, overview: Overview) -> list[Patch]:
    conversation = overview.conversation
    if conversation is None:
        return []
    return [*_menu(call, shown, conversation), *await _turns(call, shown, overview, conversation)]


def _menu(call: Call, shown: Shown, conversation: Conversation) -> list[Patch]:
    if shown.shelf in ("", shelf_of(conversation)):
        return []
    menu = page_menu(call.urls, conversation, list_actions(call), exports(call))
    return [Patch("#conversation-menu", "outerMorph", render(menu))]


async def _turns(call: Call, shown: Shown, overview: Overview, conversation: Conversation) -> list[Patch]:
    moved = overview.revision is not None and shown.revision not in ("", str(overview.revision))
    if moved or (overview.head is not None and overview.head != shown.last):
        return await whats_new(call, await call.transcript(), shown.last)
    if title_tag(conversation) != shown.title:
        # Not the form in which a title is being written.
        return [Patch("h1#heading", "outerHTML", render(title_heading(conversation)))]
    return []


async def _feedback(call: Call, shown: Shown, overview: Overview) -> list[Patch]:
    number = overview.feedback
    if not number or shown.feedback in ("", str(number)) or not call.backend.can(KeepsFeedback):
        return []
    turns = [turn for turn in (await call.transcript()).turns if turn.run and not turn.run.state.live]
    told = {each.partition(".")[0] for each in shown.rated}
    # A page that shows too many tells none.
    untold = not told and sum(turn.feedback is not None for turn in turns) >= _MOST_TOLD
    patches = []
    for turn in turns:
        wrong = (
            turn.id[:8] in told if turn.feedback is None else shown_feedback(turn.id, turn.feedback) not in shown.rated
        )
        if wrong or untold:
            patches += feedback_patches(turn.id, turn.feedback, call.turn_context)
    known = turns_log(revision=overview.revision or 0, feedback=number)
    return [*patches, Patch("#turns", "attributes", render(known))]


async def _queue(call: Call, shown: Shown, overview: Overview) -> list[Patch]:
    conversation = overview.conversation
    if conversation is None or not call.backend.can(KeepsScripts):
        return []
    number, scripts = overview.queue, None
    if number is None:
        scripts = await call.backend.list_scripts(conversation.id)
        number = queue_number(scripts)
    # A page that has heard of no queue lacks nothing of an empty one.
    heard = shown.queue == queue_tag(conversation, number) or not (shown.queue or number)
    if heard and not shown.lacks:
        return []
    if scripts is None:
        scripts = await call.backend.list_scripts(conversation.id)
    tag = queue_tag(conversation, queue_number(scripts))
    patches = [*_boxes(call, shown, scripts), *await _waiting(call, scripts)]
    if shown.cards is not None:
        room = script_room(
            call.urls, conversation, scripts, show=shown.pinned, trust=call.chat.trust, known=shown.cards
        )
        patches.append(Patch("#scripts", "innerMorph", render(*room)))
    return [*patches, Patch("chat-runner", "attributes", render(runner(call, tag)))]


def _boxes(call: Call, shown: Shown, scripts: Sequence[Script]) -> list[Patch]:
    """Return the scripts in the answers that stand otherwise."""
    boxes = shown.boxes or frozenset()
    changed = (each for each in scripts if each.proposal and not each.elsewhere and shown_as(each) not in boxes)
    drawn = ((each.id, proposal(call.urls, each.run_id, each.id, each.title, excerpt(each))) for each in changed)
    return [Patch(f"#proposal-{id}", "outerMorph", render(box)) for id, box in drawn]


async def _waiting(call: Call, scripts: Sequence[Script]) -> list[Patch]:
    """Return how a run stands that waits for a script. A page whose run does not wait any more is ahead of this."""
    run_id = next((each.run_id for each in scripts if each.awaited and not each.state.over), None)
    if run_id is None:
        return []
    transcript = await call.transcript()
    events = next((turn.events for turn in transcript.turns if turn.id == run_id), ())
    view = with_queue(fold(events), run_id, scripts)
    if view.waiting is None:
        return []
    return [
        Patch(f"#turn-{run_id}{_WAITS}", "attributes", render(turn_article(run_id, view))),
        Patch(f"#standing-{run_id}{_WAITS}", "outerMorph", render(run_standing(run_id, view))),
    ]


def _length(value: str) -> int:
    """Return how many conversations to show: a list that has grown keeps its length."""
    wanted = int(value) if value.isascii() and value.isdigit() and len(value) < 5 else _MIN_ROWS
    return max(_MIN_ROWS, min(wanted, _MAX_ROWS))


def _revisions(value: str | None) -> frozenset[str] | None:
    return None if value is None else frozenset(value.split())
