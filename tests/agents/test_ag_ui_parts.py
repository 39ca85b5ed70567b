"""The pure pieces of the agent behind AG-UI: questions, state, and translation in the corners of the protocol."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from htmxchat import Custom, EventBody, RunEvent, TextReplaced, Unknown, fold
from htmxchat.agents.ag_ui_api.questions import Unfit, form_of, payload_of
from htmxchat.agents.ag_ui_api.state import DoesNotApply, patched
from htmxchat.agents.ag_ui_api.tasks import tasks_of
from htmxchat.agents.ag_ui_api.translation import Interrupt, Translator
from htmxchat.parts import Reasoning, Text
from tests.agents.agui import asks, calls, says

AT = datetime(2026, 1, 1, tzinfo=UTC)
APPROVE, DENY = ("Approve", "Deny")


def obj(required: list[str], **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": required}


FORMS: list[tuple[str, Interrupt, tuple[str, ...], Any, Any]] = [
    (
        "approved",
        Interrupt("i", schema=obj(["approved"], approved={"type": "boolean"})),
        (APPROVE, DENY), DENY, {"approved": False},
    ),
    ("confirmation", Interrupt("i", reason="confirmation"), (APPROVE, DENY), APPROVE, {"approved": True}),
    ("boolean", Interrupt("i", schema={"type": "boolean"}), ("Yes", "No"), "No", False),
    ("enum", Interrupt("i", schema={"enum": ["a", 2]}), ("a", "2"), "2", 2),
    (
        "titles",
        Interrupt("i", schema={"oneOf": [{"const": 1, "title": "One"}, {"const": 2, "title": "Two"}]}),
        ("One", "Two"), "Two", 2,
    ),
    ("string", Interrupt("i", schema={"type": "string"}), (), "blue", "blue"),
    ("integer", Interrupt("i", schema={"type": "integer"}), (), 7, 7),
    ("number", Interrupt("i", schema={"type": ["number", "null"]}), (), 7.5, 7.5),
    (
        "one-property",
        Interrupt("i", schema=obj(["tone"], tone={"type": "string", "enum": ["kind", "harsh"]}, n={"type": "integer"})),
        (), {"tone": "kind"}, {"tone": "kind"},
    ),
    ("one-text", Interrupt("i", schema=obj(["name"], name={"type": "string"})), (), {"name": "Ada"}, {"name": "Ada"}),
    (
        "object",
        Interrupt("i", schema=obj(["a", "b"], a={"type": "string"}, b={"type": "integer"})),
        (), {"a": "x", "b": 1}, {"a": "x", "b": 1},
    ),
    ("list", Interrupt("i", schema={"type": "array", "items": {"type": "integer"}}), (), [1, 2], [1, 2]),
    ("text", Interrupt("i", reason="input_required"), (), '{"kept": "as text"}', '{"kept": "as text"}'),
    ("options", Interrupt("i", raw={"options": ["9:00", "10:00"]}), ("9:00", "10:00"), "9:00", "9:00"),
    (
        "labels",
        Interrupt("i", raw={"choices": [{"label": "One", "value": 1}, {"label": "Two", "value": 2}]}),
        ("One", "Two"), "Two", 2,
    ),
    ("same-labels", Interrupt("i", schema={"enum": ["a", "a "]}), ("1. a", "2. a"), "2. a", "a "),
    (
        "decisions",
        Interrupt("i", raw={"action_requests": [{"name": "send", "args": {}}, {"name": "pay", "args": {}}]}),
        (APPROVE, DENY), DENY, {"decisions": [{"type": "reject"}, {"type": "reject"}]},
    ),
    (
        "decisions-allowed",
        Interrupt("i", raw={"action_requests": [{}], "review_configs": [{"allowed_decisions": ["approve", "edit"]}]}),
        (APPROVE,), APPROVE, {"decisions": [{"type": "approve"}]},
    ),
    (
        "one-decision",
        Interrupt("i", raw={"action_requests": [{"name": "pay", "args": {"n": 1}}]}),
        (), {"approved": True, "arguments": {"n": 2}},
        {"decisions": [{"type": "edit", "edited_action": {"name": "pay", "args": {"n": 2}}}]},
    ),
    (
        "one-decision-denied",
        Interrupt("i", raw={"action_requests": [{"name": "pay", "args": {"n": 1}}]}),
        (), {"approved": False, "reason": "No."}, {"decisions": [{"type": "reject", "message": "No."}]},
    ),
    ("adk", Interrupt("i", "tool", "adk"), (APPROVE, DENY), APPROVE, {"confirmed": True}),
    ("agno", Interrupt("i", "tool"), (APPROVE, DENY), DENY, {"accepted": False}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("interrupt", "choices", "answer", "payload"), [f[1:] for f in FORMS], ids=[f[0] for f in FORMS]
)
def test_a_question_is_asked_in_the_form_that_its_answer_has(
    interrupt: Interrupt, choices: tuple[str, ...], answer: Any, payload: Any
) -> None:
    form = form_of(interrupt, None)
    assert tuple(label for label, _ in form.choices) == choices and form.prompt
    assert payload_of(form, answer) == payload


@pytest.mark.parametrize(
    ("schema", "answer", "sentence"),
    [
        ({"enum": ["a", "b"]}, "c", "Choose one of the answers."),
        ({"type": "integer"}, 7.5, '7.5 is not of type "integer"'),
        ({"type": "integer", "maximum": 5}, 6, "6 is greater than the maximum of 5"),
        (obj(["a", "b"], a={"type": "string"}), [], '[] is not of type "object"'),
        (obj(["a", "b"], a={"type": "string"}), {"a": "x"}, '"b" is a required property'),
        (obj(["a"], a={"type": "string"}), {"a": 1}, 'a: 1 is not of type "string"'),
    ],
)
def test_an_answer_that_does_not_fit_says_why(schema: Any, answer: Any, sentence: str) -> None:
    with pytest.raises(Unfit) as caught:
        payload_of(form_of(Interrupt("i", schema=schema), None), answer)
    assert sentence in str(caught.value)


def test_an_approval_has_the_fields_that_the_server_has() -> None:
    schema = obj(["approved"], approved={"type": "boolean"}, editedArgs={"type": "object"}, reason={"type": "string"})
    form = form_of(Interrupt("i", schema=schema), {"name": "delete", "arguments": {"path": "a"}})
    assert form.approval is not None and form.approval.editable
    assert (form.approval.tool, form.approval.arguments) == ("delete", {"path": "a"})
    changed = payload_of(form, {"approved": True, "arguments": {"path": "b"}, "reason": "Only b."})
    assert changed == {"approved": True, "editedArgs": {"path": "b"}, "reason": "Only b."}
    assert payload_of(form, {"approved": False}) == payload_of(form, "Approve") == {"approved": False}


def test_a_question_without_words_is_asked_in_those_that_there_are() -> None:
    assert form_of(Interrupt("i", reason="approve_delete")).prompt == "The agent asks: approve_delete"
    assert form_of(Interrupt("i", raw={"path": "a"})).prompt == '{"path": "a"}'
    assert form_of(Interrupt("i"), {"name": "delete"}).prompt == "May the agent use delete?"
    assert form_of(Interrupt("i")).prompt == "The agent waits for you."
    assert (
        form_of(Interrupt("i", raw={"action_requests": [{"name": "pay", "args": {"n": 1}}]})).prompt == 'pay({"n": 1})'
    )


@pytest.mark.parametrize(
    ("value", "operations", "after"),
    [
        ({}, [{"op": "add", "path": "/a", "value": 1}], {"a": 1}),
        ({"a": [1, 3]}, [{"op": "add", "path": "/a/1", "value": 2}], {"a": [1, 2, 3]}),
        ({"a": [1]}, [{"op": "add", "path": "/a/-", "value": 4}], {"a": [1, 4]}),
        ({"a/b": {"~": 1}}, [{"op": "replace", "path": "/a~1b/~0", "value": 2}], {"a/b": {"~": 2}}),
        ({"a": [1, 2]}, [{"op": "remove", "path": "/a/0"}], {"a": [2]}),
        ({"a": 1}, [{"op": "move", "from": "/a", "path": "/b"}], {"b": 1}),
        (
            {"a": [1]},
            [{"op": "copy", "from": "/a", "path": "/b"}, {"op": "add", "path": "/b/-", "value": 2}],
            {"a": [1], "b": [1, 2]},
        ),
        ({"a": 1}, [{"op": "test", "path": "/a", "value": 1.0}], {"a": 1}),
        ({"a": 1}, [{"op": "replace", "path": "", "value": None}], None),
        (None, [{"op": "add", "path": "", "value": [1]}], [1]),
        ({"": {"": 1}}, [{"op": "replace", "path": "//", "value": 2}], {"": {"": 2}}),
    ],
)  # fmt: skip
def test_a_change_of_state_is_applied(value: Any, operations: list[Any], after: Any) -> None:
    before = repr(value)
    assert patched(value, operations) == after and repr(value) == before


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "replace", "path": "/no", "value": 1},
        {"op": "remove", "path": "/list/9"},
        {"op": "add", "path": "/list/01", "value": 1},
        {"op": "add", "path": "/list/3", "value": 1},
        {"op": "add", "path": "/n/a", "value": 1},
        {"op": "add", "path": "no", "value": 1},
        {"op": "add", "path": "/x"},
        {"op": "move", "from": "/list", "path": "/list/0"},
        {"op": "test", "path": "/n", "value": True},
        {"op": "shake", "path": "/n"},
        {"path": "/n"},
        "remove",
        None,
    ],
)
def test_a_change_that_does_not_fit_changes_nothing(operation: Any) -> None:
    with pytest.raises(DoesNotApply):
        patched({"list": [1, 2], "n": 1}, [{"op": "add", "path": "/new", "value": 1}, operation])


def translate(*told: dict[str, Any], state: Any = None) -> tuple[Translator, list[EventBody]]:
    translator = Translator([{"id": "u", "role": "user", "content": "x"}], state)
    translator.begin("r")
    bodies = [body for event in told for body in translator.feed(event)]
    return translator, [*bodies, *translator.stop()]


def parts(bodies: list[EventBody]) -> tuple[Any, ...]:
    return fold(RunEvent(number, AT, body) for number, body in enumerate(bodies, 1)).parts


def text(bodies: list[EventBody]) -> str:
    return fold(RunEvent(number, AT, body) for number, body in enumerate(bodies, 1)).text


def more(id: str, delta: str | None) -> dict[str, Any]:
    return {"type": "TEXT_MESSAGE_CONTENT", "messageId": id, "delta": delta}


def snapshot(*messages: dict[str, Any]) -> dict[str, Any]:
    return {"type": "MESSAGES_SNAPSHOT", "messages": [{"id": "u9", "role": "user", "content": "x"}, *messages]}


def test_messages_that_are_open_at_the_same_time_come_out_whole() -> None:
    told = [
        more("a", "One "),
        more("b", "Two "),
        more("a", "and a half."),
        {"type": "TEXT_MESSAGE_END", "messageId": "a"},
    ]
    translator, bodies = translate(*told, more("b", "more."))
    assert text(bodies) == "One and a half.\n\nTwo more."
    assert [each["content"] for each in translator.messages.export()[1:]] == ["One and a half.", "Two more."]


def test_nothing_of_a_message_is_lost_that_never_ends() -> None:
    assert text(translate(more("a", "One "), more("b", "Two"), more("a", "more"))[1]) == "One more\n\nTwo"


def test_null_and_empty_are_nothing() -> None:
    _, bodies = translate(
        more("a", None), more("a", ""), more("a", "x"), {"type": "RUN_FINISHED", "outcome": None, "usage": None}
    )
    assert text(bodies) == "x"


def test_a_list_of_messages_with_other_ids_shows_nothing_twice() -> None:
    told = says("Hello there.", "m1")
    _, bodies = translate(*told, snapshot({"id": "other", "role": "assistant", "content": "Hello there."}))
    assert text(bodies) == "Hello there."


def test_a_list_of_messages_in_the_middle_leaves_the_text_that_streams() -> None:
    half = snapshot({"id": "m", "role": "assistant", "content": "Hel"})
    other = snapshot({"id": "n", "role": "assistant", "content": "Hell"})
    _, bodies = translate(more("m", "Hel"), half, more("m", "l"), other, more("m", "o"), snapshot())
    assert text(bodies) == "Hello" and not any(isinstance(body, TextReplaced) for body in bodies)


def test_a_list_of_messages_brings_what_was_not_streamed() -> None:
    asked = {
        "id": "a",
        "role": "assistant",
        "toolCalls": [{"id": "c", "function": {"name": "look", "arguments": '{"a": 1}'}}],
    }
    result = {"id": "t", "role": "tool", "toolCallId": "c", "content": "found"}
    translator, bodies = translate(snapshot(asked, result, {"id": "z", "role": "assistant", "content": "Done."}))
    call, said = parts(bodies)
    assert (call.name, call.arguments, call.result, said.text) == ("look", {"a": 1}, "found", "Done.")
    assert [each["role"] for each in translator.messages.export()] == ["user", "assistant", "tool", "assistant"]


def test_a_list_of_messages_may_correct_a_text() -> None:
    _, bodies = translate(*says("Helo.", "m"), snapshot({"id": "m", "role": "assistant", "content": "Hello."}))
    assert text(bodies) == "Hello."


def test_a_list_of_messages_with_roles_that_nobody_knows_breaks_nothing() -> None:
    odd = {"id": "o", "role": "oracle", "content": [{"type": "binary"}, 7]}
    translator, bodies = translate(*says("Hi.", "m"), snapshot(odd, {"id": "m", "role": "assistant", "content": "Hi."}))
    assert text(bodies) == "Hi." and translator.messages.export()[1] == odd


def test_reasoning_that_a_list_of_messages_leaves_out_is_told_again() -> None:
    thought = {"type": "REASONING_MESSAGE_CONTENT", "messageId": "r", "delta": "Hm."}
    translator, _ = translate(thought, *says("Hi.", "m"), snapshot({"id": "m", "role": "assistant", "content": "Hi."}))
    assert [each["role"] for each in translator.messages.export()] == ["user", "reasoning", "assistant"]


def test_a_thought_that_comes_again_inside_the_text_is_shown_once() -> None:
    thought = [{"type": "REASONING_MESSAGE_CONTENT", "messageId": "r", "delta": "Hm."}]
    again = [{**each, "messageId": "r2"} for each in thought]
    inside = [more("m", "Hi "), *again, {"type": "REASONING_MESSAGE_END", "messageId": "r2"}, more("m", "there.")]
    first, said = parts(translate(*thought, *inside)[1])
    assert isinstance(first, Reasoning) and isinstance(said, Text) and (first.text, said.text) == ("Hm.", "Hi there.")


def test_another_thought_inside_the_text_is_shown() -> None:
    told = [
        {"type": "REASONING_MESSAGE_CONTENT", "messageId": f"r{n}", "delta": t}
        for n, t in enumerate(("Hm.", "H", "a!"))
    ]
    told[2]["messageId"] = "r1"
    bodies = translate(told[0], more("m", "Hi"), told[1], told[2])[1]
    assert [each.text for each in parts(bodies)] == ["Hm.", "Hi", "Ha!"]


def test_a_call_that_is_repeated_has_its_arguments_once() -> None:
    translator, bodies = translate(*calls("look", {"a": 1}), *calls("look", {"a": 1}))
    (call,) = parts(bodies)
    assert call.arguments == {"a": 1}
    assert translator.call("c1") == ("look", '{"a": 1}')


def test_another_call_with_the_id_of_one_that_is_over_is_told_as_another() -> None:
    result = {"type": "TOOL_CALL_RESULT", "toolCallId": "c1", "messageId": "c1", "content": "one"}
    translator, _ = translate(*calls("look", 1), result, *calls("look", 2), {**result, "content": "two"})
    assert [each.get("content") for each in translator.messages.export()[1:]] == [None, "one", None, "two"]


def test_results_stand_after_their_calls_in_any_order() -> None:
    told = [*calls("a", 1, "c1"), *calls("b", 2, "c2"), *says("Fine.", "m")]
    late = [{"type": "TOOL_CALL_RESULT", "toolCallId": id, "messageId": id, "content": id} for id in ("c2", "c1")]
    translator, _ = translate(*told, *late)
    assert [each.get("toolCallId", each["role"]) for each in translator.messages.export()] == [
        "user", "assistant", "c1", "assistant", "c2", "assistant",
    ]  # fmt: skip


def test_state_is_shown_to_the_inspector_and_a_change_that_does_not_fit_is_left_out() -> None:
    delta = {"type": "STATE_DELTA", "delta": [{"op": "replace", "path": "/n", "value": 2}]}
    bad = {"type": "STATE_DELTA", "delta": [{"op": "remove", "path": "/no"}]}
    whole = {"type": "STATE_SNAPSHOT", "snapshot": {"n": 3, "messages": [1, 2]}}
    translator, bodies = translate(delta, bad, whole, whole, state={"n": 1})
    assert translator.state == {"n": 3, "messages": [1, 2]}
    assert [body.type for body in bodies if isinstance(body, Unknown)] == [
        "STATE_DELTA",
        "STATE_DELTA",
        "STATE_SNAPSHOT",
    ]
    assert bodies[-1] == Unknown("STATE_SNAPSHOT", {"state": {"n": 3, "messages": "(2 messages)"}})


def test_activities_are_brought_up_to_date() -> None:
    put = {"type": "ACTIVITY_SNAPSHOT", "messageId": "a", "activityType": "search", "content": {"n": 1}}
    change = {"type": "ACTIVITY_DELTA", "messageId": "a", "patch": [{"op": "replace", "path": "/n", "value": 2}]}
    _, bodies = translate(put, {**put, "content": {"n": 9}, "replace": False}, change, {**change, "messageId": "b"})
    assert bodies == [Custom("search", {"n": 1}, "a"), Custom("search", {"n": 2}, "a")]


def test_an_event_that_nobody_knows_is_for_the_inspector() -> None:
    assert translate({"type": "FUTURE", "x": 1, "rawEvent": {}})[1] == [Unknown("FUTURE", {"x": 1})]


def test_a_run_of_before_on_the_same_stream_decides_nothing() -> None:
    before = [{"type": "RUN_STARTED", "runId": "old"}, *says("Old.", "u"), {"type": "RUN_FINISHED", "runId": "old"}]
    translator, bodies = translate(*before, {"type": "RUN_STARTED", "runId": "r"}, *says("New.", "m"))
    assert text(bodies) == "New." and translator.end is None
    unknown = [{**each, "messageId": "m0"} if "messageId" in each else each for each in before]
    translator, bodies = translate(*unknown, {"type": "RUN_STARTED", "runId": "r"}, *says("New.", "m"))
    assert text(bodies) == "New." and translator.end is None


def test_a_server_that_calls_the_run_by_another_name_is_heard() -> None:
    told = [{"type": "RUN_STARTED", "runId": "its"}, *says("Hi.", "m"), {"type": "RUN_FINISHED", "runId": "its"}]
    translator, bodies = translate(*told)
    assert text(bodies) == "Hi." and translator.end is not None and translator.end.outcome == "success"


def test_three_forms_of_one_question_are_one() -> None:
    told = [
        *calls("delete", {"a": 1}),
        *calls("confirm_changes", {"function_name": "delete"}, "c2"),
        {"type": "CUSTOM", "name": "function_approval_request", "value": {"id": "c1"}},
    ]
    outcome = asks({"id": "c1", "reason": "tool_call", "message": "Delete?", "toolCallId": "c1"})
    translator, bodies = translate(*told, {"type": "RUN_FINISHED", "outcome": outcome})
    assert [part.name for part in parts(bodies)] == ["delete"]
    assert [task.id for task in tasks_of(translator, ())] == ["c1"]
    translator, _ = translate(*told, {"type": "RUN_FINISHED"})
    assert [(task.id, task.name) for task in tasks_of(translator, ())] == [("c2", "delete")]


def test_several_answers_for_langgraph_go_as_one_command() -> None:
    from htmxchat.agents.ag_ui_api.exchange import Answer, Exchange, Task, run_input

    tasks = tuple(Task("interrupt", id, interrupt=Interrupt(id, langgraph=True)) for id in ("i1", "i2"))
    turn = Exchange("t", (), None, tasks=tasks, answers={"i1": Answer("red"), "i2": Answer("blue")})
    sent = run_input(turn, "r")
    assert sent["forwardedProps"] == {"command": {"resume": {"i1": "red", "i2": "blue"}}} and "resume" not in sent
