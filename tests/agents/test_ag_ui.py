"""An agent behind AG-UI, as a conversation sees it: real sockets, the real journal."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import anyio
import pytest
from ag_ui.core import RunStartedEvent, TextMessageChunkEvent

from htmxchat import (
    LocalBackend,
    Request,
    Run,
    RunState,
    RunView,
    ScriptResult,
    ScriptState,
    Store,
    TextValue,
    User,
    fold,
)
from htmxchat.agents import ag_ui
from htmxchat.agents.ag_ui_api import FrontendTool
from htmxchat.parts import Question, Text, ToolCall
from htmxchat.scripts.actions import Approve, Claim, Finish
from htmxchat.scripts.states import digest
from htmxchat.testing import each_event
from tests.agents.agui import Played, asks, calls, playing, refusal, run, says, stream
from tests.support import QUICK, kill

pytestmark = pytest.mark.anyio
Chats = Callable[..., LocalBackend]


@pytest.fixture
async def chats() -> AsyncIterator[Chats]:
    made: list[LocalBackend] = []

    def make(agent: Any, store: Store | None = None) -> LocalBackend:
        made.append(LocalBackend(agent, store, timing=QUICK))
        return made[-1]

    yield make
    for backend in made:
        await backend.close()


async def until(backend: LocalBackend, user: User, run: Run, met: Callable[[RunView], bool]) -> RunView:
    """Return the run's view as soon as it is as wanted, or has ended."""
    events, view = [], RunView()
    with anyio.fail_after(20):
        async for event in each_event(backend, user, run.id):
            events.append(event)
            view = fold([event], view)
            if met(view):
                break
    return view


async def ended(backend: LocalBackend, user: User, run: Run) -> RunView:
    return await until(backend, user, run, lambda view: not view.state.live)


async def say(backend: LocalBackend, user: User, text: str, conversation: str | None = None) -> tuple[Run, RunView]:
    begun = await backend.start_run(user, conversation, text)
    return begun, await ended(backend, user, begun)


async def test_an_answer_streams_and_the_next_turn_has_the_conversation(chats: Chats, ann: User) -> None:
    async with playing([run(*says("Hello Ann.", "m1")), run(*says("Hello again.", "m2"))]) as server:
        chat = chats(ag_ui(server.url))
        first, view = await say(chat, ann, "Hi")
        assert (view.state, view.text) == (RunState.COMPLETED, "Hello Ann.")
        _, view = await say(chat, ann, "And again", first.conversation_id)
        assert view.text == "Hello again."
    one, two = server.requests
    assert one["protocolVersion"] == "1.0" and one["threadId"] == two["threadId"] and one["runId"] != two["runId"]
    assert (one["state"], one["context"], one["forwardedProps"]) == ({}, [], {})
    assert [(each["role"], each["content"]) for each in two["messages"]] == [
        ("user", "Hi"),
        ("assistant", "Hello Ann."),
        ("user", "And again"),
    ]
    assert two["messages"][:1] == one["messages"] and two["messages"][1]["id"] == "m1"
    assert b"content-type: application/json" in server.heads[0].lower()


async def test_a_stream_that_breaks_off_is_never_told_as_complete(chats: Chats, ann: User) -> None:
    for how in ("eof", "incomplete"):
        async with playing([stream({"type": "RUN_STARTED"}, *says("So far")[:2], how=how)]) as server:
            _, view = await say(chats(ag_ui(server.url)), ann, "Hi")
        assert view.state is RunState.FAILED and view.text.strip() == "So"
        assert view.error == "The connection to the agent broke off in the middle of its answer."


