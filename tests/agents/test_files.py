"""What agents give their models of the files that users send, and what comes back: real servers and real frameworks."""

from __future__ import annotations

import base64
import json
import struct
import zlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from langchain_core.messages import AIMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, MessagesState, StateGraph
from pydantic_ai import Agent
from pydantic_ai.messages import BinaryContent, FilePart, ModelMessage, ModelRequest, PartStartEvent
from pydantic_ai.models.function import FunctionModel
from pydantic_ai.models.test import TestModel

from htmxchat import File, LocalBackend, Run, SendFile, SentFiles
from htmxchat.agents import ag_ui, langgraph, openai, pydantic_ai
from htmxchat.agents.attachments import decoded, media_file
from htmxchat.agents.pydantic_ai_object.events import Translation
from tests.agents import agui
from tests.agents.recordings import answer, playing, stream
from tests.agents.talking import ANN, served, view

pytestmark = pytest.mark.anyio


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


PNG = (
    b"\x89PNG\r\n\x1a\n"
    + _chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0))
    + _chunk(b"IDAT", zlib.compress(b"\0\0\0\0"))
    + _chunk(b"IEND", b"")
)
PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj"
ENCODED = base64.b64encode(PNG).decode()
URL = f"data:image/png;base64,{ENCODED}"
SENT = {"photo.png": PNG, "sizes.csv": b"name,bytes\na,1\n", "paper.pdf": PDF}


async def send(backend: LocalBackend, text: str, *names: str, after: Run | None = None) -> Run:
    async def content(data: bytes) -> AsyncIterator[bytes]:
        yield data

    files = [await backend.store_file(ANN, name, content(SENT[name])) for name in names]
    ids = [file.id for file in files]
    return await backend.start_run(ANN, after.conversation_id if after else None, text, files=ids)


async def sent_back(backend: LocalBackend, run: Run) -> list[tuple[File, bytes]]:
    seen = await view(backend, run)
    assert seen.error is None
    found = []
    for file in [file for part in seen.parts if isinstance(part, SentFiles) for file in part.files]:
        _, chunks = await backend.open_file(ANN, file.id)
        found.append((file, b"".join([chunk async for chunk in chunks])))
    return found


def told(event: dict[str, Any]) -> str:
    return f"data: {json.dumps(event)}"


def posted(request: bytes) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(request.partition(b"\r\n\r\n")[2])
    return body


class TestOpenAI:
    async def test_a_chat_completion_gets_pictures_texts_and_what_the_server_reads(self) -> None:
        async with playing(answer("Nice."), answer("Still nice.")) as server:
            agent = openai(server.url, model="m", sees=True, reads=["application/pdf"])
            async with served(agent) as backend:
                run = await send(backend, "Look", *SENT)
                await view(backend, run)
                await view(backend, await send(backend, "Again", after=run))
        first, second = map(posted, server.requests)
        (asked,) = first["messages"]
        text, picture, paper = asked["content"]
        assert text["text"].startswith("Look\n\n[The user attached “sizes.csv” (text/csv, 15 bytes):]\n```\nname,bytes")
        assert picture == {"type": "image_url", "image_url": {"url": URL}}
        assert paper["file"]["filename"] == "paper.pdf"
        assert decoded(paper["file"]["file_data"]) == ("application/pdf", PDF)
        assert second["messages"][0] == asked

    async def test_a_model_that_sees_nothing_is_told_what_is_there(self) -> None:
        async with playing(answer("I see nothing.")) as server, served(openai(server.url, model="m")) as backend:
            await view(backend, await send(backend, "", "photo.png", "paper.pdf"))
        (asked,) = posted(server.requests[0])["messages"]
        assert asked["content"] == (
            f"[The user attached “photo.png” (image/png, {len(PNG)} bytes), but you cannot see pictures.]\n\n"
            f"[The user attached “paper.pdf” (application/pdf, {len(PDF)} bytes),"
            " but you cannot read files of this type.]"
        )

    async def test_no_more_bytes_are_given_than_wanted_the_latest_first(self) -> None:
        async with playing(answer("One."), answer("Two.")) as server:
            agent = openai(server.url, model="m", sees=True, file_bytes=len(PNG))
            async with served(agent) as backend:
                run = await send(backend, "First", "photo.png")
                await view(backend, run)
                await view(backend, await send(backend, "Second", "photo.png", after=run))
        before, _, now = posted(server.requests[1])["messages"]
        assert "too large to be shown to you" in before["content"]
        assert now["content"][1]["image_url"]["url"] == URL

    async def test_the_responses_api_gets_its_own_form(self) -> None:
        done = {"type": "response.completed", "response": {"status": "completed", "output": [
            {"type": "image_generation_call", "id": "i", "result": ENCODED, "output_format": "png"},
        ]}}  # fmt: skip
        async with playing(stream(told(done))) as server:
            agent = openai(server.url, model="m", api="responses", sees=True, reads=["application/pdf"])
            async with served(agent) as backend:
                run = await send(backend, "Look", "photo.png", "paper.pdf")
                ((file, content),) = await sent_back(backend, run)
        assert (file.name, file.media_type, content) == ("picture-1.png", "image/png", PNG)
        (asked,) = posted(server.requests[0])["input"]
        text, picture, paper = asked["content"]
        assert text == {"type": "input_text", "text": "Look"}
        assert picture == {"type": "input_image", "image_url": URL}
        assert (paper["type"], paper["filename"]) == ("input_file", "paper.pdf")

    async def test_pictures_of_a_model_are_files_each_once_and_no_address_is_fetched(self) -> None:
        image = {"type": "image_url", "image_url": {"url": URL}}
        other = {"type": "image_url", "image_url": {"url": "http://127.0.0.1:1/x.png"}}
        delta = {"choices": [{"index": 0, "delta": {"images": [image, other, image]}}]}
        end = {"choices": [{"index": 0, "delta": {"images": [image]}, "finish_reason": "stop"}]}
        async with (
            playing(stream(told(delta), told(end)), answer("Yes.")) as server,
            served(openai(server.url, model="m")) as backend,
        ):
            run = await send(backend, "Draw")
            ((file, content),) = await sent_back(backend, run)
            await view(backend, await send(backend, "Did you?", after=run))
        assert (file.name, content) == ("picture-1.png", PNG)
        assert posted(server.requests[1])["messages"][1]["content"] == "[Sent to the user: picture-1.png]"


