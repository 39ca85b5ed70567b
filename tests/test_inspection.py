"""Rows and timelines: pure folds over a run's events, and secrets taken out of them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from htmxchat.compaction import compact
from htmxchat.events import (
    JSON,
    EventBody,
    InputAnswered,
    InputRequested,
    Outcome,
    ReasoningDelta,
    RunEnded,
    RunEvent,
    RunStarted,
    StageChanged,
    TextDelta,
    ToolFinished,
    ToolStarted,
    Unknown,
    UsageReported,
)
from htmxchat.fragments.inspector.json_tree import json_tree
from htmxchat.fragments.inspector.timeline import time_taken
from htmxchat.inspection import Row, RowFilter, RowFold, rows, window
from htmxchat.inspection.axis import axis, only_waiting, round_numbers
from htmxchat.inspection.state_diff import state_diff
from htmxchat.inspection.timeline import timeline
from htmxchat.models import RunState
from htmxchat.text.redaction import HIDDEN, redact, redact_text
from tests.support import Element, parse

BEGAN = datetime(2026, 11, 22, 12, tzinfo=UTC)


def log(*steps: EventBody | float) -> list[RunEvent]:
    """Return a log; a number is a pause in seconds."""
    events: list[RunEvent] = []
    at = BEGAN
    for step in steps:
        if isinstance(step, float):
            at += timedelta(seconds=step)
        else:
            events.append(RunEvent(10 * (len(events) + 1), at, step))
    return events


RUN = log(
    RunStarted(),
    0.5,
    StageChanged("Planning"),
    ReasoningDelta("First "),
    0.5,
    ReasoningDelta("this."),
    ToolStarted("1", "query", "all", {"api_key": "k-123"}),
    1.0,
    ToolFinished("1", "no answer", failed=True),
    StageChanged("Writing"),
    TextDelta("Half "),
    0.25,
    TextDelta("an answer"),
    0.25,
    InputRequested("q", "Which one?"),
    2.0,
    InputAnswered("q", "the second"),
    TextDelta("."),
    Unknown("x.trace", {"span": 7, "token": "t0ps3cret"}),
    UsageReported(5, 7),
    0.5,
    RunEnded(Outcome.COMPLETED),
)


class TestRows:
    def test_say_in_plain_words_what_happened(self) -> None:
        assert [(row.seq, round(row.since, 2), row.type, row.meaning) for row in rows(RUN)] == [
            (10, 0.0, "RunStarted", "Run started"),
            (20, 0.5, "StageChanged", "Planning"),
            (40, 0.5, "ReasoningDelta", "11 characters: First this."),
            (50, 1.0, "ToolStarted", "Called query: all"),
            (60, 2.0, "ToolFinished", "query failed after 1.0 s: no answer"),
            (70, 2.0, "StageChanged", "Writing"),
            (90, 2.0, "TextDelta", "14 characters: Half an answer"),
            (100, 2.5, "InputRequested", "Asks: Which one?"),
            (110, 4.5, "InputAnswered", "Answered after 2.0 s: the second"),
            (120, 4.5, "TextDelta", "1 character: ."),
            (130, 4.5, "x.trace", f"X trace: span: 7, token: {HIDDEN}"),
            (140, 4.5, "UsageReported", "5 input tokens, 7 output tokens"),
            (150, 5.0, "RunEnded", "Done after 5.0 s"),
        ]

    def test_hold_what_the_event_holds_without_its_secrets(self) -> None:
        found = {row.seq: row for row in rows(RUN)}
        assert found[90].data == {"text": "Half an answer"}
        assert found[50].data["arguments"] == {"api_key": HIDDEN}
        assert "t0ps3cret" not in json.dumps([row.json for row in rows(RUN)])

    def test_do_not_depend_on_how_many_deltas_there_were(self) -> None:
        assert list(rows(compact(RUN))) == list(rows(RUN))

    @pytest.mark.parametrize("details", [True, False])
    def test_are_the_same_however_the_log_comes(self, details: bool) -> None:
        fold, found = RowFold(details=details), list[Row]()
        for event in RUN:
            fold.add(event)
            assert fold.add(event) == []
        fold = RowFold(details=details)
        for event in RUN:
            found += fold.add(event)
            seen = [*found, *([fold.open] if fold.open else [])]
            assert [row.meaning for row in seen] == [row.meaning for row in rows(RUN[: RUN.index(event) + 1])]
        assert found == list(rows(RUN, details=details))

    def test_keep_what_the_backend_received_for_every_delta(self) -> None:
        events = [RunEvent(n, BEGAN, TextDelta(str(n)), {"chunk": n, "cookie": "c"}) for n in (1, 2)]
        assert next(rows(events)).raw == [{"chunk": 1, "cookie": HIDDEN}, {"chunk": 2, "cookie": HIDDEN}]
        assert next(rows(events[:1])).raw == [{"chunk": 1, "cookie": HIDDEN}]

    @pytest.mark.parametrize(
        ("body", "failed"),
        [
            (ToolFinished("1", failed=True), True),
            (ToolFinished("1"), False),
            (RunEnded(Outcome.FAILED, "It broke."), True),
            (RunEnded(Outcome.CANCELLED), False),
            (Unknown("run.failed"), True),
            (Unknown("x", {"error": {"message": "no"}}), True),
            (Unknown("x", {"ok": False}), True),
            (Unknown("x", {"error": None}), False),
        ],
    )
    def test_tell_what_went_wrong(self, body: EventBody, failed: bool) -> None:
        assert next(rows(log(body))).failed is failed

    def test_one_line_stays_one_line(self) -> None:
        (row,) = rows(log(StageChanged("a\nb\t" + "c" * 10_000)))
        assert "\n" not in row.meaning and len(row.meaning) < 350


class TestFilter:
    def found(self, **wanted: str) -> list[int]:
        return [row.seq for row in rows(RUN) if RowFilter(**wanted)(row)]

    def test_by_type(self) -> None:
        assert self.found(type="StageChanged") == [20, 70]
        assert self.found(type="x.trace") == [130]
        assert self.found(type="problems") == [60]
        assert len(self.found(type="steps")) == 10
        assert len(self.found()) == 13

    def test_by_all_words_in_any_letter_case_wherever_they_stand(self) -> None:
        assert self.found(text="ANSWER half") == [90]
        assert self.found(text="span") == [130]
        assert self.found(text="answer", type="ToolFinished") == [60]
        assert self.found(text="t0ps3cret") == []


class TestWindow:
    ROWS = tuple(rows(log(*[StageChanged(str(n)) for n in range(100)])))

    def numbers(self, **how: object) -> tuple[list[int], int | None, int | None]:
        found = window(self.ROWS, limit=10, **how)  # type: ignore[arg-type]
        return [row.ordinal for row in found.rows], found.earlier, found.later

    def test_begins_at_the_beginning_or_ends_at_the_end(self) -> None:
        assert self.numbers() == (list(range(1, 11)), None, 10)
        assert self.numbers(from_end=True) == (list(range(91, 101)), 91, None)

    def test_goes_on_where_another_ended(self) -> None:
        assert self.numbers(after=10) == (list(range(11, 21)), 11, 20)
        assert self.numbers(before=11) == (list(range(1, 11)), None, 10)
        assert self.numbers(after=1_000) == ([], None, None)

    def test_holds_the_row_it_was_asked_for(self) -> None:
        found, earlier, later = self.numbers(around=50)
        assert 50 in found and earlier == found[0] and later == found[-1]

    def test_counts_what_there_is_and_what_matches(self) -> None:
        found = window(rows(RUN), RowFilter(type="StageChanged"))
        assert (found.matching, found.total, found.problem, found.last_seq) == (2, 13, 5, 150)
        assert found.others == ("x.trace",)


class TestTimeline:
    def test_shows_stages_thoughts_tools_waiting_and_writing(self) -> None:
        found = timeline(RUN)
        bars = [(lane.kind, lane.label, bar.start, bar.end, bar.state) for lane in found.lanes for bar in lane.bars]
        assert found.seconds == 5.0
        assert bars == [
            ("stage", "Planning", 0.5, 2.0, RunState.COMPLETED),
            ("reasoning", "Thinking", 0.5, 1.0, RunState.COMPLETED),
            ("tool", "query", 1.0, 2.0, RunState.FAILED),
            ("stage", "Writing", 2.0, 5.0, RunState.COMPLETED),
            ("streaming", "Writing", 2.0, 2.5, RunState.COMPLETED),
            ("streaming", "Writing", 4.5, 4.5, RunState.COMPLETED),
            ("waiting", "Waiting for you", 2.5, 4.5, RunState.COMPLETED),
        ]
        numbers = {row.ordinal for row in rows(RUN)}
        assert {bar.row for lane in found.lanes for bar in lane.bars} <= numbers

    def test_does_not_depend_on_how_many_deltas_there_were(self) -> None:
        assert timeline(compact(RUN)) == timeline(RUN)

    def test_what_goes_on_lasts_until_now(self) -> None:
        found = timeline(RUN[:5])
        assert {(lane.label, lane.bars[-1].state) for lane in found.lanes} >= {("query", RunState.RUNNING)}

    def test_a_stage_that_comes_again_is_in_the_same_lane(self) -> None:
        loop: list[EventBody | float] = [StageChanged("Draft"), 1.0, StageChanged("Check"), 1.0] * 3
        found = timeline(log(*loop, RunEnded(Outcome.COMPLETED)))
        lanes = [(lane.label, len(lane.bars), lane.seconds) for lane in found.lanes]
        assert lanes == [("Draft", 3, 3.0), ("Check", 3, 3.0)]

    def test_bars_too_close_to_be_told_apart_become_one(self) -> None:
        steps = [each for n in range(5_000) for each in (ToolStarted(str(n), "t"), 0.001, ToolFinished(str(n)), 0.001)]
        (lane,) = timeline(log(*steps)).lanes
        assert len(lane.bars) < 500 and sum(bar.count for bar in lane.bars) == 5_000

    @pytest.mark.parametrize("total", [0.0, 0.004, 0.55, 1, 3.1, 59.9, 61, 700, 100_000])
    def test_the_axis_has_a_few_round_numbers(self, total: float) -> None:
        marks = round_numbers(total)
        assert marks[0] == 0 and marks[-1] <= total and len(marks) <= 7
        assert total == 0 or len(marks) >= 3

    def test_what_only_waited_is_told_apart(self) -> None:
        asked = InputRequested("q", "When?")
        found = timeline(
            log(StageChanged("Look"), 1.0, asked, 60.0, InputAnswered("q", "Now"), 2.0, RunEnded(Outcome.COMPLETED))
        )
        assert (found.waits, found.waited) == (((1.0, 61.0),), 60.0)
        assert time_taken(found) == "3.0 s, waited 1 min 0 s"
        assert time_taken(timeline(log(RunStarted(), 1.0, RunEnded(Outcome.COMPLETED)))) == "1.0 s"

    def test_work_beside_a_wait_is_work(self) -> None:
        work = ToolStarted("t", "t"), 1.0, ToolFinished("t")
        found = timeline(log(InputRequested("q", "When?"), 1.0, *work, 1.0, InputAnswered("q", "Now")))
        assert found.waits == ((0.0, 1.0), (2.0, 3.0))

    def test_the_axis_is_broken_when_a_run_waited_much_longer_than_it_worked(self) -> None:
        assert axis(14, ((1, 13),)).cuts == ((1, 13),) and axis(14, ((1, 13),)).work == 2
        assert axis(10, ((1, 6),)).cuts == axis(10, ()).cuts == axis(10, ((0, 10),)).cuts == ()
        long = axis(302, ((1, 301),))
        assert [round(long.place(at)) for at in (0, 1, 151, 301, 302)] == [0, 40, 50, 60, 100]
        assert long.breaks() == [50]
        assert [(mark, round(x)) for mark, x in long.marks()] == [(0, 0), (0.5, 20), (1, 40), (1.5, 80), (2, 100)]

    @given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 100)).map(sorted).map(tuple), max_size=6))
    def test_the_axis_rises_from_one_end_to_the_other(self, waits: list[tuple[float, float]]) -> None:
        long = axis(101, only_waiting([each for each in waits if each[1] > each[0]], []))
        places = [long.place(at / 10) for at in range(1011)]
        assert places == sorted(places) and places[0] == 0 and round(places[-1], 6) == 100


class TestRedaction:
    @pytest.mark.parametrize(
        "key",
        ["token", "access_token", "accessToken", "Authorization", "password", "PASSWORD", "apiKey", "api-key", "secret",
         "client_secret", "Set-Cookie", "cookie", "private_key", "x-api-key", "credentials"],
    )  # fmt: skip
    def test_hides_what_stands_under_the_name_of_a_secret(self, key: str) -> None:
        assert redact({"a": [{key: "value"}]}) == {"a": [{key: HIDDEN}]}
        assert redact({key: {"nested": "value"}}) == {key: HIDDEN}

    @pytest.mark.parametrize("key", ["input_tokens", "tokens", "max_tokens", "token"])
    def test_keeps_numbers_of_tokens(self, key: str) -> None:
        assert redact({key: 17}) == {key: 17}

    @pytest.mark.parametrize("key", ["author", "passage", "secretary", "key", "monkey", "tokenizer"])
    def test_keeps_what_only_looks_alike(self, key: str) -> None:
        value: JSON = {key: "plain"}
        assert redact(value) == value

    @pytest.mark.parametrize(
        ("text", "secret"),
        [
            ("curl -H 'Authorization: Bearer abcdef0123456789'", "abcdef0123456789"),
            ("a-eyJ-token-eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl then", "c2lnbmF0dXJl"),
            ("sk-abcdefghijklmnop-eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", "abcdefghijklmnop"),
            ("it was eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl then", "eyJzdWIiOiIxIn0"),
            ("postgresql://ann:hunter2@db.example/x", "hunter2"),
            ("key sk-abcdefghijklmnopqrstuv", "abcdefghijklmnopqrstuv"),
            ("AKIAABCDEFGHIJKLMNOP", "AKIAABCDEFGHIJKLMNOP"),
            ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----", "MIIE"),
        ],
    )
    def test_hides_what_looks_like_a_secret_wherever_it_stands(self, text: str, secret: str) -> None:
        assert secret not in redact_text(text)
        assert HIDDEN in redact_text(text)

    def test_keeps_ordinary_text(self) -> None:
        text = "The bearer of this letter likes https://docs.example/a:b@c and sk-8."
        assert redact_text(text) == text


class TestChanges:
    def test_names_what_came_went_and_changed_by_its_place(self) -> None:
        before: JSON = {"a": 1, "list": [1, {"x": 1}], "gone": None, "same": [1]}
        after: JSON = {"a": 2, "list": [1, {"x": 2}, 3], "same": [1], "new": {"k": 1}}
        assert [(each.kind, each.path, each.before, each.after) for each in state_diff(before, after)] == [
            ("changed", "a", 1, 2),
            ("changed", "list[1].x", 1, 2),
            ("added", "list[2]", None, 3),
            ("removed", "gone", None, None),
            ("added", "new", None, {"k": 1}),
        ]
        assert state_diff(before, before) == ()

    def test_tells_true_from_one_and_a_list_from_an_object(self) -> None:
        assert [each.kind for each in state_diff({"a": 1, "b": []}, {"a": True, "b": {}})] == ["changed", "changed"]

    def test_very_deep_values_are_compared_whole(self) -> None:
        deep: JSON = 1
        other: JSON = 2
        for _ in range(500):
            deep, other = [deep], [other]
        (change,) = state_diff(deep, other)
        assert change.path.count("[0]") < 50


class TestTree:
    def tree(self, value: JSON) -> Element:
        return parse(json_tree(value))

    def test_shows_every_kind_of_value(self) -> None:
        text = self.tree({"text": "a", "number": 1.5, "yes": True, "none": None, "empty": [], "list": [1]}).text
        for words in ('"a"', "1.5", "true", "null", "[]", "list"):
            assert words in text

    def test_nothing_in_it_is_markup(self) -> None:
        hostile = "<img src=x onerror=alert(1)>\"'&"
        tree = self.tree({hostile: hostile, "long": hostile * 50, "list": [hostile]})
        assert not tree.all("img")
        assert hostile in tree.text

    def test_folds_what_is_large(self) -> None:
        tree = self.tree({"long": "x" * 5_000, "many": list(range(100)), "few": [1]})
        closed = [each for each in tree.all("details") if "open" not in each.attributes]
        assert len(closed) == 2
        assert "5,000 characters" in tree.text

    def test_cuts_what_is_larger_still(self) -> None:
        value: JSON = list(range(10_000))
        assert "9,800 more" in self.tree({"a": value}).text
        assert len(json_tree("x" * 1_000_000)) < 50_000
        deep: JSON = 1
        for _ in range(900):
            deep = [deep]
        assert "nested too deep" in self.tree(deep).text


AT = datetime(2026, 1, 1, tzinfo=UTC)


def test_a_repeated_call_says_so_and_is_one_stretch_of_time() -> None:
    started = ToolStarted("1", "find", "x")
    bodies: list[EventBody] = [started, started, ToolFinished("1", "2 rows"), started, ToolFinished("1", "3 rows")]
    log = [RunEvent(seq, AT + timedelta(seconds=seq), body) for seq, body in enumerate(bodies)]
    assert [row.meaning for row in rows(log)] == [
        "Called find: x",
        "Called find again: x",
        "find returned after 2.0 s: 2 rows",
        "Called find again: x",
        "find returned after 1.0 s: 3 rows",
    ]
    (lane,) = timeline(log).lanes
    assert [(bar.start, bar.end) for bar in lane.bars] == [(0.0, 2.0), (3.0, 4.0)]


def test_a_call_without_words_is_told_by_what_it_was_given_and_gave_back_without_secrets() -> None:
    given, got = {"password": "hunter2", "user": "ann"}, {"token": "k-123", "rows": [1]}
    called, returned = (
        row.meaning for row in rows(log(ToolStarted("1", "sign_in", "", given), ToolFinished("1", "", got)))
    )
    assert called == f"Called sign_in: password: {HIDDEN}, user: ann"
    assert returned.endswith(f": token: {HIDDEN}, rows: …")


def test_calls_without_an_id_are_told_apart() -> None:
    bodies: list[EventBody] = [
        ToolStarted("", "a"),
        ToolStarted("", "b"),
        ToolFinished("", "one"),
        ToolFinished("", "two"),
    ]
    log = [RunEvent(seq, AT + timedelta(seconds=seq), body) for seq, body in enumerate(bodies)]
    assert [row.meaning for row in rows(log)][2:] == ["a returned after 2.0 s: one", "b returned after 2.0 s: two"]
    assert {(lane.label, lane.seconds) for lane in timeline(log).lanes} == {("a", 2.0), ("b", 2.0)}
