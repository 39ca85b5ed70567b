"""Numbers in forms: bounds of a schema as HTML attributes, and parsing of what was typed. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any

_NUMBER = re.compile(r"-?(?:[0-9]{1,400}(?:\.[0-9]{0,400})?|\.[0-9]{1,400})(?:[eE][+-]?[0-9]{1,4})?")
_LARGEST = Decimal("1.7976931348623157e308")


@dataclass(frozen=True, slots=True)
class Bounds:
    """Which numbers are right, as HTML writes it; empty is no bound.

    Attributes:
        said: The least and the most as people read them.
    """

    least: str
    most: str
    step: str
    said: str


def bounds(schema: Mapping[str, Any], *, whole: bool) -> Bounds | None:
    """Return the bounds in a schema; `None` if a field cannot have them."""
    values = {
        name: schema[name]
        for name in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
        if name in schema
    }
    if any(isinstance(each, bool) or not isinstance(each, int | float) for each in values.values()):
        return None
    if any(abs(each) > 1e300 for each in values.values()):
        return None
    over, under = values.get("exclusiveMinimum"), values.get("exclusiveMaximum")
    least, most = values.get("minimum"), values.get("maximum")
    step = _step(values.get("multipleOf"), whole=whole)
    if whole:
        least = None if least is None else math.ceil(least)
        most = None if most is None else math.floor(most)
        least = _greater(least, None if over is None else math.floor(over) + 1)
        most = _smaller(most, None if under is None else math.ceil(under) - 1)
    else:
        least = _greater(least, None if over is None else math.nextafter(over, math.inf))
        most = _smaller(most, None if under is None else math.nextafter(under, -math.inf))
    said = _said(least, most, over, under, whole=whole)
    if step is not None and step != 1 and least is not None:
        # HTML counts the steps from the least number; without one, from what the field holds at first, or 0.
        aligned = math.ceil(Fraction(least) / step) * step
        least = int(aligned) if aligned.denominator == 1 else float(aligned)
    return Bounds(_html(least), _html(most), "any" if step is None else _html(_plain(step)), said)


def number(text: str, *, whole: bool) -> int | float | None:
    """Return the number in a text; `None` if it is not a number, or not finite."""
    text = text.strip()
    if not _NUMBER.fullmatch(text):
        return None
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    if abs(value) > _LARGEST:
        return None
    if whole:
        return int(value) if value == value.to_integral_value() else None
    return int(text) if text.lstrip("-").isdigit() else float(value)


def _step(multiple: int | float | None, *, whole: bool) -> Fraction | None:
    if multiple is None or multiple <= 0:
        return Fraction(1) if whole else None
    exact = Fraction(str(multiple)) if math.isfinite(multiple) else Fraction(1)
    # Whole numbers that are multiples of a fraction are multiples of what stands above its line.
    return Fraction(exact.numerator) if whole else exact


def _plain(value: Fraction) -> int | float:
    return int(value) if value.denominator == 1 else float(value)


def _greater(one: Any, other: Any) -> Any:
    return other if one is None else one if other is None else max(one, other)


def _smaller(one: Any, other: Any) -> Any:
    return other if one is None else one if other is None else min(one, other)


def _html(value: int | float | None) -> str:
    return "" if value is None else repr(value)


def _said(least: Any, most: Any, over: Any, under: Any, *, whole: bool) -> str:
    low = f"above {_grouped(over)}" if not whole and over is not None and (least or over) > over else ""
    high = f"below {_grouped(under)}" if not whole and under is not None and (most or under) < under else ""
    if low or high:
        low = low or ("" if least is None else f"{_grouped(least)} or more")
        high = high or ("" if most is None else f"{_grouped(most)} or less")
        return " and ".join(filter(None, (low, high)))
    if least is not None and most is not None:
        return f"{_grouped(least)} to {_grouped(most)}"
    if least is not None:
        return f"{_grouped(least)} or more"
    return "" if most is None else f"{_grouped(most)} or less"


def _grouped(value: int | float) -> str:
    return f"{value:,}" if abs(value) < 1e15 else repr(value)
