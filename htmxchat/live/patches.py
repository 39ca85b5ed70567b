"""Computes the smallest patches between two versions of an element. Pure functions over HTML strings.

A `Patch` says what to do to which element; `element_patches` finds the smallest patch between two renderings of
one element. Text that grows at its end is sent as the new text alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from typing import Literal, TypeAlias

from ..html import FT, render

Swap: TypeAlias = Literal[
    "outerHTML",
    "outerMorph",
    "innerMorph",
    "innerHTML",
    "beforebegin",
    "afterbegin",
    "beforeend",
    "delete",
    "attributes",
]

_CLOSER = re.compile(r"(</[a-z0-9-]++>)(\s*+)")
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9-]*+)(?:[^<>\"']|\"[^\"]*+\"|'[^']*+')*?(/?)>")
_VOID = frozenset({"br", "col", "hr", "img", "input", "wbr"})


@dataclass(frozen=True, slots=True)
class Patch:
    """One change to the page.

    Attributes:
        target: A CSS selector.
        swap: An htmx swap style, or `attributes`: take over the attributes of the root of `html`, not its children.
        html: Safe HTML.
        path: The way down from the target to the element that changes. Each number is a child; the last one is 1. A
            selector such as `#x > :last-child` would have the browser look at everything in `#x`.
    """

    target: str
    swap: Swap
    html: str = ""
    path: tuple[int, ...] = ()


def swap(fragment: FT, how: Swap = "outerHTML") -> Patch:
    """Return the patch that swaps a fragment for the element that has its id."""
    return Patch(f"#{fragment.id}", how, render(fragment))


def say(words: str) -> Patch:
    """Return the patch that tells a screen reader something."""
    return Patch("#status", "innerHTML", escape(words))


def render_patches(patches: Iterable[Patch]) -> str:
    """Return the fragments that make htmx carry out `patches`, in order."""
    return "".join(
        f'<hx-partial hx-target="{escape(patch.target)}" hx-swap="{_how(patch)}">{patch.html}</hx-partial>'
        for patch in patches
    )


def _how(patch: Patch) -> str:
    return f"{patch.swap} path:{'-'.join(map(str, patch.path))}" if patch.path else patch.swap


def element_patches(
    target: str, old: str, new: str, *, path: tuple[int, ...] = (), otherwise: Swap = "outerHTML"
) -> list[Patch]:
    """Return what turns the element at `target` and `path`, last rendered as `old`, into `new`, one element each."""
    if old == new:
        return []
    grown = growth(old, new)
    if grown is None:
        return [Patch(target, otherwise, new, path)]
    return [Patch(target, "beforeend", inserted, path + (1,) * depth) for depth, inserted in grown]


def growth(old: str, new: str) -> list[tuple[int, str]] | None:
    """Return what makes `new` of `old` by insertions at the ends of its last elements, the innermost first.

    Each is `(depth, inserted)`: `depth` counts how far down the chain of last children the element is, 0 is the root,
    and the tags of `inserted` balance. `None` if that is not all that changed.
    """
    ends, start = _closers(old)
    if not ends or not new.startswith(old[:start]):
        return None
    rest = new[start:]
    insertions: list[tuple[int, str]] = []
    for depth, (closer, space) in zip(reversed(range(len(ends))), ends, strict=True):
        cut = _first_unmatched(rest)
        if cut is None or not rest.startswith(closer + space, cut):
            return None
        if cut:
            insertions.append((depth, rest[:cut]))
        rest = rest[cut + len(closer) + len(space) :]
    return None if rest else insertions


def _closers(html: str) -> tuple[list[tuple[str, str]], int]:
    """Return the closing tags at the end, each with the white space after it, and where they begin."""
    ends: list[tuple[str, str]] = []
    start = len(html)
    while found := _CLOSER.fullmatch(html, max(0, html.rfind("<", 0, start)), start):
        ends.append((found[1], found[2]))
        start = found.start()
    return ends[::-1], start


def _first_unmatched(html: str) -> int | None:
    """Return where the first closing tag stands that closes nothing in `html`; `None` if the tags do not nest."""
    open_tags: list[str] = []
    for tag in _TAG.finditer(html):
        closing, name = tag.group(1), tag.group(2).lower()
        if closing:
            if not open_tags:
                return tag.start()
            if open_tags.pop() != name:
                return None
        elif name not in _VOID and not tag.group(3):
            open_tags.append(name)
    return None
