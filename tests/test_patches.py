"""Patches turn one rendering into another with as little as possible."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from htmxchat.live.patches import Patch, element_patches, growth, render_patches
from htmxchat.text.markdown import Markdown


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("<p>a</p>", "<p>a b</p>", [(0, " b")]),
        ("<p>a</p>", "<p>a <em>b</em></p>", [(0, " <em>b</em>")]),
        ("<p>a <b>x</b></p>", "<p>a <b>x y</b></p>", [(1, " y")]),
        ("<p>a <b>x</b></p>", "<p>a <b>x</b> y</p>", [(0, " y")]),
        ("<ul><li>a</li></ul>", "<ul><li>a</li><li>b</li></ul>", [(0, "<li>b</li>")]),
        ("<ul><li>a</li></ul>", "<ul><li>ab</li></ul>", [(1, "b")]),
        ("<ul>\n<li>a</li>\n</ul>", "<ul>\n<li>ab</li>\n</ul>", [(1, "b")]),
        ("<p></p>", "<p>a<br>b</p>", [(0, "a<br>b")]),
        ("<ul><li>a</li></ul>", "<ul><li>ab</li><li>c</li></ul>", [(1, "b"), (0, "<li>c</li>")]),
        (
            "<ul><li><p>a</p></li></ul>",
            "<ul><li><p>ab</p><p>c</p></li><li>d</li></ul>",
            [(2, "b"), (1, "<p>c</p>"), (0, "<li>d</li>")],
        ),
    ],
)
def test_text_that_grows_at_the_ends_of_elements_is_sent_alone(
    old: str, new: str, expected: list[tuple[int, str]]
) -> None:
    assert growth(old, new) == expected


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<p>a</p>", "<h3>a</h3>"),
        ("<p>*a</p>", "<p><em>a</em></p>"),
        ("<p>a</p>", "<p>a</p><p>b</p>"),
        ("<p>a b</p>", "<p>a</p>"),
        ("<p><b>a</b></p>", "<p>a</p>"),
        ("a", "ab"),
    ],
)
def test_a_change_that_is_no_growth_replaces_the_element(old: str, new: str) -> None:
    assert growth(old, new) is None
    assert element_patches("#x", old, new) == [Patch("#x", "outerHTML", new)]


def test_nothing_is_sent_when_nothing_changed() -> None:
    assert element_patches("#x", "<p>a</p>", "<p>a</p>") == []


def test_a_growth_deep_in_the_element_is_addressed_through_its_last_children() -> None:
    old, new = "<ul><li><p>a</p></li></ul>", "<ul><li><p>ab</p></li></ul>"
    assert element_patches("#x", old, new) == [Patch("#x", "beforeend", "b", (1, 1))]


def test_a_target_cannot_leave_its_attribute() -> None:
    html = render_patches([Patch('#a"><script>', "outerHTML", "<p>x</p>")])
    assert html == '<hx-partial hx-target="#a&quot;&gt;&lt;script&gt;" hx-swap="outerHTML"><p>x</p></hx-partial>'


class _Tree(HTMLParser):
    """Parses HTML into nested lists, with neighbouring text joined."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.root: list[object] = []
        self._stack = [self.root]
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element: list[object] = [(tag, tuple(attrs))]
        self._stack[-1].append(element)
        if tag not in ("br", "hr", "img", "input", "wbr"):
            self._stack.append(element)

    def handle_endtag(self, tag: str) -> None:
        if tag not in ("br", "hr", "img", "input", "wbr"):
            self._stack.pop()

    def handle_data(self, data: str) -> None:
        top = self._stack[-1]
        if top and isinstance(top[-1], str):
            top[-1] += data
        else:
            top.append(data)


PIECES = ["a ", "**b** ", "`c` ", "\n- d", "\n", "\n\n", "& < ", "_e_", "| f |", "\n1. g", "~~h~~", "> i "]


def _patched(old: str, patches: list[Patch]) -> list[object]:
    """Apply insertions as htmx does: all targets are found before anything is inserted."""
    tree = _Tree(old).root
    targets = []
    for patch in patches:
        element = tree[0]
        for step in patch.path:
            assert step == 1
            assert isinstance(element, list)
            element = [child for child in element if isinstance(child, list)][-1]
        assert isinstance(element, list)
        targets.append(element)
    for element, patch in zip(targets, patches, strict=True):
        for child in _Tree(patch.html).root:
            if isinstance(child, str) and isinstance(element[-1], str):
                element[-1] += child
            else:
                element.append(child)
    return tree


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.lists(st.sampled_from(PIECES), max_size=12))
def test_a_grown_element_is_what_a_whole_rendering_gives(pieces: list[str]) -> None:
    markdown = Markdown()
    for end in range(1, len(pieces)):
        before, after = markdown.blocks("".join(pieces[:end])), markdown.blocks("".join(pieces[: end + 1]))
        if len(before) != 1 or len(after) != 1:
            continue
        patches = element_patches("", before[0], after[0])
        if all(patch.swap == "beforeend" for patch in patches):
            assert _patched(before[0], patches) == _Tree(after[0]).root
