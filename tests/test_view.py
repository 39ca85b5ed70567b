"""The fold: the same view, however the log comes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from htmxchat import events as e
from htmxchat.compaction import compact
from htmxchat.models import RunState
from htmxchat.parts import CustomPart, Part, ProposedScript, Question, Reasoning, Text, ToolCall, is_blank
from htmxchat.scripts.result import ScriptState
from htmxchat.view import RunView, fold

START = datetime(2026, 1, 1, tzinfo=UTC)
WORD = st.sampled_from(["", "a", "b ", "é\n"])
CALL = st.sampled_from(["1", "2", ""])
BODY: st.SearchStrategy[e.EventBody] = st.one_of(
    st.builds(e.TextDelta, WORD),
    st.builds(e.ReasoningDelta, WORD),
    st.builds(e.TextDelta, WORD),
    st.builds(e.ReasoningDelta, WORD),
    st.builds(e.TextReplaced, WORD),
    st.builds(e.ToolStarted, CALL, WORD),
    st.builds(e.ToolFinished, CALL, WORD, st.none(), st.booleans()),
    st.builds(e.SourcesFound, st.just((e.Source("S"),))),
    st.builds(e.Custom, WORD, st.integers(0, 2), CALL),
    st.builds(e.ScriptProposed, CALL, WORD),
    st.builds(e.InputRequested, CALL, WORD),
    st.builds(e.InputAnswered, CALL, WORD),
    st.builds(e.UsageReported, st.integers(0, 9), st.integers(0, 9)),
    st.builds(e.StageChanged, WORD),
    st.builds(e.RunStarted),
    st.builds(e.RunStopping),
    st.builds(e.Unknown, WORD),
)


def _log(bodies: list[e.EventBody]) -> list[e.RunEvent]:
    return [e.RunEvent(3 + 2 * n, START + timedelta(seconds=n), body) for n, body in enumerate(bodies)]


@st.composite
def logs(draw: st.DrawFn) -> list[e.RunEvent]:
    bodies = draw(st.lists(BODY, max_size=25))
    if draw(st.booleans()):
        bodies.append(draw(st.builds(e.RunEnded, st.sampled_from(e.Outcome), st.none() | WORD)))
    return _log(bodies)


@given(logs(), st.data())
def test_folding_in_pieces_is_folding_at_once(log: list[e.RunEvent], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(log)))
    assert fold(log[cut:], fold(log[:cut])) == fold(log)
    view = None
    for event in log:
        view = fold([event], view)
    assert (view or RunView()) == fold(log)


@given(logs())
def test_a_compacted_log_shows_the_same(log: list[e.RunEvent]) -> None:
    short = compact(log)
    assert fold(short) == fold(log)
    assert len(short) <= len(log)
    assert compact(short) == short


@given(logs(), st.data())
def test_an_event_that_comes_twice_counts_once(log: list[e.RunEvent], data: st.DataObject) -> None:
    back = data.draw(st.integers(0, len(log)))
    assert fold([*log, *log[back:]]) == fold(log)


def test_a_custom_event_brings_the_part_of_its_name_and_key_up_to_date_in_its_place() -> None:
    bodies: list[e.EventBody] = [
        e.Custom("progress", 1, "a"),
        e.Custom("progress", 1, "b"),
        e.Custom("progress", 1),
        e.TextDelta("So"),
        e.Custom("progress", 2, "a"),
        e.Custom("status", 1, "a"),
        e.TextDelta(" far"),
        e.Custom("progress", 2),
    ]
    assert fold(_log(bodies)).parts == (
        CustomPart("progress", 2, "a"),
        CustomPart("progress", 1, "b"),
        CustomPart("progress", 1),
        Text("So"),
        CustomPart("status", 1, "a"),
        Text(" far"),
        CustomPart("progress", 2),
    )


@given(logs(), logs())
def test_nothing_counts_after_the_end(log: list[e.RunEvent], more: list[e.RunEvent]) -> None:
    ended = _log([*(event.body for event in log), e.RunEnded(e.Outcome.COMPLETED)])
    late = [e.RunEvent(event.seq + 1000, event.at, event.body) for event in more]
    assert fold([*ended, *late]) == fold(ended)


@given(logs())
def test_the_state_follows_the_log(log: list[e.RunEvent]) -> None:
    view = fold(log)
    bodies = [event.body for event in log]
    match bodies:
        case []:
            assert view.state is RunState.QUEUED
        case [*_, e.RunEnded(outcome=outcome)]:
            assert view.state is RunState.after(outcome)
            assert view.stage is None
            assert all(part.ended_at is not None for part in view.parts if isinstance(part, Reasoning | ToolCall))
        case _:
            assert view.state is (RunState.STOPPING if e.RunStopping() in bodies else RunState.RUNNING)
    assert view.last_seq == (log[-1].seq if log else None)


def test_an_answer_with_everything() -> None:
    log = _log(
        [
            e.RunStarted(),
            e.StageChanged("Reading"),
            e.ReasoningDelta("I "),
            e.ReasoningDelta("think. "),
            e.ToolStarted("1", "search", "docs"),
            e.ToolFinished("1", "2 results"),
            e.ToolStarted("2", "fetch"),
            e.TextDelta("Hello "),
            e.TextDelta("Ann"),
            e.RunEnded(e.Outcome.FAILED, "No."),
        ]
    )
    view = fold(log)
    assert (view.text, view.state, view.error, view.stage) == ("Hello Ann", RunState.FAILED, "No.", None)
    thought, search, fetch, text = view.parts
    assert isinstance(thought, Reasoning)
    assert (thought.text, thought.ended_at) == ("I think. ", START + timedelta(seconds=4))
    assert isinstance(search, ToolCall)
    assert (search.state, search.found) == (RunState.COMPLETED, "2 results")
    assert isinstance(fetch, ToolCall)
    assert fetch.state is RunState.CANCELLED
    assert text == Text("Hello Ann")
    assert len(compact(log)) == 8


def calls(*bodies: e.EventBody) -> list[tuple[str, str, RunState, str]]:
    parts = fold(_log([e.RunStarted(), *bodies])).parts
    return [(part.name, part.summary, part.state, part.found) for part in parts if isinstance(part, ToolCall)]


def test_a_call_that_is_repeated_is_one_step_that_is_brought_up_to_date() -> None:
    asked, other = e.ToolStarted("1", "delete", "old.csv"), e.ToolStarted("2", "list", "*")
    again, done = e.ToolStarted("1", "delete", "old.csv, force", {"force": True}), e.ToolFinished("1", "gone")
    running, listed = ("delete", "old.csv, force", RunState.RUNNING, ""), ("list", "*", RunState.RUNNING, "")
    assert calls(asked, again) == [running]
    assert calls(asked, other, again) == [running, listed], "it stays in its place"
    assert calls(asked, e.ToolFinished("1", "needs approval"), other, again) == [running, listed]
    assert calls(asked, e.InputRequested("q", "Really?"), e.InputAnswered("q", "yes"), again, done) == [
        ("delete", "old.csv, force", RunState.COMPLETED, "gone")
    ]
    assert calls(asked, e.RunStopping(), again) == [running]
    assert calls(asked, done, e.ToolFinished("1", "no", failed=True)) == [
        ("delete", "old.csv", RunState.FAILED, "no")
    ], "the last result counts"


def test_a_repeated_call_takes_the_time_of_its_last_attempt() -> None:
    view = fold(_log([e.ToolStarted("1", "a"), e.ToolFinished("1"), e.ToolStarted("1", "a"), e.ToolFinished("1")]))
    (step,) = view.parts
    assert isinstance(step, ToolCall)
    assert (step.started_at, step.ended_at) == (START + timedelta(seconds=2), START + timedelta(seconds=3))


def test_calls_without_an_id_are_never_the_same_and_end_in_their_order() -> None:
    first, second = e.ToolStarted("", "first"), e.ToolStarted("", "second")
    assert calls(first, second, e.ToolFinished("", "one")) == [
        ("first", "", RunState.COMPLETED, "one"),
        ("second", "", RunState.RUNNING, ""),
    ]
    assert [found for *_, found in calls(first, e.ToolFinished("", "one"), second, e.ToolFinished("", "two"))] == [
        "one",
        "two",
    ]


def test_another_tool_under_the_id_of_a_call_is_another_call() -> None:
    found = [
        (part.name, part.state, part.found)
        for part in parts(
            e.ToolStarted("1", "read"),
            e.ToolFinished("1", "12 lines"),
            e.ToolStarted("1", "write"),
            e.ToolStarted("1", "delete"),
            e.ToolFinished("1", "gone"),
        )
        if isinstance(part, ToolCall)
    ]
    assert found == [
        ("read", RunState.COMPLETED, "12 lines"),
        ("write", RunState.CANCELLED, ""),
        ("delete", RunState.COMPLETED, "gone"),
    ]


def test_a_script_that_is_proposed_again_is_one() -> None:
    view = fold(_log([e.ScriptProposed("1", "a"), e.ScriptProposed("2", "b"), e.ScriptProposed("1", "c")]))
    assert [part.script.code for part in view.parts if isinstance(part, ProposedScript)] == ["a", "b"]


def parts(*bodies: e.EventBody) -> tuple[Part, ...]:
    return fold(_log(list(bodies))).parts


def texts(*bodies: e.EventBody) -> list[str]:
    return [part.text for part in parts(*bodies) if isinstance(part, Text)]


def test_parts_stand_where_they_began() -> None:
    made = parts(
        e.TextDelta("Let me "),
        e.StageChanged("Looking"),
        e.TextDelta("look."),
        e.ToolStarted("1", "search"),
        e.TextDelta("While it runs."),
        e.ToolFinished("1", "2 results"),
        e.InputRequested("q", "Which?", ("A", "B")),
        e.InputAnswered("q", "A", "ann"),
        e.ScriptProposed("s", "1"),
        e.TextDelta("Done."),
    )
    assert [type(part).__name__ for part in made] == ["Text", "ToolCall", "Text", "Question", "ProposedScript", "Text"]
    assert [part.text for part in made if isinstance(part, Text)] == ["Let me look.", "While it runs.", "Done."]


def test_the_text_is_the_texts_with_an_empty_line_between() -> None:
    view = fold(
        _log(
            [
                e.TextDelta("One.\n"),
                e.ToolStarted("1", "a"),
                e.TextDelta(" \n"),
                e.ToolStarted("2", "b"),
                e.TextDelta("\nTwo."),
            ]
        )
    )
    assert view.text == "One.\n\nTwo."


@given(logs())
def test_what_replaces_the_text_is_the_text(log: list[e.RunEvent]) -> None:
    view = fold(log)
    if view.state.live:
        again = _log([*(event.body for event in log), e.TextReplaced(view.text)])
        assert fold(again).text == view.text
        assert [type(part) for part in fold(again).parts][: len(view.parts)] == [type(part) for part in view.parts]


def test_replaced_text_stays_where_it_is_as_far_as_it_did_not_change() -> None:
    said = e.TextDelta("A"), e.ToolStarted("1", "t"), e.TextDelta("B")
    assert texts(*said, e.TextReplaced("A\n\nB")) == ["A", "B"]
    assert texts(*said, e.TextReplaced("A\n\nB, and more")) == ["A", "B, and more"]
    assert texts(*said, e.TextReplaced("A")) == ["A", ""], "what was taken back"
    assert texts(*said, e.TextReplaced("Quite another")) == ["", "Quite another"], "an answer of its own, at the end"
    assert texts(*said[:2], e.TextReplaced("A\n\nB")) == ["A", "B"], "what is new stands after the call"
    assert texts(*said[:2], e.TextDelta("\n"), e.TextReplaced("A\n\nB")) == ["A", "B"]


def test_a_text_that_was_taken_back_keeps_what_stood_around_it_apart() -> None:
    found = parts(e.ToolStarted("1", "t"), e.TextDelta("A"), e.ToolStarted("2", "t"), e.TextReplaced(""))
    assert found[1] == Text("", emptied=True) and not is_blank(found[1])
    assert parts(e.TextDelta("A"), e.TextReplaced(""), e.TextDelta("B")) == (Text("B"),)
    assert is_blank(parts(e.TextDelta(" "), e.TextReplaced("\n"))[0])


def test_a_question_keeps_its_place_and_what_came_of_it() -> None:
    def question(*bodies: e.EventBody) -> Question:
        (found,) = (part for part in parts(e.InputRequested("q", "?"), *bodies) if isinstance(part, Question))
        return found

    assert question().state == "waiting"
    answered = question(e.InputAnswered("q", {"ok": True}, "ann"), e.TextDelta("x"))
    assert (answered.state, answered.answer, answered.answered_by) == ("answered", {"ok": True}, "ann")
    assert (answered.asked_at, answered.settled_at) == (START, START + timedelta(seconds=1))
    for end in e.RunStopping(), e.RunEnded(e.Outcome.FAILED), e.InputRequested("r", "Another?"):
        found = next(part for part in parts(e.InputRequested("q", "?"), end) if isinstance(part, Question))
        assert (found.state, found.settled_at) == ("withdrawn", START + timedelta(seconds=1))
    assert question(e.RunEnded(e.Outcome.SUSPENDED)).state == "waiting"


def test_what_was_answered_stays_on_record_when_the_same_id_is_asked_for_again() -> None:
    asked = e.InputRequested("q", "Delete tmp.txt?"), e.InputAnswered("q", "yes", "ann")
    again = parts(*asked, e.InputRequested("q", "Delete the database?"), e.InputAnswered("q", "no", "ann"))
    assert [(part.request.prompt, part.answer) for part in again if isinstance(part, Question)] == [
        ("Delete tmp.txt?", "yes"),
        ("Delete the database?", "no"),
    ]
    late = parts(*asked, e.InputAnswered("q", "no", "eve"))
    assert [(part.answer, part.answered_by) for part in late if isinstance(part, Question)] == [("yes", "ann")]


def test_calls_that_ran_at_the_same_time_are_parallel() -> None:
    a, b, c = (e.ToolStarted(id, id) for id in "abc")
    done = {id: e.ToolFinished(id) for id in "abc"}

    def parallel(*bodies: e.EventBody) -> list[bool]:
        return [part.parallel for part in parts(*bodies) if isinstance(part, ToolCall)]

    assert parallel(a, done["a"], b, done["b"]) == [False, False]
    assert parallel(a, b, done["a"], done["b"], c) == [True, True, False]
    assert parallel(a, b, c) == [True, True, True]
    assert parallel(a, done["a"], a, b) == [True, True], "one that is repeated"


def test_what_a_run_waited_is_told_apart() -> None:
    asked = e.InputRequested("q", "Now?")
    script = e.ScriptProposed("s", "1", awaited=True)
    bodies: list[e.EventBody] = [
        e.RunStarted(),
        asked,
        e.InputAnswered("q", "yes"),
        script,
        e.ScriptProposed("other", "2"),
    ]
    ended: list[e.EventBody] = [e.ScriptFinished("s", ScriptState.DONE), e.RunEnded(e.Outcome.COMPLETED)]
    view = fold(_log(bodies))
    assert (view.waited, view.waiting_since) == (1, START + timedelta(seconds=3))
    view = fold(_log([*bodies, *ended]))
    assert (view.waited, view.waiting_since) == (3, None)
    assert fold(_log([asked, e.RunEnded(e.Outcome.CANCELLED)])).waited == 1
