"""Every recorded stream becomes the view that it should, in every form and however its bytes are cut."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import anyio
import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from htmxchat import Outcome, RunState, RunView, ScriptError, ScriptResult, ScriptState, fold
from htmxchat.agents.kogwistar.translation.mapping import Translator
from htmxchat.agents.kogwistar.translation.outcome import Facts, conclude
from htmxchat.agents.kogwistar.translation.replies import (
    ServerRun,
    Step,
    read_account,
    read_run,
    read_steps,
)
from htmxchat.agents.kogwistar.translation.sources import find_sources
from htmxchat.agents.kogwistar.translation.waiting import Request, ask, client_result
from htmxchat.agents.kogwistar.transport.client import Client
from htmxchat.events import InputRequested, RunEnded, RunEvent, RunStopping, SourcesFound, TextDelta, Unknown
from htmxchat.inspection import rows
from htmxchat.parts import ToolCall

from .recordings import NEW, OLD, Recording, about, recording, streams
from .replay import token

NOW = datetime(2026, 11, 22, tzinfo=UTC)
DEBUG = "Debug RAG response\n\nQuestion: What is a hypergraph?\n\nRetrieved nodes:\nNo knowledge nodes were retrieved."
GEMINI = "The server says: LLM provider 'gemini' is not available. Install with: pip install 'kogwistar[gemini]'."
NO_USER = "The server says: No user message found in conversation."
SILENT = "The server ended the run without an answer, and without saying why."
SUSPENDED = "needs a client result. no value yet. The agent is waiting for a result from outside."
BUDGET = "The agent has paused because its budget is used up."
UNICODE = (
    'Debug RAG response\n\nQuestion: Zürich 😀👩‍👩‍👧 日本語 العربية \ufffd \u2028 <script>alert(1)</script> "quotes" '
    "\\back\\slash\ttab\nline2\n\nRetrieved nodes:\nNo knowledge nodes were retrieved."
)
RUNNER = "streamed by the runner: " + " ".join(f"tok{n}" for n in range(30))
STATE = "The workflow has finished.\n\n```json\n"

DONE, FAILED, STOPPED, WAITS = RunState.COMPLETED, RunState.FAILED, RunState.CANCELLED, RunState.RUNNING

# Recording: how the run went, how its text begins (all of it, where it is short), and the reason or the question.
EXPECTED: dict[str, tuple[RunState, str, str | None]] = {
    "072_events_sse_debug_rag": (DONE, DEBUG, None),
    "086_events_poll": (DONE, DEBUG, None),
    "090_events_sse_after_seq": (DONE, DEBUG, None),
    "091_events_sse_last_event_id_header": (DONE, DEBUG, None),
    "095_events_sse_negative": (DONE, DEBUG, None),
    "098_events_sse_lowercase_bearer": (DONE, DEBUG, None),
    "101_agentic_stock_events": (FAILED, "", GEMINI),
    "116_unknown_workflow_events": (FAILED, "", SILENT),
    "131_iso_bob_events": (DONE, DEBUG, None),
    "152_unicode_events": (DONE, UNICODE, None),
    "156_100k_events": (FAILED, "", NO_USER),
    "158b_100k_events": (FAILED, "", NO_USER),
    "159_events_24200": (FAILED, "", SILENT),
    "202_fake_agentic_events": (DONE, "Fake LLM answer to:", None),
    "211_fake_evidence_events": (DONE, "Fake LLM answer to: Explain hypergraph and provenance in kogwistar", None),
    "232b_cancel_midllm": (STOPPED, "", None),
    "261_llm_fail_events": (FAILED, "", "The server says: fake LLM: upstream 503 overloaded."),
    "265_llm_parse_events": (FAILED, "", "The server says:"),
    "268_answer_long_events": (DONE, "", None),
    "302_wf_run_unknown_wf_events": (FAILED, "", "The server says:"),
    "321_wf_run_simple_events": (DONE, STATE, None),
    "331_wf_suspend_budget_events": (WAITS, "", BUDGET),
    "347_resume_events_after": (WAITS, "", BUDGET),
    "362_answer_run_failed_events": (
        FAILED,
        "",
        "The server says: workflow_id='demo.fail' must have exactly one start node (wf_start=True). Found 2.",
    ),
    "365_wf_run_debug_rag_events": (FAILED, "", "The server says: agent missing in dependency."),
    "402_susp_events": (WAITS, "", SUSPENDED),
    "410_susp_events_after_resume": (DONE, STATE, None),
    "431_wf_fail_events": (FAILED, "", SILENT),
    "434_wf_raise_events": (FAILED, "", SILENT),
    "439_wf_slow_cancel_events": (STOPPED, "", None),
    "461_answer_raise_events": (FAILED, "", "The server says: answer runner exploded: upstream timeout."),
    "464_answer_custom_events": (DONE, "Debug RAG response", None),
    "467_answer_runner_streaming_events": (DONE, RUNNER, None),
    "502_poll_limit_negative": (DONE, "Fake LLM answer to:", None),
    "621_wf_events_bob_no_acl": (WAITS, "", SUSPENDED),
    "0.6.15/072_events_sse_debug_rag": (DONE, "Debug RAG response", None),
    "0.6.15/101_agentic_events": (DONE, "Fake LLM answer to:", None),
    "0.6.15/111_stock_agentic_no_llm_events": (FAILED, "", "The server says: 1 validation error for ChatGoogle"),
    "0.6.15/152_unicode_events": (DONE, "Debug RAG response", None),
    "0.6.15/201_src_events": (DONE, "Fake LLM answer to: Tell me about a hypergraph and provenance", None),
    "0.6.15/261_llm_fail_events": (FAILED, "", "The server says: fake LLM: upstream 503 overloaded."),
    "0.6.15/322_wf_run_simple_events": (DONE, STATE, None),
    "0.6.15/401_susp_events": (WAITS, "", SUSPENDED),
}


class _Bytes(httpx.AsyncByteStream):
    def __init__(self, chunks: Sequence[bytes]) -> None:
        self._chunks = chunks

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self._chunks:
            yield chunk


def wire(stream: Recording, form: str) -> bytes:
    """Return a recording's events as the server, or a newer one, sends them."""
    if form == "recorded" and "event-stream" in stream.content_type:
        return stream.body
    return b"".join(_frame(frame, nested=form == "nested") for frame in stream.frames)