async def test_nothing_is_read_from_the_environment(chats: Chats, ann: User, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with playing([run(*says("Hello."))]) as server:
        _, view = await say(chats(ag_ui(server.url)), ann, "Hi")
    assert view.text == "Hello."


async def test_a_stop_closes_the_connection(chats: Chats, ann: User) -> None:
    async with playing([stream({"type": "RUN_STARTED"}, *says("So far")[:2])], hold=True) as server:
        chat = chats(ag_ui(server.url))
        begun = await chat.start_run(ann, None, "Hi")
        await until(chat, ann, begun, lambda view: view.written)
        await chat.stop_run(ann, begun.id)
        assert (await ended(chat, ann, begun)).state is RunState.CANCELLED
        with anyio.fail_after(1):
            await server.closed.wait()


async def test_an_error_of_the_server_keeps_the_text_and_is_for_the_inspector(chats: Chats, ann: User) -> None:
    error = {"type": "RUN_ERROR", "message": "postgres://user:secret@db", "code": "X"}
    async with playing([stream({"type": "RUN_STARTED"}, *says("So far")[:2], error)]) as server:
        _, view = await say(chats(ag_ui(server.url)), ann, "Hi")
    assert view.state is RunState.FAILED and view.written and "secret" not in str(view.error)


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (refusal(401), "wants a sign-in"),
        (refusal(404), "no agent at the address"),
        (refusal(422, '[{"input": "secret"}]'), "did not accept the request (422)"),
        (refusal(429), "too much to do"),
        (refusal(500, "<h1>secret</h1>"), "failed (500)"),
        (refusal(200, "{}"), "does not speak AG-UI"),
        (refusal(307, location="http://127.0.0.2:9/"), "another address"),
    ],
    ids=["401", "404", "422", "429", "500", "json", "elsewhere"],
)
async def test_a_refusal_is_a_sentence(chats: Chats, ann: User, answer: Any, sentence: str) -> None:
    async with playing([answer]) as server:
        _, view = await say(chats(ag_ui(server.url, headers={"Authorization": "Bearer secret"})), ann, "Hi")
    assert view.state is RunState.FAILED and sentence in str(view.error) and "secret" not in str(view.error)
    assert len(server.requests) == 1


async def test_a_server_that_is_away_is_a_sentence(chats: Chats, ann: User) -> None:
    async with playing([run()]) as server:
        pass
    _, view = await say(chats(ag_ui(server.url)), ann, "Hi")
    assert view.error == "The agent cannot be reached right now. Try again in a moment."


async def test_a_request_is_made_again_where_that_is_safe(chats: Chats, ann: User) -> None:
    answers = [refusal(429, retry_after="0"), refusal(307, location="/there"), run(*says("Here."))]
    async with playing(answers) as server:
        _, view = await say(chats(ag_ui(server.url)), ann, "Hi")
    assert view.text == "Here." and len(server.requests) == 3 and server.heads[2].startswith(b"POST /there ")


def told(server: Played, number: int = -1) -> list[tuple[str, Any]]:
    return [(each["role"], each.get("content")) for each in server.requests[number]["messages"]]


# Questions

APPROVAL = {"type": "object", "properties": {"approved": {"type": "boolean"}}, "required": ["approved"]}


async def answered(backend: LocalBackend, user: User, run: Run, answer: Any, before: int = 0) -> RunView:
    """Answer the question that comes after so many others, and return what it was asked in."""
    view = await until(backend, user, run, lambda view: view.request is not None and settled(view) == before)
    assert view.request is not None, view.error
    await backend.answer_request(user, run.id, view.request.request_id, answer)
    return view


def settled(view: RunView) -> int:
    return sum(isinstance(part, Question) and part.state == "answered" for part in view.parts)


def interrupt(id: str, **more: Any) -> dict[str, Any]:
    return {"id": id, "reason": "tool_call", **more}


async def test_all_questions_are_asked_one_after_the_other_and_answered_together(chats: Chats, ann: User) -> None:
    both = asks(
        interrupt("i1", message="Delete a?", responseSchema=APPROVAL),
        interrupt("i2", message="Delete b?", responseSchema=APPROVAL),
    )
    async with playing([run(*says("I want to. ", "m1"), outcome=both), run(*says("Done.", "m2"))]) as server:
        chat = chats(ag_ui(server.url))
        begun = await chat.start_run(ann, None, "Clean up")
        view = await answered(chat, ann, begun, "Approve")
        assert view.request is not None
        assert (view.request.prompt, view.request.choices) == ("Delete a?", ("Approve", "Deny"))
        assert len(server.requests) == 1
        await answered(chat, ann, begun, "Deny", 1)
        view = await ended(chat, ann, begun)
    assert [type(part).__name__ for part in view.parts] == ["Text", "Question", "Question", "Text"]
    assert view.text == "I want to.\n\nDone." and view.state is RunState.COMPLETED
    assert server.requests[1]["resume"] == [
        {"interruptId": "i1", "status": "resolved", "payload": {"approved": True}},
        {"interruptId": "i2", "status": "resolved", "payload": {"approved": False}},
    ]
    assert server.requests[1]["threadId"] == server.requests[0]["threadId"]
    assert server.requests[1]["runId"] != server.requests[0]["runId"]


