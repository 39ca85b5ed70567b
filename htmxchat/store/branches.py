"""A conversation is a tree: a user's turn follows a run, and runs answer a turn. The page shows one path of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, select, true, update

from ..compaction import compact
from ..errors import NotFound
from ..events import RunEvent, decode_body
from ..files.file import File
from ..models import Run, RunState, Turn
from ..text.cleaning import searchable
from ..view import fold
from . import file_rows, rows
from . import tables as t

_NOT_IN_TREE = frozenset({"log", "text", "folded", "checkpoint", "memory"})


class Tree:
    """The turns and runs of a conversation, without the runs' logs."""

    def __init__(self, turns: Sequence[Row[Any]], runs: Sequence[Row[Any]]) -> None:
        self.turns = {turn.id: turn for turn in turns}
        self.runs = {run.id: run for run in runs if run.turn_id in self.turns}
        self._answers: dict[str, list[Row[Any]]] = defaultdict(list)
        self._after: dict[str | None, list[Row[Any]]] = defaultdict(list)
        for run in self.runs.values():
            self._answers[run.turn_id].append(run)
        for turn in turns:
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

    def versions(self, turn: Row[Any]) -> tuple[str, ...]:
        """Return the turns that follow the same run, oldest first."""
        return tuple(each.id for each in self._after[turn.follows])

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


def read_tree(db: Connection, conversation_id: str) -> Tree:
    turns = select(t.turns).where(t.turns.c.conversation_id == conversation_id)
    columns = [column for column in t.runs.c if column.name not in _NOT_IN_TREE]
    runs = select(*columns).where(t.runs.c.conversation_id == conversation_id)
    return Tree(
        db.execute(turns.order_by(t.turns.c.created_at, t.turns.c.id)).all(),
        db.execute(runs.order_by(t.runs.c.created_at, t.runs.c.id)).all(),
    )


def index(db: Connection, conversation_id: str, path: Sequence[Row[Any]]) -> None:
    """Make a search find what a path shows, and nothing else of the conversation, which the caller has locked."""
    for table, shown in (t.turns, {run.turn_id for run in path}), (t.runs, {run.id for run in path}):
        texts = select(table.c.id, table.c.text, table.c.folded).where(table.c.conversation_id == conversation_id)
        for row in db.execute(texts).all():
            folded = searchable(row.text) if row.id in shown else ""
            if folded != row.folded:
                db.execute(update(table).where(table.c.id == row.id).values(folded=folded))


def parent_of(db: Connection, conversation_id: str, turn_id: str) -> str | None:
    """Return the run that a turn follows; `None` for a first turn."""
    turn = select(t.turns.c.follows).where(t.turns.c.conversation_id == conversation_id, t.turns.c.id == turn_id)
    row = db.execute(turn).one_or_none()
    if row is None:
        raise NotFound
    follows: str | None = row.follows
    return follows


def read_turns(
    db: Connection, tree: Tree, path: Sequence[Row[Any]], live: Mapping[str, Sequence[RunEvent]] | None = None
) -> list[Turn]:
    """Return the turns of a path with their events. `live` may hold the events of active runs."""
    logs = _read_logs(db, tree, path)
    sent = file_rows.read_sent(db, path[0].conversation_id) if path else {}
    turns = []
    for run in path:
        turn = tree.turns[run.turn_id]
        versions = tree.versions(turn)
        turns.append(user_turn(turn, versions, sent.get(turn.id, ())))
        turns.append(answer_turn(db, tree, run, logs.get(run.id), (live or {}).get(run.id)))
    return turns


def user_turn(turn: Row[Any], versions: tuple[str, ...], files: tuple[File, ...]) -> Turn:
    """Return what a user has written and sent."""
    others = versions if len(versions) > 1 else ()
    return Turn(turn.id, "user", turn.text, turn.created_at, versions=others, files=files)


def answer_turn(db: Connection, tree: Tree, run: Row[Any], ended: Any, live: Sequence[RunEvent] | None = None) -> Turn:
    """Return a run as an assistant turn. `ended` is the row with its text and log, if the run has ended."""
    answers = tree.answers(run.turn_id)
    if ended is None:
        events = compact(live or rows.read_events(db, run.id, 0))
        view = fold(events)
        # The events of an active run may be newer than its row.
        text, state = view.text, RunState(run.state) if view.state.live else view.state
    else:
        text, events, state = ended.text, _decode_log(ended.log), RunState(run.state)
    made = Run(run.id, run.conversation_id, run.user_id, run.turn_id, state, run.created_at)
    return Turn(run.id, "assistant", text, run.created_at, made, events, answers if len(answers) > 1 else ())


def read_answer(db: Connection, tree: Tree, run_id: str) -> Turn:
    """Return one run of the tree as an assistant turn."""
    ended = select(t.runs.c.text, t.runs.c.log).where(t.runs.c.id == run_id, t.runs.c.log.is_not(None))
    return answer_turn(db, tree, tree.runs[run_id], db.execute(ended).one_or_none())


def _read_logs(db: Connection, tree: Tree, path: Sequence[Row[Any]]) -> dict[str, Any]:
    if not path:
        return {}
    others = tree.runs.keys() - {run.id for run in path}
    shown = and_(t.runs.c.conversation_id == path[0].conversation_id, t.runs.c.id.not_in(others) if others else true())
    found = select(t.runs.c.id, t.runs.c.text, t.runs.c.log).where(shown, t.runs.c.log.is_not(None))
    return {row.id: row for row in db.execute(found)}


def _decode_log(log: list[Any]) -> tuple[RunEvent, ...]:
    return tuple(RunEvent(seq, datetime.fromisoformat(at), decode_body(name, data)) for seq, at, name, data in log)