def _frame(frame: dict[str, Any], *, nested: bool) -> bytes:
    data = frame["data"]
    if nested:
        keys = ("run_id", "event_type", "created_at_ms")
        payload = {key: value for key, value in data.items() if key not in keys}
        data = {"seq": frame["seq"], "event_type": frame["event"], "payload": payload, "created_at_ms": 1795330692000}
    text = json.dumps(data, ensure_ascii=False)
    return f"id: {frame['seq']}\nevent: {frame['event']}\ndata: {text}\n\n".encode()


async def receive(chunks: Sequence[bytes], body: bytes | None = None) -> list[RunEvent]:
    """Return our events for a stream that arrives in these pieces, or for the body of a poll."""

    def answer(request: httpx.Request) -> httpx.Response:
        if body is not None:
            return httpx.Response(200, content=body)
        return httpx.Response(200, headers={"content-type": "text/event-stream; charset=utf-8"}, stream=_Bytes(chunks))

    client = Client("http://kogwistar.example", transport=httpx.MockTransport(answer))
    translator, events = Translator(), list[RunEvent]()
    try:
        if body is not None:
            for event in await client.poll(token(), "run", 0):
                events += filter(None, [translator.add(event)])
        else:
            async for event in client.events(token(), "run", 0):
                events += filter(None, [translator.add(event)])
    finally:
        await client.close()
    return events


def poll_body(stream: Recording) -> bytes:
    keys = ("run_id", "event_type", "created_at_ms")
    events = [
        {
            "seq": frame["seq"],
            **{key: frame["data"][key] for key in keys},
            "payload": {key: value for key, value in frame["data"].items() if key not in keys},
        }
        for frame in stream.frames
    ]
    return json.dumps({"run_id": "run", "events": events}).encode()


def view(stream: Recording, events: list[RunEvent]) -> RunView:
    """Return what is shown, with what the server would have answered about the run."""
    id = stream.frames[0]["data"]["run_id"]
    rows = [each.json for each in about(id) if each.json.get("terminal")]
    text = fold(events).text
    status = {"run.failed": "failed", "run.cancelled": "cancelled"}.get(stream.frames[-1]["event"], "succeeded")
    run = read_run(rows[0]) if rows else ServerRun(id, "c", "w", "t", "", status, True)
    after = stream.name.startswith("410")
    steps, states = about(id, "/steps"), [*about(id, "/checkpoints"), *about(id, "/checkpoints/13")]
    state: Any = {}
    if states:
        found = states[-1 if after else 0].json
        state = found["checkpoints"][-1]["state"] if "checkpoints" in found else found["state"]
    known = read_steps(steps[-1 if after else 0].json) if steps else ()
    bodies = concluded(Facts(run, text, steps=known, state=state))
    last = events[-1]
    ends = [RunEvent(last.seq + number, last.at, body) for number, body in enumerate(bodies, 1)]
    return fold([*events, *ends])


