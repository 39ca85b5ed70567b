"""One script of the queue: its code, its state, what can be done with it, and its result.

Hooks: `article.script` with `id="script-…"`, `data-state` and `data-digest`; in it `button[name=approve]`,
`button[name=edit]`, `button[name=reject]`, `button[name=cancel]`, `button[name=rerun]`, `.lines`, `.script-output`.
"""

from __future__ import annotations

from typing import Any

from ...html import FT, Child, raw, tag
from ...scripts.files import result_files
from ...scripts.models import Script
from ...scripts.result import ScriptState
from ...scripts.states import digest
from ...text.confusing import marked
from ...text.phrases import count
from ...urls import Urls
from ..controls import get_link, post_form
from ..times import moment
from .output import code_lines, doubts_notice, script_output, script_state

a, article, button, details, div = map(tag, ["a", "article", "button", "details", "div"])
h3, header, input_, label, p = map(tag, ["h3", "header", "input", "label", "p"])
summary, textarea = tag("summary"), tag("textarea")


def shown_as(script: Script) -> str:
    """Return by what a page tells which script it shows, and how it stands there."""
    return f"{script.id[:8]}.{script.revision}"


def same_card(script: Script) -> FT:
    """Return what stands for the card of a script that the page has already."""
    return article(id=f"script-{script.id}", data_same=True)


def script_card(urls: Urls, script: Script, *, editing: bool = False, first: bool = False) -> FT:
    """Return one script.

    Args:
        first: It runs before the others that are approved.
    """
    title = card_title(script)
    return article(
        header(
            h3(raw(marked(title)), id=f"title-{script.id}", dir="auto"),
            script_state(script.state, script.result.seconds if script.result else 0.0, ", runs next" if first else ""),
        ),
        p(_facts(urls, script), cls="quiet facts-line"),
        _editor(urls, script)
        if editing
        else [_code(script), _actions(urls, script), script_output(urls, script, title)],
        id=f"script-{script.id}",
        cls="script",
        tabindex="-1",
        data_state=script.state.value,
        data_digest=digest(script.code),
        data_revision=str(script.revision),
        # What is being edited stays until the reader is done with it.
        hx_morph_skip=editing,
        aria_labelledby=f"title-{script.id}",
        aria_busy="true" if script.state is ScriptState.RUNNING else None,
    )


def card_title(script: Script) -> str:
    return script.title or f"Script {script.position}"


def _facts(urls: Urls, script: Script) -> list[Child]:
    turn_url = f"{urls.conversation(script.conversation_id)}#turn-{script.run_id}"
    turn = a("from this answer", href=turn_url, data_turn=script.run_id)
    facts: list[Child] = [f"{count(script.code.count(chr(10)) + 1, 'line')}, ", turn]
    if script.edited:
        facts.append(", edited by you")
    if script.awaited and not script.state.over:
        facts.append(", the agent is waiting for it")
    if script.trusted and script.approved:
        facts.append(", run without asking")
    if script.ended_at is not None:
        facts += [", ", moment(script.ended_at)]
    return facts


def _code(script: Script) -> list[Child]:
    lines = code_lines(script.code)
    if script.state is ScriptState.QUEUED:
        return [doubts_notice(script.code), lines]
    return [details(summary(_chevron(), "Code"), lines)]


def _actions(urls: Urls, script: Script) -> FT:
    state = script.state
    edit_url = urls.scripts(script.conversation_id, edit=script.id)

    def press(name: str, words: str, kind: str | None = "quiet", value: str = "yes", **more: Any) -> FT:
        return button(words, cls="button", data_kind=kind, name=name, value=value, type="submit", **more)

    edit = press(
        "edit",
        "Edit",
        None if state is ScriptState.QUEUED else "quiet",
        value=script.id,
        formmethod="get",
        formaction=urls.scripts(script.conversation_id),
        formnovalidate=True,
        hx_get=edit_url,
        hx_target=f"#script-{script.id}",
        hx_select=f"#script-{script.id}",
        hx_swap="outerHTML",
        hx_push_url="false",
    )
    if state is ScriptState.QUEUED:
        buttons: list[Child] = [press("approve", "Approve and run", "primary"), edit, press("reject", "Reject", None)]
    elif state in (ScriptState.APPROVED, ScriptState.RUNNING):
        buttons = [edit if state is ScriptState.APPROVED else None, press("cancel", "Cancel")]
    else:
        buttons = [_downloads(urls, script), edit, press("rerun", "Run again")]
    return post_form(
        urls.script(script.run_id, script.id),
        input_(type="hidden", name="digest", value=digest(script.code)),
        buttons,
        cls="actions",
        id=f"actions-{script.id}",
    )


def _downloads(urls: Urls, script: Script) -> FT:
    names = ["code.py", *(result_files(script.result) if script.result else ())]
    files = [
        a(name, href=urls.script_file(script.run_id, script.id, name), download=True, cls="button", data_kind="quiet")
        for name in names
    ]
    words = summary("Download", _chevron(), cls="button", data_kind="quiet")
    return tag("chat-menu")(details(words, div(files, cls="menu")))


def _chevron() -> FT:
    return tag("svg")(tag("use")(href="#i-chevron"), cls="icon chevron", aria_hidden="true")


def _editor(urls: Urls, script: Script) -> FT:
    back = urls.scripts(script.conversation_id)
    card, field = f"#script-{script.id}", f"code-{script.id}"
    discard = get_link(
        back, "Discard", target=card, hx_select=card, hx_push_url="false", cls="button", data_kind="quiet"
    )
    return post_form(
        urls.script(script.run_id, script.id),
        input_(type="hidden", name="digest", value=digest(script.code)),
        label("Code", cls="hidden", for_=field),
        textarea(
            script.code,
            id=field,
            name="code",
            required=True,
            spellcheck="false",
            autocapitalize="off",
            autocomplete="off",
            wrap="off",
            dir="ltr",
            autofocus=True,
            rows=str(max(3, min(24, script.code.count("\n") + 2))),
        ),
        doubts_notice(script.code),
        div(
            button("Approve and run", cls="button", data_kind="primary", name="approve", value="yes", type="submit"),
            button("Save", cls="button", name="save", value="yes", type="submit"),
            discard,
            cls="actions",
        ),
        cls="edit",
        id=f"actions-{script.id}",
    )
