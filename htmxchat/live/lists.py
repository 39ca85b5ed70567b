"""Patches for a list on the page whose items have ids. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

from .patches import Patch, element_patches

T = TypeVar("T")


def list_patches(
    target: str,
    old: Mapping[str, T],
    new: Mapping[str, T],
    *,
    draw: Callable[[T], str],
    change: Callable[[str, T, T], list[Patch]] | None = None,
) -> list[Patch]:
    """Return what turns the items `old` of the list at `target` into `new`.

    Both are items by the ids of their elements, in order. Items that stand before all of these may be left out of both,
    so that a list that grows at its end costs what is new.

    Args:
        draw: Returns an item's HTML, one element with its id.
        change: Returns what turns an item, at a selector, into another; by default what differs in its HTML.
    """
    places = {id: place for place, id in enumerate(old)}
    common = [id for id in new if id in old]
    stays = {common[place] for place in _longest_rise([places[id] for id in common])}
    patches = [Patch(f"#{id}", "delete") for id in old if id not in stays]
    for before, items in _inserted(new, stays):
        html = "".join(draw(new[id]) for id in items)
        patches.append(Patch(target, "beforeend", html) if before is None else Patch(f"#{before}", "beforebegin", html))
    for id in new:
        if id in stays and old[id] != new[id]:
            place = f"#{id}"
            if change is None:
                patches += element_patches(place, draw(old[id]), draw(new[id]))
            else:
                patches += change(place, old[id], new[id])
    return patches


def _inserted(new: Iterable[str], stays: set[str]) -> Iterator[tuple[str | None, list[str]]]:
    """Yield neighbours that come new, each time with the item before which they stand; `None` is the end."""
    fresh: list[str] = []
    for id in new:
        if id not in stays:
            fresh.append(id)
        elif fresh:
            yield id, fresh
            fresh = []
    if fresh:
        yield None, fresh


def _longest_rise(numbers: Sequence[int]) -> list[int]:
    """Return where the numbers of a longest rising subsequence stand."""
    least: list[int] = []  # the least number that ends a rise of each length, and where it stands
    places: list[int] = []
    before: list[int] = []
    for place, number in enumerate(numbers):
        length = bisect_left(least, number)
        least[length : length + 1] = [number]
        places[length : length + 1] = [place]
        before.append(places[length - 1] if length else -1)
    found: list[int] = []
    place = places[-1] if places else -1
    while place >= 0:
        found.append(place)
        place = before[place]
    return found[::-1]
