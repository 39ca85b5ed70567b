"""Changes to a page, as small as they can be. Pure functions over HTML strings.

A `Patch` says what to do to which element; `element_patches` finds the smallest patch between two renderings of
one element. Text that grows at its end is sent as the new text alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from typing import Literal, TypeAlias

Swap: TypeAlias = Literal["outerHTML", "outerMorph", "innerHTML", "beforeend", "delete", "attributes"]

_CLOSERS = re.compile(r"(?:</[a-z0-9-]+>\s*)+\Z")
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9-]*)(?:[^<>\"']|\"[^\"]*\"|'[^']*')*?(/?)>")
_VOID = frozenset({"br", "col", "hr", "img", "input", "wbr"})


@dataclass(frozen=True, slots=True)
class Patch:
    """One change to the page.

    Attributes:
        target: A CSS selector.
        swap: An htmx swap style, or `attributes`: take over the attributes of the root of `html`, not its children.
        html: Safe HTML.
    """

    target: str
    swap: Swap
    html: str = ""


def render_patches(patches: Iterable[Patch]) -> str:
    """Return the fragments that make htmx carry out `patches`, in order."""
    return "".join(
        f'<hx-partial hx-target="{escape(patch.target)}" hx-swap="{patch.swap}">{patch.html}</hx-partial>'
        for patch in patches
    )


def element_patches(target: str, old: str, new: str, *, otherwise: Swap = "outerHTML") -> list[Patch]:
    """Return what turns the element at `target`, last rendered as `old`, into `new`; both are one element each."""
    if old == new:
        return []
    grown = growth(old, new)
    if grown is None:
        return [Patch(target, otherwise, new)]
    depth, inserted = grown
    return [Patch(target + " > :last-child" * depth, "beforeend", inserted)]


def growth(old: str, new: str) -> tuple[int, str] | None:
    """Return `(depth, inserted)` if `new` is `old` with something inserted at the end of an element that is last.

    `depth` counts how far down the chain of last children that element is: 0 is the root. `None` if there is no such
    insertion, or if what was inserted does not stand for itself (its tags do not balance).
    """
    closers = _CLOSERS.search(old)
    if closers is None:
        return None
    ends = [closers.start() + tag.start() for tag in re.finditer(r"</", closers.group())]
    for index, end in enumerate(ends):
        if new.startswith(old[:end]) and new.endswith(old[end:]) and len(new) >= len(old):
            inserted = new[end : len(new) - (len(old) - end)]
            if _balanced(inserted):
                return len(ends) - 1 - index, inserted
    return None


def _balanced(html: str) -> bool:
    open_tags: list[str] = []
    for tag in _TAG.finditer(html):
        closing, name = tag.group(1), tag.group(2).lower()
        if closing:
            if not open_tags or open_tags.pop() != name:
                return False
        elif name not in _VOID and not tag.group(3):
            open_tags.append(name)
    return not open_tags