def concluded(facts: Facts) -> list[Any]:
    """Return the last events of a run, or those that ask."""
    end = conclude(facts)
    return ask(end) if isinstance(end, Request) else end


def check(stream: Recording, events: list[RunEvent]) -> None:
    state, text, reason = EXPECTED[stream.name]
    shown = view(stream, events)
    assert shown.state is state
    assert shown.text.startswith(text)
    assert bool(shown.text) == bool(text) or stream.name.startswith("268")
    said = shown.request.prompt if shown.request else shown.error
    assert (said or "").startswith(reason or "")
    assert bool(said) == bool(reason)
    assert "Traceback" not in (said or "")
    assert "server-path" not in repr(shown)
    numbers = [event.seq for event in events]
    assert numbers == sorted(set(numbers))
    assert not any(isinstance(event.body, RunEnded) for event in events), "only the server's row says how it went"


def test_every_recorded_stream_is_in_the_table() -> None:
    assert {each.name for each in streams()} == set(EXPECTED)


@pytest.mark.parametrize("size", [1, 7, 1 << 20])
@pytest.mark.parametrize("form", ["recorded", "nested", "poll"])
@pytest.mark.parametrize("stream", streams(), ids=lambda stream: stream.name)
def test_a_recorded_stream_gives_the_view(stream: Recording, form: str, size: int) -> None:
    data = wire(stream, form)
    body = poll_body(stream) if form == "poll" else None
    chunks = [data[at : at + size] for at in range(0, len(data), size)]
    check(stream, anyio.run(receive, chunks, body))


def test_a_frame_with_a_line_separator_survives_every_cut() -> None:
    stream = recording("152")
    at = stream.body.index("\u2028".encode())
    start, end = stream.body.rindex(b"\n\n", 0, at) + 2, stream.body.index(b"\n\n", at) + 2
    frame = stream.body[start:end]

    async def cut_everywhere() -> None:
        whole = await receive([frame])
        assert isinstance(whole[0].body, TextDelta)
        assert "\u2028" in whole[0].body.text
        for cut in range(1, len(frame)):
            assert await receive([frame[:cut], frame[cut:]]) == whole

    anyio.run(cut_everywhere)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(streams()), st.data())
def test_a_stream_may_be_cut_anywhere(stream: Recording, data: st.DataObject) -> None:
    body = wire(stream, "recorded")
    cuts = sorted(data.draw(st.sets(st.integers(1, len(body) - 1), max_size=30)))
    chunks = [body[start:end] for start, end in zip([0, *cuts], [*cuts, len(body)], strict=True)]
    check(stream, anyio.run(receive, chunks))


def test_what_comes_after_the_end_changes_nothing() -> None:
    events = anyio.run(receive, [recording("072").body + _late("run.cancelling", 900) + _late("run.failed", 901)])
    assert fold(events) == fold(anyio.run(receive, [recording("072").body]))


def test_duplicates_and_a_replay_change_nothing() -> None:
    once = anyio.run(receive, [recording("072").body])
    body = recording("072").body
    first = body[: body.index(b"id: 17")]
    assert anyio.run(receive, [first + body]) == once


def test_a_start_after_a_stop_does_not_undo_it() -> None:
    body = _late("run.created", 1) + _late("run.cancelling", 2) + _late("run.started", 3)
    events = anyio.run(receive, [body])
    assert isinstance(events[1].body, RunStopping)
    assert fold(events).state is RunState.STOPPING


@pytest.mark.parametrize(("number", "version", "stages"), [("072", OLD, 7), ("202", OLD, 17), ("201", NEW, 10)])
def test_each_stage_is_told_once_and_by_the_servers_own_name_too(number: str, version: str, stages: int) -> None:
    events = anyio.run(receive, [recording(number, version).body])
    told = [row for row in rows(events) if row.type == "StageChanged"]
    assert len(told) == stages
    assert {row.source for row in told} == {"run.stage"}
    assert all(before.meaning != after.meaning for before, after in pairwise(told))


def test_unknown_types_are_kept_and_change_nothing() -> None:
    events = anyio.run(receive, [recording("464").body])
    kinds = [event.body.type for event in events if isinstance(event.body, Unknown)]
    assert "sleep.tick" in kinds
    assert "x.empty" in kinds
    (tool,) = (part for part in fold(events).parts if isinstance(part, ToolCall))
    assert (tool.name, tool.found) == ("kg_search", "1 result")
    assert all(event.raw for event in events)


def test_broken_frames_are_passed_over() -> None:
    broken = b"id: 5\nevent: x\ndata: {not json\n\nid: 6\nevent: y\ndata: [1]\n\n: heartbeat\n\n"
    events = anyio.run(receive, [broken + _late("run.started", 7)])
    assert [event.seq for event in events] == [7]


