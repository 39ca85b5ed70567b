"""Brings what other clients of the server wrote into the journal, in the server's order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from ...events import Outcome, RunEnded, RunEvent, TextReplaced
from ...models import UNDATED, RunState
from ...store import branches, rows, run_rows
from ...store import tables as t
from ...text.cleaning import searchable, title_of
from .links import own_id, put
from .translation.replies import ServerTurn

UNTITLED = "Conversation from elsewhere"


@dataclass
class _Pair:
    """A user's message and its answers. Without a message, it has no id.

    Attributes:
        place: Its position in the server's list.
    """

    place: int
    question: ServerTurn
    answers: list[ServerTurn] = field(default_factory=list)

    @property
    def answer_id(self) -> str:
        return self.answers[0].id if self.answers else ""


def add_conversation(db: Connection, user_id: str, server_id: str, place: int = 0) -> None:
    """Write a conversation of another client, unless it was here before. The server sends no times.

    Args:
        place: Its position in the server's list.
    """
    id = own_id(server_id)
    if db.scalar(select(t.links.c.id).where(t.links.c.id == id)) is not None:
        return
    put(db, id, server_id=server_id)
    at = UNDATED - timedelta(seconds=place)
    values = {"title": UNTITLED, "folded": "", "created_at": at, "updated_at": at}
    rows.mine(user_id)
    db.execute(insert(t.conversations).values(id=id, user_id=user_id, **values))


def learn_turns(db: Connection, conversation_id: str, turns: Sequence[ServerTurn]) -> None:
    """Write turns that are not in the journal yet, and put all of them in the server's order.

    A turn that the server does not have stays after the turn that it follows.
    """
    this = t.conversations.c.id == conversation_id
    conversation = db.execute(select(t.conversations).where(this).with_for_update()).one_or_none()
    if conversation is None:
        return
    tree = branches.read_tree(db, conversation_id)
    path = tree.path(conversation.head)
    here = select(t.links).where(t.links.c.conversation_id == conversation_id)
    links = {link.id: link for link in db.execute(here)}
    if any(run.active and run.id not in links for run in path):
        return  # one of the server's turns is, or may be, the message that is being sent
    runs = {run.turn_id: run for run in path}
    known = {link.server_id: id for id, link in links.items() if id in tree.turns}
    known |= {link.answer_id: tree.runs[id].turn_id for id, link in links.items() if link.answer_id and id in tree.runs}
    pairs, there = _pairs(turns), dict[str, str]()
    for pair in pairs:
        turn_id = known.get(pair.question.id) or known.get(pair.answer_id)
        if turn_id is None:
            turn_id = own_id(f"{conversation_id} {pair.question.id or pair.answer_id}")
            there[turn_id] = _write(db, conversation, turn_id, pair)
        elif (run := runs.get(turn_id)) is not None:
            there.setdefault(turn_id, run.id)
            if pair.answers and run.id in links and not links[run.id].server_id and not run.active:
                _answer(db, conversation_id, run.id, pair)
    _order(db, conversation, there, path)
    first = next((pair.question.text for pair in pairs if pair.question.text), "")
    if conversation.title == UNTITLED and (title := title_of(first)):
        db.execute(update(t.conversations).where(this).values(title=title, folded=searchable(title)))


def _pairs(turns: Sequence[ServerTurn]) -> list[_Pair]:
    pairs: list[_Pair] = []
    for place, turn in enumerate({turn.id: turn for turn in turns}.values()):
        if turn.role == "user":
            pairs.append(_Pair(place, turn))
            continue
        if not pairs:
            pairs.append(_Pair(place, ServerTurn("", "user", "")))
        # Two that were written at once to the same turn are shown together.
        pairs[-1].answers.append(turn)
    return pairs


def _write(db: Connection, conversation: Row[Any], turn_id: str, pair: _Pair) -> str:
    """Write a turn with its answer; without one, with a run that has said nothing. Returns the id of the run."""
    run_id, text = own_id(f"{conversation.id} answer to {turn_id}"), pair.question.text
    at = UNDATED - timedelta(days=1) + timedelta(milliseconds=pair.place)
    here = {"conversation_id": conversation.id, "created_at": at}
    db.execute(insert(t.turns).values(id=turn_id, text=text, folded=searchable(text), **here))
    values = {"id": run_id, "turn_id": turn_id, "user_id": conversation.user_id, "state": RunState.COMPLETED.value}
    db.execute(insert(t.runs).values(**values, **here, log=[]))
    put(db, turn_id, conversation_id=conversation.id, server_id=pair.question.id)
    put(db, run_id, conversation_id=conversation.id)
    if pair.answers:
        _answer(db, conversation.id, run_id, pair)
    return run_id


def _answer(db: Connection, conversation_id: str, run_id: str, pair: _Pair) -> None:
    """Write, or write again, what a run of another client has answered."""
    text = "\n\n".join(each.text for each in pair.answers)
    if db.scalar(select(t.runs.c.text).where(t.runs.c.id == run_id)) == text:
        return
    log = [RunEvent(1, UNDATED, TextReplaced(text)), RunEvent(2, UNDATED, RunEnded(Outcome.COMPLETED))]
    db.execute(delete(t.events).where(t.events.c.run_id == run_id))
    run_rows.insert_events(db, {run_id: log})
    written = run_rows.write_log(log)
    db.execute(update(t.runs).where(t.runs.c.id == run_id).values(log=written, text=text, folded=searchable(text)))
    put(db, run_id, conversation_id=conversation_id, answer_id=pair.answer_id)


def _order(db: Connection, conversation: Row[Any], there: Mapping[str, str], path: Sequence[Row[Any]]) -> None:
    """Link each turn to the run before it.

    Args:
        there: The turns that the server has, each with its run, in its order.
        path: The runs that are shown so far.
    """
    chain, place = list(there.items()), 0
    for run in path:
        if run.turn_id not in there:
            chain.insert(place, (run.turn_id, run.id))
        place = chain.index((run.turn_id, run.id)) + 1
    before: str | None = None
    for turn_id, run_id in chain:
        db.execute(update(t.turns).where(t.turns.c.id == turn_id).values(follows=before))
        before = run_id
    if before != conversation.head:
        db.execute(update(t.conversations).where(t.conversations.c.id == conversation.id).values(head=before))
