"""A chat model that is a function, for graphs."""

from __future__ import annotations

import pickle
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langgraph.checkpoint.memory import InMemorySaver

Streams = Callable[[list[BaseMessage]], AsyncIterator[Any]]


class FunctionModel(BaseChatModel):
    """Streams what an async generator function of the messages yields: texts, and pieces of messages."""

    streams: Streams

    @property
    def _llm_type(self) -> str:
        return "function"

    async def _astream(
        self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **kwargs: Any
    ) -> AsyncIterator[ChatGenerationChunk]:
        async for piece in self.streams(messages):
            message = AIMessageChunk(content=piece) if isinstance(piece, str) else piece
            yield ChatGenerationChunk(message=message)

    def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=AIMessage("This model only streams."))])


def call(name: str | None, arguments: str = "{}", id: str | None = "call-1", index: int = 0) -> AIMessageChunk:
    return AIMessageChunk(content="", tool_call_chunks=[tool_call_chunk(name=name, args=arguments, id=id, index=index)])


def spoken(messages: list[BaseMessage]) -> list[str]:
    """Return what a model was given: the texts of the user, of itself, and of tools."""
    return [message.text for message in messages if message.text]


class FileSaver(InMemorySaver):
    """A checkpointer that outlives its process: what it knows is in a file."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self._file = file
        if file.exists():
            storage, writes, blobs = pickle.loads(file.read_bytes())
            for thread, namespaces in storage.items():
                for namespace, checkpoints in namespaces.items():
                    self.storage[thread][namespace].update(checkpoints)
            self.writes.update(writes)
            self.blobs.update(blobs)

    async def aput(self, *args: Any, **kwargs: Any) -> Any:
        config = await super().aput(*args, **kwargs)
        self._save()
        return config

    async def aput_writes(self, *args: Any, **kwargs: Any) -> None:
        await super().aput_writes(*args, **kwargs)
        self._save()

    def _save(self) -> None:
        storage = {thread: {ns: dict(each) for ns, each in found.items()} for thread, found in self.storage.items()}
        self._file.write_bytes(pickle.dumps((storage, dict(self.writes), dict(self.blobs))))
