"""The run of a graph: streams, asks the user, and continues."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

from langchain_core.messages import AnyMessage
from langchain_core.runnables import RunnableConfig
from langgraph.pregel import Pregel
from langgraph.types import StateSnapshot

from ... import checks
from ...agent import Checkpoint, Remember, Request, Said
from ...events import JSON, TextReplaced
from ...files.file import File
from ...models import Turn
from ..attachments import MOST, UNREAD, UNSEEN, given_files
from ..history import turns_after
from ..setting import setting_for
from .events import MODES, Translation
from .failures import explained
from .history import message_of, messages_of
from .questions import STOP, interview
from .threads import Place, checked, decode

Input = Callable[[Request, list[AnyMessage]], Any]


@dataclass(frozen=True, slots=True)
class Settings:
    """The host's settings."""

    config: Any
    context: Any
    input: Input
    stages: Mapping[str, str]
    sees: bool
    file_bytes: int

    def wants(self, file: File) -> str:
        """Return why a file is not sent to the graph, as text for its model."""
        if file.is_text or self.sees:
            return ""
        return UNSEEN if file.is_picture else UNREAD


def langgraph(
    graph: Pregel[Any, Any, Any, Any],
    *,
    config: Any = None,
    context: Any = None,
    input: Input | None = None,
    stages: Mapping[str, str] | None = None,
    sees: bool = True,
    file_bytes: int = MOST,
    name: str = "",
) -> LangGraph:
    """Return a compiled graph as an agent of the chat: `LocalBackend(langgraph(graph))`.

    A graph with a checkpointer remembers along the branch that the conversation shows: a turn begins at the checkpoint
    after the answer before it. Its interrupts are questions, and may be answered after a restart. A graph without one
    is given the conversation's messages each time.

    Args:
        config: The graph's configuration, without a thread, or a function of the `Request` that returns it; it may be
            async.
        context: What the nodes get as `runtime.context`, or a function of the `Request` that returns it.
        input: What the graph is given, from the request and the new messages; by default `{"messages": messages}`.
        stages: What nodes do, in words, by their names: `{"agent": "Thinking"}`. An empty text is not shown.
        sees: Whether the graph is given pictures and other files that are no text, as content blocks. Without it, it is
            told that they are there.
        file_bytes: How many bytes of files it is given with a message, the latest first.
        name: Tells whose runs these are, where several agents share a store; by default the graph's own name.

    Raises:
        TypeError: `graph` is no compiled graph, or another argument is of another kind.
        ValueError: `config` names a thread.
    """
    if not isinstance(graph, Pregel):
        said = checks.kind(graph)
        raise TypeError(f"graph must be a compiled graph, StateGraph(…).compile(checkpointer=…), not {said}.")
    if not callable(config):
        checked(config)
    if input is not None and not callable(input):
        raise TypeError(f"input must be a function of the request and its messages, not {checks.kind(input)}.")
    words = {} if stages is None else checks.instance("stages", stages, dict, '{"agent": "Thinking"}')
    checks.flag("sees", sees)
    checks.whole("file_bytes", file_bytes)
    settings = Settings(config, context, input or _messages_alone, words, sees, file_bytes)
    return LangGraph(graph, settings, checks.text("name", name) or graph.get_name())


def _messages_alone(request: Request, messages: list[AnyMessage]) -> Any:
    return {"messages": messages}


class LangGraph:
    """A compiled graph as an agent of the chat. Made by `langgraph`."""

    def __init__(self, graph: Pregel[Any, Any, Any, Any], settings: Settings, name: str) -> None:
        self.name = name
        self._graph = graph
        self._settings = settings
        self._remembers = bool(graph.checkpointer)

    def answer(self, request: Request) -> AsyncGenerator[Said, Any]:
        return self.resume(request, None)

    async def resume(self, request: Request, checkpoint: JSON) -> AsyncGenerator[Said, Any]:
        """Continue from a checkpoint: before a step of the graph, or before a question."""
        config = checked(await setting_for(self._settings.config, request))
        context = await setting_for(self._settings.context, request)
        place = decode(checkpoint)
        state = await self._state(config, place)
        given: Any = None
        if place is None or state is None:
            if checkpoint is not None:  # the graph no longer has it
                yield TextReplaced("")
            place, given = await self._begin(config, request)
        while True:
            if state is not None and place.waits:
                talk = interview(state, place.rounds)
                try:
                    asks = next(talk)
                    while True:
                        asks = talk.send((yield asks))
                except StopIteration as end:
                    given, place = end.value, place.asked()
                if given == STOP:
                    yield _memory(place, request)
                    return
            translation = Translation(self._settings.stages, place.used)
            async with aclosing(self._stream(given, place.config(config), context)) as stream:
                async for part in stream:
                    shown = [*translation.of(part)]
                    if translation.checkpoint not in ("", place.checkpoint):
                        place = place.at(translation.checkpoint, translation.used)
                        yield Checkpoint(place.encode())
                    for body in shown:
                        yield body
            yield translation.used
            state = await self._state(config, replace(place, checkpoint=""))
            if state is None:
                if translation.interrupted:
                    raise RuntimeError(
                        "The graph asks with interrupt(), so it needs a checkpointer: compile(checkpointer=…)."
                    )
                return
            last = state.config["configurable"]["checkpoint_id"]
            place = place.at(last, translation.used, waits=bool(state.interrupts or state.next))
            if not place.waits:
                yield _memory(place, request)
                return
            yield Checkpoint(place.encode())

    async def _stream(
        self, given: Any, config: RunnableConfig, context: Any
    ) -> AsyncGenerator[Mapping[str, Any], None]:
        stream = self._graph.astream(
            given,
            config,
            context=context,
            stream_mode=MODES,
            subgraphs=True,
            durability="sync" if self._remembers else None,
            version="v2",
        )
        try:
            async for part in stream:
                yield part
        except Exception as error:
            if (clear := explained(error)) is not None:
                raise clear from error
            raise

    async def _state(self, config: RunnableConfig, place: Place | None) -> StateSnapshot | None:
        """Return the graph's state at a place, without a checkpoint the last of its thread; `None` if there is none."""
        if place is None or not self._remembers:
            return None
        state = await self._graph.aget_state(place.config(config))
        return state if state.created_at else None

    async def _begin(self, config: RunnableConfig, request: Request) -> tuple[Place, Any]:
        """Return the place where a turn starts, and the graph's input there."""
        memory = request.memory if isinstance(request.memory, dict) else {}
        place = decode(memory.get("place"))
        since: Sequence[Turn] = request.history
        if place is not None and await self._state(config, place):
            since = turns_after(request.history, str(memory.get("run")))
            place = Place(place.thread, place.checkpoint)
        else:
            place = Place(uuid4().hex)
        given = await given_files(request, since, self._settings.wants, self._settings.file_bytes)
        asked = message_of(request.text, request.files, given, f"{request.run_id}-user")
        messages = [*messages_of(since, given), asked]
        return place, self._settings.input(request, messages)


def _memory(place: Place, request: Request) -> Remember:
    return Remember({"place": place.encode(), "run": request.run_id})