class TestPydanticAI:
    async def test_files_are_binary_content_now_and_in_later_turns_and_their_bytes_are_not_remembered(self) -> None:
        given: list[list[Any]] = []

        async def reply(messages: list[ModelMessage], info: Any) -> AsyncIterator[str]:
            requests = [each for each in messages if isinstance(each, ModelRequest)]
            prompts = [getattr(part, "content", None) for each in requests for part in each.parts]
            given.append(prompts)
            yield "Nice."

        async with served(pydantic_ai(Agent(FunctionModel(stream_function=reply)))) as backend:
            run = await send(backend, "Look", *SENT)
            await view(backend, run)
            second = await send(backend, "Again", after=run)
            await view(backend, second)
            memory = (await backend._store.takeover.read_context(await backend.get_run(ANN, second.id))).memory
        ((text, picture, paper),) = given[0]
        assert "name,bytes" in text
        assert isinstance(picture, BinaryContent) and (picture.data, picture.media_type) == (PNG, "image/png")
        assert isinstance(paper, BinaryContent) and paper.data == PDF
        assert given[1] == [[text, picture, paper], "Again"]
        assert ENCODED not in json.dumps(memory)

    async def test_a_model_that_sees_nothing_is_told(self) -> None:
        model = TestModel(custom_output_text="I see nothing.")
        async with served(pydantic_ai(Agent(model), sees=False)) as backend:
            await view(backend, await send(backend, "Look", "photo.png"))

    def test_a_file_that_the_model_makes_is_sent(self) -> None:
        part = FilePart(BinaryContent(PNG, media_type="image/png"))
        assert [*Translation().of(PartStartEvent(index=0, part=part))] == [SendFile("picture-1.png", PNG)]


class TestLangGraph:
    @pytest.mark.parametrize("saver", [InMemorySaver, lambda: None], ids=["checkpointer", "none"])
    async def test_files_are_content_blocks_now_and_in_later_turns(self, saver: Any) -> None:
        given: list[Any] = []

        async def agent(state: MessagesState) -> dict[str, Any]:
            given.append(state["messages"])
            return {
                "messages": [
                    AIMessage(
                        [
                            {"type": "text", "text": "Here."},
                            {"type": "image", "base64": ENCODED, "mime_type": "image/png"},
                        ]
                    )
                ]
            }

        graph = StateGraph(MessagesState)
        graph.add_node("agent", agent)
        graph.add_edge(START, "agent")
        graph.add_edge("agent", END)
        async with served(langgraph(graph.compile(checkpointer=saver()))) as backend:
            run = await send(backend, "Look", *SENT)
            ((file, content),) = await sent_back(backend, run)
            await view(backend, await send(backend, "Again", after=run))
        assert (file.name, content) == ("picture-1.png", PNG)
        for messages in given:
            text, picture, paper = messages[0].content_blocks
            assert text["type"] == "text" and "name,bytes" in text["text"]
            assert picture["type"] == "image" and picture["base64"] == ENCODED
            assert paper["type"] == "file" and paper["mime_type"] == "application/pdf"
        assert given[1][-1].content == "Again"


