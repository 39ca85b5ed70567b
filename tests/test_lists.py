"""Lists whose items have ids: the patches between two of them make the one of the other."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from htmxchat.live.lists import list_patches
from htmxchat.live.patches import Patch, render_patches
from tests.support import Element, parse


def draw(item: tuple[str, str]) -> str:
    id, words = item
    return f'<p id="{id}">{words}</p>'


def items(*named: str) -> dict[str, tuple[str, str]]:
    """Return items: "a" or, with words in it, "a:words"."""
    return {id: (id, words) for id, _, words in (each.partition(":") for each in named)}


def patches(old: dict[str, tuple[str, str]], new: dict[str, tuple[str, str]]) -> list[Patch]:
    return list_patches("#list", old, new, draw=draw)


def page(*groups: dict[str, tuple[str, str]]) -> Element:
    return parse(f'<div id="list">{"".join(draw(item) for group in groups for item in group.values())}</div>')


ITEMS = st.dictionaries(st.sampled_from("abcdefghij"), st.sampled_from(["", "one", "one two"]), max_size=10).map(
    lambda found: {id: (id, words) for id, words in found.items()}
)


@given(ITEMS, ITEMS)
def test_what_changes_makes_the_new_list_of_the_old(
    old: dict[str, tuple[str, str]], new: dict[str, tuple[str, str]]
) -> None:
    shown = page(old)
    shown.apply(render_patches(patches(old, new)))
    assert shown.html == page(new).html


@given(ITEMS, ITEMS)
def test_what_stands_before_need_not_be_given(old: dict[str, tuple[str, str]], new: dict[str, tuple[str, str]]) -> None:
    before = items("x:settled", "y:settled")
    shown = page(before, old)
    shown.apply(render_patches(patches(old, new)))
    assert shown.html == page(before, new).html


def test_what_stays_is_not_sent() -> None:
    assert patches(items("a", "b"), items("a", "b")) == []
    assert patches(items("a", "b"), items("a", "b", "c")) == [Patch("#list", "beforeend", '<p id="c"></p>')]
    assert patches(items("a", "b", "c"), items("a", "c")) == [Patch("#b", "delete")]


def test_what_grows_is_sent_as_what_is_new() -> None:
    assert patches(items("a:one"), items("a:one two")) == [Patch("#a", "beforeend", " two")]


def test_one_that_comes_to_the_top_moves_alone() -> None:
    found = patches(items("a", "b", "c", "d"), items("d", "a", "b", "c"))
    assert found == [Patch("#d", "delete"), Patch("#a", "beforebegin", '<p id="d"></p>')]
