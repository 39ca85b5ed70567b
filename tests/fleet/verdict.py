"""What happened to a conversation, and which promises were broken: looked at from outside, as its user would."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from htmxchat.backends.active import INTERRUPTED
from htmxchat.store.takeover import SILENT
from tests.fleet.conversation import Conversation
from tests.support import Element, article_of, parse

_WORD = re.compile(r"w(\d+)")
_ENDED = {"completed", "failed", "cancelled"}
_AFTER_OUTAGE = 3.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What happened to a conversation.

    Attributes:
        outcome: `completed`, `failed`, `cancelled`, `hung` or `never sent`.
        broken: Which promises were not kept, a sentence each.
    """

    outcome: str
    broken: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What happened to a conversation's process.

    Attributes:
        killed: Whether one that had its run was killed.
        stopped: Whether one that had its run was asked to stop.
        away: When the database was away.
    """

    killed: bool
    stopped: bool
    away: Collection[tuple[float, float]]


def judge(user: Conversation, pages: list[str], history: str, circumstances: Circumstances) -> Verdict:
    """Look at what a user was told, and at what every process shows at the end."""
    broken = [
        f"The message was refused ({each.status or 'no answer'}) while the database was there."
        for each in user.refused
        if not any(each.begin <= end + _AFTER_OUTAGE and each.end >= begin for begin, end in circumstances.away)
    ]
    if user.taken is None:
        return Verdict("never sent", (*broken, "The message never arrived."))
    if user.ended is None:
        return Verdict("hung", (*broken, f"The answer does not end: {user.seen} events have come."))
    turns = [parse(page).one(id="turns") for page in pages]
    shown = turns[0]
    if len({each.html for each in turns}) > 1:
        broken.append("The processes show different things.")
    roles = [each["data-role"] for each in shown.all("article")]
    if roles != ["user", "assistant"] or shown.all("article")[-1]["id"] != f"turn-{user.run}":
        return Verdict("doubled", (*broken, f"The conversation has {roles}."))
    links = {each["href"] for each in parse(history).all("a") if "data-conversation" in each.attributes}
    if links != {user.path}:
        broken.append(f"The history has {len(links)} conversations.")
    answer = shown.one("article", id=f"turn-{user.run}")
    broken += _judge_words(user, answer)
    broken += _judge_end(user, answer, circumstances)
    broken += _judge_stream(user, shown)
    return Verdict(answer["data-state"], tuple(broken))


def _judge_words(user: Conversation, answer: Element) -> list[str]:
    numbers = [int(number) for number in _WORD.findall(answer.one(id=f"body-{user.run}").text)]
    if numbers != list(range(len(numbers))):
        at = next(index for index, number in enumerate(numbers) if index != number)
        return [f"Words are lost, doubled or out of order: {numbers[max(0, at - 2) : at + 3]} at {at}."]
    if answer["data-state"] == "completed" and len(numbers) != user.words:
        return [f"A complete answer has {len(numbers)} of {user.words} words."]
    return []


def _judge_end(user: Conversation, answer: Element, circumstances: Circumstances) -> list[str]:
    match answer["data-state"]:
        case "completed":
            return []
        case "failed" if user.agent == "resumable":
            return ["An answer that can go on elsewhere was given up."]
        case "failed":
            allowed = {SILENT: circumstances.killed, INTERRUPTED: circumstances.stopped}
            told = [sentence for sentence in allowed if sentence in answer.text]
            return [] if told and allowed[told[0]] else [f"It failed without a reason: {answer.text[-200:]!r}."]
        case "cancelled":
            return ["It is told as stopped, and nobody stopped it."]
        case state:
            return [f"It has ended for its reader, and is {state}."]


def _judge_stream(user: Conversation, shown: Element) -> list[str]:
    """The page after streaming equals the page after a reload."""
    loaded = parse(user.page)
    root = Element("root")
    for part in ("turns", "composer-actions", "status"):
        root.add(loaded.one(id=part))
    last = 0
    try:
        for message in user.messages:
            if message.event is None:
                root.apply(message.data)
            if message.id is not None:
                if int(message.id) < last:
                    return [f"The stream goes back from event {last} to {message.id}."]
                last = int(message.id)
        streamed = article_of(root, user.run)
    except AssertionError as error:
        return [f"What was streamed does not fit the page: {error}"]
    return [] if streamed == article_of(shown, user.run) else ["The page differs from a reload."]
