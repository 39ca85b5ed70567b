"""What is remembered, and what is forgotten first."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from htmxchat.latest import Latest


def test_what_was_not_used_for_longest_is_forgotten_first() -> None:
    latest: Latest[str, int] = Latest(2)
    latest.put("a", 1)
    latest.put("b", 2)
    assert latest.get("a") == 1 and latest.oldest() == ("b", 2)
    latest.put("c", 3)
    assert latest.get("b") is None and "a" in latest and len(latest) == 2
    assert latest.pop("a") == 1 and latest.pop("a") is None and latest.oldest() == ("c", 3)


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abcd"), st.binary(max_size=9))))
def test_entries_weigh_no_more_than_they_may(puts: list[tuple[str, bytes]]) -> None:
    latest: Latest[str, bytes] = Latest(12, len)
    for key, value in puts:
        latest.put(key, value)
        assert latest.get(key) == value and latest.weight <= 12
    there = [kept for key in "abcd" if (kept := latest.get(key)) is not None]
    assert latest.weight == sum(map(len, there))


def test_what_weighs_more_than_all_may_is_not_kept() -> None:
    latest: Latest[str, str] = Latest(3, len)
    latest.put("a", "abc")
    latest.put("b", "abcd")
    assert len(latest) == 0 and latest.weight == 0 and latest.oldest() is None
