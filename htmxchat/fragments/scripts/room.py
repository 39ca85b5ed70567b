"""The room of the scripts: the queue, what waits, what runs, and what has ended.

Hooks: `#scripts`; `button[name=approve-all]`, `button[name=clear]`, `input[name=trust]`; `#scripts-error`;
`#scripts-elsewhere`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import groupby
from typing import Any

from ...html import FT, Child, tag
from ...models import Conversation
from ...scripts import Scripts
from ...scripts.models import Script
from ...scripts.result import ScriptState
from ...scripts.states import digest, next_to_run
from ...urls import Urls
from ..controls import post_form
from ..shell import Side, notice, side_closer
from .card import same_card, script_card, shown_as

a, button, div, h2, h3, header = map(tag, ["a", "button", "div", "h2", "h3", "header"])
input_, label, noscript, p, section, span = map(tag, ["input", "label", "noscript", "p", "section", "span"])
chat_scripts, chat_runner = map(tag, ["chat-scripts", "chat-runner"])


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
    known: Collection[str] | None = None,
) -> list[FT]:
    """Return what the room shows.

    Args:
        edit: The id of the script that is being edited.
        show: The id of a script that is shown even if it was put out of sight.
        trust: Whether the host lets people run the scripts of a conversation without looking at each.
        known: The cards that the page has (`shown_as`), if its script asks: they are not drawn again.
    """
    shown = [script for script in scripts if not (script.cleared or script.elsewhere) or script.id == show]
    pinned = show if any(script.id == show for script in shown) else None
    active = [script for script in shown if not script.state.over]
    over = sorted((script for script in shown if script.state.over), key=_ended, reverse=True)
    waiting = sum(script.state is ScriptState.QUEUED for script in shown)
    count = span(_need(waiting), cls="state", id="scripts-waiting", data_state="queued") if waiting else None
    back = urls.conversation(conversation.id) if conversation else urls.home()
    head = _head(back, count)
    content: list[Child] = [p(id="scripts-error", role="alert")]
    if conversation is not None and trust:
        content.append(_trust())
    if not shown:
        content.append(_nothing())
    if known is None:
        words = "Scripts need JavaScript to run. Without it you can only reject them."
        content.append(noscript(p(words, cls="nothing")))
    if conversation is not None:
        content.append(section(_queue(urls, conversation, active, edit, known or ()), cls="queue", aria_label="To do"))
        content.append(_elsewhere(urls, conversation, [script for script in scripts if script not in shown]))
        if over:
            content.append(_finished(urls, conversation, over, edit, known or ()))
    return [head, chat_scripts(div(content, cls="room-body", tabindex="-1"), data_show=pinned)]


def unloaded_scripts(urls: Urls, conversation: Conversation, sentence: str) -> list[FT]:
    """Return what the room shows when the queue cannot be loaded."""
    content = notice(sentence, retry_url=urls.scripts(conversation.id), target="#scripts")
    return [_head(urls.conversation(conversation.id)), chat_scripts(div(content, cls="room-body", tabindex="-1"))]


def queue_tag(conversation: Conversation, number: int) -> str:
    """Return what tells how a conversation's queue stands; `number` is its `queue_number`."""
    return f"{conversation.id}.{number}"


def script_runner(urls: Urls, settings: Scripts, *, limit: int, queue: str | None = None) -> FT:
    """Return the element that runs scripts in this page. It shows nothing, and loads nothing before the first script.

    Args:
        limit: The largest result that is taken, in bytes.
        queue: The tag of the queue that it is to look at.
    """
    return chat_runner(
        hidden=True,
        data_queue=queue,
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


def _head(back_url: str, count: Child = None) -> FT:
    return header(h2("Scripts"), count, side_closer("Close the scripts", back_url=back_url), cls="room-head")


def _ended(script: Script) -> tuple[Any, ...]:
    return (script.ended_at or script.created_at, script.position)


def _queue(
    urls: Urls, conversation: Conversation, scripts: Sequence[Script], edit: str | None, known: Collection[str]
) -> list[Child]:
    parts: list[Child] = []
    first = next_to_run([script for script in scripts if script.state is not ScriptState.RUNNING])
    for run_id, group in groupby(scripts, key=lambda script: script.run_id):
        cards = list(group)
        waiting = [script for script in cards if script.state is ScriptState.QUEUED]
        for script in cards:
            parts.append(_card(urls, script, edit, known, first=script is first))
        # After the last of them, so that all have been in sight.
        if len(waiting) > 1:
            parts.append(_approve_all(urls, conversation, run_id, waiting))
    return parts


def _elsewhere(urls: Urls, conversation: Conversation, hidden: Sequence[Script]) -> FT | None:
    """Return the way to scripts of other branches that are not over."""
    active = [script for script in hidden if script.elsewhere and not script.state.over]
    if not active:
        return None
    count, one = len(active), len(active) == 1
    words = "1 script waits in another version. " if one else f"{count} scripts wait in other versions. "
    way = a("Show it" if one else "Show the first", href=urls.conversation(conversation.id, turn=active[0].run_id))
    return p(words, way, cls="nothing", id="scripts-elsewhere")


def _need(count: int) -> str:
    return f"{count} need{'s' * (count == 1)} your approval"


def _approve_all(urls: Urls, conversation: Conversation, run_id: str, waiting: Sequence[Script]) -> FT:
    shown = " ".join(f"{script.id}:{digest(script.code)}" for script in waiting)
    return post_form(
        urls.scripts(conversation.id),
        p(f"{len(waiting)} scripts of one answer need your approval."),
        input_(type="hidden", name="run", value=run_id),
        button(f"Approve and run all {len(waiting)}", cls="button", name="approve-all", value=shown, type="submit"),
        cls="approve-all",
        id=f"scripts-all-{run_id}",
    )


def _card(urls: Urls, script: Script, edit: str | None, known: Collection[str], *, first: bool = False) -> FT:
    # That one runs first may be news though nothing happened to it.
    if shown_as(script) in known and not first:
        return same_card(script)
    return script_card(urls, script, editing=script.id == edit, first=first)


def _finished(
    urls: Urls, conversation: Conversation, scripts: Sequence[Script], edit: str | None, known: Collection[str]
) -> FT:
    clear = post_form(
        urls.scripts(conversation.id),
        h3("Finished"),
        button("Clear finished", cls="button", data_kind="quiet", name="clear", value="yes", type="submit"),
        cls="finished-head",
        id="scripts-clear",
    )
    cards = [_card(urls, script, edit, known) for script in scripts]
    return section(clear, cards, cls="finished", aria_label="Finished")


def _nothing() -> FT:
    words = "Python that the agent wants to run, or that you run from an answer, waits here for your approval."
    return p(words, " It runs in your browser, in a sandbox with no network access.", cls="nothing")


def _trust() -> FT:
    box = input_(type="checkbox", name="trust", id="trust")
    return label(box, " Run without asking in this conversation", cls="trust", for_="trust")
