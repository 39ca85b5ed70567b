"""Snapshots of messages, sent in addition to the stream. Their ids often differ from those in the stream."""

from __future__ import annotations

from collections.abc import Sequence

from ....events import JSON, EventBody
from .fields import known, mapping
from .media import Media
from .messages import Message, Messages, calls_of, last_of_user
from .texts import Texts
from .tools import Tools


def take_over(messages: Messages, snapshot: Sequence[Message]) -> None:
    """Take over the messages of a snapshot. Reasoning stays if the snapshot has none: some servers leave it out."""
    merged = [dict(each) for each in snapshot]
    if not any(each.get("role") == "reasoning" for each in merged):
        local = messages.export()
        for place in reversed(range(len(local) - 1)):
            if local[place].get("role") == "reasoning":
                next_id = local[place + 1].get("id")
                at = next((index for index, each in enumerate(merged) if each.get("id") == next_id), None)
                if at is not None:
                    merged.insert(at, local[place])
    messages.replace(merged)


def news(snapshot: Sequence[Message], texts: Texts, tools: Tools, media: Media, subagents: bool) -> list[EventBody]:
    """Return the texts, calls and results of this turn that were not streamed. `media` takes the files.

    Args:
        subagents: Whether subagents told what they do: then their messages are shown there.
    """
    bodies: list[EventBody] = []
    streamed = texts.all
    used: set[str] = set()
    for message in snapshot[last_of_user(snapshot) + 1 :]:
        if message.get("role") == "assistant" and not (subagents and message.get("subagentRunId")):
            bodies += _text(message, streamed, used, texts)
            media.see(message.get("content"))
            for call in calls_of(message):
                bodies += _call(call, tools)
        elif message.get("role") == "tool":
            bodies += _result(message, tools)
            media.see(message.get("content"))
    return bodies


def _text(message: Message, streamed: dict[str, str], used: set[str], texts: Texts) -> list[EventBody]:
    id, content = known(message.get("id")), content_text(message.get("content"))
    own = streamed.get(id)
    if not content.strip():
        taken_back = own and message.get("content") == "" and not calls_of(message) and not texts.is_open(id)
        return texts.forget(streamed.keys() - {id}) if taken_back else []
    if own is not None:
        used.add(id)
        return [] if texts.is_open(id) or _same(own, content) or own.startswith(content) else texts.correct(id, content)
    for other, said in streamed.items():
        if other in used or not said:
            continue
        if _same(said, content) or (texts.is_open(other) and said.startswith(content)):
            used.add(other)
            return []
    if _same("".join(streamed.values()), content):
        return []
    bodies = texts.more(id, content)
    return [*bodies, *texts.end(id)]


def _call(call: Message, tools: Tools) -> list[EventBody]:
    id, function = known(call.get("id")), mapping(call.get("function"))
    if not id or id in tools.calls:
        return []
    bodies = tools.start(id, known(function.get("name")) or "tool")
    if arguments := known(function.get("arguments")):
        tools.more(id, arguments)
    return [*bodies, *tools.end(id)]


def _result(message: Message, tools: Tools) -> list[EventBody]:
    id = known(message.get("toolCallId"))
    call = tools.calls.get(id)
    if call is None or call.finished:
        return []
    return tools.result(id, known(message.get("id")), message.get("error") or message.get("content"))


def content_text(content: JSON) -> str:
    """Return the text of a message, also of one with parts."""
    if isinstance(content, list):
        return "".join(known(mapping(each).get("text")) for each in content)
    return known(content)


def _same(one: str, other: str) -> bool:
    return "".join(one.split()) == "".join(other.split())