def test_a_later_failure_keeps_the_answer() -> None:
    run = ServerRun("r", "c", "w", "t", "", "succeeded", True, "failure", result={"assistant_text": "Yes."})
    assert concluded(Facts(run, "Yes."))[-1].error == "A step after the answer failed."


def test_half_an_answer_is_not_called_an_answer() -> None:
    run = ServerRun("r", "c", "w", "t", "", "failed", True, "", error="the model went away")
    assert concluded(Facts(run, "The first half of a sen"))[-1].error == "The answer broke off: the model went away."


@pytest.mark.parametrize("odd", [3, "dates", {"a": 1}, [None, "dates"], None])
def test_odd_details_of_an_answer_do_not_keep_it_from_ending(odd: Any) -> None:
    evaluation = {"is_sufficient": False, "missing_aspects": odd}
    result = {"assistant_text": "Yes.", "evaluation": evaluation, "claim_citations": odd}
    run = ServerRun("r", "c", "w", "t", "", "completed", True, "succeeded", result=result)
    assert concluded(Facts(run))[-1] == RunEnded(Outcome.COMPLETED)


@pytest.mark.parametrize("value", [None, 0, "", {}, []])
def test_nobody_is_not_somebody_with_that_name(value: object) -> None:
    with pytest.raises(ValueError, match="id"):
        read_account({"user_id": value})
    with pytest.raises(ValueError, match="id"):
        read_run({"run_id": value})


def test_an_answer_that_is_called_insufficient_says_so() -> None:
    evaluation = {"is_sufficient": False, "missing_aspects": ["dates"], "notes": "n"}
    result = {"assistant_text": "Yes.", "evaluation": evaluation}
    text = repr(concluded(Facts(ServerRun("r", "c", "w", "t", "", "completed", True, "succeeded", result=result))))
    assert "Missing: dates" in text
    assert "Insufficient" in text


def test_sources_name_their_place_and_the_claim_they_support() -> None:
    node = {
        "node_id": "n",
        "label": "Handbook",
        "mentions": [{"spans": [{"excerpt": "Keep left.", "doc_id": "hb", "page_number": 3}]}],
    }
    citation = {"source_node_id": "n", "mention_index": 0, "span_index": 0}
    claims = [{"claim": "Drive on the left", "citations": [citation]}]
    result = {"assistant_text": "Left.", "claim_citations": {"claims": claims}}
    (source,) = find_sources(result, {"_rt": {"evidence_pack": {"nodes": [node]}}}, {})
    assert (source.title, source.excerpt) == ("Handbook", "Keep left.")
    assert source.detail == "hb, page 3 · supports: Drive on the left"
    (newer,) = find_sources(result, {}, {"n": "A summary"})
    assert newer.excerpt == "A summary"
    run = ServerRun("r", "c", "w", "t", "", "completed", True, "succeeded", result=result)
    assert SourcesFound((source,)) in concluded(Facts(run, sources=(source,)))


def test_client_code_becomes_a_script() -> None:
    run = read_run(recording("403").json)
    state = recording("405").json["checkpoints"][-1]["state"]
    request = conclude(Facts(run, steps=read_steps(recording("418").json), state=state))
    assert isinstance(request, Request)
    assert request.kind == "script"
    bodies = ask(request)
    assert [type(body).__name__ for body in bodies] == ["StageChanged", "ScriptProposed"]
    assert not any(isinstance(body, InputRequested) for body in bodies)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ScriptError("python", "bad\nrow", "ValueError", "T\nValueError: bad\nrow"),
         "The server says: ValueError: bad row."),
        (ScriptError("sandbox", "It ran for more than 30 seconds."),
         "The server says: It ran for more than 30 seconds."),
    ],
)  # fmt: skip
def test_why_a_script_failed_is_told_whatever_it_printed_before(error: ScriptError, reason: str) -> None:
    request = Request("wait-1", "n", "t", "script", "")
    result = ScriptResult(ScriptState.FAILED, stdout="hi\n" * 1_000, error=error)
    told = client_result(request, result)
    assert told["errors"][1].startswith("hi\nhi")  # all of it, for the agent
    run = ServerRun("r", "c", "w", "t", "", "succeeded", True, "failure")
    steps = (Step(0, "x", "failure", errors=tuple(told["errors"])), Step(1, "other", "ok"))
    assert concluded(Facts(run, steps=steps))[-1] == RunEnded(Outcome.FAILED, reason)


def _late(kind: str, seq: int) -> bytes:
    data = {"run_id": "r", "event_type": kind, "created_at_ms": 1}
    return _frame({"seq": seq, "event": kind, "data": data}, nested=False)
