"""Which version of a turn is shown, and the way to the one before it and the one after it.

Hooks: `.versions` with `button[name=earlier]` and `button[name=later]`.
"""

from __future__ import annotations

from ...html import FT, Child, icon, tag
from ...models import Turn
from ..controls import icon_only, post_form
from .context import TurnContext

button, div, input_, p, span = map(tag, ["button", "div", "input", "p", "span"])


def versions(turn: Turn, context: TurnContext) -> FT | None:
    """Return what shows another version of a turn; `None` when there is no other, or none can be shown.

    What it has is called by the first version, so that it is the same for all of them: it keeps the focus.
    """
    if not context.branching or len(turn.versions) < 2:
        return None
    place, group = turn.versions.index(turn.id), turn.versions[0]
    return div(
        _way("earlier", "Version before", "back", place - 1, turn, context),
        span(f"{place + 1}/{len(turn.versions)}", cls="num"),
        _way("later", "Version after", "forth", place + 1, turn, context),
        p(id=f"versions-said-{group}", cls="refused", role="alert"),
        cls="versions",
        id=f"versions-{group}",
        role="group",
        aria_label=f"Version {place + 1} of {len(turn.versions)}",
    )


def _way(name: str, words: str, shape: str, to: int, turn: Turn, context: TurnContext) -> FT:
    group = turn.versions[0]
    shown: Child = icon(shape)
    there = 0 <= to < len(turn.versions)
    press = button(
        shown,
        cls="button",
        name=name,
        value=group,
        type="submit" if there else "button",
        id=f"{name}-{group}",
        aria_disabled=None if there else "true",
        **icon_only(words if there else f"No {name} version"),
    )
    if not there:
        return press
    return post_form(
        context.urls.show_version(context.branching),
        input_(type="hidden", name="version", value=turn.versions[to]),
        input_(type="hidden", name="shown", value=turn.id),
        input_(type="hidden", name="group", value=group),
        press,
    )
