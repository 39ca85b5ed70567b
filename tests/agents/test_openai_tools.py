"""The tools of the OpenAI-compatible agent: what a model asks for, what runs, and what it is told."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from typing import Any

import pytest

from htmxchat import (
    Custom,
    CustomPart,
    InputRequested,
    LocalBackend,
    ProposedScript,
    Question,
    RunView,
    ScriptProposed,
    StageChanged,
    Store,
    TextValue,
    ToolCall,
    UsageReported,
    User,
    fold,
)
from htmxchat.agents import ToolContext, openai, run_python, tool
from htmxchat.agents.approval import APPROVE, DENY
from htmxchat.agents.openai_api.agent import TOO_MANY_ROUNDS
from htmxchat.agents.tools.using import DENIED, MAX_AT_ONCE
from htmxchat.events import JSON
from htmxchat.models import RunState
from htmxchat.scripts.actions import Approve, Claim, Finish
from htmxchat.scripts.result import Picture, ScriptResult, ScriptState
from htmxchat.scripts.states import digest
from htmxchat.testing import each_event

from .recordings import Played, Recording, answer, playing, refusal, stream

ANN = User("ann")
PNG = b"\x89PNG picture"


def calls(*asked: tuple[str, str, Any], text: str = "") -> Recording:
    """Return a reply that calls tools: ids, names and arguments."""
    deltas: list[dict[str, Any]] = [{"content": text}] if text else []
    for index, (id, name, arguments) in enumerate(asked):
        written = arguments if isinstance(arguments, str) else json.dumps(arguments)
        function = {"name": name, "arguments": written}
        deltas.append({"tool_calls": [{"index": index, "id": id, "type": "function", "function": function}]})
    chunks: list[Any] = [{"choices": [{"delta": delta}]} for delta in deltas]
    chunks.append({"choices": [{"delta": {}, "finish_reason": "tool_calls"}]})
    chunks.append({"choices": [], "usage": {"prompt_tokens": 10, "completion_tokens": 3}})
    return stream(*(f"data: {json.dumps(chunk)}" for chunk in chunks), "data: [DONE]")


def messages(server: Played, number: int = -1) -> list[dict[str, Any]]:
    body = json.loads(server.requests[number].partition(b"\r\n\r\n")[2])
    sent: list[dict[str, Any]] = body["messages"]
    return sent


async def ask(backend: LocalBackend, answers: dict[str, JSON] | None = None, text: str = "Go") -> RunView:
    run = await backend.start_run(ANN, None, text)
    async for event in each_event(backend, ANN, run.id):
        if isinstance(event.body, InputRequested) and answers:
            await backend.answer_request(ANN, run.id, event.body.request_id, answers[event.body.request_id])
    return fold([event async for event in each_event(backend, ANN, run.id)])


async def answered(
    server: Played, *tools: Callable[..., Any] | Any, answers: dict[str, JSON] | None = None, **options: Any
) -> RunView:
    backend = LocalBackend(openai(server.url, model="m", tools=tools, **options))
    try:
        return await ask(backend, answers)
    finally:
        await backend.close()


def tool_parts(view: RunView) -> list[ToolCall]:
    return [part for part in view.parts if isinstance(part, ToolCall)]


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


async def test_a_tool_runs_and_the_model_goes_on_with_its_result() -> None:
    first = calls(("c1", "add", {"a": 19, "b": 23}), text="Let me see.")
    async with playing(first, answer("It is 42.")) as server:
        view = await answered(server, add)
    (part,) = tool_parts(view)
    assert (part.name, part.summary, part.arguments) == ("add", "19, 23", {"a": 19, "b": 23})
    assert (part.state, part.result, part.found) == (RunState.COMPLETED, 42, "42")
    assert (view.state, view.text) == (RunState.COMPLETED, "Let me see.\n\nIt is 42. ")
    assert view.usage == UsageReported(10, 3)
    assert messages(server)[1:] == [
        {
            "role": "assistant",
            "content": "Let me see.",
            "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "add", "arguments": '{"a": 19, "b": 23}'}}
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "42"},
    ]


async def test_a_request_describes_the_tools() -> None:
    async with playing(answer("Hello.")) as server:
        await answered(server, add)
    body = json.loads(server.requests[0].partition(b"\r\n\r\n")[2])
    (described,) = body["tools"]
    assert described["type"] == "function"
    assert described["function"]["description"] == "Add two numbers."
    assert described["function"]["parameters"]["required"] == ["a", "b"]


async def test_tools_run_at_the_same_time_sync_and_async() -> None:
    meet = threading.Barrier(2)

    def wait_in_thread(name: str) -> str:
        meet.wait(5)
        return name

    async def wait_in_loop(name: str) -> str:
        await asyncio.to_thread(meet.wait, 5)
        return name

    first = calls(("c1", "wait_in_thread", {"name": "one"}), ("c2", "wait_in_loop", {"name": "two"}))
    async with playing(first, answer("Both.")) as server:
        view = await answered(server, wait_in_thread, wait_in_loop)
    assert [(part.result, part.parallel) for part in tool_parts(view)] == [("one", True), ("two", True)]
    assert [each.get("tool_call_id") for each in messages(server)[-2:]] == ["c1", "c2"]


async def test_an_error_goes_back_to_the_model_without_a_traceback(caplog: pytest.LogCaptureFixture) -> None:
    def fails(word: str) -> None:
        raise RuntimeError(f"no such word: {word}")

    first = calls(("c1", "fails", {"word": "x"}), ("c2", "fails", "{}"), ("c3", "nothing", {}))
    async with playing(first, answer("I see.")) as server:
        view = await answered(server, fails)
    said = {each["tool_call_id"]: each["content"] for each in messages(server)[-3:]}
    assert said["c1"] == "no such word: x"
    assert "- word: Field required" in said["c2"]
    assert said["c3"] == "There is no tool of this name. There are: fails."
    assert [part.state for part in tool_parts(view)] == [RunState.FAILED] * 3
    assert view.state is RunState.COMPLETED
    assert any(record.exc_info for record in caplog.records)


async def test_a_tool_tells_how_far_it_is_and_shows_parts() -> None:
    async def count(context: ToolContext, to: int) -> str:
        for number in range(to):
            context.progress(f"At {number}")
            context.show("bar", number)
        return context.request.user.id

    def count_in_thread(context: ToolContext) -> str:
        context.emit(Custom("note", "from a thread"))
        return context.call_id

    first = calls(("c1", "count", {"to": 2}), ("c2", "count_in_thread", {}))
    async with playing(first, answer("Counted.")) as server:
        backend = LocalBackend(openai(server.url, model="m", tools=[count, count_in_thread]))
        run = await backend.start_run(ANN, None, "Go")
        events = [event async for event in each_event(backend, ANN, run.id)]
        await backend.close()
    assert [event.body.name for event in events if isinstance(event.body, StageChanged)] == ["At 0", "At 1", ""]
    view = fold(events)
    assert {part.name: part.data for part in view.parts if isinstance(part, CustomPart)} == {
        "bar": 1,
        "note": "from a thread",
    }
    assert [part.result for part in tool_parts(view)] == ["ann", "c2"]


@pytest.mark.parametrize("given", [APPROVE, DENY])
async def test_the_user_is_asked_first_where_the_host_wants_it(given: str) -> None:
    ran: list[str] = []

    def remove(path: str) -> str:
        ran.append(path)
        return "removed"

    asked = tool(remove, approve=lambda arguments, request: arguments["path"] != "tmp")
    first = calls(("c1", "remove", {"path": "home"}), ("c2", "remove", {"path": "tmp"}))
    async with playing(first, answer("Done.")) as server:
        view = await answered(server, asked, answers={"approve-c1": given})
    (question,) = (part for part in view.parts if isinstance(part, Question))
    assert question.request.prompt == 'May remove run with path: "home"?'
    assert question.request.choices == (APPROVE, DENY)
    assert ran == ["tmp", *(["home"] if given == APPROVE else [])]
    said = {each["tool_call_id"]: each["content"] for each in messages(server)[-2:]}
    assert said == {"c1": "removed" if given == APPROVE else DENIED, "c2": "removed"}


async def test_rounds_have_a_bound() -> None:
    async with playing(calls(("c1", "add", {"a": 1, "b": 1}))) as server:
        view = await answered(server, add, rounds=3)
    assert (view.state, view.error) == (RunState.FAILED, TOO_MANY_ROUNDS.format(most=3))
    assert len({part.call_id for part in tool_parts(view)}) == 3


async def test_no_call_of_an_answer_that_was_cut_is_run() -> None:
    whole = calls(("c1", "add", {"a": 1, "b": 1}))
    cut = Recording(whole.head, whole.packets[:-3], "complete")
    async with playing(cut) as server:
        view = await answered(server, add)
    assert view.state is RunState.FAILED
    assert not view.parts


@pytest.mark.parametrize("sees", [True, False])
async def test_python_runs_in_the_browser_and_its_result_goes_to_the_model(sees: bool) -> None:
    first = calls(("c1", "run_python", {"code": "6 * 7", "title": "The answer"}))
    async with playing(first, answer("It is 42.")) as server:
        backend = LocalBackend(openai(server.url, model="m", tools=[run_python], sees=sees))
        run = await backend.start_run(ANN, None, "Go")
        async for event in each_event(backend, ANN, run.id):
            if isinstance(event.body, ScriptProposed):
                await run_script(backend, run.conversation_id, "6 * 8")
        view = fold([event async for event in each_event(backend, ANN, run.id)])
        await backend.close()
    assert [type(part) for part in view.parts[:1]] == [ProposedScript]
    assert view.state is RunState.COMPLETED
    told, *shown = messages(server)[2:]
    assert told["content"] == (
        "The user changed the script before it ran:\n6 * 8\n\nWhat came of it:\n48\n(1 picture, shown to the user)"
    )
    if sees:
        assert shown[0]["content"][1]["image_url"]["url"].startswith("data:image/png;base64,")
    else:
        assert not shown


async def run_script(backend: LocalBackend, conversation_id: str, code: str) -> None:
    (script,) = await backend.list_scripts(ANN, conversation_id)
    before, after = digest(script.code), digest(code)
    for action in (Approve(before, code), Claim("page", after)):
        await backend.change_script(ANN, script.run_id, script.id, action)
    result = ScriptResult(
        ScriptState.DONE, value=TextValue("48"), pictures=(Picture("image/png", PNG),), code=code, seconds=0.1
    )
    await backend.change_script(ANN, script.run_id, script.id, Finish("page", result))


async def test_the_next_turn_knows_what_tools_have_said() -> None:
    async with playing(calls(("c1", "add", {"a": 1, "b": 2})), answer("Three."), answer("As I said.")) as server:
        backend = LocalBackend(openai(server.url, model="m", tools=[add]))
        await ask(backend)
        (conversation,) = (await backend.list_conversations(ANN)).items
        run = await backend.start_run(ANN, conversation.id, "Again?")
        _ = [event async for event in each_event(backend, ANN, run.id)]
        await backend.close()
    before, after = messages(server, 1), messages(server, 2)
    assert after[: len(before)] == before
    assert after[len(before) :] == [{"role": "assistant", "content": "Three. "}, {"role": "user", "content": "Again?"}]


async def test_what_a_server_wants_back_goes_back_in_this_turn_and_in_the_next() -> None:
    signed = {"google": {"thought_signature": "Eq8="}}
    call = {"id": "", "function": {"name": "add", "arguments": '{"a":1,"b":2}'}, "extra_content": signed}
    first = stream(f"data: {json.dumps({'choices': [{'delta': {'tool_calls': [call]}, 'finish_reason': 'stop'}]})}")
    async with playing(first, answer("Three."), answer("As I said.")) as server:
        backend = LocalBackend(openai(server.url, model="m", tools=[add]))
        await ask(backend)
        (conversation,) = (await backend.list_conversations(ANN)).items
        run = await backend.start_run(ANN, conversation.id, "Again?")
        _ = [event async for event in each_event(backend, ANN, run.id)]
        await backend.close()
    for number in (1, 2):
        (sent,) = messages(server, number)[1]["tool_calls"]
        assert sent["extra_content"] == signed
        assert sent["id"] == "call00000"


async def test_a_long_history_is_cut_to_its_latest_turns() -> None:
    async with playing(answer("x" * 50)) as server:
        backend = LocalBackend(openai(server.url, model="m", history=130))
        conversation_id = None
        for text in ("first", "second", "third", "fourth"):
            run = await backend.start_run(ANN, conversation_id, text)
            conversation_id = run.conversation_id
            _ = [event async for event in each_event(backend, ANN, run.id)]
        await backend.close()
    assert [each["content"] for each in messages(server) if each["role"] == "user"] == ["second", "third", "fourth"]


async def test_an_approval_survives_a_restart_and_finished_tools_are_not_run_again(tmp_path: Any) -> None:
    ran: list[str] = []

    def note(word: str) -> str:
        ran.append(word)
        return word

    def send(word: str) -> str:
        ran.append(f"sent {word}")
        return "sent"

    tools = [note, tool(send, approve=True)]
    first = calls(("c1", "note", {"word": "noted"}), ("c2", "send", {"word": "mail"}))
    url = f"sqlite:///{tmp_path / 'chat.db'}"
    async with playing(first, answer("All done.")) as server:
        backend = LocalBackend(openai(server.url, model="m", tools=tools), Store(url))
        run = await backend.start_run(ANN, None, "Go")
        async for event in each_event(backend, ANN, run.id):
            if isinstance(event.body, InputRequested):
                break
        await backend.drain()
        await backend.close()
        backend = LocalBackend(openai(server.url, model="m", tools=tools), Store(url))
        await backend.answer_request(ANN, run.id, "approve-c2", APPROVE)
        view = fold([event async for event in each_event(backend, ANN, run.id)])
        await backend.close()
    assert (view.state, view.text) == (RunState.COMPLETED, "All done. ")
    assert ran == ["noted", "sent mail"]
    assert len(server.requests) == 2
    assert [part.state for part in tool_parts(view)] == [RunState.COMPLETED] * 2


def response(*items: dict[str, Any]) -> Recording:
    events: list[dict[str, Any]] = [{"type": "response.output_item.done", "item": each} for each in items]
    events.append({"type": "response.completed", "response": {"status": "completed", "output": []}})
    return stream(*(f"event: {each['type']}\ndata: {json.dumps(each)}" for each in events))


async def test_tools_work_over_the_responses_api() -> None:
    thought = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAA"}
    called = {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "add", "arguments": '{"a": 1, "b": 2}'}
    said = {"type": "message", "id": "m_1", "content": [{"type": "output_text", "text": "Three."}]}
    async with playing(response(thought, called), response(said)) as server:
        view = await answered(server, add, api="responses", system="Be brief.")
    assert (view.state, view.text) == (RunState.COMPLETED, "Three.")
    assert server.requests[1].startswith(b"POST /v1/responses ")
    body = json.loads(server.requests[1].partition(b"\r\n\r\n")[2])
    assert (body["store"], body["instructions"]) == (False, "Be brief.")
    assert body["tools"][0]["name"] == "add"
    assert body["input"] == [
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Go"}]},
        thought,
        {"type": "function_call", "call_id": "c1", "name": "add", "arguments": '{"a": 1, "b": 2}'},
        {"type": "function_call_output", "call_id": "c1", "output": "3"},
    ]


async def test_the_api_is_found_out_once() -> None:
    said = {"type": "message", "id": "m_1", "content": [{"type": "output_text", "text": "Hello."}]}
    error = '{"error": {"message": "This model is only supported in v1/responses and not in v1/chat/completions."}}'
    async with playing(refusal(404, error), response(said)) as server:
        backend = LocalBackend(openai(server.url, model="m", api="auto"))
        views = [await ask(backend), await ask(backend)]
        await backend.close()
    assert [view.text for view in views] == ["Hello.", "Hello."]
    asked = [request.split(b" ")[1] for request in server.requests]
    assert asked == [b"/v1/chat/completions", b"/v1/responses", b"/v1/responses"]


async def test_stop_ends_a_tool_that_runs() -> None:
    ended = asyncio.Event()

    async def wait(context: ToolContext) -> None:
        context.progress("Waiting")
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with playing(calls(("c1", "wait", {}))) as server:
        backend = LocalBackend(openai(server.url, model="m", tools=[wait]))
        run = await backend.start_run(ANN, None, "Go")
        async for event in each_event(backend, ANN, run.id):
            if isinstance(event.body, StageChanged):
                await backend.stop_run(ANN, run.id)
        await asyncio.wait_for(ended.wait(), 5)
        view = fold([event async for event in each_event(backend, ANN, run.id)])
        await backend.close()
    assert view.state is RunState.CANCELLED
    assert [part.state for part in tool_parts(view)] == [RunState.CANCELLED]


async def test_characters_that_a_server_cut_in_two_come_whole_into_arguments_and_back() -> None:
    def tell(text: str) -> str:
        return text

    halves = ['{"text": "\ud83d', '\ude00 \ud83d"}']
    chunks = [{"tool_calls": [{"index": 0, "id": "c1", "function": {"name": "tell", "arguments": halves[0]}}]}]
    chunks.append({"tool_calls": [{"index": 0, "function": {"name": None, "arguments": halves[1]}}]})
    end = '{"choices": [{"delta": {}, "finish_reason": "tool_calls"}]}'
    first = stream(*(f"data: {json.dumps({'choices': [{'delta': each}]})}" for each in chunks), f"data: {end}")
    async with playing(first, answer("Told.")) as server:
        view = await answered(server, tell)
    assert view.state is RunState.COMPLETED
    assert [part.result for part in tool_parts(view)] == ["😀 \ufffd"]
    assert messages(server)[-1]["content"] == "😀 \ufffd"


async def test_what_one_reply_can_start_has_a_bound() -> None:
    many = calls(*((f"c{number}", "add", {"a": number, "b": 0}) for number in range(MAX_AT_ONCE + 2)))
    async with playing(many, answer("Enough.")) as server:
        view = await answered(server, add)
    states = [part.state for part in tool_parts(view)]
    assert states == [RunState.COMPLETED] * MAX_AT_ONCE + [RunState.FAILED] * 2
    assert "at most 50 calls" in messages(server)[-1]["content"]
