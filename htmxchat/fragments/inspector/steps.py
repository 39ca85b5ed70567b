"""The steps of a run, its state after each, and its answer's evidence."""

from __future__ import annotations

from collections.abc import Sequence

from ...events import JSON, Source
from ...html import FT, Child, icon, raw, tag
from ...inspection.state_diff import Change
from ...models import Run, RunState, RunStep, RunSteps
from ...state_words import STEPS, standing
from ...text.phrases import count, duration
from ...text.redaction import redact, redact_text
from ...urls import Urls
from ..controls import get_form, icon_only
from .inspecting import inspects
from .json_tree import json_tree
from .run import run_head

a, b, button, code, datalist, details, div = map(tag, ["a", "b", "button", "code", "datalist", "details", "div"])
h3, input_, label, li, noscript, ol = map(tag, ["h3", "input", "label", "li", "noscript", "ol"])
option, p, select, span, summary, ul = map(tag, ["option", "p", "select", "span", "summary", "ul"])
bdi, chat_inspector = tag("bdi"), tag("chat-inspector")

_MAX_CHANGES = 200
EVIDENCE = "inspector-evidence"
"""The id of the element for the evidence."""


def steps_room(run: Run, found: RunSteps, urls: Urls) -> Child:
    """Return the steps of a run."""
    longest = max((step.seconds or 0.0 for step in found.steps), default=0.0)
    evidence_url = urls.evidence(run.id)
    return [
        run_head(run, urls, tab="steps", inspectable=True, workflow=found.workflow),
        chat_inspector(
            div(
                _waits(found),
                ol([_step(step, run, found, longest, urls) for step in found.steps], cls="steps"),
                None if found.steps else p("The server reports no steps for this run.", cls="nothing"),
                details(
                    summary(icon("chevron"), "Evidence", cls="part-head"),
                    div(p(a("Show the evidence", href=evidence_url), cls="nothing"), id=EVIDENCE),
                    cls="evidence",
                    hx_get=evidence_url,
                    hx_trigger="toggle once",
                    hx_target=f"#{EVIDENCE}",
                    hx_swap="innerHTML",
                ),
                cls="room-body",
                tabindex="0",
                role="region",
                aria_label="Steps of the run",
            )
        ),
    ]


def _waits(found: RunSteps) -> FT | None:
    if not found.waits_for:
        return None
    asked = raw(json_tree(redact(found.request))) if found.request is not None else None
    return div(
        icon("history"),
        div(p(b(f"{standing(RunState.SUSPENDED).word}. "), bdi(redact_text(found.waits_for))), asked),
        cls="waits panel",
    )


def _step(step: RunStep, run: Run, found: RunSteps, longest: float, urls: Urls) -> FT:
    took = "" if step.seconds is None else duration(step.seconds)
    width = 100 * (step.seconds or 0) / longest if longest else 0
    svg, rect = tag("svg"), tag("rect")
    link = None
    if step.number in found.checkpoints:
        url = urls.checkpoints(run.id, n=step.number)
        link = a("State after this step", cls="button", data_kind="quiet", **inspects(url))
    changed = raw(json_tree(redact(step.update))) if step.update not in (None, {}, []) else p("No changes.")
    return li(
        details(
            summary(
                span(str(step.number), cls="num quiet"),
                span(step.name, cls="cut", dir="auto"),
                span(STEPS[step.state], cls="state"),
                svg(rect(width=f"{max(width, 1):.1f}%"), aria_hidden="true"),
                span(took, cls="num"),
            ),
            div(
                p(redact_text(step.detail), cls="fault-text", dir="auto") if step.detail else None,
                changed,
                p("Then: ", bdi(", ".join(step.next)), cls="quiet") if step.next else None,
                link,
                cls="raw",
            ),
            id=f"step-row-{step.number}",
            open=step.state is RunState.FAILED,
        ),
        p(redact_text(step.detail), cls="step-detail", dir="auto") if step.detail else None,
        data_state=step.state.value,
    )


