"""What may happen to a script, in every order: nothing runs but the text that was approved."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from htmxchat.errors import Conflict, InvalidInput
from htmxchat.scripts.actions import Abandon, Approve, Cancel, Claim, Edit, Finish, Reject, Renew, Rerun, ScriptAction
from htmxchat.scripts.models import FromAgent, Script
from htmxchat.scripts.result import ScriptResult, ScriptState
from htmxchat.scripts.states import LEASE, MAX_CODE, digest, next_to_run, settle, step, tidy

NOW = datetime(2026, 11, 22, 10, 42, tzinfo=UTC)
CODE = "print(1)"
DIGEST = digest(CODE)
DONE = ScriptResult(ScriptState.DONE, stdout="1\n", seconds=0.1)


def script(position: int = 1) -> Script:
    origin = FromAgent(str(position))
    return Script(f"s{position}", "c", "r", origin, "Count", CODE, ScriptState.QUEUED, position, NOW)


def after(*actions: ScriptAction, of: Script | None = None) -> Script:
    changed = of or script()
    for action in actions:
        changed = step(changed, action, [changed], NOW)
    return changed


ACTIONS: dict[str, ScriptAction] = {
    "approve": Approve(DIGEST),
    "approve an edit": Approve(DIGEST, "print(2)"),
    "reject": Reject(),
    "edit": Edit(DIGEST, "print(2)"),
    "cancel": Cancel(),
    "rerun": Rerun(DIGEST),
    "claim": Claim("page", DIGEST),
    "renew": Renew("page"),
    "abandon": Abandon("page"),
    "finish": Finish("page", DONE),
}
WAYS = {
    ScriptState.QUEUED: after(),
    ScriptState.APPROVED: after(ACTIONS["approve"]),
    ScriptState.RUNNING: after(ACTIONS["approve"], ACTIONS["claim"]),
    ScriptState.DONE: after(ACTIONS["approve"], ACTIONS["claim"], ACTIONS["finish"]),
    ScriptState.REJECTED: after(Reject()),
    ScriptState.CANCELLED: after(Cancel()),
}
ALLOWED = {
    ("queued", "approve"): "approved",
    ("queued", "reject"): "rejected",
    ("queued", "edit"): "queued",
    ("queued", "cancel"): "cancelled",
    ("approved", "edit"): "queued",
    ("approved", "cancel"): "cancelled",
    ("approved", "claim"): "running",
    ("running", "cancel"): "cancelled",
    ("running", "renew"): "running",
    ("running", "abandon"): "failed",
    ("running", "finish"): "done",
    ("done", "finish"): "done",  # the same page says it again
    **{(over, "edit"): "queued" for over in ("done", "rejected", "cancelled")},
    **{(state, "approve an edit"): "approved" for state in ("queued", "approved", "done", "rejected", "cancelled")},
    **{(over, "rerun"): "approved" for over in ("done", "rejected", "cancelled")},
}


@pytest.mark.parametrize("name", ACTIONS)
@pytest.mark.parametrize("state", WAYS)
def test_only_what_is_drawn_can_happen(state: ScriptState, name: str) -> None:
    before = WAYS[state]
    assert before.state is state
    wanted = ALLOWED.get((state.value, name))
    if wanted is None:
        with pytest.raises(Conflict):
            after(ACTIONS[name], of=before)
    else:
        assert after(ACTIONS[name], of=before).state.value == wanted


@pytest.mark.parametrize("action", [Approve(digest("print(2)")), Approve(""), Edit(digest("x"), "y")])
def test_what_was_not_shown_cannot_be_approved(action: ScriptAction) -> None:
    with pytest.raises(Conflict, match="changed since it was shown"):
        after(action)


def test_an_edited_text_is_approved_anew() -> None:
    approved = after(Approve(DIGEST))
    edited = after(Edit(DIGEST, "print(2)"), of=approved)
    assert (edited.state, edited.code, edited.edited, edited.approved) == (ScriptState.QUEUED, "print(2)", True, None)
    with pytest.raises(Conflict):
        after(Approve(DIGEST), of=edited)
    assert after(Approve(edited.approved or digest("print(2)")), of=edited).state is ScriptState.APPROVED


def test_an_edited_text_can_be_approved_with_the_edit() -> None:
    approved = after(Approve(DIGEST, "print(2)\r\n"))
    assert (approved.state, approved.code, approved.approved) == (ScriptState.APPROVED, "print(2)", digest("print(2)"))


def test_a_page_runs_only_the_text_that_was_approved() -> None:
    approved = after(Approve(DIGEST))
    with pytest.raises(Conflict):
        after(Claim("page", digest("print(2)")), of=approved)
    # Even a store that was tampered with does not get another text to run.
    with pytest.raises(Conflict):
        after(Claim("page", digest("print(2)")), of=replace(approved, code="print(2)"))


def test_one_runs_at_a_time_in_the_order_of_approval() -> None:
    later = NOW + timedelta(seconds=1)
    first, second = script(1), script(2)
    second = step(second, Approve(DIGEST), [first, second], NOW)
    first = step(first, Approve(DIGEST), [first, second], later)
    queue = [first, second]
    assert next_to_run(queue) == second
    with pytest.raises(Conflict, match="runs first"):
        step(first, Claim("page", DIGEST), queue, later)
    running = step(second, Claim("page", DIGEST), queue, later)
    assert next_to_run([first, running]) is None
    with pytest.raises(Conflict, match="runs first"):
        step(first, Claim("other", DIGEST), [first, running], later)
    done = step(running, Finish("page", DONE), [first, running], later)
    assert next_to_run([first, done]) == first


def test_only_the_page_that_runs_it_can_say_how_it_went() -> None:
    running = WAYS[ScriptState.RUNNING]
    for action in (Finish("other", DONE), Renew("other"), Abandon("other")):
        with pytest.raises(Conflict):
            after(action, of=running)
    cancelled = after(Cancel(), of=running)
    assert after(Finish("page", DONE), of=cancelled) == cancelled, "too late, and no error for a page that did not know"


def test_a_script_whose_page_has_gone_has_failed_and_can_run_again() -> None:
    running = WAYS[ScriptState.RUNNING]
    assert settle(running, NOW + LEASE) is running
    gone = settle(running, NOW + LEASE + timedelta(seconds=1))
    assert gone.state is ScriptState.FAILED
    assert gone.result is not None
    assert "closed" in gone.result.text
    assert after(Rerun(DIGEST), of=gone).state is ScriptState.APPROVED
    renewed = step(running, Renew("page"), [running], NOW + LEASE)
    assert settle(renewed, NOW + LEASE + LEASE) is renewed


def test_the_result_says_what_ran() -> None:
    done = after(Approve(DIGEST, "print(2)"), Claim("page", digest("print(2)")), Finish("page", DONE))
    assert done.result is not None
    assert done.result.code == "print(2)"
    rejected = after(Reject())
    assert rejected.result is not None
    assert rejected.result.code == ""
    assert "rejected" in rejected.result.text


@pytest.mark.parametrize(
    ("code", "sentence"), [("", "no code"), (" \n\t\n", "no code"), ("x" * (MAX_CODE + 1), "Shorten")]
)
def test_an_edit_that_cannot_be_run_is_refused(code: str, sentence: str) -> None:
    with pytest.raises(InvalidInput, match=sentence):
        after(Edit(DIGEST, code))
    with pytest.raises(InvalidInput, match=sentence):
        after(Approve(DIGEST, code))


def test_a_result_on_its_way_to_the_agent_is_not_thrown_away() -> None:
    awaited = replace(WAYS[ScriptState.DONE], awaited=True)
    for action in (Rerun(DIGEST), Edit(DIGEST, "print(2)")):
        with pytest.raises(Conflict, match="agent"):
            after(action, of=awaited)


def test_every_change_is_a_new_revision() -> None:
    assert [
        each.revision for each in (WAYS[ScriptState.QUEUED], WAYS[ScriptState.APPROVED], WAYS[ScriptState.DONE])
    ] == [0, 1, 3]


@given(st.text())
def test_tidy_code_stays_as_it_is(code: str) -> None:
    assert tidy(tidy(code)) == tidy(code)
    assert "\r" not in tidy(code)


@given(st.lists(st.sampled_from(sorted(ACTIONS)), max_size=12))
def test_no_sequence_of_actions_runs_what_was_not_approved(names: list[str]) -> None:
    current = script()
    for name in names:
        try:
            current = step(current, ACTIONS[name], [current], NOW)
        except Conflict:
            continue
        if current.state is ScriptState.RUNNING:
            assert current.approved == digest(current.code)
            assert "approve" in names or "rerun" in names
