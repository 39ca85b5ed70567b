"""A conversation is a tree: a user's turn follows a run, and runs answer a turn. The page shows one path of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence, Set
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Row, Table, and_, select, true, update

from ..compaction import compact
from ..errors import NotFound
from ..events import RunEvent, decode_body
from ..feedback import Feedback
from ..files.file import File
from ..models import RunState, Turn
from ..view import fold
from . import file_rows, rows, script_rows
from . import tables as t

_NOT_IN_TREE = frozenset({"log", "text", "folded", "checkpoint", "memory", "memories"})


class Tree:
    """The turns and runs of a conversation, without texts and logs, and without what was deleted."""

    def __init__(self, turns: Sequence[Row[Any]], runs: Sequence[Row[Any]]) -> None:
        self.turns = {turn.id: turn for turn in turns if turn.deleted_at is None}
        self._first = {turn.follows: turn.id for turn in reversed(turns)}
        self.runs = {run.id: run for run in runs if run.turn_id in self.turns}
        self._answers: dict[str, list[Row[Any]]] = defaultdict(list)
        self._after: dict[str | None, list[Row[Any]]] = defaultdict(list)
        for run in self.runs.values():
            self._answers[run.turn_id].append(run)
        for turn in self.turns.values():
            self._after[turn.follows].append(turn)

    def path(self, head: str | None) -> list[Row[Any]]:
        """Return the runs from the first turn to `head`; if it is unknown, to the latest run."""
        run = self.runs.get(head or "") or next(reversed(self.runs.values()), None)
        path: list[Row[Any]] = []
        while run is not None and len(path) < len(self.runs):
            path.append(run)
            run = self.runs.get(self.turns[run.turn_id].follows or "")
        return path[::-1]

    def answers(self, turn_id: str) -> tuple[str, ...]:
        """Return the runs that answer a turn, oldest first."""
        return tuple(run.id for run in self._answers[turn_id])

    def after(self, run_id: str) -> Sequence[Row[Any]]:
        """Return the turns that follow a run, oldest first."""
        return self._after.get(run_id, [])

    def versions(self, turn: Row[Any]) -> tuple[str, ...]:
        """Return the turns that follow the same run, oldest first."""
        return tuple(each.id for each in self._after[turn.follows])

    def forks(self, turn: Row[Any]) -> bool:
        """Return whether another turn followed the same run before this one, even if it was deleted."""
        return bool(self._first[turn.follows] != turn.id)

    def from_turn(self, turn_id: str) -> list[str]:
        """Return a turn and all turns that follow it, on any branch."""
        found = [turn_id]
        for each in found:
            found += (turn.id for run in self._answers.get(each, ()) for turn in self._after.get(run.id, ()))
        return found

    def beside(self, turn_id: str) -> str | None:
        """Return the nearest other version of a turn, an older one first; `None` if it is the only one."""
        versions = self.versions(self.turns[turn_id])
        place = versions.index(turn_id)
        others = [*versions[:place][::-1], *versions[place + 1 :]]
        return others[0] if others else None

    def last_run_of(self, id: str) -> str | None:
        """Return the last run on the branch of a turn or run, the newest at each fork; `None` for unknown ids."""
        run = self.runs.get(id) or next(reversed(self._answers.get(id, [])), None)
        for _ in range(len(self.runs)):
            if run is None:
                return None
            turn = next(reversed(self._after.get(run.id, [])), None)
            after = next(reversed(self._answers.get(turn.id, [])), None) if turn is not None else None
            if after is None:
                return str(run.id)
            run = after
        return None


def _lean(table: Table) -> list[Column[Any]]:
    return [column for column in table.c if column.name not in _NOT_IN_TREE]


def read_tree(db: Connection, conversation_id: str) -> Tree:
    turns = select(*_lean(t.turns)).where(t.turns.c.conversation_id == conversation_id)
    runs = select(*_lean(t.runs)).where(t.runs.c.conversation_id == conversation_id)
    return Tree(
        db.execute(turns.order_by(t.turns.c.created_at, t.turns.c.id)).all(),
        db.execute(runs.order_by(t.runs.c.created_at, t.runs.c.id)).all(),
    )


def show(db: Connection, conversation_id: str, head: str | None) -> None:
    """Show another path of a locked conversation: the one to `head`."""
    this = update(t.conversations).where(t.conversations.c.id == conversation_id)
    db.execute(this.values(head=head, revision=t.conversations.c.revision + 1))
    if script_rows.lock(db, conversation_id):
        script_rows.show_only(db, conversation_id, [run.id for run in read_tree(db, conversation_id).path(head)])


def parent_of(db: Connection, conversation_id: str, turn_id: str) -> str | None:
    """Return the run that a turn follows; `None` for a first turn."""
    here = t.turns.c.conversation_id == conversation_id, t.turns.c.deleted_at.is_(None)
    row = db.execute(select(t.turns.c.follows).where(*here, t.turns.c.id == turn_id)).one_or_none()
    if row is None:
        raise NotFound
    follows: str | None = row.follows
    return follows


def read_turns(
    db: Connection,
    tree: Tree,
    path: Sequence[Row[Any]],
    live: Mapping[str, Sequence[RunEvent]] | None = None,
    feedback: Mapping[str, Feedback] | None = None,
) -> list[Turn]:
    """Return the turns of a path with their events.

    Args:
        live: The events of active runs, as far as they are known.
        feedback: What the user thinks of the runs' answers.
    """
    logs, texts = _read_logs(db, tree, path), read_texts(db, tree, path)
    sent = file_rows.read_sent(db, path[0].conversation_id) if path else {}
    turns = []
    for run in path:
        turn = tree.turns[run.turn_id]
        versions = tree.versions(turn)
        turns.append(user_turn(turn, texts[turn.id], versions, sent.get(turn.id, ())))
        answer = answer_turn(db, tree, run, logs.get(run.id), (live or {}).get(run.id))
        given = (feedback or {}).get(run.id)
        turns.append(replace(answer, feedback=given) if given else answer)
    return turns


def user_turn(turn: Row[Any], text: str, versions: tuple[str, ...], files: tuple[File, ...]) -> Turn:
    """Return what a user has written and sent."""
    others = versions if len(versions) > 1 else ()
    return Turn(turn.id, "user", text, turn.created_at, versions=others, files=files)


def answer_turn(db: Connection, tree: Tree, run: Row[Any], ended: Any, live: Sequence[RunEvent] | None = None) -> Turn:
    """Return a run as an assistant turn. `ended` is the row with its text and log, if the run has ended."""
    answers = tree.answers(run.turn_id)
    return replace(run_turn(db, run, ended, live), versions=answers if len(answers) > 1 else ())


def run_turn(db: Connection, run: Any, ended: Any, live: Sequence[RunEvent] | None = None) -> Turn:
    """Return a run as an assistant turn, without its versions."""
    if ended is None:
        events = compact(live or rows.read_events(db, run.id, 0))
        view = fold(events)
        # The events of an active run may be newer than its row.
        text, state = view.text, RunState(run.state) if view.state.live else view.state
    else:
        text, events, state = ended.text, _decode_log(ended.log), RunState(run.state)
    made = replace(rows.to_run(run), state=state)
    return Turn(run.id, "assistant", text, run.created_at, made, events)


def read_answer(db: Connection, tree: Tree, run_id: str) -> Turn:
    """Return one run of the tree as an assistant turn."""
    ended = select(t.runs.c.text, t.runs.c.log).where(t.runs.c.id == run_id, t.runs.c.log.is_not(None))
    return answer_turn(db, tree, tree.runs[run_id], db.execute(ended).one_or_none())


def read_texts(db: Connection, tree: Tree, path: Sequence[Row[Any]]) -> dict[str, str]:
    """Return what the user wrote on a path, by the ids of the turns."""
    if not path:
        return {}
    here = t.turns.c.conversation_id == path[0].conversation_id
    shown = and_(here, _among(t.turns.c.id, {run.turn_id for run in path}, tree.turns.keys()))
    return {row.id: row.text for row in db.execute(select(t.turns.c.id, t.turns.c.text).where(shown))}


def _among(column: Column[str], these: Set[str], all: Set[str]) -> ColumnElement[bool]:
    """The condition for `these` rows of `all` rows of a conversation, in few parameters."""
    others = all - these
    if len(others) > len(these):
        return column.in_(these)
    return column.not_in(others) if others else true()


def _read_logs(db: Connection, tree: Tree, path: Sequence[Row[Any]]) -> dict[str, Any]:
    if all(run.active for run in path):
        return {}
    here = t.runs.c.conversation_id == path[0].conversation_id
    shown = and_(here, _among(t.runs.c.id, {run.id for run in path}, tree.runs.keys()))
    found = select(t.runs.c.id, t.runs.c.text, t.runs.c.log).where(shown, t.runs.c.log.is_not(None))
    return {row.id: row for row in db.execute(found)}


def _decode_log(log: list[Any]) -> tuple[RunEvent, ...]:
    return tuple(RunEvent(seq, datetime.fromisoformat(at), decode_body(name, data)) for seq, at, name, data in log)
