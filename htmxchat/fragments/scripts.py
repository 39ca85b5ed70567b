"""The queue of scripts: what waits, what runs, and what came of it.

Hooks: `#scripts`; `article.script` with `id="script-…"`, `data-state` and `data-digest`; in it `button[name=approve]`,
`button[name=edit]`, `button[name=reject]`, `button[name=cancel]`, `button[name=rerun]`, `.lines`, `.script-output`;
`button[name=approve-all]`, `button[name=clear]`, `input[name=trust]`; `#scripts-error`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from ..html import FT, Child, tag
from ..models import Conversation, Script, ScriptState
from ..scripts import Scripts
from ..scripts.states import digest, next_to_run
from ..urls import Urls
from .script_output import code_lines, script_output
from .shell import Side, notice, side_closer
from .transcript import moment

a, article, button, code_, dd, details = map(tag, ["a", "article", "button", "code", "dd", "details"])
div, dl, dt, form, h2, h3, header, img = map(tag, ["div", "dl", "dt", "form", "h2", "h3", "header", "img"])
input_, label, noscript, p, pre, section = map(tag, ["input", "label", "noscript", "p", "pre", "section"])
span, summary, table, tbody, td, textarea = map(tag, ["span", "summary", "table", "tbody", "td", "textarea"])
th, thead, tr, chat_scripts = map(tag, ["th", "thead", "tr", "chat-scripts"])
chat_runner = tag("chat-runner")

_WORDS = {
    ScriptState.QUEUED: "Waits for you",
    ScriptState.APPROVED: "Approved",
    ScriptState.RUNNING: "Running",
    ScriptState.DONE: "Done",
    ScriptState.FAILED: "Failed",
    ScriptState.REJECTED: "Rejected",
    ScriptState.CANCELLED: "Cancelled",
    ScriptState.TIMED_OUT: "Timed out",
}


def scripts_side(urls: Urls, conversation: Conversation | None, content: Child = None) -> Side:
    """Return the room beside a conversation."""
    return Side("scripts", "Scripts", "script", urls.scripts(conversation.id if conversation else None), content)


def script_room(
    urls: Urls,
    conversation: Conversation | None,
    scripts: Sequence[Script] = (),
    *,
    edit: str | None = None,
    show: str | None = None,
    trust: bool = False,
) -> list[FT]:
    """Return what the room shows.

    Args:
        edit: The id of the script that is being edited.
        show: The id of a script that is shown even if it was put out of sight.
        trust: Whether the host lets people run the scripts of a conversation without looking at each.
    """
    shown = [script for script in scripts if not script.cleared or script.id == show]
    active = [script for script in shown if not script.state.over]
    over = sorted((script for script in shown if script.state.over), key=_ended, reverse=True)
    waiting = sum(script.state is ScriptState.QUEUED for script in shown)
    count = span(f"{waiting} waiting", cls="state", id="scripts-waiting", data_state="queued") if waiting else None
    back = urls.conversation(conversation.id) if conversation else urls.home()
    head = _head(back, count)
    content: list[Child] = [p(id="scripts-error", role="alert")]
    if conversation is not None and trust:
        content.append(_trust())
    if not shown:
        content.append(_nothing())
    content.append(noscript(p("Scripts need JavaScript to run. Without it you can only reject them.", cls="nothing")))
    if conversation is not None:
        content.append(section(_queue(urls, conversation, active, edit), cls="queue", aria_label="To do"))
        if over:
            content.append(_finished(urls, conversation, over, edit))
    return [head, chat_scripts(div(content, cls="room-body", tabindex="-1"))]


def unloaded_scripts(urls: Urls, conversation: Conversation, sentence: str) -> list[FT]:
    """Return what the room shows when the queue cannot be loaded."""
    content = notice(sentence, retry_url=urls.scripts(conversation.id))
    return [_head(urls.conversation(conversation.id)), chat_scripts(div(content, cls="room-body", tabindex="-1"))]


def script_runner(urls: Urls, settings: Scripts, *, limit: int) -> FT:
    """Return the element that runs scripts in this page. It shows nothing, and loads nothing before the first script.

    Args:
        limit: The largest result that is taken, in bytes.
    """
    return chat_runner(
        hidden=True,
        data_root=urls.home(),
        data_none=urls.scripts(),
        data_limit=str(limit),
        data_frame=urls.sandbox(),
        data_runtime=settings.pyodide_url,
        data_packages=settings.packages_url,
        data_timeout=f"{settings.timeout:g}",
        data_load_timeout=f"{settings.load_timeout:g}",
        data_idle_timeout=f"{settings.idle_timeout:g}",
        data_memory=str(settings.memory),
        data_trust=settings.trust,
    )


def script_card(urls: Urls, script: Script, *, editing: bool = False, first: bool = False, next: bool = False) -> FT:
    """Return one script.

    Args:
        first: It runs before the others that are approved.
        next: It may run now: none other does.
    """
    title = _title(script)
    return article(
        header(h3(title, id=f"title-{script.id}", dir="auto"), _state(script, first)),
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
        data_result=urls.script_result(script.run_id, script.id),
        data_url=urls.script(script.run_id, script.id),
        data_title=title,
        data_next=next,
        data_runner=script.runner if script.state is ScriptState.RUNNING else None,
        aria_labelledby=f"title-{script.id}",
        aria_busy="true" if script.state is ScriptState.RUNNING else None,
    )


def _shown(urls: Urls, script: Script, title: str) -> list[Child]:
    return [_code(script), _actions(urls, script), script_output(urls, script, title)]


def _head(back_url: str, count: Child = None) -> FT:
    return header(h2("Scripts"), count, side_closer("Close the scripts", back_url=back_url), cls="room-head")


def _title(script: Script) -> str:
    return script.title or f"Script {script.position}"


def _ended(script: Script) -> tuple[Any, ...]:
    return (script.ended_at or script.created_at, script.position)


def _queue(urls: Urls, conversation: Conversation, scripts: Sequence[Script], edit: str | None) -> list[Child]:
    parts: list[Child] = []
    first = next_to_run([script for script in scripts if script.state is not ScriptState.RUNNING])
    free = all(script.state is not ScriptState.RUNNING for script in scripts)
    for run_id, group in groupby(scripts, key=lambda script: script.run_id):
        cards = list(group)
        waiting = [script for script in cards if script.state is ScriptState.QUEUED]
        if len(waiting) > 1:
            parts.append(_approve_all(urls, conversation, run_id, waiting))
        for script in cards:
            here = script is first
            parts.append(script_card(urls, script, editing=script.id == edit, first=here, next=here and free))
    return parts


def _approve_all(urls: Urls, conversation: Conversation, run_id: str, waiting: Sequence[Script]) -> FT:
    shown = " ".join(f"{script.id}:{digest(script.code)}" for script in waiting)
    return form(
        p(f"{len(waiting)} scripts of one answer wait for you."),
        input_(type="hidden", name="run", value=run_id),
        button("Approve all", cls="button", name="approve-all", value=shown, type="submit"),
        cls="approve-all",
        **_posts(urls.scripts(conversation.id), f"scripts-all-{run_id}"),
    )


def _finished(urls: Urls, conversation: Conversation, scripts: Sequence[Script], edit: str | None) -> FT:
    clear = form(
        h3("Finished"),
        button("Clear", cls="button", data_kind="quiet", name="clear", value="yes", type="submit"),
        cls="finished-head",
        **_posts(urls.scripts(conversation.id), "scripts-clear"),
    )
    cards = [script_card(urls, script, editing=script.id == edit) for script in scripts]
    return section(clear, cards, cls="finished", aria_label="Finished")


def _nothing() -> FT:
    words = "Python that the agent wants to run, and the Python in its answers, waits here until you have read it."
    return p(words, " It runs in your browser, in a sandbox without network.", cls="nothing")


def _trust() -> FT:
    box = input_(type="checkbox", name="trust", id="trust")
    return label(box, " Run without asking in this conversation", cls="trust", for_="trust")


def _state(script: Script, first: bool) -> FT:
    word = _WORDS[script.state] + (", runs next" if first else "")
    seconds = script.result.seconds if script.result else 0.0
    if script.state is ScriptState.DONE:
        word = f"Done in {_seconds(seconds)}"
    elif seconds and script.state in (ScriptState.FAILED, ScriptState.CANCELLED, ScriptState.TIMED_OUT):
        word = f"{word} after {_seconds(seconds)}"
    return span(word, cls="state")


def _facts(urls: Urls, script: Script) -> list[Child]:
    turn_url = f"{urls.conversation(script.conversation_id)}#turn-{script.run_id}"
    turn = a("from this answer", href=turn_url, data_turn=script.run_id)
    count = script.code.count("\n") + 1
    facts: list[Child] = [f"{count} line{'s' * (count != 1)}, ", turn]
    if script.edited:
        facts.append(", edited by you")
    if script.awaited and not script.state.over:
        facts.append(", the agent waits for it")
    if script.trusted and script.approved:
        facts.append(", run without asking")
    if script.ended_at is not None:
        facts += [", ", moment(script.ended_at)]
    return facts


def _code(script: Script) -> FT:
    lines = code_lines(script.code)
    if script.state is ScriptState.QUEUED:
        return lines
    chevron = tag("svg")(tag("use")(href="#i-chevron"), cls="icon chevron", aria_hidden="true")
    return details(summary(chevron, "Code"), lines)


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
    file = a("code.py", href=urls.script_file(script.run_id, script.id, "code.py"), download=True, cls="file")
    if state is ScriptState.QUEUED:
        buttons: list[Child] = [press("approve", "Approve and run", "primary"), edit, press("reject", "Reject", None)]
    elif state in (ScriptState.APPROVED, ScriptState.RUNNING):
        buttons = [edit if state is ScriptState.APPROVED else None, press("cancel", "Cancel")]
    else:
        buttons = [file, edit, press("rerun", "Run again")]
    return form(
        input_(type="hidden", name="digest", value=digest(script.code)),
        buttons,
        cls="actions",
        **_posts(urls.script(script.run_id, script.id), f"actions-{script.id}"),
    )


def _editor(urls: Urls, script: Script) -> FT:
    back = urls.scripts(script.conversation_id)
    shows = {"hx_target": f"#script-{script.id}", "hx_select": f"#script-{script.id}", "hx_swap": "outerHTML"}
    field = f"code-{script.id}"
    return form(
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
            autofocus=True,
            rows=str(max(3, min(24, script.code.count("\n") + 2))),
        ),
        div(
            button("Approve and run", cls="button", data_kind="primary", name="approve", value="yes", type="submit"),
            button("Save", cls="button", name="save", value="yes", type="submit"),
            a("Discard", cls="button", data_kind="quiet", href=back, hx_get=back, **shows, hx_push_url="false"),
            cls="actions",
        ),
        cls="edit",
        **_posts(urls.script(script.run_id, script.id), f"actions-{script.id}"),
    )


def _posts(url: str, id: str) -> dict[str, str]:
    return {"id": id, "method": "post", "action": url, "hx_post": url, "hx_swap": "none"}


def _seconds(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.0f} s"
