"""The tasks that a run of the server has left to be answered. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from .exchange import Task
from .translation import Translator
from .translation.ends import Interrupt, said_in
from .translation.fields import known, mapping
from .translation.tools import structured

ADK = "adk_request_confirmation"
MAF = "confirm_changes"
CONFIRMS = frozenset({ADK, MAF})
"""Tools that servers call only to ask for the approval of another call."""


def tasks_of(translator: Translator, offered: Collection[str]) -> tuple[Task, ...]:
    """Return the tasks: interrupts, calls of offered tools, and calls that wait for an approval."""
    end = translator.end
    assert end is not None
    if end.outcome in ("cancelled", "error"):
        return ()
    asked = [_question(each, translator) for each in end.interrupts]
    about = {each.call_id for each in end.interrupts}
    pending = [call for call in translator.pending if call[0] not in about]
    calls = [Task("call", id, name, arguments) for id, name, arguments in pending if name in offered]
    if end.interrupts or (end.pending is None and translator.went_on):
        return (*asked, *calls)
    others = [call for call in pending if call[1] not in offered]
    return (*calls, *_confirmations(others))


def _question(interrupt: Interrupt, translator: Translator) -> Task:
    name, arguments = translator.call(interrupt.call_id) if interrupt.call_id else ("", "")
    return Task("interrupt", interrupt.id, name, arguments, interrupt)


def _confirmations(calls: list[tuple[str, str, str]]) -> Iterable[Task]:
    """Yield a question for each call that needs an approval. Some servers ask with a second call about the first."""
    asking = [call for call in calls if call[1] in CONFIRMS]
    for id, name, arguments in asking or calls:
        given = mapping(structured(arguments))
        original = mapping(given.get("originalFunctionCall"))
        about = known(original.get("name")) or known(given.get("function_name")) or name
        said = said_in(mapping(given.get("toolConfirmation"))) if name == ADK and not about else ""
        reason = "adk" if name == ADK else ""
        call_id = known(original.get("id")) or known(given.get("function_call_id")) or id
        yield Task("interrupt", id, about, arguments, Interrupt(id, "tool", reason, said, call_id=call_id))
