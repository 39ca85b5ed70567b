"""Forms and links that work with JavaScript and without."""

from __future__ import annotations

from typing import Any

from ..html import FT, Child, tag

_form, _a, _input = tag("form"), tag("a"), tag("input")


def icon_only(words: str) -> dict[str, str]:
    """Return the attributes of a button that is only an icon: what it does is heard, and seen when it is pointed at."""
    return {"data_kind": "icon", "aria_label": words, "title": words}


def swaps(url: str, target: str) -> dict[str, str]:
    """Return the attributes of a link whose page takes the place of `target`, a CSS selector.

    Without JavaScript it takes the place of the whole page.
    """
    return {"href": url, "hx_get": url, "hx_target": target, "hx_swap": "outerHTML"}


def post_form(url: str, *children: Child, hx_swap: str = "none", **attributes: Any) -> FT:
    """Return a form that is posted to `url`.

    Args:
        hx_swap: How the response is swapped; by default only its patches, which name their targets.
    """
    return _form(*children, method="post", action=url, hx_post=url, hx_swap=hx_swap, **attributes)


def get_form(
    url: str, *children: Child, target: str, trigger: str, hx_swap: str = "outerHTML", **attributes: Any
) -> FT:
    """Return a form whose page takes the place of `target` each time that `trigger` says so, the last time counts."""
    fields = {"method": "get", "action": url, "hx_get": url, "hx_target": target, "hx_swap": hx_swap}
    return _form(*children, **fields, hx_trigger=trigger, hx_sync="this:replace", **attributes)


def submission_field(submission: str) -> FT:
    """Return the field that tells one message from the same one sent again."""
    return _input(type="hidden", name="submission", value=submission, autocomplete="off")


def get_link(url: str, *children: Child, target: str, **attributes: Any) -> FT:
    """Return a link with the attributes of `swaps`."""
    return _a(*children, **swaps(url, target), **attributes)