class TestAgUi:
    async def test_files_are_parts_of_the_message_now_and_in_later_turns(self) -> None:
        answers = [agui.run(*agui.says("Nice.")), agui.run(*agui.says("Still."))]
        async with agui.playing(answers) as server, served(ag_ui(server.url)) as backend:
            run = await send(backend, "Look", *SENT)
            await view(backend, run)
            second = await send(backend, "Again", after=run)
            await view(backend, second)
            memory = (await backend._store.takeover.read_context(await backend.get_run(ANN, second.id))).memory
        first, later = (each["messages"][0]["content"] for each in server.requests)
        text, picture, paper = first
        assert "photo.png" in text["text"] and "name,bytes" in text["text"]
        assert picture["type"] == "image"
        assert picture["source"] == {"type": "data", "value": ENCODED, "mimeType": "image/png"}
        assert picture["metadata"] == {"filename": "photo.png"}
        assert paper["type"] == "document"
        assert later == first
        assert ENCODED not in json.dumps(memory)

    async def test_files_in_results_and_messages_of_the_server_are_sent_once_and_no_address_is_fetched(self) -> None:
        picture = {"type": "image", "source": {"type": "data", "value": ENCODED, "mimeType": "image/png"}}
        paper = {"type": "data", "value": base64.b64encode(PDF).decode(), "mimeType": "application/pdf"}
        named = {"type": "document", "source": paper, "metadata": {"filename": "../paper.pdf"}}
        old = {
            "type": "binary",
            "mimeType": "image/png",
            "data": base64.b64encode(b"old").decode(),
            "filename": "old.txt",
        }
        others = [
            {"type": "image", "source": {"type": "url", "value": "http://127.0.0.1:1/x.png"}},
            {"type": "image", "source": {"type": "file", "value": "handle"}},
            {"type": "image", "source": {"type": "data", "value": "not base64", "mimeType": "image/png"}},
        ]
        result = {"type": "TOOL_CALL_RESULT", "toolCallId": "c1", "messageId": "r", "content": [picture, *others]}
        said = {"id": "n", "role": "assistant", "content": [{"type": "text", "text": "Here."}, named, picture, old]}
        told = {"id": "r", "role": "tool", "toolCallId": "c1", "content": [picture]}
        shown = {"type": "MESSAGES_SNAPSHOT", "messages": [{"id": "u", "role": "user", "content": "Draw"}, told, said]}
        answers = [agui.run(*agui.calls("draw", {}), result, *agui.says("Drawn."), shown)]
        async with agui.playing(answers) as server, served(ag_ui(server.url)) as backend:
            found = await sent_back(backend, run := await send(backend, "Draw"))
            parts = [type(part).__name__ for part in (await view(backend, run)).parts]
        assert [(file.name, content) for file, content in found] == [
            ("picture-1.png", PNG),
            ("paper.pdf", PDF),
            ("old.txt", b"old"),
        ]
        assert parts == ["ToolCall", "SentFiles", "Text", "SentFiles"]

    async def test_a_server_that_sees_nothing_is_told(self) -> None:
        async with (
            agui.playing([agui.run(*agui.says("Hm."))]) as server,
            served(ag_ui(server.url, sees=False)) as backend,
        ):
            await view(backend, await send(backend, "", "photo.png"))
        assert "you cannot see pictures" in server.requests[0]["messages"][0]["content"]


@pytest.mark.parametrize(
    "url",
    [
        None,
        5,
        "",
        "http://a/b.png",
        "data:image/png;base64,?",
        "data:image/png,x",
        "data:;base64,AA==",
        "data:image/png;base64,A",
    ],
)
def test_what_is_no_data_url_is_no_file(url: object) -> None:
    assert decoded(url) is None


def test_a_picture_is_called_by_its_type() -> None:
    kinds = {"image/jpeg": "picture-1.jpg", "image/svg+xml": "picture-1.svg", "image/": "picture-1.bin"}
    kinds |= {"application/pdf": "file-1.pdf", "x/../../y": "file-1.y"}
    assert {kind: media_file(1, kind) for kind in kinds} == kinds
