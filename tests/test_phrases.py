"""Numbers, durations and long texts as a person reads them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from htmxchat.text.phrases import between, count, cut, duration


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-1, "0.00 s"),
        (0.414, "0.41 s"),
        (0.996, "1.0 s"),
        (2.61, "2.6 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min 0 s"),
        (125, "2 min 5 s"),
        (3_599.4, "59 min 59 s"),
        (3_599.6, "1 h 0 min"),
        (3 * 3_600 + 12 * 60 + 29, "3 h 12 min"),
        (86_399, "1 day 0 h"),
        (28 * 3_600, "1 day 4 h"),
        (50 * 3_600, "2 days 2 h"),
    ],
)
def test_a_duration_has_two_units_at_most(seconds: float, words: str) -> None:
    assert duration(seconds) == words
    start = datetime(2030, 1, 1, tzinfo=UTC)
    assert between(start, start + timedelta(seconds=seconds)) == words


def test_only_one_is_singular() -> None:
    assert [count(number, "row") for number in (0, 1, 2, 1_000)] == ["0 rows", "1 row", "2 rows", "1,000 rows"]


def test_what_is_cut_ends_with_an_ellipsis_and_fits() -> None:
    assert cut("abcd", 4) == "abcd"
    assert cut("abcde", 4) == "abc…"
    assert cut("ab  cde", 5) == "ab…"