async def test_an_answer_that_does_not_fit_is_asked_for_again(chats: Chats, ann: User) -> None:
    wanted = {"type": "integer", "minimum": 1}
    async with playing(
        [run(outcome=asks(interrupt("i", message="How many?", responseSchema=wanted))), run()]
    ) as server:
        chat = chats(ag_ui(server.url))
        begun = await chat.start_run(ann, None, "Go")
        for number, said in enumerate(("many", 0, 3)):
            view = await answered(chat, ann, begun, said, number)
        assert view.request is not None and view.request.prompt.endswith("minimum of 1\nHow many?")
        await ended(chat, ann, begun)
    assert server.requests[1]["resume"][0]["payload"] == 3 and len(server.requests) == 2


async def test_langgraphs_own_question_is_answered_by_its_command(chats: Chats, ann: User) -> None:
    value = '{"message": "Which colour?", "options": ["red", "blue"]}'
    asking = run({"type": "CUSTOM", "name": "on_interrupt", "value": value})
    async with playing([asking, run(*says("Blue."))]) as server:
        chat = chats(ag_ui(server.url, forwarded_props={"a": 1}))
        begun = await chat.start_run(ann, None, "Paint")
        view = await answered(chat, ann, begun, "blue")
        assert view.request is not None and view.request.choices == ("red", "blue")
        await ended(chat, ann, begun)
    assert server.requests[1]["forwardedProps"] == {"a": 1, "command": {"resume": "blue"}}
    assert "resume" not in server.requests[1]


async def test_a_question_survives_its_process(tmp_path: Path, chats: Chats, ann: User) -> None:
    url = f"sqlite:///{tmp_path}/chat.db"
    asking = run(*says("I want to. "), outcome=asks(interrupt("i", message="Delete?", responseSchema=APPROVAL)))
    async with playing([asking, run(*says("Done.", "m2"))]) as server:
        here = chats(ag_ui(server.url), Store(url))
        begun = await here.start_run(ann, None, "Clean up")
        await until(here, ann, begun, lambda view: view.request is not None)
        await here.close()
        assert len(server.requests) == 1
        there = chats(ag_ui(server.url), Store(url))
        await there.open()
        view = await answered(there, ann, begun, "Approve")
        view = await ended(there, ann, begun)
        assert (view.state, view.text) == (RunState.COMPLETED, "I want to.\n\nDone.")
    assert [each["resume"][0]["payload"] for each in server.requests[1:]] == [{"approved": True}]


async def test_an_answer_waits_for_a_server_that_is_being_restarted(chats: Chats, ann: User) -> None:
    async with playing([run(outcome=asks(interrupt("i", message="Delete?", responseSchema=APPROVAL)))]) as server:
        chat = chats(ag_ui(server.url))
        begun = await chat.start_run(ann, None, "Clean up")
        await until(chat, ann, begun, lambda view: view.request is not None)
    await answered(chat, ann, begun, "Approve")
    await until(chat, ann, begun, lambda view: settled(view) == 1)
    async with playing([run(*says("Done."))], port=int(server.url.split(":")[2].split("/")[0])) as server:
        assert (await ended(chat, ann, begun)).text == "Done."
    assert server.requests[0]["resume"][0]["payload"] == {"approved": True}


async def test_a_process_that_dies_while_the_server_answers_asks_it_nothing_twice(
    tmp_path: Path, chats: Chats, ann: User
) -> None:
    url = f"sqlite:///{tmp_path}/chat.db"
    async with playing([stream({"type": "RUN_STARTED"}, *says("So far")[:2])], hold=True) as server:
        here, there = chats(ag_ui(server.url), Store(url)), chats(ag_ui(server.url), Store(url))
        await there.open()
        begun = await here.start_run(ann, None, "Go")
        await until(here, ann, begun, lambda view: view.written)
        kill(here)
        view = await ended(there, ann, begun)
    assert view.state is RunState.FAILED and view.written and "interrupted" in str(view.error)
    assert len(server.requests) == 1


async def test_a_stop_at_a_question_begins_a_thread_in_which_nothing_waits(chats: Chats, ann: User) -> None:
    asking = run(*calls("delete", {"path": "a"}), outcome=asks(interrupt("i", message="Delete?", toolCallId="c1")))
    async with playing([asking, run(*says("Hello."))]) as server:
        chat = chats(ag_ui(server.url))
        begun = await chat.start_run(ann, None, "Clean up")
        await until(chat, ann, begun, lambda view: view.request is not None)
        await chat.stop_run(ann, begun.id)
        await ended(chat, ann, begun)
        await say(chat, ann, "Never mind", begun.conversation_id)
    first, second = server.requests
    assert first["threadId"] != second["threadId"] and "resume" not in second
    assert told(server) == [
        ("user", "Clean up"), ("assistant", None), ("tool", "The user did not answer."), ("user", "Never mind")
    ]  # fmt: skip


