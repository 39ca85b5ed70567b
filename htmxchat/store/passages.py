"""The passage where a search matched: a few words before the match, and what follows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Table, case, func, literal, or_, select

from ..text.cleaning import searchable
from . import tables as t

BEFORE = 30
LENGTH = 160
# The folded text may be longer or shorter than the text, so the position in the text is approximate.
_SLACK = 40


def read_passages(db: Connection, conversation_ids: Sequence[str], words: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Return for each conversation the first passage with one of `words`, from its questions, else from its answers,
    and the turn that has it.

    Args:
        words: Folded, as `searchable` returns them.
    """
    found: dict[str, tuple[str, str]] = {}
    for table in (t.turns, t.runs):
        left = [id for id in conversation_ids if id not in found]
        if left and words:
            for row in db.execute(_first(table, left, words, db.dialect.name)):
                found[row.conversation_id] = passage(row.text, row.folded, words), row.id
    return found


def passage(text: str, folded: str, words: Iterable[str]) -> str:
    """Return one line from an excerpt of a text; `folded` is about the same excerpt of the folded text."""
    words = [*words]
    shown = text if any(word in searchable(text) for word in words) else folded
    places = [place for word in words if (place := searchable(shown).find(word)) >= 0]
    begin = max(0, min(places, default=0) - BEFORE)
    # Begin with a whole word.
    begin = shown.find(" ", begin, begin + BEFORE) + 1 if begin else 0
    return " ".join(shown[begin : begin + LENGTH].split())


def _first(table: Table, conversation_ids: Sequence[str], words: Sequence[str], dialect: str) -> Select[Any]:
    c = table.c
    holds = [c.folded.contains(word, autoescape=True) for word in words]
    place: ColumnElement[int] = case(
        *((held, _place(c.folded, word, dialect)) for held, word in zip(holds, words, strict=True)), else_=literal(1)
    )
    start = case((place > BEFORE + _SLACK, place - BEFORE - _SLACK), else_=literal(1))
    length = LENGTH + 2 * _SLACK + BEFORE
    order = func.row_number().over(partition_by=c.conversation_id, order_by=(c.created_at, c.id)).label("place")
    stretch = select(
        c.id,
        c.conversation_id,
        func.substr(c.text, start, length).label("text"),
        func.substr(c.folded, start, length).label("folded"),
        order,
    ).where(c.conversation_id.in_(conversation_ids), or_(*holds))
    each = stretch.subquery()
    return select(each.c.id, each.c.conversation_id, each.c.text, each.c.folded).where(each.c.place == 1)


def _place(column: ColumnElement[str], word: str, dialect: str) -> ColumnElement[int]:
    return func.strpos(column, word) if dialect == "postgresql" else func.instr(column, word)
