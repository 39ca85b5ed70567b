"""One turn with the server: its input, its events, and what has to be answered. Pure.

It is kept between two runs of the server's: as the memory of the branch, and as the checkpoint of a turn that waits.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from ...agent import Request
from ...events import JSON
from ...models import Turn
from ...parts import Text
from ..attachments import Given
from ..history import told, turns_after
from .files import content_of
from .translation.ends import Interrupt
from .translation.fields import known, mapping, objects
from .translation.messages import Message, unanswered

PROTOCOL = "1.0"
_NOT_ANSWERED = "The user did not answer."


@dataclass(frozen=True, slots=True)
class Task:
    """Something that has to be answered before the server continues.

    Attributes:
        kind: A question of the server's, or a call of a tool that is offered to it.
        interrupt: The question.
        name: Of the tool that is called, or that the question is about.
        arguments: Of that, as JSON text.
    """

    kind: Literal["interrupt", "call"]
    id: str
    name: str = ""
    arguments: str = ""
    interrupt: Interrupt | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """The result of a task.

    Attributes:
        value: The payload, or the content of the tool's message.
        status: cancelled when it was too late to answer.
        error: Why the tool failed.
    """

    value: JSON
    status: Literal["resolved", "cancelled"] = "resolved"
    error: str = ""


@dataclass(frozen=True, slots=True)
class Exchange:
    """A turn with the server.

    Attributes:
        thread: The server's name of this branch of the conversation.
        runs: How many runs of the server's this turn has had.
        tasks: What is to be answered before the next.
        answers: What was, by the ids of tasks.
    """

    thread: str
    messages: tuple[Message, ...]
    state: JSON
    runs: int = 0
    tasks: tuple[Task, ...] = ()
    answers: dict[str, Answer] = field(default_factory=dict)
    usage: tuple[int, int] = (0, 0)

    @property
    def checkpoint(self) -> JSON:
        return asdict(self)

    def memory(self, run_id: str) -> JSON:
        """Return the memory for the next turn of the branch."""
        kept: JSON = {
            "thread": self.thread,
            "messages": list(self.messages),
            "state": self.state,
            "after": run_id,
            "open": any(task.kind == "interrupt" for task in self.tasks),
        }
        return kept

    def answered(self, task: Task, answer: Answer) -> Exchange:
        return replace(self, answers={**self.answers, task.id: answer})


def begin(request: Request, state: JSON, given: Mapping[str, Given]) -> Exchange:
    """Return a new turn, which the server is given what is `given` of files.

    A branch of its own has a thread of its own: on the server's, what was replaced would still stand. So has a
    conversation in which the server waits for an answer that was never given.
    """
    memory = mapping(request.memory)
    messages = objects(memory, "messages") if isinstance(memory.get("messages"), list) else []
    after = known(memory.get("after"))
    earlier = turns_after(request.history, after or None)
    if messages and not any(turn.id == after for turn in request.history):
        messages = []  # of a turn that was deleted
    messages = [*messages, *_as_messages(earlier, given)]
    thread = known(memory.get("thread")) or request.conversation_id
    if request.forks or memory.get("open"):
        thread = f"{request.conversation_id}-{request.run_id}"
    content = content_of(request.text, request.files, given)
    asked: Message = {"id": f"{request.run_id}-user", "role": "user", "content": content}
    return Exchange(
        thread,
        (*_settled(messages), asked),
        memory.get("state", state),
    )


def on_thread(memory: JSON, thread: str) -> JSON:
    """Return a memory with which the next turn continues this thread, also if this turn fails."""
    return {**mapping(memory), "thread": thread, "open": False}


def restored(checkpoint: JSON) -> Exchange:
    """Return a turn from its checkpoint."""
    kept = mapping(checkpoint)
    tasks = tuple(
        Task(**{**each, "interrupt": Interrupt(**each["interrupt"]) if each.get("interrupt") else None})
        for each in objects(kept, "tasks")
    )
    return Exchange(
        kept["thread"], tuple(objects(kept, "messages")), kept["state"], kept["runs"], tasks,
        {id: Answer(**each) for id, each in mapping(kept["answers"]).items()}, tuple(kept["usage"]),
    )  # fmt: skip


def run_input(exchange: Exchange, run_id: str, **offered: JSON) -> dict[str, Any]:
    """Return the RunAgentInput of the next run. Servers of 0.x need every field, also empty ones.

    Args:
        offered: `tools`, `context` and `forwardedProps`.
    """
    messages = with_results(exchange)
    resume: list[JSON] = []
    commands: dict[str, JSON] = {}
    for task in exchange.tasks:
        answer, interrupt = exchange.answers[task.id], task.interrupt
        if interrupt is None or interrupt.way == "tool":
            continue
        if interrupt.way == "command":
            commands[""] = answer.value
        else:
            entry: dict[str, JSON] = {"interruptId": interrupt.id, "status": answer.status}
            if answer.status == "resolved":
                entry["payload"] = answer.value
                if interrupt.langgraph:
                    commands[interrupt.id] = answer.value
            resume.append(entry)
    forwarded = offered.get("forwardedProps") or {}
    sent: dict[str, Any] = {
        "protocolVersion": PROTOCOL,
        "threadId": exchange.thread,
        "runId": run_id,
        "state": {} if exchange.state is None else exchange.state,
        "messages": messages,
        "tools": offered.get("tools") or [],
        "context": offered.get("context") or [],
        "forwardedProps": forwarded,
    }
    if "" in commands:
        sent["forwardedProps"] = {**mapping(forwarded), "command": {"resume": commands[""]}}
    elif len(commands) > 1 and len(commands) == len(resume):
        # LangGraph accepts several answers only in this form.
        sent["forwardedProps"] = {**mapping(forwarded), "command": {"resume": commands}}
    elif resume:
        sent["resume"] = resume
    return sent


def with_results(exchange: Exchange) -> list[Message]:
    """Return the messages, with the result of the calls that were answered."""
    messages = list(exchange.messages)
    for task in exchange.tasks:
        if task.interrupt is None or task.interrupt.way == "tool":
            messages = _with_result(messages, task.id, exchange.answers[task.id])
    return messages


def without_empty(messages: Iterable[Message]) -> list[Message]:
    """Return messages without empty ones of the agent: some models refuse them."""
    return [
        each
        for each in messages
        if each.get("role") != "assistant" or any(each.get(name) for name in ("content", "toolCalls", "encryptedValue"))
    ]


def can_be_plainer(sent: dict[str, Any]) -> bool:
    """Return whether an input has fields that servers of 0.x refuse."""
    return bool(sent["messages"] != _plain(sent["messages"]))


def plainer(sent: dict[str, Any]) -> dict[str, Any]:
    """Return the input in the form that servers of 0.x accept."""
    return {**sent, "messages": _plain(sent["messages"])}


def _plain(messages: Iterable[Message]) -> list[Message]:
    kept = [each for each in messages if each.get("role") != "reasoning"]
    return [
        {**each, "content": "".join(known(mapping(part).get("text")) for part in each["content"])}
        if isinstance(each.get("content"), list)
        else each
        for each in kept
    ]


def _with_result(messages: list[Message], call_id: str, answer: Answer) -> list[Message]:
    """Return the messages with the result of a call, after the message that calls."""
    result: Message = {"id": f"result-{call_id}", "role": "tool", "toolCallId": call_id, "content": answer.value}
    if answer.error:
        result["error"] = answer.error
    at = _after_call(messages, call_id)
    return [*messages[:at], result, *messages[at:]]


def _after_call(messages: Sequence[Message], call_id: str) -> int:
    for place in reversed(range(len(messages))):
        calls = messages[place].get("toolCalls")
        if isinstance(calls, list) and any(mapping(call).get("id") == call_id for call in calls):
            place += 1
            while place < len(messages) and messages[place].get("role") == "tool":
                place += 1
            return place
    return len(messages)


def _settled(messages: list[Message]) -> list[Message]:
    """Return messages in which every call has a result: models refuse others."""
    for call_id, _, _ in unanswered(messages):
        messages = _with_result(messages, call_id, Answer(_NOT_ANSWERED))
    return messages


def _as_messages(turns: Sequence[Turn], given: Mapping[str, Given]) -> list[Message]:
    """Return the messages of turns that are in no memory. The user's have the ids with which they were sent."""
    messages: list[Message] = []
    for place, turn in enumerate(turns):
        if turn.role == "user":
            answer = turns[place + 1].id if place + 1 < len(turns) else turn.id
            messages.append(
                {"id": f"{answer}-user", "role": "user", "content": content_of(turn.text, turn.files, given)}
            )
            continue
        said = "\n\n".join(part.text for part in told(turn) if isinstance(part, Text))
        if said:
            messages.append({"id": f"{turn.id}-answer", "role": "assistant", "content": said})
    return messages
