"""The state machine of scripts: pure functions over `Script`. Standard library only.

    queued ──approve──▶ approved ──claim──▶ running ──finish──▶ done, failed, cancelled, timed-out
      │                    │                   │
      ├──reject──▶ rejected│                   ├──cancel──▶ cancelled
      └──cancel──▶ cancelled ◀──cancel─────────┘            (its page is gone: failed)

    edit   queued, approved or ended ──▶ queued, with the new text
    rerun  ended ──▶ approved
    approve with an edited text: edit, then approve

Approve and rerun carry the SHA-256 of the text that was shown, claim that of the text about to run; both are rejected
for any other text. One script of a conversation runs at a time, in the order of approval.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from ..errors import Conflict, InvalidInput
from .actions import (
    Abandon,
    Approve,
    Cancel,
    Claim,
    Edit,
    Finish,
    Reject,
    Renew,
    Rerun,
    ScriptAction,
)
from .models import FromAgent, Script, ScriptOrigin
from .result import ScriptError, ScriptResult, ScriptState

MAX_CODE = 50_000
"""The most characters of a script."""
MAX_SCRIPTS = 50
"""The most scripts of an answer."""
MAX_TITLE = 120
"""The most characters of a script's title."""
LEASE = timedelta(seconds=90)
"""How long a page that runs a script may send no heartbeat. Browsers let hidden pages run timers once a minute."""

CHANGED = "The script has changed since it was shown. Review it again."
NOT_NOW = "The script's state has changed, so this is no longer possible."
PAGE_GONE = "The page that ran it was closed or lost its connection. Run it again."
NOT_NEXT = "Another script of this conversation runs first."
ON_ITS_WAY = "The agent has not received the result yet. Try again in a moment."
NOT_YOURS = "This page no longer runs the script."


def digest(code: str) -> str:
    """Return the SHA-256 of a text, in hexadecimal."""
    return hashlib.sha256(code.encode("utf-8", "surrogatepass")).hexdigest()


def script_id(run_id: str, origin: ScriptOrigin) -> str:
    """Return the id of the script with this origin, derived from the run and the origin."""
    name = f"proposal:{origin.script_id}" if isinstance(origin, FromAgent) else f"block:{origin.block}"
    return digest(f"{run_id}\n{name}")[:32]


def tidy(code: str) -> str:
    """Return code as stored and run: LF line ends, no empty lines around it."""
    lines = code.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    while lines and not lines[-1].strip():
        lines.pop()
    while lines and not lines[0].strip():
        lines.pop(0)
    return "\n".join(lines)


def usable(code: str) -> str:
    """Return tidied code.

    Raises:
        InvalidInput: It is empty or too long.
    """
    code = tidy(code)
    if not code:
        raise InvalidInput("There is no code to run. Write some, or reject the script.")
    if len(code) > MAX_CODE:
        raise InvalidInput(f"The script has {len(code):,} characters; {MAX_CODE:,} are allowed. Shorten it.")
    return code


def step(script: Script, action: ScriptAction, queue: Iterable[Script], now: datetime) -> Script:
    """Return `script` after `action`.

    Args:
        queue: The scripts of its conversation.

    Raises:
        Conflict: The action does not apply to its state, or its text has changed.
        InvalidInput: The edited text cannot be used.
    """
    changed = _step(script, action, queue, now)
    return changed if changed == script else replace(changed, revision=script.revision + 1)


def settle(script: Script, now: datetime) -> Script:
    """Return `script`, or as failed if it is running and its page's lease has expired."""
    if script.state is ScriptState.RUNNING and (script.lease_until is None or script.lease_until < now):
        return replace(_over(script, _gone(), now), revision=script.revision + 1)
    return script


def queue_number(queue: Iterable[Script]) -> int:
    """Return a number that rises with every change of a queue."""
    return sum(1 + each.revision + each.cleared + (not each.awaited) for each in queue)


