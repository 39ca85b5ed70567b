"""A JSON value as a tree that folds: large parts are closed, and very large ones are cut. As strings, for speed."""

from __future__ import annotations

import json
from html import escape
from typing import Any

from ...events import JSON
from ...text.phrases import count

_LONG = 240
_MANY = 40
_MAX_ITEMS = 200
_MAX_LENGTH = 20_000
_DEEPEST = 24


def json_tree(value: JSON, *, unfold: int = 2) -> str:
    """Return HTML that shows `value`; what is deeper than `unfold`, or large, is folded."""
    return f'<div class="json" dir="ltr">{_value(value, 0, unfold)}</div>'


def _value(value: Any, depth: int, unfold: int) -> str:
    if isinstance(value, dict | list) and value:
        return _group(value, depth, unfold)
    return _leaf(value)


def _group(value: dict[str, Any] | list[Any], depth: int, unfold: int) -> str:
    if depth >= _DEEPEST:
        return '<span class="quiet">nested too deep to show; see the JSON</span>'
    pairs = list(value.items()) if isinstance(value, dict) else list(enumerate(value))
    shown = "".join(
        f'<li><span class="key">{escape(str(key))}</span> {_value(item, depth + 1, unfold)}</li>'
        for key, item in pairs[:_MAX_ITEMS]
    )
    if len(pairs) > _MAX_ITEMS:
        shown += f'<li class="quiet">{len(pairs) - _MAX_ITEMS:,} more; see the JSON</li>'
    if depth == 0:
        return f"<ul>{shown}</ul>"
    words = count(len(pairs), "field" if isinstance(value, dict) else "item")
    is_open = " open" if depth < unfold and len(pairs) <= _MANY else ""
    return f"<details{is_open}><summary>{words}</summary><ul>{shown}</ul></details>"


def _leaf(value: Any) -> str:
    if isinstance(value, str):
        kind, text = "s", value
        if len(text) > _LONG:
            rest = f"<span class=quiet>… {len(text) - _MAX_LENGTH:,} more</span>" if len(text) > _MAX_LENGTH else ""
            head = escape(" ".join(text[:80].split()))
            return (
                f'<details><summary><span class="s">{head}…</span> <span class="quiet">{len(text):,} characters'
                f'</span></summary><pre class="s" tabindex="0">{escape(text[:_MAX_LENGTH])}{rest}</pre></details>'
            )
        return f'<span class="{kind}" dir="auto">{escape(json.dumps(text, ensure_ascii=False))}</span>'
    return f'<span class="{"m" if isinstance(value, int | float) else "k"}">{escape(json.dumps(value))}</span>'
