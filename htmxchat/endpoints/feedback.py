"""What a user thinks of an answer: kept, told to the host, counted."""

from __future__ import annotations

import logging
from typing import cast

import anyio
from starlette.responses import Response

from .. import checks
from ..backends.containment import contained
from ..errors import BadRequest
from ..feedback import RATINGS, Feedback, Rating
from ..feedback.ability import KeepsFeedback
from ..fragments.turns.context import TurnContext
from ..fragments.turns.feedback import comment_box, rate_form
from ..html import render
from ..live.patches import Patch, say
from ..observing import log_feedback
from .call import CHANGED, Call, endpoint, patches_response, see_other

_log = logging.getLogger("htmxchat")
_NONE = "none"


@endpoint
async def give(call: Call) -> Response:
    """Rate an answer, comment on it, or take both back. A comment alone keeps the rating, and a rating the comment."""
    call.backend.require(KeepsFeedback)
    form, run = await call.form(), call.run
    rating = form.get("rating")
    if rating not in (*RATINGS, _NONE):
        raise BadRequest("The field rating says up, down or none.")
    comment = call.usable(form["comment"].strip(), empty=True) if "comment" in form else None
    wanted = None if rating == _NONE else cast(Rating, rating)
    given = await call.backend.give_feedback(run.id, wanted, comment)
    log_feedback(run.id, run.conversation_id, call.user.id, given)
    call.chat.observer.feedback(given.rating if given else _NONE)
    await _deliver(call, given)
    if not call.fragment:
        return see_other(call.urls.conversation(run.conversation_id, run.id))
    opens = comment is None and rating == "down" and given is not None and not given.comment
    # A form that was sent folds.
    folds = [Patch(f"#say-{run.id}", "delete")] if comment is not None else []
    shown = feedback_patches(run.id, given, call.turn_context, opened=opens)
    return patches_response([*folds, *shown, say(_sentence(given, comment))], CHANGED)


def feedback_patches(run_id: str, given: Feedback | None, context: TurnContext, *, opened: bool = False) -> list[Patch]:
    """Return what shows the feedback on an answer."""
    return [
        Patch(f"#rate-{run_id}", "outerMorph", render(rate_form(run_id, given, context))),
        Patch(f"#feedback-{run_id}", "outerMorph", render(comment_box(run_id, given, context, opened=opened))),
    ]


def _sentence(given: Feedback | None, comment: str | None) -> str:
    if given is None:
        return "Feedback removed."
    if comment is not None:
        return "Comment saved." if given.comment else "Comment removed."
    return "Rated as good." if given.rating == "up" else "Rated as bad. You can say what was wrong."


async def _deliver(call: Call, given: Feedback | None) -> None:
    """Tell the host. What it does with it changes nothing of what is kept."""
    tell = call.chat.settings.feedback
    if not tell:
        return

    async def told() -> None:
        if checks.is_async(tell):
            await tell(call.user, call.run, given)  # type: ignore[misc]
        else:
            await anyio.to_thread.run_sync(tell, call.user, call.run, given, abandon_on_cancel=True)

    try:
        with anyio.fail_after(call.chat.settings.limits.backend_timeout):
            await contained(told())
    except Exception:
        _log.exception("The function for feedback failed; the feedback of run %s is kept", call.run.id)