def state_room(
    run: Run,
    found: RunSteps,
    number: int,
    state: JSON,
    urls: Urls,
    *,
    against: int | None = None,
    since: int | None = None,
    changes: Sequence[Change] | None = None,
    missing: str = "",
) -> Child:
    """Return the state of a run after a step, and what changed since another.

    Args:
        number: Of the step.
        against: The step that was chosen to compare with.
        since: The step that it is compared with.
        missing: Why there is nothing to show.
    """
    return [
        run_head(run, urls, tab="state", inspectable=True, workflow=found.workflow),
        chat_inspector(
            _slider(run, found, number, against, urls) if found.checkpoints else None,
            div(
                p(missing, cls="nothing") if missing else None,
                _changes(changes, since) if changes is not None and not missing else None,
                None if missing else h3("The whole state", cls="part-head"),
                None if missing else div(raw(json_tree(redact(state), unfold=1)), cls="raw"),
                cls="room-body",
                tabindex="0",
                role="region",
                aria_label="State of the run",
            ),
        ),
    ]


def _slider(run: Run, found: RunSteps, number: int, against: int | None, urls: Urls) -> FT:
    kept = found.checkpoints
    names = {step.number: step.name for step in found.steps}
    place = kept.index(number) if number in kept else 0
    url = urls.checkpoints(run.id)

    def turn(words: str, glyph: str, to: int) -> FT:
        there = 0 <= to < len(kept)
        link = inspects(urls.checkpoints(run.id, n=kept[to])) if there else {"role": "link", "aria_disabled": "true"}
        return a(icon(glyph), cls="button", id=f"inspector-{glyph}", **icon_only(words), **link)

    choices = [option("the step before", value="", selected=against is None)]
    choices += [
        option(f"{each}. {names.get(each, '')}", value=str(each), selected=each == against)
        for each in kept
        if each != number
    ]
    return get_form(
        url,
        div(
            turn("Previous step", "back", place - 1),
            label("Step", for_="inspector-slider", cls="hidden"),
            input_(
                type="range",
                id="inspector-slider",
                name="n",
                min=str(kept[0]),
                max=str(kept[-1]),
                value=str(number),
                aria_valuetext=f"Step {number}: {names.get(number, '')}",
                list="inspector-steps",
            ),
            datalist([option(value=str(each)) for each in kept], id="inspector-steps"),
            turn("Next step", "forth", place + 1),
            cls="replay",
        ),
        div(
            span(b(f"After step {number}"), f" of {kept[-1]}: ", bdi(names.get(number, "")), cls="cut"),
            label("compared with ", select(choices, name="with", id="inspector-with")),
            noscript(button("Show", cls="button", type="submit")),
            cls="replay-words",
        ),
        cls="toolbar",
        target="#inspector",
        trigger="change delay:120ms, submit",
        hx_push_url="true",
    )


def _changes(changes: Sequence[Change], before: int | None) -> FT:
    since = "the beginning" if before is None else f"step {before}"
    head = h3(f"{count(len(changes), 'change')} since {since}", cls="part-head")
    items: list[Child] = [_change(each) for each in changes[:_MAX_CHANGES]]
    if len(changes) > _MAX_CHANGES:
        items.append(li(f"{len(changes) - _MAX_CHANGES:,} more", cls="quiet"))
    return div(head, ul(items, cls="changes") if changes else None)


def _change(change: Change) -> FT:
    # A value under the name of a secret is one here too.
    key = change.path.rpartition(".")[2].partition("[")[0]

    def shown(value: JSON) -> FT:
        safe = redact({key: value})
        assert isinstance(safe, dict)
        return raw(json_tree(safe[key], unfold=0))

    return li(
        span(change.kind.capitalize(), cls="kind"),
        code(change.path or "everything"),
        div(shown(change.before), cls="before") if change.kind != "added" else None,
        div(shown(change.after), cls="after") if change.kind != "removed" else None,
        data_kind=change.kind,
    )


def evidence_list(found: Sequence[Source]) -> FT:
    """Return the evidence of an answer."""
    if not found:
        return p("This answer has no evidence.", cls="nothing")
    return ol(
        [
            li(
                b(redact_text(source.title), dir="auto"),
                span(redact_text(source.detail), dir="auto") if source.detail else None,
                p(redact_text(source.excerpt), dir="auto") if source.excerpt else None,
            )
            for source in found
        ],
        cls="evidence-list",
    )
