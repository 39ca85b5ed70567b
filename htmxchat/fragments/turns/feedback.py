"""What the user thinks of an answer: two buttons in the row below it, and a comment below that row.

Hooks: `form.rate` with two `button[name=rating]`, of which `aria-pressed` says which was given; `.feedback` with
`textarea[name=comment]` once there is one.
"""

from __future__ import annotations

from ...feedback import Feedback, Rating
from ...html import FT, Child, icon, tag
from ...scripts.states import digest
from ..controls import icon_only, post_form
from .context import TurnContext

button, details, div, input_, p, span = map(tag, ["button", "details", "div", "input", "p", "span"])
summary, textarea = tag("summary"), tag("textarea")

_ASKED: dict[Rating, str] = {"up": "What was good?", "down": "What was wrong?"}
_SHAPES: dict[Rating, str] = {"up": "good", "down": "bad"}


def rate_form(run_id: str, given: Feedback | None, context: TurnContext) -> FT:
    """Return the two buttons. A press of the one that is pressed takes the feedback back."""
    return post_form(
        context.urls.feedback(run_id),
        _press(run_id, "up", "Good answer", given),
        _press(run_id, "down", "Bad answer", given),
        cls="rate",
        id=f"rate-{run_id}",
        data_revision=feedback_tag(given) or None,
    )


def comment_box(run_id: str, given: Feedback | None, context: TurnContext, *, opened: bool = False) -> FT:
    """Return the comment with the form that changes it; empty before the answer was rated.

    Args:
        opened: Whether the form is unfolded. On a page that is loaded it never is.
    """
    return div(_comment(run_id, given, context, opened) if given else None, cls="feedback", id=f"feedback-{run_id}")


def feedback_tag(given: Feedback | None) -> str:
    """Return what tells one feedback from another; empty without any."""
    return f"{given.rating}-{digest(given.comment)[:8]}" if given else ""


def shown_feedback(run_id: str, given: Feedback | None) -> str:
    """Return what a page that shows this feedback says of it."""
    return f"{run_id[:8]}.{feedback_tag(given)}"


def _press(run_id: str, rating: Rating, words: str, given: Feedback | None) -> FT:
    pressed = given is not None and given.rating == rating
    return button(
        icon(_SHAPES[rating]),
        cls="button",
        name="rating",
        value="none" if pressed else rating,
        type="submit",
        id=f"{_SHAPES[rating]}-{run_id}",
        aria_pressed=str(pressed).lower(),
        **icon_only(words),
    )


def _comment(run_id: str, given: Feedback, context: TurnContext, opened: bool) -> list[Child]:
    asked = _ASKED[given.rating]
    head: Child = [span(asked), span("Optional", cls="optional")]
    if given.comment:
        head = span("Change the comment")
    form = post_form(
        context.urls.feedback(run_id),
        input_(type="hidden", name="rating", value=given.rating),
        textarea(given.comment, name="comment", rows="2", dir="auto", aria_label=asked, id=f"comment-{run_id}"),
        div(button("Send feedback", cls="button", type="submit"), span("Stored with the answer"), cls="actions"),
    )
    said = p(given.comment, cls="said", dir="auto") if given.comment else None
    return [said, details(summary(head), form, id=f"say-{run_id}", open=opened or None)]