async def test_a_question_that_has_expired_is_not_asked(chats: Chats, ann: User) -> None:
    late = interrupt("i", message="Delete?", expiresAt="2020-01-01T00:00:00Z")
    async with playing([run(outcome=asks(late)), run(*says("Then not."))]) as server:
        _, view = await say(chats(ag_ui(server.url)), ann, "Clean up")
    assert server.requests[1]["resume"] == [{"interruptId": "i", "status": "cancelled"}]
    assert view.text == "It is too late to answer what the agent asked: it has stopped waiting.\n\nThen not."


async def test_a_call_that_nobody_answers_is_a_question(chats: Chats, ann: User) -> None:
    async with playing(
        [run(*calls("delete_file", {"path": "a"})), run(*calls("delete_file", {"path": "a"}), *says("Done."))]
    ) as server:
        chat = chats(ag_ui(server.url))
        begun = await chat.start_run(ann, None, "Clean up")
        view = await answered(chat, ann, begun, "Approve")
        assert view.request is not None and view.request.prompt == "May the agent use delete_file?"
        view = await ended(chat, ann, begun)
    assert told(server)[-1] == ("tool", '{"accepted": true}')
    assert [type(part).__name__ for part in view.parts] == ["ToolCall", "Question", "Text"]


async def test_a_call_that_was_denied_is_shown_as_denied(chats: Chats, ann: User) -> None:
    about = asks(interrupt("i", message="Delete?", toolCallId="c1", responseSchema=APPROVAL))
    result = {"type": "TOOL_CALL_RESULT", "toolCallId": "c1", "messageId": "r", "content": "Rejected by the user."}
    original = {"originalFunctionCall": {"id": "c1", "name": "delete", "args": {}}}
    for first, second in [
        (run(*calls("delete", {}), outcome=about), run(result)),
        (run(*calls("delete", {})), run(*says("Then not."))),
        (run(*calls("delete", {}), *calls("adk_request_confirmation", original, "adk-1")), run(result)),
    ]:
        async with playing([first, second]) as server:
            chat = chats(ag_ui(server.url))
            begun = await chat.start_run(ann, None, "Clean up")
            await answered(chat, ann, begun, "Deny")
            call = (await ended(chat, ann, begun)).parts[0]
        assert isinstance(call, ToolCall) and (call.state, call.found) == (RunState.FAILED, "Denied")


# Tools of the chat


async def test_the_model_asks_the_user(chats: Chats, ann: User) -> None:
    asking = run(*calls("ask_user", {"question": "Which?", "choices": ["a", "b"]}))
    async with playing([asking, run(*says("It is b."))]) as server:
        chat = chats(ag_ui(server.url))
        begun = await chat.start_run(ann, None, "Go")
        view = await answered(chat, ann, begun, "b")
        assert view.request is not None and (view.request.prompt, view.request.choices) == ("Which?", ("a", "b"))
        view = await ended(chat, ann, begun)
    assert {each["name"] for each in server.requests[0]["tools"]} == {"run_python", "ask_user"}
    assert told(server)[-1] == ("tool", "b")
    assert [type(part).__name__ for part in view.parts] == ["Question", "Text"]


async def test_the_model_runs_python_in_the_browser(chats: Chats, ann: User) -> None:
    async with playing(
        [run(*calls("run_python", {"code": "6 * 7", "title": "Multiply"})), run(*says("42."))]
    ) as server:
        chat = chats(ag_ui(server.url))
        begun = await chat.start_run(ann, None, "Go")
        await until(chat, ann, begun, lambda view: view.awaited_script is not None)
        (script,) = await chat.list_scripts(ann, begun.conversation_id)
        assert (script.code, script.title) == ("6 * 7", "Multiply")
        await ran(chat, ann, begun, script.id, ScriptResult(ScriptState.DONE, value=TextValue("42")))
        view = await ended(chat, ann, begun)
    assert told(server)[-1] == ("tool", "42")
    assert [type(part).__name__ for part in view.parts] == ["ProposedScript", "Text"]


