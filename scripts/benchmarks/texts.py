"""The answers that are measured: numbered words, and four kinds of long text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import count

SENTENCE = (
    "The median of all jobs moved by less than two percent, but the tail did not: `p95` rose in **three** jobs, and "
    "one of them, *orders_sync*, accounts for most of the time that was added since the release of the week before. "
)


def plain_words(number: int) -> list[str]:
    """Return numbered words, one paragraph: 1,500 of them are 12.4 KB."""
    return [f"word{index} " for index in range(number)]


def markdown_words(number: int) -> list[str]:
    """Return the same words with paragraphs, lists, bold words and code blocks among them."""
    words = []
    for index, word in enumerate(plain_words(number)):
        if index % 50 == 25:
            word = f"**{word.strip()}** "
        if index % 120 == 60:
            word = f"\n\n- {word}"
        elif index % 60 == 0 and index:
            word = f"\n\n{word}"
        if index % 400 == 399:
            word = f"\n\n```python\n{word.strip()} = 1\n```\n\n"
        words.append(word)
    return words


def prose(size: int) -> str:
    return _fill("", (f"{SENTENCE}Paragraph {number} says so.\n\n" for number in count()), "", size)


def paragraph(size: int) -> str:
    return _fill("", (f"{SENTENCE}Sentence {number}. " for number in count()), "", size)


def code(size: int) -> str:
    lines = (f"    total_{number} = sum(float(row['seconds']) for row in rows[{number}:])\n" for number in count())
    return _fill("```python\n", lines, "```\n", size)


def bullets(size: int) -> str:
    return _fill("", (f"- **item {number}** {SENTENCE}\n" for number in count()), "", size)


BETWEEN_TOOLS = "prose between tools"
"""Prose with a call of a tool after each paragraph, of some 230 characters."""

KINDS: dict[str, Callable[[int], str]] = {
    "prose": prose,
    "one paragraph": paragraph,
    "one code block": code,
    "one list": bullets,
    BETWEEN_TOOLS: prose,
}


def pieces(text: str) -> list[str]:
    """Return `text` as a model sends it, about a word at a time."""
    return re.findall(r"\s*\S+|\s+\Z", text)


def _fill(start: str, parts: Iterator[str], end: str, size: int) -> str:
    text = [start]
    length = len(start)
    while length < size - len(end):
        text.append(next(parts))
        length += len(text[-1])
    return "".join(text) + end
