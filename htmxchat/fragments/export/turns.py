"""Turns for those who only read: nothing in them can be pressed, and nothing leads into the chat.

Hooks: `article.turn` as in the chat; `.speaker`, who speaks and when; `.script-record`, a script and what came of it.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo

from ...events import Outcome, RunEnded, RunEvent
from ...feedback import Feedback
from ...files.file import File
from ...html import FT, Child, icon, raw, render, tag
from ...models import RunState, Turn, is_dated
from ...parts import CustomPart, ProposedScript, Reasoning, SentFiles, ToolCall
from ...scripts.result import ScriptResult
from ...scripts.states import MAX_TITLE
from ...state_words import SCRIPTS
from ...text.cleaning import one_line
from ...text.confusing import marked
from ...text.highlight import highlight
from ...text.markdown import Budget
from ...text.phrases import byte_size, cut
from ...text.zones import exact
from ...view import RunView, fold
from ..turns.citations import Citations
from ..turns.context import TurnContext
from ..turns.parts import section_html, sections
from ..turns.sources import source_list
from .read_only import read_only

a, article, b, bdi, details, div, h2 = map(tag, ["a", "article", "b", "bdi", "details", "div", "h2"])
img, li, p, pre, span, summary, time_, ul = map(tag, ["img", "li", "p", "pre", "span", "summary", "time", "ul"])

_MAX_OUTPUT = 20_000
_END = RunEnded(Outcome.CANCELLED)


@dataclass(frozen=True, slots=True)
class Reading:
    """What the turns of a page are drawn with that is only read.

    Attributes:
        context: `inspector` says whether what tools got and gave is shown.
        steps: Whether the agent's thoughts, tools and scripts are shown at all.
        pictures: What shows a picture, by the id of its file.
        addresses: Where a file is, by its id; the others are only named.
        results: What came of scripts, by run and by their id in it.
        asker: What who asked is called.
        zone: The reader's; `None` is UTC.
    """

    context: TurnContext
    steps: bool = True
    pictures: Mapping[str, str] = field(default_factory=dict)
    addresses: Mapping[str, str] = field(default_factory=dict)
    results: Mapping[tuple[str, str], ScriptResult] = field(default_factory=dict)
    asker: str = "You"
    zone: tzinfo | None = None


def reading_turn(turn: Turn, reading: Reading) -> str:
    """Return one turn."""
    known = {*reading.pictures.values(), *reading.addresses.values()}
    if turn.run is None:
        files = _files(turn.files, reading)
        words = div(turn.text, cls="turn-body", dir="auto") if turn.text else None
        shown: Child = [_speaker(reading.asker, turn, reading), words, files]
        return read_only(render(article(shown, id=f"turn-{turn.id}", cls="turn", data_role="user")), known)
    view, unfinished = closed(turn)
    citations = Citations(turn.id)
    parts = "".join(_parts(turn.id, view, reading, citations))
    content = [
        _speaker(turn.run.agent or reading.context.agent, turn, reading),
        div(raw(f'<div class="parts">{parts}</div>'), cls="turn-body"),
        source_list(turn.id, view, citations),
        _ending(view, unfinished),
        _rated(turn.feedback) if turn.feedback and not reading.context.shared else None,
    ]
    return read_only(render(article(content, id=f"turn-{turn.id}", cls="turn", data_role="assistant")), known)


def closed(turn: Turn) -> tuple[RunView, bool]:
    """Return what an answer shows, with nothing in it that waits; and whether it was still being written."""
    view = fold(turn.events)
    if not view.state.live:
        return view, False
    end = RunEvent((view.last_seq or 0) + 1, turn.events[-1].at if turn.events else turn.created_at, _END)
    return fold([end], view), True


def _speaker(name: str, turn: Turn, reading: Reading) -> FT:
    at = time_(exact(turn.created_at, reading.zone), datetime=turn.created_at.isoformat(timespec="seconds"))
    return h2(b(bdi(name)), at if is_dated(turn.created_at) else None, cls="speaker")


def _parts(run_id: str, view: RunView, reading: Reading, citations: Citations) -> list[str]:
    budget, shown = Budget(), []
    for section in sections(view.parts, reading.context):
        match view.parts[section[0]]:
            case ProposedScript() as script:
                shown.append(render(_script(run_id, script, view, reading)))
            case SentFiles(files=files):
                shown.append(render(_files(files, reading)))
            case Reasoning() | ToolCall() if not reading.steps:
                continue
            case CustomPart(name=name) if not reading.steps and not _drawn(name, reading):
                continue
            case _:
                shown.append(section_html(run_id, view, section, reading.context, budget, citations))
    return shown


def _drawn(name: str, reading: Reading) -> bool:
    drawings = reading.context.drawings
    return drawings is not None and name in drawings


def _ending(view: RunView, unfinished: bool) -> FT | None:
    if unfinished:
        return p("This answer was not finished yet.", cls="stopped")
    if view.state is RunState.FAILED:
        return p(b("The answer failed."), " ", bdi(view.error or ""), cls="stopped")
    return p("Stopped", cls="stopped") if view.state is RunState.CANCELLED else None


def _rated(given: Feedback) -> FT:
    comment = [": ", bdi(raw(marked(given.comment)))] if given.comment.strip() else None
    return p(f"Rated {given.rating}", comment, cls="rated")


def _files(files: Sequence[File], reading: Reading) -> FT | None:
    return ul([_file(file, reading) for file in files], cls="files", aria_label="Files") if files else None


def _file(file: File, reading: Reading) -> FT:
    picture, address = reading.pictures.get(file.id), reading.addresses.get(file.id)
    name = a(file.name, cls="name", href=address, dir="auto") if address else span(file.name, cls="name", dir="auto")
    size = span(byte_size(file.size), cls="meta")
    if picture:
        return li(span(img(src=picture, alt=file.name), cls="thumb"), name, size, cls="file shown")
    return li(span(icon("file"), cls="thumb"), name, size, cls="file")


def _script(run_id: str, part: ProposedScript, view: RunView, reading: Reading) -> FT:
    title = one_line(part.script.title, MAX_TITLE) or "Python"
    state = view.script(part).state
    result = reading.results.get((run_id, part.script.script_id)) or (part.finished.result if part.finished else None)
    code = (result.code if result else "") or part.script.code
    return div(
        p(b(raw(marked(title)), dir="auto"), " ", span(SCRIPTS[state], cls="state", data_state=state.value)),
        _fold("Code", pre(raw(highlight(cut(code, _MAX_OUTPUT), "python")))) if reading.steps and code else None,
        _fold("What came of it", _output(result, title)) if reading.steps and result else None,
        cls="script-record box",
    )


def _output(result: ScriptResult, title: str) -> Child:
    said = result.text
    pictures = [
        img(src=f"data:{each.type};base64,{base64.b64encode(each.data).decode()}", alt=title, cls="picture")
        for each in result.images
        if each.data
    ]
    return [pre(raw(marked(cut(said, _MAX_OUTPUT)))) if said else None, pictures]


def _fold(words: str, content: Child) -> FT:
    return details(summary(icon("chevron", "icon chevron"), words), content)
