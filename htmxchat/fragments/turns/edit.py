"""A message of the user's that can be edited, and the form in its place while it is.

Hooks: `a[name=edit]`; `.turn[data-edit]` with `textarea[name=text]`, `button[name=save]` and `a[name=cancel]`;
`#edit-error`, `#edit-files`, `#edit-agent`.
"""

from __future__ import annotations

from ...html import FT, Child, icon, tag
from ...models import Turn
from ..composer import agent_choice
from ..controls import get_link, icon_only, post_form, submission_field
from ..files import attach, drafts, sent_files
from .context import Editing, TurnContext
from .deletion import delete_form
from .versions import versions

article, button, div, footer, h2 = map(tag, ["article", "button", "div", "footer", "h2"])
input_, label = map(tag, ["input", "label"])
p, span, textarea, chat_edit = map(tag, ["p", "span", "textarea", "chat-edit"])


def message_foot(turn: Turn, context: TurnContext) -> FT | None:
    """Return what stands below a message of the user's: its versions, and the way to edit it."""
    if not context.branching:
        return None
    edit = get_link(
        context.urls.conversation(context.branching, edit=turn.id),
        icon("edit"),
        target=f"#turn-{turn.id}",
        hx_replace_url="true",
        cls="button",
        name="edit",
        id=f"edit-{turn.id}",
        **icon_only("Edit this message"),
    )
    return footer(delete_form(turn, context), versions(turn, context), edit, cls="turn-foot")


def edit_form(turn: Turn, editing: Editing, context: TurnContext) -> FT:
    """Return a message that is being edited."""
    urls, conversation_id = context.urls, context.branching
    number = len(turn.versions or (turn.id,)) + 1
    shown = (turn.versions or (turn.id,)).index(turn.id) + 1
    box = textarea(
        turn.text if editing.text is None else editing.text,
        id="edit",
        name="text",
        rows="1",
        # Files can say enough; with the page's script it is required as long as there are none.
        required=editing.takes is None,
        autofocus=True,
        aria_describedby="edit-error edit-hint",
        dir="auto",
        enterkeyhint="enter",
    )
    cancel = get_link(
        urls.conversation(conversation_id),
        "Cancel",
        target=f"#turn-{turn.id}",
        hx_replace_url="true",
        cls="button",
        data_kind="quiet",
        name="cancel",
    )
    files: Child = sent_files(turn.files, urls) if turn.files else None
    if editing.takes is not None:
        held = turn.files if editing.files is None else editing.files
        files = drafts(held, urls, before=turn.files), input_(type="hidden", name="files", value="named")
    error: Child = p(editing.error or None, id="edit-error", cls="refused", role="alert")
    hint = span(f"Starts version {number}. What follows below stays with version {shown}.", cls="hint", id="edit-hint")
    form = post_form(
        urls.edit_turn(conversation_id, turn.id),
        submission_field(editing.submission) if editing.submission else None,
        label("Your message", cls="hidden", for_="edit"),
        div(box, cls="field"),
        files,
        error,
        div(
            attach(editing.takes, urls, before=turn.files) if editing.takes else None,
            agent_choice(context.agents, editing.agent, "edit-agent") if context.agents else None,
            button("Save and send", cls="button", data_kind="primary", name="save", type="submit"),
            cancel,
            hint,
            cls="actions",
        ),
        data_text=turn.text,
        enctype="multipart/form-data" if editing.takes else None,
    )
    return article(
        h2("You, editing", cls="hidden"),
        chat_edit(form, data_limit=str(editing.limit), data_user=editing.user_key),
        id=f"turn-{turn.id}",
        cls="turn",
        data_role="user",
        data_state="completed",
        data_edit=True,
    )
