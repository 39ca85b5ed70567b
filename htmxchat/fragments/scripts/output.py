"""A script's code, and its result: text, tables, pictures and tracebacks, all of them data.

Hooks: `.lines`, the code; `.script-output`.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from ...html import FT, Child, raw, tag
from ...scripts.models import Script
from ...scripts.result import Cell, ScriptError, ScriptResult, ScriptState, TableValue, TextValue
from ...state_words import SCRIPTS
from ...text.ansi import ansi_html
from ...text.confusing import doubts, mark, places
from ...text.highlight import highlight
from ...text.phrases import duration
from ...urls import Urls

a, code_, dd, details, div, dl, dt = map(tag, ["a", "code", "dd", "details", "div", "dl", "dt"])
img, li, p, pre, span, summary, ul = map(tag, ["img", "li", "p", "pre", "span", "summary", "ul"])
table, tbody, td, th, thead, tr = map(tag, ["table", "tbody", "td", "th", "thead", "tr"])

_LINES, _CHARACTERS = 20, 2_000  # of output that is seen at once
_MAX_CHARACTERS = 50_000  # of output in the page; the rest is in the file
_ROWS, _MAX_ROWS = 12, 200
_MAX_DOUBTS = 10
_MAX_INDENT = 24  # the style sheet has a rule for each
_SHORTEST = 0.005  # seconds that are said: less would read as none


def script_state(state: ScriptState, seconds: float, more: str = "") -> FT:
    """Return how a script stands, in words; of one that ran, also for how long. `more` is said after its state."""
    word, took = SCRIPTS[state] + more, duration(seconds) if seconds >= _SHORTEST else ""
    if took and state is ScriptState.DONE:
        word += f" in {took}"
    elif took and state.over and state is not ScriptState.REJECTED:
        word += f" after {took}"
    return span(word, cls="state")


def code_lines(code: str) -> FT:
    """Return Python with numbered lines. Characters that may mislead are marked."""
    # The highlighter takes these for something else.
    plain = "\r" in code or code.startswith("\ufeff")
    lines = mark(escape(code) if plain else highlight(code, "python"), doubts(code, code=True), code=True).split("\n")
    indents = map(_indent, code.split("\n"))
    content = "\n</span>".join(f"<span{indent}>{line}" for indent, line in zip(indents, lines, strict=True)) + "</span>"
    return pre(code_(raw(content)), cls="lines", tabindex="0", aria_label="Code")


def _indent(line: str) -> str:
    """Return how far a line is indented, as an attribute: what wraps hangs there. An odd space counts as none."""
    width = min(len(line) - len(line.lstrip(" ")), _MAX_INDENT) // 2 * 2
    return f' data-indent="{width}"' if width else ""


def doubts_notice(code: str) -> FT | None:
    """Return what may mislead in Python, with its places; `None` if nothing does."""
    found = doubts(code, code=True)
    if not found:
        return None
    where = [f"line {line}, column {column}: {doubt.why}" for line, column, doubt in places(code, found[:_MAX_DOUBTS])]
    if len(found) > _MAX_DOUBTS:
        where.append(f"{len(found) - _MAX_DOUBTS:,} more")
    many = f"{len(found):,} characters here may not be what they look like"
    words = many if len(found) > 1 else "One character here may not be what it looks like"
    return div(p(f"{words}:"), ul([li(each) for each in where]), cls="doubts")


def script_output(urls: Urls, script: Script, title: str) -> FT | None:
    """Return its result. A page that runs it fills this element meanwhile."""
    if script.state is ScriptState.RUNNING:
        run = script.started_at.timestamp() if script.started_at else 0
        return dl(cls="script-output", id=f"output-{script.id}-{run:.3f}", aria_label="Output", hx_morph_skip=True)
    result = script.result
    if result is None:
        return None
    parts: list[Child] = []
    for name, text in (("stdout", result.stdout), ("stderr", result.stderr)):
        if text:
            parts += [dt(name), dd(_folded(text), cls="stream")]
    parts += _value(result, title)
    parts += _pictures(urls, script, len(result.images), title)
    if result.error is not None:
        parts += _error(result.error)
    if result.truncated:
        parts += [dt("note"), dd("Some output was left out because it was too long.")]
    if not parts:
        return None
    return dl(parts, cls="script-output", aria_label="Output")


def _value(result: ScriptResult, title: str) -> list[Child]:
    match result.value:
        case TextValue(text=text, format=format):
            return [dt("value"), dd(_folded(text, "html" if format == "html" else "python"))]
        case TableValue() as table:
            return [dt("value"), dd(_table(table, title))]
    return []


def _pictures(urls: Urls, script: Script, count: int, title: str) -> list[Child]:
    shown = [
        picture(urls.script_picture(script.run_id, script.id, str(number), script.revision), title, number, count)
        for number in range(count)
    ]
    return [dt("picture" if count == 1 else "pictures"), dd(shown)] if shown else []


def picture(url: str, title: str, number: int, count: int, size: tuple[int, int] | None = None) -> FT:
    """Return a picture; one of a known size keeps its place before it is there."""
    width, height = map(str, size) if size else (None, None)
    alt = f"{title}, picture {number + 1} of {count}"
    return img(src=url, alt=alt, width=width, height=height, loading="lazy" if size else None, cls="picture")


def _error(error: ScriptError) -> list[Child]:
    *frames, last = error.traceback.rstrip("\n").split("\n")
    # First what went wrong, then the lines that led to it.
    parts: list[Child] = []
    if last:
        parts.append(pre(last, cls="error", tabindex="0"))
    if error.explanation:
        parts.append(p(error.explanation, cls="error" if not last else None, dir="auto"))
    if frames:
        parts.append(pre(raw(ansi_html("\n".join(frames))), cls="frames", tabindex="0"))
    return [dt("error"), dd(parts)] if parts else []


def _folded(text: str, language: str = "") -> list[Child]:
    """Return text that is seen at once, or its beginning and the rest to be unfolded."""
    text = text.rstrip("\n")
    lines = text.split("\n")
    if len(lines) <= _LINES and len(text) <= _CHARACTERS:
        return [pre(raw(highlight(text, language) if language else ansi_html(text)), tabindex="0")]
    begin = "\n".join(lines[:_LINES])[:_CHARACTERS]
    rest = text[len(begin) : len(begin) + _MAX_CHARACTERS].removeprefix("\n")
    left = len(text) - len(begin) - len(rest)
    count = rest.count("\n") + 1
    words = f"{count:,} more lines" if count > 1 else f"{len(rest):,} more characters"
    if left > 1:
        words += f", of {len(lines):,} in all"
    return [
        pre(raw(ansi_html(begin)), tabindex="0"),
        details(summary(words), pre(raw(ansi_html(rest)), tabindex="0"), cls="folded"),
    ]


def _table(value: TableValue, title: str) -> list[Child]:
    rows = value.rows
    parts: list[Child] = [table_rows(value, rows[:_ROWS], title)]
    if rest := rows[_ROWS:_MAX_ROWS]:
        more = table_rows(value, rest, f"{title}, more rows")
        parts.append(details(summary(f"{len(rest):,} more rows"), more, cls="folded"))
    if value.total > min(len(rows), _MAX_ROWS):
        parts.append(p(f"{min(len(rows), _MAX_ROWS):,} of {value.total:,} rows are shown.", cls="quiet"))
    return parts


def table_rows(value: TableValue, rows: Sequence[tuple[Cell, ...]], name: str) -> FT:
    """Return some rows of a table, below the names of its columns."""
    aligned = [_align(each) for each in value.rows[0]] if value.rows else [None] * len(value.columns)
    names = zip(value.columns, aligned, strict=True)
    head = tr([th(name, scope="col", align=align, dir="auto") for name, align in names])
    body = tbody([tr([td(_cell(each), align=_align(each), dir="auto") for each in row]) for row in rows])
    return div(table(thead(head), body), cls="table", role="group", aria_label=name, tabindex="0")


def _cell(value: Cell) -> str:
    return "" if value is None else str(value)


def _align(value: Cell) -> str | None:
    return "right" if isinstance(value, int | float) and not isinstance(value, bool) else None
