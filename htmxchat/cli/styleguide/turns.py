"""Messages, answers and their parts, in every state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ...asking import Approval
from ...events import (
    Custom,
    EventBody,
    FileSent,
    InputAnswered,
    InputRequested,
    Outcome,
    ReasoningDelta,
    RunEnded,
    RunStopping,
    ScriptProposed,
    Source,
    SourcesFound,
    StageChanged,
    TextDelta,
    ToolFinished,
    ToolStarted,
    UsageReported,
)
from ...feedback import Feedback
from ...files.file import File
from ...fragments.turns.context import Editing
from ...fragments.turns.tail import turn_lost
from ...fragments.turns.transcript import turn
from ...models import Turn
from ...scripts.models import FromAgent, Script
from ...scripts.result import ScriptError, ScriptResult, ScriptState, TableValue
from ...scripts.states import script_id
from .sheets import AT, TALK, Draw, Sheet, answer, context

REPORT = File("file-report", "report.csv", "text/csv", 18_432, "0" * 64)
PICTURE = File("file-notes", "a-file-whose-name-is-longer-than-its-tile.txt", "text/plain", 512, "1" * 64)
TEXT = """\
# A heading

Words with **bold**, *italic*, ~~deleted~~, `code`, [a link](https://docs.example/), H~2~O and a footnote[^1].

- one
- two
  1. three

- [x] done
- [ ] open

> A quote.

> [!WARNING]
> What must not be missed.

Term
: What it means.

| Service | Requests | Errors |
|---|--:|--:|
| checkout | 12,400 | 31 |
| search | 98,013 | 2 |

```python
def total(items: list[int]) -> int:
    return sum(items)  # of a night
```

$$ \\bar{x} = \\frac{1}{n} \\sum_{i=1}^{n} x_i $$

---

It was the second import [1].

[^1]: The runbook has the details.
"""
SOURCES = SourcesFound(tuple(Source(f"Runbook, part {number}", "https://docs.example/", "") for number in range(1, 6)))
SCHEMA = {
    "type": "object",
    "properties": {
        "subject": {"type": "string", "title": "Subject", "minLength": 3},
        "on": {"type": "string", "title": "Send on", "format": "date"},
        "who": {"title": "Who gets it", "enum": ["late", "all"]},
        "post": {"type": "boolean", "title": "Post it on the status page"},
    },
    "required": ["subject"],
}


def _message(id: str, text: str, *files: File, versions: tuple[str, ...] = ()) -> Draw:
    return lambda urls: turn(Turn(id, "user", text, AT, files=files, versions=versions), context(urls))


def _answer(id: str, *bodies: EventBody, over: bool = True, versions: tuple[str, ...] = ()) -> Draw:
    return lambda urls: turn(answer(id, *bodies, over=over, versions=versions), context(urls))


def _rated(id: str, feedback: Feedback) -> Draw:
    said = replace(answer(id, TextDelta("The second one.")), feedback=feedback)
    return lambda urls: turn(said, context(urls))


def _tools(count: int) -> list[EventBody]:
    calls: list[EventBody] = []
    for number in range(count):
        calls += [ToolStarted(f"c{number}", "query_metrics", "checkout, 14:30", {"service": "checkout"})]
        calls += [ToolFinished(f"c{number}", "120 points", {"points": 120})]
    return calls


def _proposal(state: ScriptState, result: ScriptResult | None = None) -> Draw:
    run, origin = f"script-{state.value}", FromAgent("1")
    script = Script(
        script_id(run, origin), TALK.id, run, origin, "Compare the nights", "print(6 * 7)", state, 1, AT,
        awaited=True, revision=1, result=result,
    )  # fmt: skip
    said = ScriptProposed("1", script.code, script.title, awaited=True)
    over = [RunEnded(Outcome.COMPLETED)] if state.over else []
    return lambda urls: turn(answer(run, said, *over, over=False), context(urls, script))


_RESULTS: Mapping[ScriptState, ScriptResult] = {
    ScriptState.DONE: ScriptResult(
        ScriptState.DONE, "42\n", value=TableValue(("night", "seconds"), ((1, 92), (2, 412)), 2, 2), seconds=0.5
    ),
    ScriptState.FAILED: ScriptResult(
        ScriptState.FAILED,
        error=ScriptError("python", "name 'x' is not defined", "NameError", "…"),
        seconds=0.1,
    ),
}

MESSAGES = Sheet(
    "Messages",
    {
        "plain": _message("m1", "Which import failed last night?"),
        "long": _message("m2", "One line.\n\nAnother one that is long enough to be broken. " * 3),
        "right to left": _message("m3", "أي عملية استيراد فشلت الليلة الماضية؟"),
        "with files": _message("m4", "What is in these?", REPORT, PICTURE),
        "one of several versions": _message("m5", "Which import failed?", versions=("m5", "m5b")),
        "being edited": lambda urls: turn(
            Turn("m6", "user", "Which import failed?", AT),
            replace(context(urls), editing=Editing("m6", error="", submission="s")),
        ),
    },
)

ANSWERS = Sheet(
    "Answers",
    {
        "just begun": _answer("a1", over=False),
        "with a stage": _answer("a2", StageChanged("Reading the runbook"), over=False),
        "being written": _answer("a3", TextDelta("The import of the second night"), over=False),
        "being stopped": _answer("a4", TextDelta("The import of"), RunStopping(), over=False),
        "completed": _answer("a5", TextDelta(TEXT), SOURCES, UsageReported(1_200, 340)),
        "one of several versions": _answer("a6", TextDelta("The second one."), versions=("a6", "a6b")),
        "rated": _rated("a11", Feedback("down", AT)),
        "rated with a comment": _rated("a12", Feedback("up", AT, "It named the night.")),
        "stopped": _answer("a7", TextDelta("The import of"), RunEnded(Outcome.CANCELLED)),
        "failed": _answer("a8", TextDelta("The import of"), RunEnded(Outcome.FAILED, "The model cannot be reached.")),
        "failed before it began": _answer("a9", RunEnded(Outcome.FAILED, "The agent hit an error.")),
        "out of reach": lambda urls: turn_lost("a10", "The server does not answer.", context(urls)),
    },
)

STEPS = Sheet(
    "Steps",
    {
        "thinking": _answer("s1", ReasoningDelta("Let me look at the nights one after the other."), over=False),
        "thought": _answer("s2", ReasoningDelta("Let me look."), TextDelta("It was the second.")),
        "a tool that runs": _answer("s3", ToolStarted("1", "query_metrics", "checkout"), over=False),
        "a tool that succeeded": _answer("s4", *_tools(1), TextDelta("It was the second.")),
        "a tool that failed": _answer(
            "s5", ToolStarted("1", "query_metrics"), ToolFinished("1", "no data", failed=True)
        ),
        "many": _answer("s6", *_tools(6), TextDelta("It was the second.")),
    },
)

_CHOICE = InputRequested("r", "Restart the workers?", ("Now", "Tonight"))
_APPROVAL = InputRequested("r", "May I restart them?", approval=Approval("restart_workers", {"pool": "eu-west"}))
_FORM = InputRequested("r", "Fill in the notice.", schema=SCHEMA, decline="Not now")

QUESTIONS = Sheet(
    "Questions",
    {
        "with choices": _answer("q1", _CHOICE, over=False),
        "in words": _answer("q2", InputRequested("r", "What is the subject?"), over=False),
        "with a form": _answer("q3", _FORM, over=False),
        "approval": _answer("q4", _APPROVAL, over=False),
        "answered": _answer("q5", _CHOICE, InputAnswered("r", "Now"), TextDelta("Done.")),
        "withdrawn": _answer("q6", _CHOICE, RunEnded(Outcome.CANCELLED)),
    },
)

PROPOSALS = Sheet("Scripts in answers", {state.value: _proposal(state, _RESULTS.get(state)) for state in ScriptState})

PARTS = Sheet(
    "Parts",
    {
        "drawn by the host": _answer("p1", Custom("forecast", {"city": "Oslo"}), TextDelta("It is warmest at two.")),
        "that could not be drawn": lambda urls: turn(
            answer("p2", Custom("forecast", {"city": "Oslo"})), context(urls, fails=True)
        ),
        "that no function draws": _answer("p3", Custom("measured", {"value": 3})),
        "a tool's result": _answer("p4", ToolStarted("1", "forecast"), ToolFinished("1", "2 hours", {"11:00": 15})),
        "a diagram": _answer("p5", TextDelta("Two steps:\n\n```steps\nunpack -> install\n```\n")),
        "files": _answer("p6", FileSent(REPORT), FileSent(PICTURE), TextDelta("Here they are.")),
        "sources": _answer("p7", TextDelta("It was the second [1], not the third [2]."), SOURCES),
    },
)  # fmt: skip