async def ran(backend: LocalBackend, user: User, run: Run, script_id: str, result: ScriptResult) -> None:
    (script,) = await backend.list_scripts(user, run.conversation_id)
    await backend.change_script(user, run.id, script_id, Approve(digest(script.code)))
    await backend.change_script(user, run.id, script_id, Claim("page", digest(script.code)))
    await backend.change_script(user, run.id, script_id, Finish("page", result))


@pytest.mark.parametrize("arguments", ["{", '["x"]', "{}"], ids=["broken", "list", "without-code"])
async def test_arguments_that_are_none_go_back_to_the_model(chats: Chats, ann: User, arguments: str) -> None:
    call = [
        {"type": "TOOL_CALL_START", "toolCallId": "c", "toolCallName": "run_python"},
        {"type": "TOOL_CALL_ARGS", "toolCallId": "c", "delta": arguments},
        {"type": "TOOL_CALL_END", "toolCallId": "c"},
    ]
    async with playing([run(*call), run(*says("Sorry."))]) as server:
        _, view = await say(chats(ag_ui(server.url)), ann, "Go")
    result = server.requests[1]["messages"][-1]
    assert view.text == "Sorry." and "Call the tool again" in result["error"] and result["content"] == result["error"]


async def test_a_tool_of_the_hosts_is_called(chats: Chats, ann: User) -> None:
    async def seats(arguments: dict[str, Any], request: Request) -> Any:
        if arguments["day"] == "never":
            raise LookupError("no such day")
        return {"free": 12, "for": request.user.id}

    tools = [FrontendTool("seats", "Free seats.", run=seats), FrontendTool("card")]
    rounds = [
        run(
            *calls("seats", {"day": "today"}, "c1"),
            *calls("seats", {"day": "never"}, "c2"),
            *calls("card", {"a": 1}, "c3"),
        ),
        run(*says("12 are free.")),
    ]
    async with playing(rounds) as server:
        _, view = await say(chats(ag_ui(server.url, tools=tools)), ann, "Go")
    good, bad, card, text = view.parts
    assert (
        isinstance(good, ToolCall) and good.result == {"free": 12, "for": ann.id} and good.arguments == {"day": "today"}
    )
    assert isinstance(bad, ToolCall) and bad.state is RunState.FAILED and bad.result == "LookupError: no such day"
    assert isinstance(card, ToolCall) and card.state is RunState.COMPLETED and card.arguments == {"a": 1}
    assert isinstance(text, Text)
    results = [each for each in server.requests[1]["messages"] if each["role"] == "tool"]
    assert [each["toolCallId"] for each in results] == ["c1", "c2", "c3"]
    assert "error" not in results[0] and results[1]["error"] == "LookupError: no such day"


async def test_an_agent_that_never_comes_to_an_end_is_stopped(chats: Chats, ann: User) -> None:
    async with playing([run(*calls("card", {}))]) as server:
        _, view = await say(chats(ag_ui(server.url, tools=[FrontendTool("card")])), ann, "Go")
    assert view.state is RunState.FAILED and "too many tools" in str(view.error) and len(server.requests) == 50


# Memory


async def test_the_state_is_the_branchs_and_an_edit_has_a_thread_of_its_own(chats: Chats, ann: User) -> None:
    def counted(number: int) -> Any:
        return run({"type": "STATE_SNAPSHOT", "snapshot": {"n": number}}, *says(f"Answer {number}", f"m{number}"))

    async with playing([counted(1), counted(2), counted(3), counted(4), counted(5)]) as server:
        chat = chats(ag_ui(server.url, state={"n": 0}))
        first, _ = await say(chat, ann, "One")
        second, _ = await say(chat, ann, "Two", first.conversation_id)
        edited = await chat.edit_turn(ann, first.conversation_id, second.turn_id, "Zwei")
        await ended(chat, ann, edited)
        again = await chat.retry_run(ann, edited.id)
        await ended(chat, ann, again)
        await say(chat, ann, "Three", first.conversation_id)
    assert [each["state"]["n"] for each in server.requests] == [0, 1, 1, 1, 4]
    threads = [each["threadId"] for each in server.requests]
    assert threads[0] == threads[1] and threads[3] == threads[4] and len(set(threads)) == 3
    assert told(server, 2) == [("user", "One"), ("assistant", "Answer 1"), ("user", "Zwei")]
    assert told(server, 3) == told(server, 2)
    assert told(server)[2:] == [("user", "Zwei"), ("assistant", "Answer 4"), ("user", "Three")]