def next_to_run(queue: Iterable[Script]) -> Script | None:
    """Return the script that may be claimed; `None` while one runs, or if none is approved."""
    scripts = list(queue)
    if any(each.state is ScriptState.RUNNING for each in scripts):
        return None
    approved = [each for each in scripts if each.state is ScriptState.APPROVED and each.approved_at is not None]
    return min(approved, key=lambda each: (each.approved_at, each.position), default=None)


def _step(script: Script, action: ScriptAction, queue: Iterable[Script], now: datetime) -> Script:
    match action:
        case Approve():
            if action.code is not None:
                script = _step(script, Edit(action.digest, action.code), queue, now)
            else:
                _expect(script, ScriptState.QUEUED)
                _same_text(script, action.digest)
            return _approved(script, now, trusted=action.trusted)
        case Reject():
            _expect(script, ScriptState.QUEUED)
            return _over(script, ScriptResult(ScriptState.REJECTED), now)
        case Edit():
            if script.state is ScriptState.RUNNING:
                raise Conflict(NOT_NOW)
            _delivered(script)
            _same_text(script, action.digest)
            return _edited(script, action.code)
        case Cancel():
            _expect(script, ScriptState.QUEUED, ScriptState.APPROVED, ScriptState.RUNNING)
            return _over(script, ScriptResult(ScriptState.CANCELLED), now)
        case Rerun():
            if not script.state.over:
                raise Conflict(NOT_NOW)
            _delivered(script)
            _same_text(script, action.digest)
            return _approved(script, now)
        case Claim():
            return _claimed(script, action, queue, now)
        case Renew():
            _held(script, action.runner)
            return replace(script, lease_until=now + LEASE)
        case Abandon():
            _held(script, action.runner)
            return _over(script, _gone(), now)
        case Finish():
            if script.state.over and script.runner == action.runner:
                return script  # a repeated report
            _held(script, action.runner)
            return _over(script, action.result, now)


def _claimed(script: Script, claim: Claim, queue: Iterable[Script], now: datetime) -> Script:
    _expect(script, ScriptState.APPROVED)
    if script.approved != digest(script.code):
        raise Conflict(CHANGED)
    _same_text(script, claim.digest)
    first = next_to_run(queue)
    if first is None or first.id != script.id:
        raise Conflict(NOT_NEXT)
    return replace(script, state=ScriptState.RUNNING, started_at=now, runner=claim.runner, lease_until=now + LEASE)


def _approved(script: Script, now: datetime, *, trusted: bool = False) -> Script:
    return replace(
        script,
        state=ScriptState.APPROVED,
        approved=digest(script.code),
        trusted=trusted,
        approved_at=now,
        started_at=None,
        ended_at=None,
        runner=None,
        result=None,
        cleared=False,
    )


def _edited(script: Script, code: str) -> Script:
    code = usable(code)
    return replace(
        script,
        state=ScriptState.QUEUED,
        code=code,
        edited=script.edited or code != script.code,
        approved=None,
        approved_at=None,
        started_at=None,
        ended_at=None,
        runner=None,
        result=None,
        cleared=False,
    )


def _over(script: Script, result: ScriptResult, now: datetime) -> Script:
    code = script.code if script.started_at is not None else ""
    return replace(script, state=result.state, result=replace(result, code=code), ended_at=now, lease_until=None)


def _gone() -> ScriptResult:
    return ScriptResult(ScriptState.FAILED, error=ScriptError("sandbox", PAGE_GONE))


def _expect(script: Script, *states: ScriptState) -> None:
    if script.state not in states:
        raise Conflict(NOT_NOW)


def _delivered(script: Script) -> None:
    if script.state.over and script.awaited:
        raise Conflict(ON_ITS_WAY)


def _same_text(script: Script, shown: str) -> None:
    if digest(script.code) != shown:
        raise Conflict(CHANGED)


def _held(script: Script, runner: str) -> None:
    if script.state is not ScriptState.RUNNING or script.runner != runner:
        raise Conflict(NOT_YOURS)