async def test_what_was_said_before_a_stop_or_an_error_is_told_once_with_the_same_id(chats: Chats, ann: User) -> None:
    error = {"type": "RUN_ERROR", "message": "x"}
    cut = stream({"type": "RUN_STARTED"}, *says("So far", "m1")[:3])
    broken = stream({"type": "RUN_STARTED"}, *calls("look", {}), *says("Half", "m2"), error)
    async with playing([cut, broken, run(*says("Fine."))]) as server:
        chat = chats(ag_ui(server.url))
        first, _ = await say(chat, ann, "One")
        await say(chat, ann, "Two", first.conversation_id)
        await say(chat, ann, "Three", first.conversation_id)
    assert told(server) == [
        ("user", "One"), ("assistant", "So far"), ("user", "Two"), ("assistant", None),
        ("tool", "The user did not answer."), ("assistant", "Half"), ("user", "Three"),
    ]  # fmt: skip
    sent = [each["messages"] for each in server.requests]
    assert sent[0][0]["id"] == sent[1][0]["id"] == sent[2][0]["id"] and sent[1][2]["id"] == sent[2][2]["id"]


async def test_an_old_server_gets_what_it_takes(chats: Chats, ann: User) -> None:
    thinking = [{"type": "REASONING_MESSAGE_CHUNK", "messageId": "r", "delta": "Hm."}, {"type": "REASONING_END"}]
    async with playing([run(*thinking, *says("One.")), refusal(422), run(*says("Two.", "m2"))]) as server:
        chat = chats(ag_ui(server.url))
        first, _ = await say(chat, ann, "Hi")
        _, view = await say(chat, ann, "Again", first.conversation_id)
    assert view.text == "Two."
    assert [[each["role"] for each in sent["messages"]] for sent in server.requests[1:]] == [
        ["user", "reasoning", "assistant", "user"],
        ["user", "assistant", "user"],
    ]


async def test_settings_may_be_functions_of_the_request(chats: Chats, ann: User) -> None:
    async def headers(request: Request) -> dict[str, str]:
        return {"X-User": request.user.id}

    context = [{"description": "where", "value": "Oslo"}]
    async with playing([run()]) as server:
        agent = ag_ui(server.url, headers=headers, context=lambda request: context, forwarded_props={"x": 1}, tools=[])
        await say(chats(agent), ann, "Hi")
    assert f"x-user: {ann.id}".encode() in server.heads[0].lower()
    assert (server.requests[0]["context"], server.requests[0]["forwardedProps"]) == (context, {"x": 1})
    assert server.requests[0]["tools"] == []


async def test_a_function_of_this_process_is_an_agent_too(chats: Chats, ann: User) -> None:
    closed = anyio.Event()

    async def respond(run_input: Any) -> AsyncIterator[Any]:
        try:
            yield RunStartedEvent(thread_id=run_input.thread_id, run_id=run_input.run_id)
            yield TextMessageChunkEvent(message_id="m", delta=run_input.messages[-1].content)
            yield {"type": "TEXT_MESSAGE_CHUNK", "delta": "!"}
            await anyio.sleep_forever()
        finally:
            closed.set()

    chat = chats(ag_ui(respond))
    begun = await chat.start_run(ann, None, "Hi")
    await until(chat, ann, begun, lambda view: view.text == "Hi!")
    await chat.stop_run(ann, begun.id)
    assert (await ended(chat, ann, begun)).state is RunState.CANCELLED and closed.is_set()


async def test_a_stream_that_stays_open_after_the_end_holds_nobody_up(chats: Chats, ann: User) -> None:
    async with playing([run(*says("Done."))], hold=True) as server:
        _, view = await say(chats(ag_ui(server.url)), ann, "Hi")
        with anyio.fail_after(5):
            await server.closed.wait()
    assert (view.state, view.text) == (RunState.COMPLETED, "Done.")


@pytest.mark.parametrize("url", ["", "localhost:8000", "ftp://x/", "http://"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="address like"):
        ag_ui(url)


def test_settings_of_another_kind_are_refused() -> None:
    with pytest.raises(ValueError, match="two with the name 'a'"):
        ag_ui("http://x/", tools=[FrontendTool("a"), FrontendTool("a")])
    for wrong in ({"source": 7}, {"source": "http://x/", "tools": ["a"]}, {"source": "http://x/", "name": 7}):
        with pytest.raises(TypeError):
            ag_ui(**wrong)
